// Groups and their members. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { Group } from "../account.ts";
import { AwsError } from "../errors.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { writeElement, writeList, writeTime } from "../xml.ts";
import { filterByPath, namePattern, pathPattern, takeUser, writeUserFields } from "./named.ts";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const groupsPerUser = 10;

/** Returns the group that the parameter GroupName names. Throws AccessDenied or NoSuchEntity. */
export function takeGroup(call: QueryCall, action: string): Group {
  const { account, caller } = call;
  const name = readGroupName(call);
  const group = account.findGroup(name);
  account.authorize(caller, action, group?.arn ?? account.arn(`group/${name}`), `group ${name}`);
  if (group === undefined) throw new AwsError("NoSuchEntity", 404, `The group with name ${name} cannot be found.`);
  return group;
}

function readGroupName({ parameters }: QueryCall): string {
  const value = parameters.get("GroupName");
  validate({ name: "groupName", value, isRequired: true, min: 1, max: 128, pattern: namePattern });
  return value as string;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html */
const createGroup: QueryAction = {
  parameters: ["GroupName", "Path"],
  run: (call) => {
    const { account, caller, parameters } = call;
    const name = readGroupName(call);
    const path = parameters.get("Path") ?? "/";
    validate({ name: "path", value: path, min: 1, max: 512, pattern: pathPattern });
    const arn = account.arn(`group${path}${name}`);
    account.authorize(caller, "iam:CreateGroup", arn, arn);
    if (account.findGroup(name) !== undefined) {
      throw new AwsError("EntityAlreadyExists", 409, `Group with name ${name} already exists.`);
    }
    return `<Group>${writeGroupFields(account.addGroup(name, path, [], []))}</Group>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html */
const deleteGroup: QueryAction = {
  parameters: ["GroupName"],
  run: (call) => {
    const group = takeGroup(call, "iam:DeleteGroup");
    const first = (what: string) => new AwsError("DeleteConflict", 409, `Cannot delete entity, must ${what} first.`);
    if (listMembersOf(call, group).length > 0) throw first("remove users from group");
    if (group.holder.inline.size > 0) throw first("delete policies");
    if (group.holder.attached.size > 0) throw first("detach all policies");
    call.account.deleteGroup(group);
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html */
const addUserToGroup: QueryAction = {
  parameters: ["GroupName", "UserName"],
  run: (call) => {
    const group = takeGroup(call, "iam:AddUserToGroup");
    const { user } = readUser(call);
    if (user.groups.includes(group)) return "";
    if (user.groups.length >= groupsPerUser) {
      throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for GroupsPerUser: ${groupsPerUser}`);
    }
    user.groups = [...user.groups, group];
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html */
const removeUserFromGroup: QueryAction = {
  parameters: ["GroupName", "UserName"],
  run: (call) => {
    const group = takeGroup(call, "iam:RemoveUserFromGroup");
    const { name, user } = readUser(call);
    if (!user.groups.includes(group)) {
      throw new AwsError("NoSuchEntity", 404, `The user with name ${name} is not in the group ${group.name}.`);
    }
    user.groups = user.groups.filter((each) => each !== group);
    return "";
  },
};

/** Returns the user whose membership changes. Only the group is authorized. */
function readUser({ account, parameters }: QueryCall) {
  const value = parameters.get("UserName");
  validate({ name: "userName", value, isRequired: true, min: 1, max: 128, pattern: namePattern });
  return account.user(value as string);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html */
const getGroup: QueryAction = {
  parameters: ["GroupName", "Marker", "MaxItems"],
  run: (call) => {
    const group = takeGroup(call, "iam:GetGroup");
    const { page, isTruncated, marker } = takePage(call.parameters, listMembersOf(call, group));
    const users = writeList("Users", page, writeUserFields);
    return `<Group>${writeGroupFields(group)}</Group>${isTruncated}${users}${marker}`;
  },
};

const listMembersOf = ({ account }: QueryCall, group: Group) =>
  account.users().filter(({ user }) => user.groups.includes(group));

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html */
const listGroups: QueryAction = {
  parameters: ["PathPrefix", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:ListGroups", account.arn("group/"), account.arn("group/"));
    return writeGroups(
      parameters,
      filterByPath(parameters, account.groups(), ({ path }) => path),
    );
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html */
const listGroupsForUser: QueryAction = {
  parameters: ["UserName", "Marker", "MaxItems"],
  run: (call) => writeGroups(call.parameters, takeUser(call, "iam:ListGroupsForUser", "required").user.groups),
};

function writeGroups(parameters: ReadonlyMap<string, string>, groups: readonly Group[]): string {
  const { page, isTruncated, marker } = takePage(parameters, groups);
  return isTruncated + writeList("Groups", page, writeGroupFields) + marker;
}

function writeGroupFields({ name, arn, groupId, path, createdMs }: Group): string {
  return [
    ...[writeElement("Path", path), writeElement("GroupName", name), writeElement("GroupId", groupId)],
    ...[writeElement("Arn", arn), writeTime("CreateDate", createdMs)],
  ].join("");
}

export const groupActions: Readonly<Record<string, QueryAction>> = {
  CreateGroup: createGroup,
  DeleteGroup: deleteGroup,
  AddUserToGroup: addUserToGroup,
  RemoveUserFromGroup: removeUserFromGroup,
  GetGroup: getGroup,
  ListGroups: listGroups,
  ListGroupsForUser: listGroupsForUser,
};
