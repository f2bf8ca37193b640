// AWS's own opinion of policies, which is asked of its policy simulator. Only this is a proof: fob's evaluator, and the
// local AWS, whose simulator is that evaluator, could make the same mistake twice.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html

import { readPages } from "../aws/pages.ts";
import type { SimulatedKey, SimulatedType, Simulation, SimulationPage, SimulationResult } from "../aws/types.ts";
import { FobError } from "../errors.ts";
import { escapeCharacter, quote } from "../text.ts";
import {
  ABSENT,
  type Decision,
  type EvaluationOptions,
  type PolicyDocument,
  type RequestContext,
  UNKNOWN,
} from "./engine/evaluate.ts";

/** One question, as AWS's simulator takes it. */
export interface Question {
  readonly action: string;
  /**
   * `*`, or an ARN of a type that the action takes: on any other the simulator was seen to say implicitDeny, also where a
   * policy allows everything on everything.
   */
  readonly resource: string;
  /** Every key that the request has; nothing in it may be unknown. */
  readonly context: RequestContext;
}

export interface Answer {
  readonly decision: "allowed" | "explicitDeny" | "implicitDeny";
}

/** What is simulated. */
export interface Simulated {
  readonly policies: readonly PolicyDocument[];
  readonly boundary?: PolicyDocument | undefined;
  /** The ARN of the user who would call. Without one, nothing has a value for `${aws:username}`. */
  readonly user?: string | undefined;
}

type Simulate = (call: Simulation) => Promise<SimulationPage>;

/** A page of answers holds that many. */
const actionsPerCall = 100;

/**
 * Asks AWS, and returns its answers in the order of the questions.
 *
 * Each call is about one resource. With several AWS answers for each action once, with one decision for all of them, and
 * names a pattern instead of a resource.
 *
 * @param simulate a call of the simulator
 * @throws FobError where AWS leaves out an answer, and what calls throw
 */
export async function askSimulator(
  questions: readonly Question[],
  subject: Simulated,
  simulate: Simulate,
): Promise<Answer[]> {
  const { user, boundary } = subject;
  const common = {
    policies: subject.policies.map(serializePolicy),
    boundary: boundary && serializePolicy(boundary),
    caller: user,
    marker: undefined,
  };
  const answers: Answer[] = [];
  for (const { resource, context, asked } of groupQuestions(questions)) {
    const actions = [...new Set(asked.map(([, action]) => action))];
    const found = new Map<string, SimulationResult>();
    for (let at = 0; at < actions.length; at += actionsPerCall) {
      const call = { ...common, actions: actions.slice(at, at + actionsPerCall), resource, context };
      for (const result of await fetchResults(call, simulate)) found.set(result.action.toLowerCase(), result);
    }
    for (const [index, action] of asked) answers[index] = readAnswer(found.get(action.toLowerCase()), action, resource);
  }
  return answers;
}

interface Group {
  readonly resource: string;
  readonly context: readonly SimulatedKey[];
  /** The actions, each with the number of its question. */
  readonly asked: [question: number, action: string][];
}

/** The questions that one call can ask. */
function groupQuestions(questions: readonly Question[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const [index, { action, resource, context }] of questions.entries()) {
    const keys = toSimulatedKeys(context);
    const name = JSON.stringify([resource, keys]);
    const group = groups.get(name) ?? { resource, context: keys, asked: [] };
    group.asked.push([index, action]);
    groups.set(name, group);
  }
  return groups.values();
}

