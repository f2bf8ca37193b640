// IAM's policy simulator, as documented by AWS:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
//
// It uses fob's own evaluator, so it cannot verify the evaluator; AWS's simulator and the published examples in test/policy/
// do that. The list of missing keys and the messages of InvalidInput come from captured responses of AWS. These also show
// what is missing here: AWS names the statements that decided, returns implicitDeny for a resource type that the action
// does not support, and rejects some actions in one call ("require different authorization information").

import { isIP } from "node:net";
import {
  type Decision,
  evaluate,
  listContextKeys,
  type PolicyDocument,
  PolicyError,
  parsePolicy,
  type RequestContext,
  RequestError,
} from "../policy/engine/evaluate.ts";
import { findOperator } from "../policy/engine/operators.ts";
import { AwsError, notModeled } from "./errors.ts";
import { listMembers, type QueryAction, type QueryCall, readTexts, takePage, validate } from "./query.ts";
import { writeElement } from "./xml.ts";

const parameters = [
  "ActionNames.member.N",
  "CallerArn",
  "ContextEntries.member.N.ContextKeyName",
  "ContextEntries.member.N.ContextKeyType",
  "ContextEntries.member.N.ContextKeyValues.member.N",
  "Marker",
  "MaxItems",
  "PermissionsBoundaryPolicyInputList.member.N",
  "PolicyInputList.member.N",
  "ResourceArns.member.N",
];

export const simulateCustomPolicy: QueryAction = {
  parameters,
  run: (call) => {
    call.account.authorize(call.caller, "iam:SimulateCustomPolicy", "*", "*");
    const given = readPolicies(call, "PolicyInputList");
    // AWS accepts an empty list, although its documentation says otherwise.
    const [list = call.parameters.get("PolicyInputList")] = readTexts(call.parameters, "PolicyInputList");
    validate({ ...unlimited("policyInputList", list), isRequired: true });
    return simulate(call, given, call.parameters.get("CallerArn"));
  },
};

function readPolicies(call: QueryCall, list: string): readonly PolicyDocument[] {
  const all = readTexts(call.parameters, list);
  const name = `${list.charAt(0).toLowerCase()}${list.slice(1)}`;
  validate(
    ...all.map((value, index) => ({
      ...{ name: `${name}.${index + 1}.member`, value, min: 1, max: 131_072 },
      pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    })),
  );
  return all.map((text, index) => {
    try {
      return parsePolicy(text);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw invalid(`Policy input list item ${index + 1} has invalid content`);
    }
  });
}

function simulate(call: QueryCall, policies: readonly PolicyDocument[], caller: string | undefined): string {
  const [boundary, other] = readPolicies(call, "PermissionsBoundaryPolicyInputList");
  if (other !== undefined) throw invalid("The list of Permissions Boundary policies cannot exceed 1 items.");
  const actions = readActions(call);
  const resource = readResource(call);
  const given = readContext(call);
  const names = Object.keys(given).map((name) => name.toLowerCase());
  const defaults = Object.entries(buildDefaults(caller)).filter(([name]) => !names.includes(name.toLowerCase()));
  const context = { ...Object.fromEntries(defaults), ...given };
  // AWS lists aws:userid too, although it has a value.
  const supplied = [...names, ...defaults.map(([name]) => name.toLowerCase()).filter((name) => name !== "aws:userid")];
  const missing = findUnsuppliedKeys([...policies, ...(boundary ? [boundary] : [])], supplied);
  const { page, isTruncated, marker } = takePage(call.parameters, actions);
  const results = page.map((action) => simulateToXml({ action, resource, context }, { policies, boundary, missing }));
  return `${isTruncated}<EvaluationResults>${results.join("")}</EvaluationResults>${marker}`;
}

