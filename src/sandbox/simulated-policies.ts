// The policies that a simulation evaluates, and where their statements are.
import { type PolicyDocument, PolicyError, parsePolicy } from "../policy/engine/evaluate.ts";
import { readJson } from "../policy/engine/json.ts";
import type { Account, Group, Role, UserPrincipal } from "./account.ts";
import { AwsError } from "./errors.ts";
import type { PolicyHolder } from "./policies.ts";
import { type QueryCall, readTexts, validate } from "./query.ts";

export interface SimulatedPolicy {
  /** `PolicyInputList.1`, `user_NAME_POLICY` for an inline policy, the name of a managed policy (captured). */
  readonly id: string;
  /** As AWS answers, not as the enumeration of its model says (captured). */
  readonly type: "IAM Policy" | "Permissions Boundary Policy";
  /** The JSON. */
  readonly text: string;
  readonly document: PolicyDocument;
}

export interface PolicySet {
  readonly policies: readonly SimulatedPolicy[];
  readonly boundary: SimulatedPolicy | undefined;
}

/** The entity whose policies are simulated. */
export type PolicySource =
  | { readonly kind: "user"; readonly entity: UserPrincipal }
  | { readonly kind: "group"; readonly entity: Group }
  | { readonly kind: "role"; readonly entity: Role };

/** Reads a list of documents. Throws InvalidInput if one is not a valid policy. */
export function readPolicyList(
  { parameters }: QueryCall,
  list: "PolicyInputList" | "PermissionsBoundaryPolicyInputList",
): readonly SimulatedPolicy[] {
  const texts = readTexts(parameters, list);
  const name = `${list.charAt(0).toLowerCase()}${list.slice(1)}`;
  validate(
    ...texts.map((value, index) => ({
      ...{ name: `${name}.${index + 1}.member`, value, min: 1, max: 131_072 },
      pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    })),
  );
  const type = list === "PolicyInputList" ? "IAM Policy" : "Permissions Boundary Policy";
  return texts.map((text, index) => {
    try {
      return { id: `${list}.${index + 1}`, type, text, document: parsePolicy(text) };
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw new AwsError("InvalidInput", 400, `Policy input list item ${index + 1} has invalid content`);
    }
  });
}

/** Returns the policies of a user, with those of the user's groups, of a group or of a role. */
export function listPoliciesOf(account: Account, { kind, entity }: PolicySource): PolicySet {
  const holders: readonly Holder[] = [
    { kind, ...entity },
    ...(kind === "user" ? entity.user.groups.map((group) => ({ kind: "group", ...group })) : []),
  ];
  const inline = holders.flatMap(({ kind: owner, name, holder }) =>
    [...holder.inline].map(([policyName, policy]) => ({ id: `${owner}_${name}_${policyName}`, ...policy })),
  );
  // Of several groups with the same managed policy, AWS reads it once (captured).
  const arns = new Set(holders.flatMap(({ holder }) => [...holder.attached]));
  const managed = (arn: string) => ({ id: account.managedPolicy(arn).name, ...account.defaultPolicy(arn) });
  const boundary = kind === "user" ? entity.user.boundary : undefined;
  return {
    policies: [...inline, ...[...arns].map(managed)].map((policy) => ({ ...policy, type: "IAM Policy" })),
    boundary: boundary === undefined ? undefined : { ...managed(boundary), type: "Permissions Boundary Policy" },
  };
}

interface Holder {
  readonly kind: string;
  readonly name: string;
  readonly holder: PolicyHolder;
}

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** From where to where a statement is. */
export interface Place {
  readonly start: Position;
  readonly end: Position;
}

/** A cache: a simulation may name a statement for a hundred actions. */
const places = new WeakMap<SimulatedPolicy, readonly Place[]>();

/**
 * Returns where AWS says that the statements are. A list's statement begins after the bracket or the statement before it;
 * a single one after its own brace (captured).
 */
export function listPlaces(policy: SimulatedPolicy): readonly Place[] {
  const found = places.get(policy) ?? findPlaces(policy);
  places.set(policy, found);
  return found;
}

function findPlaces({ text }: SimulatedPolicy): readonly Place[] {
  const json = readJson(text);
  const { Statement: statements } = json.value as { readonly Statement: unknown };
  const spanAt = (...path: (string | number)[]): readonly [number, number] => json.spanOf(path) ?? [0, 0];
  const [first, last] = spanAt("Statement");
  const at = (start: number, end: number): Place => ({
    start: findPosition(json.content, start),
    end: findPosition(json.content, end),
  });
  if (!Array.isArray(statements)) return [at(first + 1, last)];
  const ends = statements.map((_, index) => spanAt("Statement", index)[1]);
  return ends.map((end, index) => at(ends[index - 1] ?? first + 1, end));
}

function findPosition(content: string, offset: number): Position {
  const before = content.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
