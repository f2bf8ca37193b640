// AWS's own simulator beside fob's evaluator: what a user could do under the enforcement policy, asked of both.
import type { Method, UserDecisions } from "../iam/decisions.ts";
import type { Known, User } from "../iam/snapshot.ts";
import { createDevice, enableDevice } from "../policy/locked-out.ts";

/** What the simulator said about a user: how often it agrees, and where it does not. */
export interface Simulated {
  readonly agreed: number;
  /** In words. */
  readonly disagreements: readonly string[];
}

export interface SimulatedQuestion {
  readonly actions: readonly string[];
  /** An ARN, or `*`. */
  readonly resource: string;
  readonly method: Method;
}

/** Asks the simulator; decisions in the order of the actions. */
export type AskSimulator = (userArn: string, question: SimulatedQuestion) => Promise<Known<readonly string[]>>;

/** Calls for each user. */
export const simulatedCalls = 4;

/**
 * Everyday work and what changes the account, which the policy denies without MFA; what enrolling needs; the same work with
 * MFA. The simulator wants the resources that an action supports.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
const listQuestions = ({ arn }: Pick<User, "arn">): readonly SimulatedQuestion[] => {
  const work = ["s3:ListAllMyBuckets", "ec2:DescribeInstances", "iam:ListUsers", "cloudtrail:LookupEvents"];
  return [
    { actions: work, resource: "*", method: "key" },
    { actions: work, resource: "*", method: "MFA" },
    { actions: [createDevice], resource: arn.replace(/:user\/.*$/, ":mfa/phone"), method: "key" },
    { actions: [enableDevice, "iam:ListMFADevices", "iam:GetUser"], resource: arn, method: "key" },
  ];
};

/**
 * Compares the two about a user.
 *
 * @param decide what the evaluator decides with the enforcement policy
 * @returns unknown if the simulator could not be asked, or has no answer to something
 */
export async function compareWithSimulator(
  user: Pick<User, "arn">,
  decide: (request: Parameters<UserDecisions["decide"]>[0], method: Method) => string,
  ask: AskSimulator,
): Promise<Known<Simulated>> {
  let agreed = 0;
  const disagreements: string[] = [];
  for (const question of listQuestions(user)) {
    const { actions, resource, method } = question;
    const theirs = await ask(user.arn, question);
    if (!("value" in theirs)) return theirs;
    for (const [index, action] of actions.entries()) {
      const ours = decide({ action, resource }, method);
      const their = theirs.value[index];
      if (their === undefined) return { unknown: `AWS's simulator gave no answer about ${action}` };
      // What fob calls unknown depends on keys of the request; AWS takes those to be absent.
      if (ours === "unknown") continue;
      if (ours === their) agreed++;
      else disagreements.push(`${action} ${method === "MFA" ? "with" : "without"} MFA: fob ${ours}, AWS ${their}`);
    }
  }
  return { value: { agreed, disagreements } };
}
