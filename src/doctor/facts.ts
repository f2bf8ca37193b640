// What `fob doctor` knows: everything is read once, before the checks reason about it.
import type { Device } from "../aws/arn.ts";
import type { OwnAccessKey } from "../aws/types.ts";
import type { Environment } from "../environment-variables.ts";
import type { FobError } from "../errors.ts";
import type { Known } from "../iam/snapshot.ts";
import type { AwsFile, AwsFiles } from "../profiles/files.ts";
import type { FileKind } from "../profiles/scan.ts";
import type { StatusEntry } from "../session/status.ts";

export interface Facts {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** The user's number; undefined on Windows. */
  readonly user: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Each of the two files, or why it cannot be read. */
  readonly each: Readonly<Record<FileKind, AwsFile | FobError>>;
  /** Both of them. */
  readonly files: Known<AwsFiles>;
  /** The names of all profiles. */
  readonly profiles: readonly string[];
  /** Files and folders that hold credentials or settings, and are there. */
  readonly places: readonly Place[];
  /** Places that could not be looked at, with the reason. */
  readonly hidden: readonly string[];
  /** The sessions that `fob status` shows. */
  readonly sessions: Known<readonly StatusEntry[]>;
  /** The names of the session profiles that fob has a session for, and of those sessions' source profiles. */
  readonly fobSessions: readonly { readonly profile: string; readonly source: string | undefined }[];
  readonly launcher: Known<Launcher | undefined>;
  /** Profiles whose credential_process is a program of fob's that is not there, with its path. */
  readonly withoutProgram: readonly { readonly profile: string; readonly path: string }[];
  /** The variables that give paths instead of the usual AWS files, where the file is not there. */
  readonly missingFiles: readonly string[];
  readonly programs: Programs;
  readonly answers: Known<Answers>;
}

export interface Place {
  readonly path: string;
  readonly what: "the credentials file" | "the config file" | "a folder of fob's" | "a file of fob's" | "a backup";
  /** Whether it holds secrets, so that others should not be able to read it. */
  readonly isSecret: boolean;
  readonly isFolder: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  /** Who else can write it or put another in its place, in words. */
  readonly writers: string | undefined;
}

export interface Launcher {
  readonly path: string;
  /** What it starts, as far as that is gone. */
  readonly gone: readonly string[];
  /** Whether this fob can write one that works: it is not in npx's cache. */
  readonly canRepair: boolean;
}

/** What AWS answers; "failure" is what will not pass by itself. */
export type Answer<T> = Known<T> | { readonly failure: FobError };

export interface Answers {
  /** Each place once, or several times the same. */
  readonly reached: readonly Reach[];
  readonly sources: readonly SourceFacts[];
  /** Source profiles beyond those that AWS was asked about. */
  readonly notAsked: readonly string[];
  /** Whether AWS takes the credentials of sessions that do not say when they expire, by profile. */
  readonly endless: readonly { readonly profile: string; readonly answer: Answer<unknown> }[];
}

/** An attempt to reach STS. */
export interface Reach {
  /** For messages. */
  readonly host: string;
  /** How far this computer's clock is ahead, in milliseconds; undefined where the answer had no time. */
  readonly answer: Answer<number | undefined>;
}

/** What AWS says about a source profile. */
export interface SourceFacts {
  readonly profile: string;
  readonly accessKeyId: string | undefined;
  /** The device that is configured. */
  readonly device: Device | undefined;
  /** What keeps the profile from being used. */
  readonly settings: FobError | undefined;
  /** The passkey or security key that is configured: then that is what is wrong with the settings. */
  readonly fido: string | undefined;
  readonly reached: Reach;
  readonly identity: Answer<{ readonly arn: string | undefined }>;
  readonly devices: Answer<readonly Device[]>;
  readonly keys: Answer<readonly OwnAccessKey[]>;
  /** Whether AWS denies the user to list access keys, also with a session. */
  readonly mayNotListKeys: boolean;
}

export interface Programs {
  /** The Node.js that runs fob: `20.20.2`. */
  readonly node: string;
  /** What `aws --version` prints; undefined where there is no such program. */
  readonly aws: Known<string | undefined>;
}
