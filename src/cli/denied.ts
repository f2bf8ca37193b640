// Says what a user needs who may not look after their own devices or password.
import { AwsFailure } from "../aws/failures.ts";
import { FobError } from "../errors.ts";
import { quoteProfileArgument } from "../text.ts";

/**
 * The result of a call, or its failure with the policy to ask for.
 *
 * @param what the policy lets the user do: `enroll`
 * @param more what the policy has for it, beside what all users get: `--with-access-keys`
 * @throws FobError
 */
export async function explainDenial<T>(call: Promise<T>, profile: string, what: string, more = ""): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof AwsFailure) || error.consequence !== "refused") throw error;
    if (/ensure that you are authenticated with an MFA device/.test(error.message)) {
      throw new FobError(
        "you have an MFA device already, so AWS changes your devices only for a session with MFA",
        [`log in, then try again: fob login ${quoteProfileArgument(profile)}`],
        error.exitCode,
        error,
      );
    }
    if (!/not authorized to perform/.test(error.message)) throw error;
    throw new AwsFailure(
      error.consequence,
      error.message,
      [
        `ask an administrator for the policy that lets you ${what}; this prints it: fob policy show --self-manage${more === "" ? "" : ` ${more}`}`,
        ...error.hints,
      ],
      error,
    );
  }
}
