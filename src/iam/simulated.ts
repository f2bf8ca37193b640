// AWS's own simulator beside fob's evaluator: what a user could do, asked of both.
import type { PolicyDocument } from "../policy/engine/document.ts";
import { createDevice, enableDevice } from "../policy/locked-out.ts";
import type { DecisionsOf, Method, UserDecisions } from "./decisions.ts";
import { lookUp } from "./look-ups.ts";
import { flatMapKnown, type Known, type User } from "./snapshot.ts";

/** What the simulator said about a user: how often it agrees, and where it does not. */
export interface Simulated {
  readonly agreed: number;
  /** How many of those on which both agree are allowed. */
  readonly allowed: number;
  /** In words. */
  readonly disagreements: readonly string[];
}

export interface SimulatedQuestion {
  readonly actions: readonly string[];
  /** An ARN, or `*`. */
  readonly resource: string;
  readonly method: Method;
}

/** Asks the simulator; decisions in the order of the actions. Throws AwsFailure if AWS refuses. */
export type AskSimulator = (userArn: string, question: SimulatedQuestion) => Promise<Known<readonly string[]>>;

/** Calls of a plan for each user. */
export const simulatedCalls = 4;

const work = ["s3:ListAllMyBuckets", "ec2:DescribeInstances", "iam:ListUsers", "cloudtrail:LookupEvents"];

/** What is denied without MFA, however a user authenticates. */
export const listQuestionsWithoutMfa = (): readonly SimulatedQuestion[] => [
  { actions: work, resource: "*", method: "key" },
  { actions: work, resource: "*", method: "sign-in" },
];

/**
 * Everyday work and what changes the account, which the policy denies without MFA; what enrolling needs; the same work with
 * MFA. The simulator wants the resources that an action supports.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
export const listPlanQuestions = ({ arn }: Pick<User, "arn">): readonly SimulatedQuestion[] => {
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
  questions: readonly SimulatedQuestion[],
  decide: (request: Parameters<UserDecisions["decide"]>[0], method: Method) => string,
  ask: AskSimulator,
): Promise<Known<Simulated>> {
  let agreed = 0;
  let allowed = 0;
  const disagreements: string[] = [];
  for (const question of questions) {
    const { actions, resource, method } = question;
    const theirs = await ask(user.arn, question);
    if (!("value" in theirs)) return theirs;
    for (const [index, action] of actions.entries()) {
      const ours = decide({ action, resource }, method);
      const their = theirs.value[index];
      if (their === undefined) return { unknown: `AWS's simulator gave no answer about ${action}` };
      // What fob calls unknown depends on keys of the request; AWS takes those to be absent.
      if (ours === "unknown") continue;
      if (ours === their) {
        agreed++;
        if (ours === "allowed") allowed++;
      } else disagreements.push(`${action} ${method === "MFA" ? "with" : "without"} MFA: fob ${ours}, AWS ${their}`);
    }
  }
  return { value: { agreed, allowed, disagreements } };
}

export interface ComparedUsers {
  readonly users: readonly User[];
  readonly decisionsOf: DecisionsOf;
  readonly questionsFor: (user: User) => readonly SimulatedQuestion[];
  /** Policies that the users do not have yet. */
  readonly policies: readonly PolicyDocument[];
  readonly ask: AskSimulator;
  /** Is told how many users have been compared. */
  readonly show: (done: number) => void;
}

/** Compares the two about users, by name: a few at the same time. */
export async function compareUsers(compared: ComparedUsers): Promise<ReadonlyMap<string, Known<Simulated>>> {
  const { users, decisionsOf, questionsFor, policies, ask, show } = compared;
  const byName = new Map(users.map((user) => [user.name, user]));
  const compare = async (name: string): Promise<Known<Simulated>> => {
    const user = byName.get(name) as User;
    const decisions = decisionsOf(user);
    if (!("value" in decisions)) return decisions;
    const decide: Parameters<typeof compareWithSimulator>[2] = (request, method) =>
      decisions.value.decide(request, method, policies);
    return await compareWithSimulator(user, questionsFor(user), decide, ask);
  };
  const found = await lookUp([...byName.keys()], compare, show);
  return new Map([...found].map(([name, known]) => [name, flatMapKnown(known, (simulated) => simulated)]));
}
