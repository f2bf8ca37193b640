// The policies of users and groups: managed policies attached to them, and inline policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import { AwsError } from "../errors.ts";
import type { PolicyHolder } from "../policies.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { escapeXml, writeElement, writeList } from "../xml.ts";
import { takeGroup } from "./groups.ts";
import { encodeDocument, readPolicyArn, readPolicyDocument, sizeOf } from "./managed-policies.ts";
import { namePattern, takeUser } from "./named.ts";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const attachedPolicies = 10;

interface Kind {
  readonly name: "User" | "Group";
  /** The characters that all inline policies may have together, without white space. */
  readonly inlineCharacters: number;
  readonly take: (call: QueryCall, action: string) => { readonly name: string; readonly holder: PolicyHolder };
}

const users: Kind = {
  ...{ name: "User", inlineCharacters: 2048 },
  take: (call, action) => takeUser(call, action, "required"),
};
const groups: Kind = { name: "Group", inlineCharacters: 5120, take: takeGroup };

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html and API_AttachGroupPolicy.html */
const attach = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "PolicyArn"],
  run: (call) => {
    const { attached } = take(call, `iam:Attach${kind}Policy`).holder;
    const arn = readPolicyArn(call);
    if (call.account.findManagedPolicy(arn) === undefined) {
      throw new AwsError("NoSuchEntity", 404, `Policy ${arn} does not exist or is not attachable.`);
    }
    if (!attached.has(arn) && attached.size >= attachedPolicies) {
      throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for PoliciesPer${kind}: ${attachedPolicies}`);
    }
    attached.add(arn);
    return "";
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html and API_DetachGroupPolicy.html */
const detach = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "PolicyArn"],
  run: (call) => {
    const { attached } = take(call, `iam:Detach${kind}Policy`).holder;
    const arn = readPolicyArn(call);
    if (!attached.delete(arn)) throw new AwsError("NoSuchEntity", 404, `Policy ${arn} was not found.`);
    return "";
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html and API_ListAttachedGroupPolicies.html */
const listAttached = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "Marker", "MaxItems"],
  run: (call) => {
    const { attached } = take(call, `iam:ListAttached${kind}Policies`).holder;
    const { page, isTruncated, marker } = takePage(call.parameters, [...attached]);
    const list = writeList("AttachedPolicies", page, (arn) => {
      return writeElement("PolicyName", call.account.managedPolicy(arn).name) + writeElement("PolicyArn", arn);
    });
    return isTruncated + list + marker;
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html and API_PutGroupPolicy.html */
const put = ({ name: kind, inlineCharacters, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "PolicyName", "PolicyDocument"],
  run: (call) => {
    const { name, holder } = take(call, `iam:Put${kind}Policy`);
    const policyName = readPolicyName(call);
    const policy = readPolicyDocument(call.parameters);
    // A name that differs only in case is that of the same policy (captured).
    const key = findInline(holder, policyName) ?? policyName;
    const others = [...holder.inline].filter(([other]) => other !== key).map(([, other]) => other);
    const size = [...others, policy].reduce((sum, each) => sum + sizeOf(each), 0);
    if (size > inlineCharacters) {
      const problem = `Maximum policy size of ${inlineCharacters} bytes exceeded for ${kind.toLowerCase()} ${name}`;
      throw new AwsError("LimitExceeded", 409, problem);
    }
    holder.inline.set(key, policy);
    return "";
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html and API_GetGroupPolicy.html */
const get = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "PolicyName"],
  run: (call) => {
    const { name, holder } = take(call, `iam:Get${kind}Policy`);
    const policyName = readPolicyName(call);
    const policy = holder.inline.get(findInline(holder, policyName) ?? "");
    if (policy === undefined) throw noPolicy(kind, policyName);
    const document = writeElement("PolicyDocument", encodeDocument(policy.text));
    return writeElement(`${kind}Name`, name) + writeElement("PolicyName", policyName) + document;
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html and API_ListGroupPolicies.html */
const list = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "Marker", "MaxItems"],
  run: (call) => {
    const { inline } = take(call, `iam:List${kind}Policies`).holder;
    const { page, isTruncated, marker } = takePage(call.parameters, [...inline.keys()]);
    return isTruncated + writeList("PolicyNames", page, escapeXml) + marker;
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html and API_DeleteGroupPolicy.html */
const remove = ({ name: kind, take }: Kind): QueryAction => ({
  parameters: [`${kind}Name`, "PolicyName"],
  run: (call) => {
    const { holder } = take(call, `iam:Delete${kind}Policy`);
    const policyName = readPolicyName(call);
    if (!holder.inline.delete(findInline(holder, policyName) ?? "")) throw noPolicy(kind, policyName);
    return "";
  },
});

function readPolicyName({ parameters }: QueryCall): string {
  const value = parameters.get("PolicyName");
  validate({ name: "policyName", value, isRequired: true, min: 1, max: 128, pattern: namePattern });
  return value as string;
}

const findInline = ({ inline }: PolicyHolder, name: string): string | undefined =>
  [...inline.keys()].find((key) => key.toLowerCase() === name.toLowerCase());

const noPolicy = (kind: string, name: string): AwsError =>
  new AwsError("NoSuchEntity", 404, `The ${kind.toLowerCase()} policy with name ${name} cannot be found.`);

export const heldPolicyActions: Readonly<Record<string, QueryAction>> = Object.fromEntries(
  [users, groups].flatMap((kind) => [
    [`Attach${kind.name}Policy`, attach(kind)],
    [`Detach${kind.name}Policy`, detach(kind)],
    [`ListAttached${kind.name}Policies`, listAttached(kind)],
    [`Put${kind.name}Policy`, put(kind)],
    [`Get${kind.name}Policy`, get(kind)],
    [`List${kind.name}Policies`, list(kind)],
    [`Delete${kind.name}Policy`, remove(kind)],
  ]),
);
