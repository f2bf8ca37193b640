// IAM's policy simulator, as documented by AWS:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
//
// It uses fob's own evaluator, so it cannot verify the evaluator; AWS's simulator and the published examples in test/policy/
// do that. Matched statements, missing keys and the messages of InvalidInput are as captured from AWS in 2026 by
// https://github.com/radkawar/stackd (docs/iam-simulation.md). These also show what is missing here: AWS returns
// implicitDeny for a resource type that the action does not support, rejects some actions in one call ("require different
// authorization information"), and of several resources shows a pattern.
import {
  type Decision,
  type Evaluation,
  evaluate,
  listContextKeys,
  RequestError,
  type StatementReference,
} from "../policy/engine/evaluate.ts";
import { AwsError, notModeled } from "./errors.ts";
import { type QueryAction, type QueryCall, readTexts, takePage, validate } from "./query.ts";
import {
  listPlaces,
  listPoliciesOf,
  type Place,
  type PolicySet,
  type PolicySource,
  type Position,
  readPolicyList,
  type SimulatedPolicy,
} from "./simulated-policies.ts";
import {
  invalid,
  parseEntityArn,
  readActions,
  readContext,
  readResources,
  requestParameters,
  type SimulatedContext,
  unlimited,
} from "./simulated-requests.ts";
import { escapeXml, writeElement, writeList } from "./xml.ts";

const parameters = [
  ...requestParameters,
  ...["PermissionsBoundaryPolicyInputList.member.N", "PolicyInputList.member.N", "Marker", "MaxItems"],
];

const simulateCustomPolicy: QueryAction = {
  parameters,
  run: (call) => {
    call.account.authorize(call.caller, "iam:SimulateCustomPolicy", "*", "*");
    const policies = readPolicyList(call, "PolicyInputList");
    // AWS accepts an empty list, although its documentation says otherwise.
    const [list = call.parameters.get("PolicyInputList")] = readTexts(call.parameters, "PolicyInputList");
    validate({ ...unlimited("policyInputList", list), isRequired: true });
    return simulate(call, { policies, boundary: readBoundary(call) }, call.parameters.get("CallerArn"));
  },
};

/** The policies of an entity and those of the request, whose boundary replaces the entity's. */
const simulatePrincipalPolicy: QueryAction = {
  parameters: ["PolicySourceArn", ...parameters],
  run: (call) => {
    const arn = call.parameters.get("PolicySourceArn");
    validate({ name: "policySourceArn", value: arn, isRequired: true, min: 20, max: 2048 });
    const source = takeSource(call, arn as string);
    const own = listPoliciesOf(call.account, source);
    const policies = [...own.policies, ...readPolicyList(call, "PolicyInputList")];
    const set = { policies, boundary: readBoundary(call) ?? own.boundary };
    return simulate(call, set, call.parameters.get("CallerArn") ?? arn);
  },
};

/** Finds the entity by its name, as AWS does: the path does not count (captured). */
function takeSource({ account, caller }: QueryCall, arn: string): PolicySource {
  const { kind, name, accountId } = parseEntityArn(arn);
  if (accountId !== account.id) {
    const problem = `caller's account ${account.id} does not have access to policies in account ${accountId}.`;
    throw invalid(`Invalid Policy Source Arn: ${problem}`);
  }
  const found = { user: account.findUser(name), group: account.findGroup(name), role: account.findRoleByName(name) };
  const entity = found[kind];
  const resource = entity?.arn ?? arn;
  account.authorize(caller, "iam:SimulatePrincipalPolicy", resource, resource);
  if (entity === undefined) throw new AwsError("NoSuchEntity", 404, "Unable to retrieve specified IAM entity.");
  return { kind, entity } as PolicySource;
}

function readBoundary(call: QueryCall): SimulatedPolicy | undefined {
  const [boundary, other] = readPolicyList(call, "PermissionsBoundaryPolicyInputList");
  if (other !== undefined) throw invalid("The list of Permissions Boundary policies cannot exceed 1 items.");
  return boundary;
}

function simulate(call: QueryCall, set: PolicySet, callerArn: string | undefined): string {
  const actions = readActions(call);
  const resources = readResources(call);
  const context = readContext(call, callerArn);
  const { page, isTruncated, marker } = takePage(call.parameters, actions);
  const missing = findMissingKeys(set, context);
  const list = writeList("EvaluationResults", page, (action) => {
    const results = (resources.length === 0 ? ["*"] : resources).map((resource) =>
      simulateRequest({ action, resource, context: context.context }, set, missing),
    );
    return writeAction(action, set, results, resources);
  });
  return isTruncated + list + marker;
}

/** The result for one resource, or for all of an action's. */
interface Result {
  readonly decision: Exclude<Decision, "unknown">;
  readonly matched: readonly StatementReference[];
  readonly missing: readonly string[];
  /** Undefined without a boundary. */
  readonly isWithin: boolean | undefined;
}

