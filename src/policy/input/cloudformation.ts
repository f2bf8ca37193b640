// Finds the policies in a CloudFormation template, and reads CloudFormation's functions in them as far as their values
// are known before the template is deployed.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
import { type Content, isObject } from "../engine/grammar.ts";
import type { Path } from "../engine/json.ts";
import type { Unknown } from "../lint/lint.ts";
import { type Candidate, findKind, findOrganizationsKind, listOf, textOf } from "./candidate.ts";

/** Returns undefined if it is no template. */
export function findInTemplate(value: unknown): readonly Candidate[] | undefined {
  return listResources(value)?.flatMap(([id, resource]) => {
    if (!isObject(resource) || !isObject(resource.Properties)) return [];
    const { Type: type, Properties: properties } = resource;
    return findInResource(textOf(type), id, properties).map(({ path, ...rest }) => ({
      ...{ path: ["Resources", id, "Properties", ...path] },
      ...rest,
      hasFunctions: true,
      // A function decides about it, such as Fn::If.
      absent: describeUnknown("the policy", []),
    }));
  });
}

function listResources(value: unknown): readonly (readonly [id: string, resource: unknown])[] | undefined {
  if (!isObject(value) || !isObject(value.Resources)) return undefined;
  const resources = Object.entries(value.Resources);
  return resources.some(([, resource]) => isObject(resource) && /^\w+::/.test(textOf(resource.Type)))
    ? resources
    : undefined;
}

/**
 * Lists what of a template may have policies that are not in it, or only in a form that CloudFormation expands: for
 * messages.
 */
export function listNotLookedAt(value: unknown): readonly string[] {
  return (listResources(value) ?? []).flatMap(([id, resource]) => {
    if (/^Fn::(ForEach|Transform)\b/.test(id)) return [id];
    if (!isObject(resource) || !isObject(resource.Properties)) return [];
    const { Type: type, Properties: properties } = resource;
    const isOther = /^AWS::CloudFormation::(Stack|StackSet)$|^AWS::Serverless::Application$|::MODULE$/;
    if (!isOther.test(textOf(type))) return [];
    const place = [properties.TemplateURL, properties.Location].find((each) => typeof each === "string");
    return [place === undefined ? `${id}, ${textOf(type)}` : `${id}, ${place}`];
  });
}

function findInResource(type: string, id: string, properties: Content): readonly Candidate[] {
  const [, owner = ""] = /^AWS::IAM::(User|Group|Role)(Policy)?$/.exec(type) ?? [];
  if (type === `AWS::IAM::${owner}`) {
    const of = [`${owner.toLowerCase()} ${id}`];
    if (isObject(properties.Policies)) return [{ path: ["Policies"], name: id, of, kind: findKind(of) }];
    return listOf(properties.Policies).map((policy, index) => ({
      path: ["Policies", index, "PolicyDocument"],
      ...{ name: `${id}, policy ${isObject(policy) ? textOf(policy.PolicyName) : "?"}`, of, kind: findKind(of) },
    }));
  }
  if (/^AWS::IAM::(Managed|User|Group|Role)?Policy$/.test(type)) {
    const of = listAttachedTo(properties);
    const kind = owner === "Role" ? "role" : findKind(of);
    return [{ path: ["PolicyDocument"], name: id, of, kind }];
  }
  if (/^AWS::Serverless::(Function|StateMachine)$/.test(type)) return findInServerless(id, properties.Policies);
  if (type === "AWS::Organizations::Policy") {
    return [{ path: ["Content"], name: id, kind: findOrganizationsKind(properties.Type) }];
  }
  if (type === "AWS::SSO::PermissionSet" && properties.InlinePolicy !== undefined) {
    return [{ path: ["InlinePolicy"], name: id, kind: "role" }];
  }
  return [];
}

/**
 * Policies of the role that SAM creates: names, ARNs, templates of SAM, and documents.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
 */
function findInServerless(id: string, policies: unknown): readonly Candidate[] {
  const isPolicy = (policy: unknown): boolean =>
    isObject(policy) && (policy.Statement !== undefined || resolveCall(policy) !== undefined);
  const found = { of: [`role ${id}`], kind: "role" as const };
  if (isPolicy(policies)) return [{ path: ["Policies"], name: id, ...found }];
  return listOf(policies).flatMap((policy, index) =>
    isPolicy(policy) ? [{ path: ["Policies", index], name: `${id}, policy ${index + 1}`, ...found }] : [],
  );
}

/** Lists whom a policy is attached to; of a reference the name of the resource. */
function listAttachedTo(properties: Content): string[] {
  return (["User", "Group", "Role"] as const).flatMap((type) =>
    [...listOf(properties[`${type}s`]), properties[`${type}Name`]]
      .filter((name) => name !== undefined)
      .map((name) => `${type.toLowerCase()} ${isObject(name) ? textOf(name.Ref) : textOf(name)}`),
  );
}

/**
 * Replaces CloudFormation's functions with their texts. What is known only when the template is deployed becomes a
 * placeholder such as `${AWS::AccountId}`.
 *
 * @param unknown is given what is not known
 * @param texts is given the text of every function
 */
export function resolveFunctions(value: unknown, unknown: Unknown[], texts: string[] = []): unknown {
  const resolve = (part: unknown, path: Path): unknown => {
    if (Array.isArray(part)) return part.map((item, index) => resolve(item, [...path, index]));
    if (!isObject(part)) return part;
    const call = resolveCall(part);
    if (call === undefined) {
      const members = Object.entries(part).map(([name, member]) => [name, resolve(member, [...path, name])]);
      return Object.fromEntries(members) as Content;
    }
    texts.push(call.text);
    if (!call.isKnown) {
      const isAll = call.text.startsWith("$" + "{");
      unknown.push({ ...describeUnknown(JSON.stringify(call.text), path), isAll });
    }
    return call.text;
  };
  return resolve(value, []);
}

const describeUnknown = (what: string, path: Path): Unknown => ({
  path,
  message: `${what} has a value only when the template is deployed, so fob does not check it`,
  fix: "deploy the template, then lint the output of aws iam get-policy-version, get-group-policy or get-role-policy",
  isAll: true,
});

interface Resolved {
  readonly text: string;
  readonly isKnown: boolean;
}

/** Returns undefined if an object is no call of a function. */
function resolveCall(value: Content): Resolved | undefined {
  const [first, ...others] = Object.entries(value);
  const [name, given] = first ?? ["", undefined];
  if (others.length > 0 || !/^(Ref$|Fn::)/.test(name)) return undefined;
  const unknown = (text: string): Resolved => ({ text: `\${${text}}`, isKnown: false });
  const [start, list] = listOf(given);
  if (name === "Ref") return unknown(textOf(given));
  if (name === "Fn::GetAtt")
    return unknown(Array.isArray(given) ? given.map((part) => textOf(part)).join(".") : textOf(given));
  if (name === "Fn::Sub") {
    const text = textOf(Array.isArray(given) ? start : given, "");
    // "${!Literal}" is the text "${Literal}".
    return { text: text.replace(/\$\{!/g, "$" + "{"), isKnown: text !== "" && !/\$\{(?!!)/.test(text) };
  }
  if (name === "Fn::Join" && typeof start === "string" && Array.isArray(list)) {
    const parts = list.map((part: unknown) =>
      isObject(part) ? resolveCall(part) : { text: textOf(part), isKnown: typeof part === "string" },
    );
    const texts = parts.map((part) => part?.text ?? unknown(name).text);
    return { text: texts.join(start), isKnown: parts.every((part) => part?.isKnown) };
  }
  return unknown(name);
}
