// Where token codes come from.
import { addAbortSignal, type Readable } from "node:stream";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, FobError, UsageError } from "../errors.ts";
import { SCRIPT_PATIENCE } from "../files/lock.ts";
import { readCommandOutput } from "../subprocess.ts";
import type { TerminalDescriptors } from "../terminal/tty.ts";
import { escapeControlCharacters, quote } from "../text.ts";
import { readCode } from "./code.ts";

/** What a person is told who is asked for a code. */
export interface CodeQuestion {
  /** The source profile. */
  readonly profile: string;
  readonly serialNumber: string;
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

/** For how long to wait: a person who can be asked waits as long as they like; nobody knows how long a script may. */
export function patienceOf(codes: MfaCodeProvider | undefined): number {
  return codes?.canAskAgain ? Number.POSITIVE_INFINITY : SCRIPT_PATIENCE;
}

/** The question itself. */
export function formatQuestion({ profile, serialNumber }: Pick<CodeQuestion, "profile" | "serialNumber">): string {
  const device = serialNumber.slice(serialNumber.lastIndexOf("/") + 1);
  return `MFA code for the profile ${quote(profile)} (device ${escapeControlCharacters(device)})`;
}

/** `--code`. @throws UsageError */
export function createOptionProvider(text: string): MfaCodeProvider {
  const code = checkCode(text, (problem) => new UsageError(`--code: ${problem}`, "give it like this: --code 123456"));
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
        (problem) => new FobError(`what came on stdin is no code: ${problem}`, "one line with six digits"),
      );
    },
  };
}

/** Does some work with the terminal, or with undefined if there is none to use. */
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
        (problem) => new FobError(`${title} printed no code: ${problem}`, "run it by hand to see what it prints"),
      );
    },
  };
}

/**
 * The codes of a command; once it has failed, those of a person.
 *
 * @param findPerson opens the way to the user, if there is one
 * @param login the command line that takes a code
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
        throw new FobError(
          error.message,
          [...error.hints, `give the code yourself: ${login} --code CODE`],
          error.exitCode,
          error,
        );
      }
    },
  };
}

function checkCode(text: string, error: (problem: string) => FobError): string {
  const read = readCode(text);
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
