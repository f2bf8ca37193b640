// Changes a user's own password: asks for it until AWS has taken it.
import { AwsFailure } from "../aws/failures.ts";
import { CancelledError, FobError } from "../errors.ts";
import { quote } from "../text.ts";
import { findPasswordProblem, type PasswordRules } from "./password-rules.ts";

interface Change {
  readonly rules: PasswordRules | undefined;
  /** Asks for a password, which is not shown. */
  readonly ask: (message: string) => Promise<string>;
  /** Says what was wrong. */
  readonly complain: (problem: string) => void;
  /** @throws AwsFailure */
  readonly send: (before: string, after: string) => Promise<unknown>;
}

const mostAttempts = 5;

/** Asks until AWS has taken the new password. @throws FobError, CancelledError */
export async function changeOwnPassword({ rules, ask, complain, send }: Change): Promise<void> {
  let [before, after]: (string | undefined)[] = [];
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    before ??= await askFor("Current password", ask, complain, () => undefined);
    const current = before;
    after ??= await askTwice(ask, complain, (text) => findNewProblem(text, current, rules));
    try {
      await send(before, after);
      return;
    } catch (error) {
      const wrong = error instanceof AwsFailure ? findWrong(error) : undefined;
      if (!(error instanceof AwsFailure) || wrong === undefined) throw error;
      complain(error.message);
      if (wrong === "current") before = undefined;
      else after = undefined;
    }
  }
  throw new FobError("the password is not changed: AWS did not accept any of the passwords", [
    "if you do not know the current password, ask an administrator for a new one: aws iam update-login-profile help",
  ]);
}

function findNewProblem(text: string, current: string, rules: PasswordRules | undefined): string | undefined {
  if (text === current) return "that is the current password";
  return findPasswordProblem(text, rules);
}

/** Which of the two AWS did not take; undefined if it was neither. */
function findWrong({ message, cause }: AwsFailure): "current" | "new" | undefined {
  if (cause instanceof Error && /^PasswordPolicyViolation/.test(cause.name)) return "new";
  return /old password was incorrect/i.test(message) ? "current" : undefined;
}

async function askFor(
  message: string,
  ask: Change["ask"],
  complain: Change["complain"],
  findProblem: (text: string) => string | undefined,
): Promise<string> {
  for (;;) {
    const text = await ask(message);
    const problem = text === "" ? "type a password; Ctrl-C changes nothing" : findProblem(text);
    if (problem === undefined) return text;
    complain(problem);
  }
}

async function askTwice(
  ask: Change["ask"],
  complain: Change["complain"],
  findProblem: (text: string) => string | undefined,
): Promise<string> {
  for (;;) {
    const text = await askFor("New password", ask, complain, findProblem);
    if ((await ask("New password again")) === text) return text;
    complain("the two are not the same");
  }
}

/** Puts what ends the change into words. @param again the command line */
export function explainFailure(user: string, again: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof CancelledError) throw new CancelledError("the password may be changed: try to sign in");
    if (!(error instanceof AwsFailure)) throw error;
    const { consequence, message, hints, cause } = error;
    if (cause instanceof Error && /^NoSuchEntity/.test(cause.name)) {
      throw new FobError(`${quote(user)} has no console password to change`, [
        `an administrator can give you one: aws iam create-login-profile help`,
      ]);
    }
    if (consequence !== "no answer" && consequence !== "server error") throw error;
    throw new AwsFailure(
      consequence,
      message,
      [...hints, `the password may be changed: try to sign in with the new one, else try again: ${again}`],
      cause,
    );
  };
}
