// Where token codes come from.
import { addAbortSignal, type Readable } from "node:stream";
import { getUserName } from "../aws/arn.ts";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, FobError, UsageError } from "../errors.ts";
import { SCRIPT_PATIENCE } from "../files/lock.ts";
import { readCommandOutput } from "../subprocess.ts";
import { shorten } from "../terminal/table.ts";
import type { TerminalDescriptors } from "../terminal/tty.ts";
import { escapeControlCharacters, quote } from "../text.ts";
import { readCode } from "./code.ts";

/** Whose code is asked for, as far as that is known. */
export interface CodeOwner {
  /** The source profile. */
  readonly profile: string;
  readonly serialNumber: string;
  /** The name of the IAM user, and the account's number and alias. */
  readonly user?: string | undefined;
  readonly account?: string | undefined;
  readonly alias?: string | undefined;
  /** The program that waits for the credentials, where it is not the user. */
  readonly program?: string | undefined;
  /** The command line by which they can give it on a terminal. */
  readonly login: string;
}

export interface CodeQuestion extends CodeOwner {
  /** Why it is asked (again), in lines. */
  readonly again?: string | undefined;
  /** Ends the question. */
  readonly signal: AbortSignal;
}

export interface MfaCodeProvider {
  /** Whether another code can be had after a wrong one. */
  readonly canAskAgain: boolean;
  /** Whether it gives another code without being asked by a person, once the device shows the next one. */
  readonly givesNextCode?: boolean;
  /** @returns six digits @throws FobError, CancelledError */
  ask(question: CodeQuestion): Promise<string>;
}

/** For how long to wait: a user who can be prompted waits as long as they like; a script may have a time limit. */
export function patienceOf(codes: MfaCodeProvider | undefined): number {
  return codes?.canAskAgain ? Number.POSITIVE_INFINITY : SCRIPT_PATIENCE;
}

/**
 * The question itself: `Code for alice @ 123456789012 (work)`, or `Code for alice @ acme (123456789012, work)`. Authenticators show a virtual device as `NAME@ACCOUNT`, so
 * the device's name stands for a user who is not known yet, and beside one with another name.
 */
export function formatQuestion({ profile, serialNumber, user, account, alias }: CodeOwner): string {
  const device = getUserName(serialNumber);
  const isVirtual = device !== serialNumber;
  const name = user ?? (isVirtual ? device : undefined);
  const isAliased = account !== undefined && alias !== undefined && alias !== "";
  const shown = isAliased ? shorten(alias, LONGEST_ALIAS) : account;
  const owner = [...(name === undefined ? [] : [name]), ...(shown === undefined ? [] : [`@ ${shown}`])];
  const about = [
    ...(isAliased ? [account] : []),
    ...(owner.length > 0 ? [profile] : []),
    ...(device === name ? [] : [`device ${device}`]),
  ];
  const who = owner.length > 0 ? owner.join(" ") : profile;
  return escapeControlCharacters(`Code for ${who}${about.length > 0 ? ` (${about.join(", ")})` : ""}`);
}

/** Columns: the account's number is beside it. */
const LONGEST_ALIAS = 24;

/** `--code`. @throws UsageError */
export function createOptionProvider(text: string): MfaCodeProvider {
  const code = checkCode(text, "you typed", (problem) => new UsageError(`--code: ${problem}`, "usage: --code 123456"));
  return { canAskAgain: false, ask: () => Promise.resolve(code) };
}

/** `--code-stdin`: everything up to the end of the stream, or its first line. */
export function createStdinProvider(stdin: Readable): MfaCodeProvider {
  return {
    canAskAgain: false,
    async ask({ signal }) {
      const line = await readFirstLine(stdin, signal);
      return checkCode(
        line,
        "stdin has",
        (problem) => new FobError(`no code on stdin: ${problem}`, "expected one line with six digits"),
      );
    },
  };
}

/** Does some work with the terminal, or with undefined without one. */
export type LendTerminal = (
  signal: AbortSignal,
  work: (terminal: TerminalDescriptors | undefined) => Promise<string>,
) => Promise<string>;

/** A configured `mfa_process`: a command that prints the code, 60 s at most. It may ask for a touch or a PIN first. */
export function createCommandProvider(
  command: string,
  profile: string,
  env: Environment,
  lendTerminal: LendTerminal,
): MfaCodeProvider {
  const title = `the mfa_process of the profile ${quote(profile)}`;
  return {
    canAskAgain: false,
    givesNextCode: true,
    async ask({ signal }) {
      const output = await lendTerminal(signal, (terminal) =>
        readCommandOutput(command, { env, title, timeout: 60, signal, terminal }),
      );
      return checkCode(
        output,
        "it printed",
        (problem) => new FobError(`${title} printed no code: ${problem}`, "run it by hand to see what it prints"),
      );
    },
  };
}

/**
 * The codes of a command; once it has failed, those of a person.
 *
 * @param findPerson opens the way to the user, if there is one
 * @param login the command line that gives a code
 */
export function withPersonBehind(
  command: MfaCodeProvider,
  findPerson: () => MfaCodeProvider | undefined,
  login: string,
): MfaCodeProvider {
  let person: MfaCodeProvider | undefined;
  return {
    get canAskAgain() {
      return (person ?? command).canAskAgain;
    },
    get givesNextCode() {
      return person === undefined && command.givesNextCode === true;
    },
    async ask(question) {
      if (person) return await person.ask(question);
      try {
        return await command.ask(question);
      } catch (error) {
        const isFailure = error instanceof FobError && !(error instanceof CancelledError) && !question.signal.aborted;
        if (!isFailure) throw error;
        person = findPerson();
        if (person) return await person.ask({ ...question, again: error.message });
        throw new FobError(error.message, [...error.hints, `enter the code yourself: ${login}`], error.exitCode, error);
      }
    },
  };
}

function checkCode(text: string, given: string, error: (problem: string) => FobError): string {
  const read = readCode(text, given);
  if ("problem" in read) throw error(read.problem);
  return read.code;
}

async function readFirstLine(stream: Readable, signal: AbortSignal): Promise<string> {
  let text = "";
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      text += String(chunk);
      if (text.includes("\n") || text.length > 1024) break;
    }
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    throw error;
  }
  return text.split("\n")[0] ?? "";
}
