// What sessions use of the world. The command line makes one for a command and passes it down unchanged; what differs
// from call to call is an argument.
import type { ShowWhile } from "../aws/connection.ts";
import type { MfaCodeProvider } from "../codes/sources.ts";
import type { Choose } from "../devices/choose.ts";
import type { Environment } from "../environment-variables.ts";
import type { Keychain } from "../keys/keychain.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import type { WritableStore } from "../store/write.ts";
import type { TypedCommand } from "../typed-command.ts";

export interface SessionContext {
  readonly env: Environment;
  readonly home: string;
  readonly paths: AwsFilePaths;
  readonly store: WritableStore;
  readonly keychain: Keychain;
  /** What the user typed, for hints. */
  readonly typed: TypedCommand;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, or when the signal ends it. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly note: (message: string) => void;
  readonly warn: (message: string) => void;
  /** Only with --debug. */
  readonly debug: (message: string) => void;
  /** Tells the user what they are waiting for. */
  readonly showWhile: ShowWhile;
  /** How to prompt the user; undefined if that is not possible. */
  readonly prompter: () => Prompter | undefined;
  /** Whether there is a terminal on which nothing can be asked, because the process is in the background there. */
  readonly isInBackground: () => boolean;
  /** The program that waits for the credentials, where it is not the user. */
  readonly program?: string | undefined;
  /** A configured command that prints codes. */
  readonly commandProvider: (command: string, profile: string) => MfaCodeProvider;
}

export interface Prompter extends MfaCodeProvider {
  /** Where there is a way to choose. */
  readonly choose?: Choose;
}

/** Where a word about waiting would be drawn over something else, or has no reader. */
export const showNothing: ShowWhile = (_, work) => work;
