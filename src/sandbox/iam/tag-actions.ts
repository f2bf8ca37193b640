// Tags of users, roles, customer managed policies and virtual MFA devices.
import type { RequestContext } from "../../policy/engine/evaluate.ts";
import type { Role } from "../account.ts";
import { isAwsManaged } from "../aws-managed-policies.ts";
import { AwsError } from "../errors.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { writeList } from "../xml.ts";
import { takePolicy } from "./managed-policies.ts";
import { takeVirtualDevice } from "./mfa.ts";
import { namePattern, takeUser } from "./named.ts";
import {
  addTags,
  describeRequestTags,
  describeTagKeys,
  readTagKeys,
  readTags,
  removeTags,
  type TaggedKind,
  type Tags,
  tagParameters,
  writeTag,
} from "./tags.ts";

interface Kind {
  readonly kind: TaggedKind;
  /** The parameter that names it. */
  readonly parameter: string;
  /** Returns what the parameter names. Throws AccessDenied or NoSuchEntity. */
  readonly take: (call: QueryCall, action: string, context: RequestContext) => { tags: Tags };
}

const kinds: readonly Kind[] = [
  {
    ...{ kind: "User", parameter: "UserName" },
    take: (call, action, context) => takeUser(call, action, "required", context).user,
  },
  { kind: "Role", parameter: "RoleName", take: takeRole },
  { kind: "Policy", parameter: "PolicyArn", take: takeTaggedPolicy },
  {
    ...{ kind: "MFADevice", parameter: "SerialNumber" },
    take: (call, action, context) => takeVirtualDevice(call, action, context).device,
  },
];

/** AWS's own policies have no tags. */
function takeTaggedPolicy(call: QueryCall, action: string, context: RequestContext): { tags: Tags } {
  const policy = takePolicy(call, action, context);
  if (!isAwsManaged(policy.arn) || action === "iam:ListPolicyTags") return policy;
  throw new AwsError("InvalidInput", 400, "Tags not supported for policies in this domain");
}

/** Returns the role that the parameter RoleName names. Throws AccessDenied or NoSuchEntity. */
function takeRole({ account, caller, parameters }: QueryCall, action: string, context: RequestContext): Role {
  const name = parameters.get("RoleName");
  validate({ name: "roleName", value: name, isRequired: true, min: 1, max: 64, pattern: namePattern });
  const role = account.findRoleByName(name as string);
  account.authorize(caller, action, role?.arn ?? account.arn(`role/${name}`), `role ${name}`, context);
  if (role === undefined) throw new AwsError("NoSuchEntity", 404, `The role with name ${name} cannot be found.`);
  return role;
}

/**
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html, API_TagRole.html, API_TagPolicy.html and
 * API_TagMFADevice.html
 */
const tag = ({ kind, parameter, take }: Kind): QueryAction => ({
  parameters: [parameter, ...tagParameters],
  run: (call) => {
    const added = readTags(call.parameters, kind);
    const tagged = take(call, `iam:Tag${kind}`, describeRequestTags(added));
    // The code is AWS's; the message is inferred.
    if (Object.keys(added).length === 0) throw new AwsError("InvalidInput", 400, "At least one tag must be specified.");
    tagged.tags = addTags(kind, tagged.tags, added);
    return "";
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html, and the same for the others */
const untag = ({ kind, parameter, take }: Kind): QueryAction => ({
  parameters: [parameter, "TagKeys.member.N"],
  run: (call) => {
    const keys = readTagKeys(call.parameters);
    const tagged = take(call, `iam:Untag${kind}`, describeTagKeys(keys));
    tagged.tags = removeTags(kind, tagged.tags, keys);
    return "";
  },
});

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html, and the same for the others */
const list = ({ kind, parameter, take }: Kind): QueryAction => ({
  parameters: [parameter, "Marker", "MaxItems"],
  run: (call) => {
    const { tags } = take(call, `iam:List${kind}Tags`, {});
    const { page, isTruncated, marker } = takePage(call.parameters, Object.entries(tags));
    return isTruncated + writeList("Tags", page, writeTag) + marker;
  },
});

export const tagActions: Readonly<Record<string, QueryAction>> = Object.fromEntries(
  kinds.flatMap((each) => [
    [`Tag${each.kind}`, tag(each)],
    [`Untag${each.kind}`, untag(each)],
    [`List${each.kind}Tags`, list(each)],
  ]),
);
