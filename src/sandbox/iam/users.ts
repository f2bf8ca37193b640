// IAM users. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { Account, UserPrincipal } from "../account.ts";
import { AwsError } from "../errors.ts";
import { type QueryAction, takePage, validate } from "../query.ts";
import { writeList } from "../xml.ts";
import { boundaryCheck, requireBoundary } from "./boundaries.ts";
import {
  filterByPath,
  namePattern,
  pathPattern,
  takeUser,
  takeUserOrRoot,
  writeBoundary,
  writePrincipal,
  writeUserFields,
} from "./named.ts";
import { describeRequestTags, readTags, tagParameters, writeTags } from "./tags.ts";

/** With tags it needs iam:TagUser too. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html */
const createUser: QueryAction = {
  parameters: ["UserName", "Path", "PermissionsBoundary", ...tagParameters],
  run: ({ account, caller, parameters }) => {
    const [value, path = "/"] = [parameters.get("UserName"), parameters.get("Path")];
    const boundary = parameters.get("PermissionsBoundary");
    validate(
      { name: "userName", value, isRequired: true, min: 1, max: 64, pattern: namePattern },
      { name: "path", value: path, min: 1, max: 512, pattern: pathPattern },
      boundaryCheck(boundary),
    );
    const name = value as string;
    const tags = readTags(parameters, "User");
    const [arn, context] = [account.arn(`user${path}${name}`), describeRequestTags(tags)];
    account.authorize(caller, "iam:CreateUser", arn, arn, context);
    if (Object.keys(tags).length > 0) account.authorize(caller, "iam:TagUser", arn, arn, context);
    if (account.findUser(name) !== undefined) throw alreadyExists(name);
    if (boundary !== undefined) requireBoundary(account, boundary);
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

/**
 * Renaming "must have permission on both the source and the target".
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html
 */
const updateUser: QueryAction = {
  parameters: ["UserName", "NewUserName", "NewPath"],
  run: (call) => {
    const { account, caller, parameters } = call;
    const [newName, newPath] = [parameters.get("NewUserName"), parameters.get("NewPath")];
    validate(
      { name: "newUserName", value: newName, min: 1, max: 64, pattern: namePattern },
      { name: "newPath", value: newPath, min: 1, max: 512, pattern: pathPattern },
    );
    const owner = takeUser(call, "iam:UpdateUser", "required");
    const [name, path] = [newName ?? owner.name, newPath ?? owner.user.path];
    const target = account.arn(`user${path}${name}`);
    account.authorize(caller, "iam:UpdateUser", target, target);
    const existing = account.findUser(name);
    if (existing !== undefined && existing !== owner) throw alreadyExists(name);
    account.renameUser(owner, name, path);
    return "";
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

const alreadyExists = (name: string): AwsError =>
  new AwsError("EntityAlreadyExists", 409, `User with name ${name} already exists.`);

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

function writeUser(principal: UserPrincipal): string {
  const { boundary, tags } = principal.user;
  const more = boundary === undefined ? "" : writeBoundary(boundary);
  return `<User>${writeUserFields(principal)}${more}${writeTags(tags)}</User>`;
}

export const userActions: Readonly<Record<string, QueryAction>> = {
  CreateUser: createUser,
  GetUser: getUser,
  ListUsers: listUsers,
  UpdateUser: updateUser,
  DeleteUser: deleteUser,
};
