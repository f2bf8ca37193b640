// Finds policies that deny everything even with MFA, by the means of `fob policy simulate --require`.
import { allowAllPolicy } from "../enforcement.ts";
import type { PolicyDocument } from "../engine/document.ts";
import { RequestError } from "../engine/evaluate.ts";
import { makeExampleUser, mergeContexts } from "../engine/subject.ts";
import { prove } from "../proof.ts";
import { judgeRequirement } from "../verdicts.ts";

/**
 * Explains why MFA is not enforced for a user who is allowed everything that a policy does not deny; undefined if it is.
 *
 * @param policy without problems
 */
export function explainNotEnforced(policy: PolicyDocument): string | undefined {
  const policies = [allowAllPolicy, policy];
  const user = makeExampleUser(policies);
  const context = mergeContexts(user.context, { "aws:ViaAWSService": "false" });
  try {
    const proof = prove(policies, {}, { user: user.arn, context, isExample: true });
    const { holds, why } = judgeRequirement(proof, "enforced");
    return holds ? undefined : why;
  } catch (error) {
    // For example, "true" compared as a number: another rule reports it.
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}