type Request = Parameters<typeof evaluate>[1];

/** AWS lists missing keys for an implicit deny, including those in statements about other actions. */
function simulateRequest(request: Request, { policies, boundary }: PolicySet, missing: readonly string[]): Result {
  const documents = policies.map(({ document }) => document);
  const { decision, matchedStatements } = decide(documents, request, boundary?.document);
  const isWithin = boundary && decide([boundary.document], request, undefined).decision === "allowed";
  // A boundary's allows are not among the statements that AWS names.
  const matched = matchedStatements.filter(({ policy }) => decision !== "allowed" || policy !== "boundary");
  return { decision, matched, missing: decision === "implicitDeny" ? missing : [], isWithin };
}

function decide(
  policies: readonly SimulatedPolicy["document"][],
  request: Request,
  boundary: SimulatedPolicy["document"] | undefined,
): Evaluation & { readonly decision: Result["decision"] } {
  try {
    const { decision, ...evaluation } = evaluate(policies, request, { boundary, onlyPolicies: true });
    if (decision === "unknown") {
      throw notModeled(`several values of the condition keys ${evaluation.missingContextKeys.join(", ")}`);
    }
    return { decision, ...evaluation };
  } catch (error) {
    if (error instanceof RequestError) throw notModeled(`this request: ${error.message}`);
    throw error;
  }
}

/** Finds the keys that policies test and that have no value, in their first spelling. */
function findMissingKeys({ policies, boundary }: PolicySet, { supplied }: SimulatedContext): readonly string[] {
  const keys = [...policies, ...(boundary ? [boundary] : [])].flatMap(({ document }) => listContextKeys(document));
  return [...new Set(keys)].filter((key) => !supplied.includes(key.toLowerCase()));
}

/** Of several resources, the action is allowed if it is on each one; a deny of one denies it (the latter inferred). */
function combine(results: readonly Result[]): Result {
  const decision = (["explicitDeny", "implicitDeny"] as const).find((deny) =>
    results.some((result) => result.decision === deny),
  );
  const matched = results.flatMap((result) => result.matched);
  const isSame = (a: StatementReference, b: StatementReference) => a.policy === b.policy && a.statement === b.statement;
  return {
    decision: decision ?? "allowed",
    matched: matched.filter((each, index) => matched.findIndex((other) => isSame(each, other)) === index),
    missing: [...new Set(results.flatMap((result) => result.missing))],
    isWithin: results.every(({ isWithin }) => isWithin === undefined)
      ? undefined
      : results.every(({ isWithin }) => isWithin),
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html */
function writeAction(action: string, set: PolicySet, results: readonly Result[], resources: readonly string[]): string {
  const whole = combine(results);
  const [resource = "*", other] = resources;
  // Of several resources AWS shows a pattern for most actions, and nothing for the others.
  const name = other === undefined ? writeElement("EvalResourceName", resource) : "";
  const specific = writeList("ResourceSpecificResults", resources.entries(), ([index, each]) => {
    const result = results[index] as Result;
    return [
      ...[writeElement("EvalResourceName", each), writeElement("EvalResourceDecision", result.decision)],
      result.matched.length === 0 ? "" : writeMatched(set, result),
      result.missing.length === 0 ? "" : writeMissing(result),
      writeBoundaryDecision(result),
    ].join("");
  });
  return [
    ...[writeElement("EvalActionName", action), name, writeElement("EvalDecision", whole.decision)],
    ...[writeMatched(set, whole), writeMissing(whole), writeBoundaryDecision(whole)],
    resources.length === 0 ? "" : `<EvalDecisionDetails/>${specific}`,
  ].join("");
}

const writeMissing = ({ missing }: Result): string => writeList("MissingContextValues", missing, escapeXml);

const writeBoundaryDecision = ({ isWithin }: Result): string =>
  isWithin === undefined
    ? ""
    : `<PermissionsBoundaryDecisionDetail>${writeElement("AllowedByPermissionsBoundary", String(isWithin))}</PermissionsBoundaryDecisionDetail>`;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html */
function writeMatched({ policies, boundary }: PolicySet, { matched }: Result): string {
  return writeList("MatchedStatements", matched, ({ policy: index, statement }) => {
    const policy = (index === "boundary" ? boundary : policies[index]) as SimulatedPolicy;
    const { start, end } = listPlaces(policy)[statement] as Place;
    return [
      ...[writeElement("SourcePolicyId", policy.id), writeElement("SourcePolicyType", policy.type)],
      ...[writePosition("StartPosition", start), writePosition("EndPosition", end)],
    ].join("");
  });
}

const writePosition = (name: string, { line, column }: Position): string =>
  `<${name}>${writeElement("Line", String(line))}${writeElement("Column", String(column))}</${name}>`;

export const simulatorActions: Readonly<Record<string, QueryAction>> = {
  SimulateCustomPolicy: simulateCustomPolicy,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
};
