// IAM's policy simulator, as AWS's pages describe it:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
//
// It asks fob's own evaluator, so that the two agree proves nothing; a proof comes from AWS's simulator, and from the
// published examples that test/policy/ holds the evaluator to. The names and positions of statements, which missing keys
// are listed, and the words of InvalidInput come from captures of AWS's answers. So does what is left out here: AWS says
// implicitDeny of a resource whose type the action does not take, and refuses some actions in one call ("require
// different authorization information").

import { isIP } from "node:net";
import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";
import {
  type Context,
  type Evaluation,
  evaluate,
  keysOf,
  type PolicyDocument,
  PolicyError,
  parsePolicy,
  RequestError,
} from "../policy/evaluate.ts";
import { operatorNamed } from "../policy/operators.ts";
import type { Account, Principal } from "./account.ts";
import { AwsError, notModelled } from "./errors.ts";
import { integer, members, type QueryAction, type QueryCall, texts, validate } from "./query.ts";
import { textElement } from "./xml.ts";

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
    const given = givenPolicies(call, "PolicyInputList");
    // An empty list is one, whatever AWS's page says.
    validate({
      ...unlimited("policyInputList", given[0]?.text ?? call.parameters.get("PolicyInputList")),
      isRequired: true,
    });
    return simulate(call, given, call.parameters.get("CallerArn"));
  },
};

export const simulatePrincipalPolicy: QueryAction = {
  parameters: ["PolicySourceArn", ...parameters],
  run: (call) => {
    const source = call.parameters.get("PolicySourceArn");
    validate({ name: "policySourceArn", value: source, isRequired: true, min: 20, max: 2048 });
    const arn = source ?? "";
    call.account.authorize(call.caller, "iam:SimulatePrincipalPolicy", arn, arn);
    const user = userOf(arn, call.account);
    const attached = user.policies.map((document, index): Policy => {
      return { id: `user_${user.name ?? ""}_policy-${index + 1}`, text: JSON.stringify(document), document };
    });
    const given = givenPolicies(call, "PolicyInputList");
    return simulate(call, [...attached, ...given], call.parameters.get("CallerArn") ?? user.arn);
  },
};

/** The user that a policy source names. AWS goes by the name, whatever the path. */
function userOf(arn: string, account: Account): Principal {
  const [, owner, kind, name = ""] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  if (owner === undefined) throw invalid(`Invalid ARN provided in the request: ${arn}`);
  if (owner !== account.id) {
    throw invalid(
      `Invalid Policy Source Arn: caller's account ${account.id} does not have access to policies in account ${owner}.`,
    );
  }
  if (kind !== "user") throw notModelled(`the simulation of a ${kind}`);
  const user = account.findUser(name);
  if (user === undefined) throw new AwsError("NoSuchEntity", 404, "Unable to retrieve specified IAM entity.");
  return user;
}

interface Policy {
  /** By which answers name it. */
  readonly id: string;
  readonly text: string;
  readonly document: PolicyDocument;
}

function givenPolicies(call: QueryCall, list: string): readonly Policy[] {
  const all = texts(call.parameters, list);
  const name = `${list.charAt(0).toLowerCase()}${list.slice(1)}`;
  validate(
    ...all.map((value, index) => ({
      ...{ name: `${name}.${index + 1}.member`, value, min: 1, max: 131_072 },
      pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    })),
  );
  return all.map((text, index) => {
    try {
      return { id: `${list}.${index + 1}`, text, document: parsePolicy(text) };
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw invalid(`Policy input list item ${index + 1} has invalid content`);
    }
  });
}

function simulate(call: QueryCall, policies: readonly Policy[], caller: string | undefined): string {
  const [boundary, other] = givenPolicies(call, "PermissionsBoundaryPolicyInputList");
  if (other !== undefined) throw invalid("The list of Permissions Boundary policies cannot exceed 1 items.");
  const actions = actionsOf(call);
  const resource = resourceOf(call);
  const given = contextOf(call);
  const names = Object.keys(given).map((name) => name.toLowerCase());
  const defaults = Object.entries(defaultsFor(caller)).filter(([name]) => !names.includes(name.toLowerCase()));
  const context = { ...Object.fromEntries(defaults), ...given };
  // AWS lists aws:userid, too, though it has a value.
  const supplied = [...names, ...defaults.map(([name]) => name.toLowerCase()).filter((name) => name !== "aws:userid")];
  const missing = unsupplied([...policies, ...(boundary ? [boundary] : [])], supplied);
  const first = offsetOf(call);
  const most = integer(call.parameters, "MaxItems");
  validate({ name: "maxItems", value: most, min: 1, max: 1000 });
  const page = actions.slice(first, first + (most ?? 100));
  const results = page.map((action) => resultElement({ action, resource, context }, { policies, boundary, missing }));
  const next = first + page.length;
  const rest = next < actions.length ? textElement("Marker", markerFor(next)) : "";
  const isTruncated = textElement("IsTruncated", String(rest !== ""));
  return `${isTruncated}<EvaluationResults>${results.join("")}</EvaluationResults>${rest}`;
}

