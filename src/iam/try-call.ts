// Calls whose failure is not the end: what they would have told is unknown, with the reason.
import { AwsFailure } from "../aws/failures.ts";
import { ReportError } from "./credential-report.ts";
import type { Known } from "./snapshot.ts";

/** Does some work; a refusal of AWS becomes unknown, with its reason. */
export async function tryCall<T>(work: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof ReportError) return { unknown: `the credential report cannot be read: ${error.message}` };
    // What is final would go wrong for the others too.
    if (!(error instanceof AwsFailure) || error.consequence === "final") throw error;
    return { unknown: error.message };
  }
}

/** The same for what other services tell: whatever goes wrong with them, IAM can still be asked. */
export async function tryRead<T>(read: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return { unknown: error.message };
  }
}
