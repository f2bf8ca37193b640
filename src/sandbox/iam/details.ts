// GetAccountAuthorizationDetails: users, groups, roles and policies with their documents.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
import type { Account, Group, Role, UserPrincipal } from "../account.ts";
import type { ManagedPolicy, PolicyHolder } from "../policies.ts";
import { type QueryAction, readTexts, takePage } from "../query.ts";
import { escapeXml, writeElement, writeList, writeTime } from "../xml.ts";
import { encodeDocument, listPoliciesInUse, writePolicyFields, writeVersion } from "./managed-policies.ts";
import { writeBoundary } from "./named.ts";
import { writeTag } from "./tags.ts";

type Filter = "User" | "Role" | "Group" | "LocalManagedPolicy" | "AWSManagedPolicy";

/** One entry of the answer, and the list that it belongs to. */
interface Detail {
  readonly list: "UserDetailList" | "GroupDetailList" | "RoleDetailList" | "Policies";
  readonly filter: Filter;
  readonly write: () => string;
}

const lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] as const;

export const getAccountAuthorizationDetails: QueryAction = {
  parameters: ["Filter.member.N", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:GetAccountAuthorizationDetails", "*", "*");
    const wanted = readTexts(parameters, "Filter").filter((text) => text !== "");
    const all = listDetails(account).filter(({ filter }) => wanted.length === 0 || wanted.includes(filter));
    const { page, isTruncated, marker } = takePage(parameters, all);
    const content = lists.map((name) =>
      writeList(
        name,
        page.filter(({ list }) => list === name),
        ({ write }) => write(),
      ),
    );
    return isTruncated + content.join("") + marker;
  },
};

function listDetails(account: Account): Detail[] {
  const inUse = listPoliciesInUse(account);
  return [
    ...account
      .users()
      .map((user): Detail => ({ list: "UserDetailList", filter: "User", write: () => writeUser(account, user) })),
    ...account
      .groups()
      .map((group): Detail => ({ list: "GroupDetailList", filter: "Group", write: () => writeGroup(account, group) })),
    ...account
      .roles()
      .map((role): Detail => ({ list: "RoleDetailList", filter: "Role", write: () => writeRole(account, role) })),
    ...account.managedPolicies().map((policy) => describePolicy(account, policy, "LocalManagedPolicy")),
    // Of AWS's own policies, those in use (captured).
    ...[...account.awsManagedPolicies().values()]
      .filter(({ arn }) => inUse.has(arn))
      .map((policy) => describePolicy(account, policy, "AWSManagedPolicy")),
  ];
}

const describePolicy = (account: Account, policy: ManagedPolicy, filter: Filter): Detail => ({
  ...{ list: "Policies", filter },
  write: () => writeManagedPolicy(account, policy),
});

function writeHolder(account: Account, { inline, attached }: PolicyHolder, inlineList: string): string {
  return (
    writeList(
      inlineList,
      inline,
      ([name, { text }]) => writeElement("PolicyName", name) + writeElement("PolicyDocument", encodeDocument(text)),
    ) +
    writeList(
      "AttachedManagedPolicies",
      attached,
      (arn) => writeElement("PolicyName", account.managedPolicy(arn).name) + writeElement("PolicyArn", arn),
    )
  );
}

function writeUser(account: Account, { name, arn, userId, holder, user }: UserPrincipal): string {
  const { path, createdMs, groups, boundary, tags } = user;
  return [
    ...[
      writeElement("UserName", name),
      writeElement("UserId", userId),
      writeElement("Arn", arn),
      writeElement("Path", path),
    ],
    writeTime("CreateDate", createdMs),
    writeList("GroupList", groups, ({ name: group }) => escapeXml(group)),
    writeHolder(account, holder, "UserPolicyList"),
    boundary === undefined ? "" : writeBoundary(boundary),
    writeList("Tags", Object.entries(tags), writeTag),
  ].join("");
}

function writeGroup(account: Account, { name, arn, groupId, path, createdMs, holder }: Group): string {
  return [
    ...[
      writeElement("GroupName", name),
      writeElement("GroupId", groupId),
      writeElement("Arn", arn),
      writeElement("Path", path),
    ],
    writeTime("CreateDate", createdMs),
    writeHolder(account, holder, "GroupPolicyList"),
  ].join("");
}

function writeRole(account: Account, role: Role): string {
  return [
    ...[writeElement("RoleName", role.name), writeElement("RoleId", role.roleId), writeElement("Arn", role.arn)],
    ...[writeElement("Path", role.path), writeTime("CreateDate", role.createdMs)],
    writeElement("AssumeRolePolicyDocument", encodeDocument(role.trustText)),
    "<InstanceProfileList/>",
    writeHolder(account, role.holder, "RolePolicyList"),
    role.boundary === undefined ? "" : writeBoundary(role.boundary),
    writeList("Tags", Object.entries(role.tags), writeTag),
  ].join("");
}

function writeManagedPolicy(account: Account, policy: ManagedPolicy): string {
  const versions = writeList(
    "PolicyVersionList",
    [...policy.versions].reverse(),
    ([id, version]) =>
      writeElement("Document", encodeDocument(version.policy.text)) + writeVersion(policy, id, version),
  );
  return writePolicyFields(account, policy) + versions;
}