function actionsOf({ parameters: all }: QueryCall): readonly string[] {
  const actions = texts(all, "ActionNames");
  validate(
    { ...unlimited("actionNames", actions[0]), isRequired: true },
    ...actions.map((value, index) => ({ name: `actionNames.${index + 1}.member`, value, min: 3, max: 128 })),
  );
  for (const action of actions) {
    if (!action.includes(":")) throw invalid("The action is invalid since it is missing names");
    // AWS compares such names as they are.
    if (!/^[\w-]+:[\w-]+$/.test(action)) throw notModelled(`the action name '${action}'`);
  }
  return actions;
}

function resourceOf({ parameters: all }: QueryCall): string {
  const [resource = "*", other] = texts(all, "ResourceArns");
  validate({ name: "resourceArns.1.member", value: resource, min: 1, max: 2048 });
  if (other !== undefined) throw notModelled("a simulation with several resources");
  if (resource !== "*" && !/^arn(:[^:]*){4}:.+$/s.test(resource)) {
    throw invalid(`ResourceNames are not in a valid ARN format: ${resource}.`);
  }
  return resource;
}

const types = ["binary", "ip", "boolean", "numeric", "date", "string"].flatMap((type) => [type, `${type}List`]);

/** What values of a type have to be, and how AWS calls it. AWS takes everything for a boolean. */
const formats: Readonly<Record<string, readonly [((text: string) => boolean) | undefined, string]>> = {
  numeric: [operatorNamed("NumericEquals")?.kindOf.takes, "numeric format"],
  date: [operatorNamed("DateEquals")?.kindOf.takes, "DateTime format"],
  ip: [(text) => isIP(text) !== 0, "IP address"],
};