function readActions({ parameters: all }: QueryCall): readonly string[] {
  const actions = readTexts(all, "ActionNames");
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

function readResource({ parameters: all }: QueryCall): string {
  const [resource = "*", other] = readTexts(all, "ResourceArns");
  validate({ name: "resourceArns.1.member", value: resource, min: 1, max: 2048 });
  if (other !== undefined) throw notModeled("a simulation with several resources");
  if (resource !== "*" && !/^arn(:[^:]*){4}:.+$/s.test(resource)) {
    throw invalid(`ResourceNames are not in a valid ARN format: ${resource}.`);
  }
  return resource;
}

const types = ["binary", "ip", "boolean", "numeric", "date", "string"].flatMap((type) => [type, `${type}List`]);

/** The formats of types, with AWS's names. AWS accepts any value for a boolean. */
const formats: Readonly<Record<string, readonly [((text: string) => boolean) | undefined, string]>> = {
  numeric: [findOperator("NumericEquals")?.kindOf.takes, "numeric format"],
  date: [findOperator("DateEquals")?.kindOf.takes, "DateTime format"],
  ip: [(text) => isIP(text) !== 0, "IP address"],
};

function readContext({ parameters: all }: QueryCall): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = {};
  const names = new Set<string>();
  for (const number of listMembers(all, "ContextEntries")) {
    const entry = `ContextEntries.member.${number}`;
    const [name, type] = [all.get(`${entry}.ContextKeyName`) ?? "", all.get(`${entry}.ContextKeyType`) ?? ""];
    const values = readTexts(all, `${entry}.ContextKeyValues`);
    validate({ name: `contextEntries.${number}.member.contextKeyName`, value: name, min: 5, max: 256 });
    if (!types.includes(type)) {
      const problem = `Value at 'contextEntries.${number}.member.contextKeyType' failed to satisfy constraint`;
      const set = `Member must satisfy enum value set: [${types.join(", ")}]`;
      throw new AwsError("ValidationError", 400, `1 validation error detected: ${problem}: ${set}`);
    }
    if (names.has(name.toLowerCase())) throw invalid(`Duplicate context key: ${name}.`);
    names.add(name.toLowerCase());
    const one = type.replace(/List$/, "");
    if (one === "binary" || values.length === 0) throw notModeled(`a ${type} context key with ${values.length} values`);
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

/** Returns the default context of a simulated caller's requests. The user need not exist. */
function buildDefaults(caller: string | undefined): Record<string, string> {
  if (caller === undefined) return { "aws:userid": "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR" };
  const [, account, kind, name] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(caller) ?? [];
  if (account === undefined || name === undefined) throw invalid(`Invalid ARN provided in the request: ${caller}`);
  if (kind !== "user") throw notModeled(`a ${kind} as the simulated caller`);
  return {
    "aws:username": name,
    "aws:PrincipalArn": caller,
    "aws:PrincipalAccount": account,
    "aws:userid": caller,
  };
}

interface SimulatedPolicies {
  readonly policies: readonly PolicyDocument[];
  readonly boundary: PolicyDocument | undefined;
  readonly missing: readonly string[];
}

interface SimulatedRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

function simulateToXml(request: SimulatedRequest, { policies, boundary, missing }: SimulatedPolicies): string {
  const decision = simulateRequest(policies, request, boundary);
  const isWithin = boundary && simulateRequest([boundary], request, undefined) === "allowed";
  const details = [
    `<MissingContextValues>${(decision === "implicitDeny" ? missing : []).map((key) => writeElement("member", key)).join("")}</MissingContextValues>`,
    isWithin === undefined
      ? ""
      : `<PermissionsBoundaryDecisionDetail>${writeElement("AllowedByPermissionsBoundary", String(isWithin))}</PermissionsBoundaryDecisionDetail>`,
  ].join("");
  const name = writeElement("EvalResourceName", request.resource);
  const specific = `<member>${name}${writeElement("EvalResourceDecision", decision)}${details}</member>`;
  const rest = request.resource === "*" ? "" : `<ResourceSpecificResults>${specific}</ResourceSpecificResults>`;
  const action = writeElement("EvalActionName", request.action);
  return `<member>${action}${name}${writeElement("EvalDecision", decision)}${details}${rest}</member>`;
}

function simulateRequest(
  policies: readonly PolicyDocument[],
  request: SimulatedRequest,
  boundary: PolicyDocument | undefined,
): Exclude<Decision, "unknown"> {
  try {
    const { decision, missingContextKeys } = evaluate(policies, request, { boundary, onlyPolicies: true });
    if (decision === "unknown")
      throw notModeled(`several values of the condition keys ${missingContextKeys.join(", ")}`);
    return decision;
  } catch (error) {
    if (error instanceof RequestError) throw notModeled(`this request: ${error.message}`);
    throw error;
  }
}

/**
 * Finds the keys that policies test and that have no value, even in statements about other actions. AWS lists them for an
 * implicit deny.
 */
function findUnsuppliedKeys(policies: readonly PolicyDocument[], supplied: readonly string[]): readonly string[] {
  const keys = policies.flatMap(listContextKeys);
  return [...new Set(keys)].filter((key) => !supplied.includes(key.toLowerCase()));
}

/** The constraints of a required list; its members are checked separately. */
const unlimited = (name: string, value: string | undefined) => ({ name, value, min: 0, max: Number.POSITIVE_INFINITY });

const invalid = (message: string): AwsError => new AwsError("InvalidInput", 400, message);
