// Asks AWS's policy simulator for its decisions. This is the only independent check of fob's evaluator: the simulator of
// the local AWS uses the same evaluator and would repeat its mistakes.
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

/** One request to AWS's simulator. */
export interface Question {
  readonly action: string;
  /**
   * `*`, or an ARN of a type that the action supports. For other types the simulator returns implicitDeny, even if a
   * policy allows everything on all resources.
   */
  readonly resource: string;
  /** All context keys of the request; no value may be unknown. */
  readonly context: RequestContext;
}

export interface Answer {
  readonly decision: "allowed" | "explicitDeny" | "implicitDeny";
}

export interface Simulated {
  readonly policies: readonly PolicyDocument[];
  readonly boundary?: PolicyDocument | undefined;
  /** The ARN of the user who makes the requests. Without it, `${aws:username}` has no value. */
  readonly user?: string | undefined;
}

type Simulate = (call: Simulation) => Promise<SimulationPage>;

/** As many results as AWS returns in a page. */
const actionsPerCall = 100;

/**
 * Asks AWS and returns its answers in the order of the questions.
 *
 * Each call has one resource. For several resources AWS would return one decision per action, with a pattern instead of
 * the resource.
 *
 * @param simulate calls the simulator
 * @throws FobError if AWS leaves out an answer, and whatever `simulate` throws
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
  for (const { resource, context, entries } of groupQuestions(questions)) {
    const actions = [...new Set(entries.map(([, action]) => action))];
    const found = new Map<string, SimulationResult>();
    for (let at = 0; at < actions.length; at += actionsPerCall) {
      const call = { ...common, actions: actions.slice(at, at + actionsPerCall), resource, context };
      for (const result of await fetchResults(call, simulate)) found.set(result.action.toLowerCase(), result);
    }
    for (const [index, action] of entries)
      answers[index] = readAnswer(found.get(action.toLowerCase()), action, resource);
  }
  return answers;
}

interface Group {
  readonly resource: string;
  readonly context: readonly SimulatedKey[];
  /** The actions, each with the index of its question. */
  readonly entries: [question: number, action: string][];
}

/** Groups the questions that one call can ask. */
function groupQuestions(questions: readonly Question[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const [index, { action, resource, context }] of questions.entries()) {
    const keys = toSimulatedKeys(context);
    const name = JSON.stringify([resource, keys]);
    const group = groups.get(name) ?? { resource, context: keys, entries: [] };
    group.entries.push([index, action]);
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

/** Converts a context to the simulator's form, in a fixed order and without absent keys. */
function toSimulatedKeys(context: RequestContext): SimulatedKey[] {
  const keys = Object.entries(context).flatMap(([name, value]): SimulatedKey[] => {
    if (value === UNKNOWN) throw new TypeError(`AWS's simulator needs values, but ${name} is unknown`);
    if (value === ABSENT) return [];
    const type = types.get(name.toLowerCase()) ?? "string";
    if (typeof value === "string") return [{ name, type, values: [value] }];
    return value.length === 0 ? [] : [{ name, type: `${type}List`, values: value }];
  });
  return keys.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** AWS accepts characters up to U+00FF in a policy. */
function serializePolicy(policy: PolicyDocument): string {
  return JSON.stringify(policy).replace(/[^\x20-\xff]/g, escapeCharacter);
}

/** Returns the results of a call, from all of its pages. */
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
 * Whether AWS rejects these actions in one call: "Invalid Input Actions: [iam:PassRole] and [sts:AssumeRole] require
 * different authorization information". AWS does not document which actions these are.
 */
const isMixed = (error: unknown): boolean =>
  (error as Partial<Error>).message?.includes("require different authorization information") === true;

const decisions = ["allowed", "explicitDeny", "implicitDeny"] as const;

function readAnswer(result: SimulationResult | undefined, action: string, resource: string): Answer {
  const decision = decisions.find((known) => known === result?.decision);
  if (result === undefined || decision === undefined) {
    throw new FobError(
      `AWS's policy simulator returned no decision for ${quote(action)} on ${quote(resource)}`,
      "check whether a custom endpoint is set: env | grep AWS_ENDPOINT_URL",
    );
  }
  return { decision };
}

const noPermissions = "needs no permissions, so no policy affects it; AWS's simulator evaluates policies only";
const passwordRule =
  "is allowed for every user if the account's password policy lets users change their own password; AWS's simulator evaluates policies only (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html)";

/** Actions with rules of their own, which `evaluate` knows and the simulator does not. */
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
 * Explains why AWS's simulator and `evaluate` disagree on an action, with a link to AWS's documentation. The text follows
 * the name of the action. Such rules only allow more than the policies do; the rule about passwords does not override a deny.
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