function contextOf({ parameters: all }: QueryCall): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = {};
  const names = new Set<string>();
  for (const number of members(all, "ContextEntries")) {
    const entry = `ContextEntries.member.${number}`;
    const [name, type] = [all.get(`${entry}.ContextKeyName`) ?? "", all.get(`${entry}.ContextKeyType`) ?? ""];
    const values = texts(all, `${entry}.ContextKeyValues`);
    validate({ name: `contextEntries.${number}.member.contextKeyName`, value: name, min: 5, max: 256 });
    if (!types.includes(type)) {
      const problem = `Value at 'contextEntries.${number}.member.contextKeyType' failed to satisfy constraint`;
      const set = `Member must satisfy enum value set: [${types.join(", ")}]`;
      throw new AwsError("ValidationError", 400, `1 validation error detected: ${problem}: ${set}`);
    }
    if (names.has(name.toLowerCase())) throw invalid(`Duplicate context key: ${name}.`);
    names.add(name.toLowerCase());
    const one = type.replace(/List$/, "");
    if (one === "binary" || values.length === 0)
      throw notModelled(`a ${type} context key with ${values.length} values`);
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

/** What a simulated caller's requests carry, unless other values are given. The user need not exist. */
function defaultsFor(caller: string | undefined): Record<string, string> {
  if (caller === undefined) return { "aws:userid": "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR" };
  const [, account, kind, name] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(caller) ?? [];
  if (account === undefined || name === undefined) throw invalid(`Invalid ARN provided in the request: ${caller}`);
  if (kind !== "user") throw notModelled(`a ${kind} as the simulated caller`);
  return {
    "aws:username": name,
    "aws:PrincipalArn": caller,
    "aws:PrincipalAccount": account,
    "aws:userid": caller,
  };
}

interface Subject {
  readonly policies: readonly Policy[];
  readonly boundary: Policy | undefined;
  readonly missing: readonly string[];
}

interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

function resultElement(request: Request, { policies, boundary, missing }: Subject): string {
  const documents = policies.map(({ document }) => document);
  const { decision, because } = decide(documents, request, boundary?.document);
  const matched = because.flatMap(({ policy: which, statement }) => {
    const policy = which === "boundary" ? boundary : policies[which];
    // Of a boundary only what denies is listed.
    if (policy === undefined || (which === "boundary" && decision === "allowed")) return [];
    const type = which === "boundary" ? "Permissions Boundary Policy" : "IAM Policy";
    return statementElement(policy, statement, type);
  });
  const isWithin = boundary && decide([boundary.document], request, undefined).decision === "allowed";
  const details = [
    `<MatchedStatements>${matched.join("")}</MatchedStatements>`,
    `<MissingContextValues>${(decision === "implicitDeny" ? missing : []).map((key) => textElement("member", key)).join("")}</MissingContextValues>`,
    isWithin === undefined
      ? ""
      : `<PermissionsBoundaryDecisionDetail>${textElement("AllowedByPermissionsBoundary", String(isWithin))}</PermissionsBoundaryDecisionDetail>`,
  ].join("");
  const name = textElement("EvalResourceName", request.resource);
  const specific = `<member>${name}${textElement("EvalResourceDecision", decision)}${details}</member>`;
  const rest = request.resource === "*" ? "" : `<ResourceSpecificResults>${specific}</ResourceSpecificResults>`;
  const action = textElement("EvalActionName", request.action);
  return `<member>${action}${name}${textElement("EvalDecision", decision)}${details}${rest}</member>`;
}

function decide(
  policies: readonly PolicyDocument[],
  request: Request,
  boundary: PolicyDocument | undefined,
): Pick<Evaluation, "because"> & { decision: string } {
  try {
    const { decision, because, hangsOn } = evaluate(policies, request, { boundary, onlyPolicies: true });
    if (decision === "unknown") throw notModelled(`several values of the condition keys ${hangsOn.join(", ")}`);
    return { decision, because };
  } catch (error) {
    if (error instanceof RequestError) throw notModelled(`a request of which ${error.message}`);
    throw error;
  }
}

/**
 * The keys that policies look at and that have no value, also in statements that are about something else. AWS lists
 * them where the decision is an implicit deny.
 */
function unsupplied(policies: readonly Policy[], supplied: readonly string[]): readonly string[] {
  const keys = policies.flatMap(({ document }) => keysOf(document));
  return [...new Set(keys)].filter((key) => !supplied.includes(key.toLowerCase()));
}

function statementElement({ id, text }: Policy, statement: number, type: string): string {
  const [start, end] = extentOf(text, statement);
  const position = (name: string, offset: number): string => {
    const before = text.slice(0, offset).split("\n");
    const column = (before.at(-1) ?? "").length + 1;
    return `<${name}>${textElement("Line", String(before.length))}${textElement("Column", String(column))}</${name}>`;
  };
  const source = textElement("SourcePolicyId", id) + textElement("SourcePolicyType", type);
  return `<member>${source}${position("StartPosition", start)}${position("EndPosition", end)}</member>`;
}

/** Where a statement begins for AWS, which is where what is before it ends, and where it ends itself. */
function extentOf(text: string, index: number): readonly [number, number] {
  const tree = parseTree(text);
  const all = tree && findNodeAtLocation(tree, ["Statement"]);
  const statement = all?.type === "array" ? all.children?.[index] : all;
  if (all === undefined || statement === undefined) return [0, text.length];
  const before = all.type === "array" && index > 0 ? all.children?.[index - 1] : undefined;
  return [before === undefined ? all.offset + 1 : endOf(before), endOf(statement)];
}

const endOf = ({ offset, length }: Node): number => offset + length;

const markerFor = (offset: number): string => Buffer.from(`from ${offset}`).toString("base64");

function offsetOf({ parameters: all }: QueryCall): number {
  const marker = all.get("Marker");
  validate({ name: "marker", value: marker, min: 1, max: 320, pattern: "[\\u0020-\\u00FF]+" });
  if (marker === undefined) return 0;
  const offset = /^from (\d{1,4})$/.exec(Buffer.from(marker, "base64").toString())?.[1];
  if (offset === undefined || markerFor(Number(offset)) !== marker) throw invalid("Invalid marker for pagination.");
  return Number(offset);
}

/** A list that has to be there; what is in it is checked one by one. */
const unlimited = (name: string, value: string | undefined) => ({ name, value, min: 0, max: Number.POSITIVE_INFINITY });

const invalid = (message: string): AwsError => new AwsError("InvalidInput", 400, message);
