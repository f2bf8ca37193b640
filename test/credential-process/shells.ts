// The shells that a launcher may have to run under, and a store with a launcher in it.
import { spawnSync } from "node:child_process";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLauncherScript, type Installation } from "../../src/credential-process/launcher.ts";
import { encodeFileName } from "../../src/store/paths.ts";
import { temporaryFolder } from "../helpers/world.ts";

export interface Shell {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly isThere: boolean;
}

function shell(name: string, ...flags: readonly string[]): Shell {
  // Its path, because tests change PATH.
  const { stdout } = spawnSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" });
  const path = stdout.trim();
  return { name: [name, ...flags].join(" "), command: [path || name, ...flags], isThere: path !== "" };
}

/** Each of them is /bin/sh somewhere. Where one is missing its tests are skipped, except for the first two. */
export const shells: readonly Shell[] = [
  { ...shell("dash"), isThere: true },
  { ...shell("bash"), isThere: true },
  shell("bash", "--posix"),
  shell("busybox", "sh"),
  shell("ksh"),
  shell("mksh"),
  shell("zsh", "--emulate", "sh"),
];

/** As an SDK gets it. */
export const answer =
  '{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"s3cr3t/+=","SessionToken":"t0k3n","Expiration":"2100-01-31T09:00:00Z"}';

/** As far away as AWS allows: 36 hours. */
export const always = Math.floor(Date.now() / 1000) + 129_600;

/** A store in which the profile `work` has a session, and a Node.js that tells what it was called with. */
export interface Place extends Installation {
  readonly launcher: string;
  readonly session: string;
}

export function makePlace(folder = temporaryFolder()): Place {
  const aws = join(folder, "aws");
  mkdirSync(aws, { recursive: true });
  const paths = { config: join(aws, "config"), credentials: join(aws, "credentials") };
  const node = join(folder, "node");
  writeFileSync(node, `#!/bin/sh\necho handed over\nprintf '<%s>\\n' "$@"\n`, { mode: 0o755 });
  const program = join(folder, "program");
  for (const file of [paths.config, paths.credentials, program]) writeFileSync(file, "");
  const installation = { store: join(folder, "fob"), paths, node, program };
  mkdirSync(join(installation.store, "sessions"), { recursive: true });
  const launcher = join(folder, "launcher");
  writeLauncher(launcher, installation);
  const place = { ...installation, launcher, session: sessionPath(installation.store, "work") };
  for (const file of [paths.config, paths.credentials]) setTime(file, 1_000_000);
  writeSession(place, "work");
  return place;
}

export const writeLauncher = (path: string, installation: Installation): void =>
  writeFileSync(path, createLauncherScript(installation), { mode: 0o700 });

const sessionPath = (store: string, profile: string): string => join(store, "sessions", encodeFileName(profile));

export function writeSession({ store }: Place, profile: string, text = sessionText(always, profile)): void {
  const path = sessionPath(store, profile);
  writeFileSync(path, text, { mode: 0o600 });
  setTime(path, 1_000_100);
}

/** Line 3 of a session file, as far as a launcher reads it. */
export const about = (endpoint = ""): string => JSON.stringify({ installedFor: endpoint, writtenTo: [] });

export const sessionText = (second: number | string, profile = "work", endpoint = ""): string =>
  `fob1 ${second} ${profile}\n${answer}\n${about(endpoint)}\n`;

/** When a file was changed, in seconds since 1970. */
export const setTime = (path: string, second: number): void => utimesSync(path, second, second);

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a launcher with a shell; with nothing in the environment but PATH, unless that is said. */
export function runLauncher(
  { command: [file, ...flags] }: Shell,
  { launcher }: Place,
  args: readonly string[] = ["work"],
  env: Readonly<Record<string, string>> = {},
): Answer {
  const { status, stdout, stderr } = spawnSync(file, [...flags, launcher, ...args], {
    env: { PATH: process.env.PATH, ...env },
    encoding: "utf8",
    timeout: 10_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, stdout, stderr };
}

export const fromFile: Answer = { status: 0, stdout: `${answer}\n`, stderr: "" };
