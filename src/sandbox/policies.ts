// The policies of an account, and who has them.
import { listContextKeys, type PolicyDocument, PolicyError, parsePolicy } from "../policy/engine/evaluate.ts";
import { AwsError, notModeled } from "./errors.ts";

/** A policy as IAM keeps it: the text that it was given, and what it says. */
export interface ModeledPolicy {
  readonly text: string;
  readonly document: PolicyDocument;
}

export interface ManagedPolicy {
  readonly name: string;
  readonly arn: string;
  /** `ANPA…` */
  readonly id: string;
  readonly path: string;
  readonly createdMs: number;
  updatedMs: number;
  description?: string;
  tags: Readonly<Record<string, string>>;
  readonly versions: Map<string, PolicyVersion>;
  defaultVersion: string;
  /** The number of the latest version. AWS does not reuse the numbers of deleted versions. */
  latestVersion: number;
}

export interface PolicyVersion {
  readonly policy: ModeledPolicy;
  readonly createdMs: number;
}

/** What has policies: a user, a group or a role. */
export interface PolicyHolder {
  readonly inline: Map<string, ModeledPolicy>;
  /** The ARNs of managed policies. */
  readonly attached: Set<string>;
}

/**
 * The condition keys of requests here. Policies of requests with other keys are rejected, because decisions on them would be
 * wrong. Those of files and real accounts may have them; see {@link readForeignPolicy}.
 */
const modeledKeys = [
  ...["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:viaawsservice"],
  ...["aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount", "aws:tagkeys"],
];
const modeledTags = /^(aws:(principal|resource|request)tag|iam:resourcetag)\/.+$/;

const isModeled = (key: string): boolean => modeledKeys.includes(key) || modeledTags.test(key);

const unmodeledKeys = new WeakMap<PolicyDocument, readonly string[]>();

/** Returns the condition keys in a document that requests here do not have, although they may have them on AWS. */
export function listUnmodeledKeys(document: PolicyDocument): readonly string[] {
  const keys =
    unmodeledKeys.get(document) ?? listContextKeys(document).filter((name) => !isModeled(name.toLowerCase()));
  unmodeledKeys.set(document, keys);
  return keys;
}

/** Reads a policy: a document or its JSON. Throws an Error if the evaluator or this account does not model something in it. */
export function readModeledPolicy(policy: unknown): ModeledPolicy {
  const document = parsePolicy(policy);
  const [key] = listUnmodeledKeys(document);
  if (key !== undefined) throw new Error(`this local AWS does not model the condition key ${JSON.stringify(key)}`);
  return { text: typeof policy === "string" ? policy : JSON.stringify(policy), document };
}

/** Why a policy cannot be evaluated, or the condition keys in it that are unknown here. */
export interface PolicyGap {
  readonly problem?: string;
  readonly keys: readonly string[];
}

/** A policy that may have what is not modeled here. */
interface ForeignPolicy {
  readonly policy: ModeledPolicy;
  readonly gap: PolicyGap;
}

/**
 * Reads a policy of a file or of a real account, which may have what is not modeled here. Requests whose decision depends on
 * that are refused with NotImplemented: on a condition key, or on a document that the evaluator does not understand.
 *
 * @param label what it is, as in `the policy deny-all`
 */
export function readForeignPolicy(text: string, label: string): ForeignPolicy {
  try {
    const document = parsePolicy(text);
    return { policy: { text, document }, gap: { keys: listUnmodeledKeys(document) } };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return makeUnusable(text, label, error.message);
  }
}

/** Makes a policy whose document is in no file, and which this account does not have either. */
export const makeMissingPolicy = (label: string): ForeignPolicy =>
  makeUnusable("", label, "its document is not in the file, and the sandbox has none");

/** A policy that refuses every request that it is about. */
function makeUnusable(text: string, label: string, problem: string): ForeignPolicy {
  const policy = {
    text,
    get document(): PolicyDocument {
      throw notModeled(`${label}: ${problem}`);
    },
  };
  return { policy, gap: { problem, keys: [] } };
}

/**
 * Reads the policy of a request. Throws MalformedPolicyDocument for what is not JSON, and NotImplemented for anything that
 * the evaluator does not understand; some of that AWS would reject too, as malformed.
 */
export function readGivenPolicy(text: string): ModeledPolicy {
  try {
    JSON.parse(text);
  } catch {
    throw new AwsError("MalformedPolicyDocument", 400, "Syntax errors in policy.");
  }
  try {
    return readModeledPolicy(text);
  } catch (error) {
    throw notModeled(`this policy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Creates a holder whose inline policies are named `policy-1`, `policy-2`, … */
export function makeHolder(policies: readonly unknown[] = []): PolicyHolder {
  const inline = new Map(policies.map((policy, index) => [`policy-${index + 1}`, readModeledPolicy(policy)]));
  return { inline, attached: new Set() };
}