/**
 * The types of AWS's own keys that are not strings.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
const types: ReadonlyMap<string, SimulatedType> = new Map([
  ["aws:currenttime", "date"],
  ["aws:epochtime", "date"],
  ["aws:multifactorauthage", "numeric"],
  ["aws:multifactorauthpresent", "boolean"],
  ["aws:principalisawsservice", "boolean"],
  ["aws:securetransport", "boolean"],
  ["aws:sourceip", "ip"],
  ["aws:tokenissuetime", "date"],
  ["aws:viaawsservice", "boolean"],
  ["aws:vpcsourceip", "ip"],
]);

/** A context in the simulator's form, always in the same order. A key that is absent is left out. */
function toSimulatedKeys(context: RequestContext): SimulatedKey[] {
  const keys = Object.entries(context).flatMap(([name, value]): SimulatedKey[] => {
    if (value === UNKNOWN) throw new TypeError(`AWS's simulator is asked about values, and ${name} has none`);
    if (value === ABSENT) return [];
    const type = types.get(name.toLowerCase()) ?? "string";
    if (typeof value === "string") return [{ name, type, values: [value] }];
    return value.length === 0 ? [] : [{ name, type: `${type}List`, values: value }];
  });
  return keys.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** AWS takes characters up to U+00FF in a policy. */
function serializePolicy(policy: PolicyDocument): string {
  return JSON.stringify(policy).replace(/[^\x20-\xff]/g, escapeCharacter);
}

/** The answers to a call, from all of its pages. */
async function fetchResults(call: Simulation, simulate: Simulate): Promise<SimulationResult[]> {
  try {
    return await readPages(async (marker) => {
      const page = await simulate({ ...call, marker });
      return { items: page.results, marker: page.marker };
    });
  } catch (error) {
    if (call.actions.length < 2 || !isMixed(error)) throw error;
    const half = Math.ceil(call.actions.length / 2);
    const ask = (actions: readonly string[]) => fetchResults({ ...call, actions }, simulate);
    return [...(await ask(call.actions.slice(0, half))), ...(await ask(call.actions.slice(half)))];
  }
}

/**
 * Whether AWS does not take the actions in one call: "Invalid Input Actions: [iam:PassRole] and [sts:AssumeRole] require
 * different authorization information". Which those are is not documented.
 */
const isMixed = (error: unknown): boolean =>
  (error as Partial<Error>).message?.includes("require different authorization information") === true;

const decisions = ["allowed", "explicitDeny", "implicitDeny"] as const;

function readAnswer(result: SimulationResult | undefined, action: string, resource: string): Answer {
  const decision = decisions.find((known) => known === result?.decision);
  if (result === undefined || decision === undefined) {
    throw new FobError(
      `AWS's policy simulator gave no answer for ${quote(action)} on ${quote(resource)}`,
      "see which endpoint is set: env | grep AWS_ENDPOINT_URL",
    );
  }
  return { decision };
}

const noPermissions =
  "needs no permissions, so that no policy has an effect on it; AWS's simulator looks at policies only";
const passwordRule =
  "is every user's where the account's password policy lets users change their own password; AWS's simulator looks at policies only (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html)";

/** Actions on which the services have rules of their own, which the simulator does not know and `evaluate` does. */
const withoutPermissions: ReadonlyMap<string, string> = new Map([
  [
    "sts:getsessiontoken",
    `${noPermissions} (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html)`,
  ],
  [
    "sts:getcalleridentity",
    `${noPermissions} (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)`,
  ],
]);
const ownPassword: readonly string[] = ["iam:changepassword", "iam:getaccountpasswordpolicy"];

/**
 * Why AWS's simulator says something else of an action than `evaluate` does, after the action's name, with AWS's page. Such
 * rules only ever allow more than the policies do, and that of passwords nothing that a policy denies.
 *
 * @param decisions two that differ
 */
export function explainDifference(
  action: string,
  decisions: { readonly ours: Decision; readonly theirs: Answer["decision"] },
  { mayChangePassword }: Pick<EvaluationOptions, "mayChangePassword">,
): string | undefined {
  if (decisions.ours !== "allowed") return undefined;
  const name = action.toLowerCase();
  const isOwnPassword = ownPassword.includes(name) && mayChangePassword !== undefined;
  return isOwnPassword && decisions.theirs === "implicitDeny" ? passwordRule : withoutPermissions.get(name);
}
