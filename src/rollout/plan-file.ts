// Reads a plan from a file, which may be of another version, or edited by hand.
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";
import type { Plan, PlannedUser } from "./plan.ts";
import { states } from "./states.ts";

/** @throws FobError if it is not a plan that fob made */
export function parsePlan(path: string, text: string): Plan {
  const reject = (why: string): FobError =>
    new FobError(`${quote(path)} is not a plan that can be applied: ${why}`, "fob rollout plan --out plan.json");
  let plan: unknown;
  try {
    plan = JSON.parse(text);
  } catch (error) {
    throw reject(`not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!isRecord(plan)) throw reject("not an object");
  if (plan.version !== 1) {
    throw reject(
      plan.version === undefined ? "it has no version" : `its version is ${JSON.stringify(plan.version)}, not 1`,
    );
  }
  const problem = findProblem(plan);
  if (problem !== undefined) throw reject(problem);
  return plan as unknown as Plan;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string" && /^[\w+=,.@-]{1,64}$/.test(name));

function findProblem(plan: Readonly<Record<string, unknown>>): string | undefined {
  const { account, partition, group, made, reportGenerated, policy, users, batches, breakGlass } = plan;
  if (typeof account !== "string" || !/^\d{12}$/.test(account)) return "account is not twelve digits";
  if (typeof partition !== "string" || !/^aws[a-z-]*$/.test(partition)) return "partition is not valid";
  if (typeof group !== "string" || !/^[\w+=,.@-]{1,128}$/.test(group)) return "group is not a name of a group";
  if (typeof made !== "string" || Number.isNaN(Date.parse(made))) return "made is not a time";
  if (reportGenerated !== null && typeof reportGenerated !== "string") return "reportGenerated is not a time";
  if (!isNames(breakGlass)) return "breakGlass is not a list of user names";
  if (!isRecord(policy) || !isVariant(policy)) return "policy is not a variant of the enforcement policy";
  if (!Array.isArray(users) || !users.every(isUser)) return "users are not as fob writes them";
  if (!Array.isArray(batches)) return "batches are not a list";
  const known = new Map(users.map(({ user, state }) => [user, state]));
  const seen = new Set<string>();
  for (const [index, batch] of batches.entries()) {
    const label = `batch ${index + 1}`;
    if (!isRecord(batch) || batch.number !== index + 1 || !isNames(batch.users)) return `${label} is not valid`;
    if (batch.users.length === 0 || batch.users.length > 5)
      return `${label} has ${batch.users.length} users, not 1 to 5`;
    for (const name of batch.users) {
      if (!known.has(name)) return `${label} has ${name}, who is not in the list of users`;
      if (seen.has(name)) return `${name} is in two batches`;
      if (known.get(name) === "break-glass" || breakGlass.includes(name))
        return `${label} has the break-glass user ${name}`;
      seen.add(name);
    }
  }
  return undefined;
}

const isVariant = ({ passwordChange, maxAgeSeconds, viaAwsService }: Readonly<Record<string, unknown>>): boolean =>
  typeof passwordChange === "boolean" &&
  typeof viaAwsService === "boolean" &&
  (maxAgeSeconds === null ||
    (typeof maxAgeSeconds === "number" && Number.isInteger(maxAgeSeconds) && maxAgeSeconds > 0));

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === "string");

const isUser = (value: unknown): value is PlannedUser =>
  isRecord(value) &&
  isNames([value.user]) &&
  typeof value.arn === "string" &&
  typeof value.id === "string" &&
  states.some((state) => state === value.state) &&
  isTexts(value.evidence) &&
  isTexts(value.unknown) &&
  typeof value.isAdministrator === "boolean" &&
  isComparison(value.withoutMfa);

const isComparison = (value: unknown): boolean =>
  value === null || (isRecord(value) && isTexts(value.loses) && isTexts(value.keeps));
