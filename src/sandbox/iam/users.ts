// IAM users and their tags. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { Account, UserPrincipal } from "../account.ts";
import { AwsError } from "../errors.ts";
import { listMembers, type QueryAction, readTexts, takePage, validate } from "../query.ts";
import { writeList } from "../xml.ts";
import {
  filterByPath,
  namePattern,
  pathPattern,
  takeUser,
  takeUserOrRoot,
  writeBoundary,
  writePrincipal,
  writeTag,
  writeUserFields,
} from "./named.ts";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const tagsPerUser = 50;

type Tags = Readonly<Record<string, string>>;
type Parameters = ReadonlyMap<string, string>;

/** With tags it needs iam:TagUser too. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html */
const createUser: QueryAction = {
  parameters: ["UserName", "Path", "PermissionsBoundary", "Tags.member.N.Key", "Tags.member.N.Value"],
  run: ({ account, caller, parameters }) => {
    const [value, path = "/"] = [parameters.get("UserName"), parameters.get("Path")];
    const boundary = parameters.get("PermissionsBoundary");
    validate(
      { name: "userName", value, isRequired: true, min: 1, max: 64, pattern: namePattern },
      { name: "path", value: path, min: 1, max: 512, pattern: pathPattern },
      { name: "permissionsBoundary", value: boundary, min: 20, max: 2048 },
    );
    const name = value as string;
    const tags = readTags(parameters);
    const arn = account.arn(`user${path}${name}`);
    account.authorize(caller, "iam:CreateUser", arn, arn);
    if (Object.keys(tags).length > 0) account.authorize(caller, "iam:TagUser", arn, arn);
    if (account.findUser(name) !== undefined) {
      throw new AwsError("EntityAlreadyExists", 409, `User with name ${name} already exists.`);
    }
    if (boundary !== undefined && account.findManagedPolicy(boundary) === undefined) {
      throw new AwsError("NoSuchEntity", 404, `Scope ARN: ${boundary} does not exist or is not attachable.`);
    }
    return writeUser(account.addUser({ name, path, tags, ...(boundary === undefined ? {} : { boundary }) }));
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html */
const getUser: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const { account } = call;
    const { name } = takeUserOrRoot(call, "iam:GetUser");
    return name === undefined ? `<User>${writePrincipal(account, account.root)}</User>` : writeUser(account.user(name));
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html */
const listUsers: QueryAction = {
  parameters: ["PathPrefix", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:ListUsers", account.arn("user/"), account.arn("user/"));
    const users = filterByPath(parameters, account.users(), ({ user }) => user.path);
    const { page, isTruncated, marker } = takePage(parameters, users);
    return isTruncated + writeList("Users", page, writeUserFields) + marker;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html */
const deleteUser: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const owner = takeUser(call, "iam:DeleteUser", "required");
    const first = findConflict(call.account, owner);
    if (first !== undefined) throw new AwsError("DeleteConflict", 409, `Cannot delete entity, must ${first} first.`);
    call.account.deleteUser(owner);
    return "";
  },
};

/** Returns what has to be done before AWS deletes a user. The order is inferred. */
function findConflict(account: Account, owner: UserPrincipal): string | undefined {
  const { user, holder, devices } = owner;
  if (user.groups.length > 0) return "remove users from group";
  if (user.password !== undefined) return "delete login profile";
  if (account.accessKeysOf(owner).length > 0) return "delete access keys";
  if (devices.length > 0) return "remove tokens from principal";
  if (holder.inline.size > 0) return "delete policies";
  if (holder.attached.size > 0) return "detach all policies";
  return undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html */
const tagUser: QueryAction = {
  parameters: ["UserName", "Tags.member.N.Key", "Tags.member.N.Value"],
  run: (call) => {
    const { user } = takeUser(call, "iam:TagUser", "required");
    const added = readTags(call.parameters);
    user.tags = checkCount({ ...withoutKeys(user.tags, Object.keys(added)), ...added });
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html */
const untagUser: QueryAction = {
  parameters: ["UserName", "TagKeys.member.N"],
  run: (call) => {
    const { user } = takeUser(call, "iam:UntagUser", "required");
    user.tags = withoutKeys(user.tags, readTexts(call.parameters, "TagKeys"));
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html */
const listUserTags: QueryAction = {
  parameters: ["UserName", "Marker", "MaxItems"],
  run: (call) => {
    const { user } = takeUser(call, "iam:ListUserTags", "required");
    const { page, isTruncated, marker } = takePage(call.parameters, Object.entries(user.tags));
    return isTruncated + writeList("Tags", page, writeTag) + marker;
  },
};

/** Tag keys ignore case: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html */
function withoutKeys(tags: Tags, keys: readonly string[]): Tags {
  const gone = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key.toLowerCase())));
}

function readTags(parameters: Parameters): Tags {
  const tags = listMembers(parameters, "Tags").map((number) => {
    const tag = `Tags.member.${number}`;
    const [key, value] = [parameters.get(`${tag}.Key`), parameters.get(`${tag}.Value`)];
    const pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
    validate(
      { name: `tags.${number}.member.key`, value: key, isRequired: true, min: 1, max: 128, pattern },
      { name: `tags.${number}.member.value`, value, isRequired: true, min: 0, max: 256, pattern },
    );
    return [key as string, value as string] as const;
  });
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length) {
    const problem = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    throw new AwsError("InvalidInput", 400, problem);
  }
  return checkCount(Object.fromEntries(tags));
}

function checkCount(tags: Tags): Tags {
  if (Object.keys(tags).length <= tagsPerUser) return tags;
  throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for TagsPerUser: ${tagsPerUser}`);
}

function writeUser(principal: UserPrincipal): string {
  const { boundary, tags } = principal.user;
  const entries = Object.entries(tags);
  const tagList = entries.length === 0 ? "" : writeList("Tags", entries, writeTag);
  return `<User>${writeUserFields(principal)}${boundary === undefined ? "" : writeBoundary(boundary)}${tagList}</User>`;
}

export const userActions: Readonly<Record<string, QueryAction>> = {
  CreateUser: createUser,
  GetUser: getUser,
  ListUsers: listUsers,
  DeleteUser: deleteUser,
  TagUser: tagUser,
  UntagUser: untagUser,
  ListUserTags: listUserTags,
};
