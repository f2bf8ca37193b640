// The requests that a simulation evaluates: actions, resources, and the values of condition keys.
import { isIP } from "node:net";
import type { RequestContext } from "../policy/engine/evaluate.ts";
import { findOperator } from "../policy/engine/operators.ts";
import { AwsError, notModeled } from "./errors.ts";
import { listMembers, type QueryCall, readTexts, validate } from "./query.ts";

export const requestParameters = [
  "ActionNames.member.N",
  "CallerArn",
  "ContextEntries.member.N.ContextKeyName",
  "ContextEntries.member.N.ContextKeyType",
  "ContextEntries.member.N.ContextKeyValues.member.N",
  "ResourceArns.member.N",
];

export function readActions({ parameters }: QueryCall): readonly string[] {
  const actions = readTexts(parameters, "ActionNames");
  validate(
    { ...unlimited("actionNames", actions[0]), isRequired: true },
    ...actions.map((value, index) => ({ name: `actionNames.${index + 1}.member`, value, min: 3, max: 128 })),
  );
  for (const action of actions) {
    if (!action.includes(":")) throw invalid("The action is invalid since it is missing names");
    // AWS compares such names literally.
    if (!/^[\w-]+:[\w-]+$/.test(action)) throw notModeled(`the action name '${action}'`);
  }
  return actions;
}

/** Returns the resources; none if the request names none, which stands for all. */
export function readResources({ parameters }: QueryCall): readonly string[] {
  const resources = readTexts(parameters, "ResourceArns").filter((resource) => resource !== "");
  validate(
    ...resources.map((value, index) => ({ name: `resourceArns.${index + 1}.member`, value, min: 1, max: 2048 })),
  );
  const wrong = resources.find((resource) => resource !== "*" && !/^arn(:[^:]*){4}:.+$/s.test(resource));
  if (wrong !== undefined) throw invalid(`ResourceNames are not in a valid ARN format: ${wrong}.`);
  return resources.length === 1 && resources[0] === "*" ? [] : resources;
}

const types = ["binary", "ip", "boolean", "numeric", "date", "string"].flatMap((type) => [type, `${type}List`]);

/** The formats of types, with AWS's names. AWS accepts any value for a boolean. */
const formats: Readonly<Record<string, readonly [((text: string) => boolean) | undefined, string]>> = {
  numeric: [findOperator("NumericEquals")?.kindOf.takes, "numeric format"],
  date: [findOperator("DateEquals")?.kindOf.takes, "DateTime format"],
  ip: [(text) => isIP(text) !== 0, "IP address"],
  binary: [findOperator("BinaryEquals")?.kindOf.takes, "base-64 encoded binary format"],
};

function readEntries({ parameters }: QueryCall): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = {};
  const names = new Set<string>();
  for (const number of listMembers(parameters, "ContextEntries")) {
    const entry = `ContextEntries.member.${number}`;
    const [name = "", type = ""] = ["Name", "Type"].map((part) => parameters.get(`${entry}.ContextKey${part}`));
    const values = readTexts(parameters, `${entry}.ContextKeyValues`);
    validate({ name: `contextEntries.${number}.member.contextKeyName`, value: name, min: 5, max: 256 });
    if (!types.includes(type)) {
      const problem = `Value at 'contextEntries.${number}.member.contextKeyType' failed to satisfy constraint`;
      const set = `Member must satisfy enum value set: [${types.join(", ")}]`;
      throw new AwsError("ValidationError", 400, `1 validation error detected: ${problem}: ${set}`);
    }
    if (names.has(name.toLowerCase())) throw invalid(`Duplicate context key: ${name}.`);
    names.add(name.toLowerCase());
    const one = type.replace(/List$/, "");
    if (values.length === 0) throw notModeled(`a ${type} context key without values`);
    const [takes, format] = formats[one] ?? [];
    if (takes && !values.every(takes)) throw invalid(`Invalid context value for key ${name}: expected ${format}.`);
    const [value, second] = values;
    if (one === type && second !== undefined) {
      throw invalid(`Context key ${type} expected a single value, but received ${values.length}.`);
    }
    context[name] = one === type && value !== undefined ? value : values;
  }
  return context;
}

export interface SimulatedContext {
  readonly context: RequestContext;
  /** The keys, in lower case, that AWS does not list as missing. */
  readonly supplied: readonly string[];
}

/**
 * Returns the values of condition keys: those of the request, and by default those of the simulated caller.
 *
 * @param callerArn of a user, group or role, which need not exist
 */
export function readContext(call: QueryCall, callerArn: string | undefined): SimulatedContext {
  const given = readEntries(call);
  const names = Object.keys(given).map((name) => name.toLowerCase());
  const { values, listed } = buildDefaults(call, callerArn);
  const defaults = Object.entries(values).filter(([name]) => !names.includes(name.toLowerCase()));
  const supplied = defaults.map(([name]) => name).filter((name) => !listed.includes(name));
  return {
    context: { ...Object.fromEntries(defaults), ...given },
    supplied: [...names, ...supplied.map((name) => name.toLowerCase())],
  };
}

/** Returns the defaults, and which of them AWS lists as missing although they have a value (captured). */
function buildDefaults(
  { account }: QueryCall,
  callerArn: string | undefined,
): { readonly values: Readonly<Record<string, string>>; readonly listed: readonly string[] } {
  if (callerArn === undefined) {
    const values = { "aws:userid": "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR", "aws:PrincipalAccount": account.id };
    return { values, listed: Object.keys(values) };
  }
  const { kind, name, accountId } = parseEntityArn(callerArn);
  const values = { "aws:PrincipalArn": callerArn, "aws:PrincipalAccount": accountId, "aws:userid": callerArn };
  return { values: kind === "user" ? { "aws:username": name, ...values } : values, listed: ["aws:userid"] };
}

export interface EntityArn {
  readonly kind: "user" | "group" | "role";
  readonly name: string;
  readonly accountId: string;
}

/** Parses the ARN of a user, group or role. Throws InvalidInput for anything else. */
export function parseEntityArn(arn: string): EntityArn {
  const [, accountId, kind, name] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  if (accountId === undefined || name === undefined) {
    throw invalid(`Invalid ARN provided in the request: ${arn}`);
  }
  return { kind: kind as EntityArn["kind"], name, accountId };
}

/** The constraints of a required list; its members are checked separately. */
export const unlimited = (name: string, value: string | undefined) => ({
  ...{ name, value, min: 0, max: Number.POSITIVE_INFINITY },
});

export const invalid = (message: string): AwsError => new AwsError("InvalidInput", 400, message);
