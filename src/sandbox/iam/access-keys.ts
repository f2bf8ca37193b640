// Access keys. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { Credential, Principal } from "../account.ts";
import { AwsError } from "../errors.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { writeElement, writeList, writeTime } from "../xml.ts";
import { takeUserOrRoot } from "./named.ts";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const keysPerUser = 2;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html */
const createAccessKey: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const owner = takeUserOrRoot(call, "iam:CreateAccessKey");
    if (call.account.accessKeysOf(owner).length >= keysPerUser) {
      throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for AccessKeysPerUser: ${keysPerUser}`);
    }
    const key = call.account.addAccessKey(owner);
    return `<AccessKey>${writeKey(key)}${writeElement("SecretAccessKey", key.secretAccessKey)}</AccessKey>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html */
const updateAccessKey: QueryAction = {
  parameters: ["UserName", "AccessKeyId", "Status"],
  run: (call) => {
    const status = call.parameters.get("Status");
    const pattern = "Active|Inactive";
    validate({ name: "status", value: status, isRequired: true, min: 0, max: 128, pattern });
    const key = takeKey(call, takeUserOrRoot(call, "iam:UpdateAccessKey"));
    key.active = status === "Active";
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html */
const deleteAccessKey: QueryAction = {
  parameters: ["UserName", "AccessKeyId"],
  run: (call) => {
    call.account.deleteAccessKey(takeKey(call, takeUserOrRoot(call, "iam:DeleteAccessKey")));
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html */
const listAccessKeys: QueryAction = {
  parameters: ["UserName", "Marker", "MaxItems"],
  run: (call) => {
    const keys = call.account.accessKeysOf(takeUserOrRoot(call, "iam:ListAccessKeys"));
    const { page, isTruncated, marker } = takePage(call.parameters, keys);
    return isTruncated + writeList("AccessKeyMetadata", page, writeKey) + marker;
  },
};

/**
 * Authorized on the user who has the key (captured). For a key that does not exist the answer is inferred.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
 */
const getAccessKeyLastUsed: QueryAction = {
  parameters: ["AccessKeyId"],
  run: ({ account, caller, parameters }) => {
    const id = readKeyId(parameters);
    const key = account.credential(id);
    const owner = key?.principal;
    account.authorize(caller, "iam:GetAccessKeyLastUsed", owner?.arn ?? "*", `user ${owner?.name ?? "*"}`);
    if (key === undefined || key.session !== undefined) throw noKey(id);
    const { lastUsed } = key;
    const content = [
      lastUsed === undefined ? "" : writeTime("LastUsedDate", lastUsed.ms),
      writeElement("ServiceName", lastUsed?.service ?? "N/A"),
      writeElement("Region", lastUsed?.region ?? "N/A"),
    ];
    return `${writeElement("UserName", nameOf(key.principal))}<AccessKeyLastUsed>${content.join("")}</AccessKeyLastUsed>`;
  },
};

function takeKey({ account, parameters }: QueryCall, owner: Principal): Credential {
  const id = readKeyId(parameters);
  const key = account.accessKeysOf(owner).find(({ accessKeyId }) => accessKeyId === id);
  if (key === undefined) throw noKey(id);
  return key;
}

function readKeyId(parameters: ReadonlyMap<string, string>): string {
  const value = parameters.get("AccessKeyId");
  validate({ name: "accessKeyId", value, isRequired: true, min: 16, max: 128, pattern: "[\\w]+" });
  return value as string;
}

const noKey = (id: string): AwsError =>
  new AwsError("NoSuchEntity", 404, `The Access Key with id ${id} cannot be found.`);

const nameOf = ({ name = "root" }: Principal): string => name;

function writeKey({ principal, accessKeyId, active, createdMs }: Credential): string {
  return [
    ...[writeElement("UserName", nameOf(principal)), writeElement("AccessKeyId", accessKeyId)],
    ...[writeElement("Status", active ? "Active" : "Inactive"), writeTime("CreateDate", createdMs)],
  ].join("");
}

export const accessKeyActions: Readonly<Record<string, QueryAction>> = {
  CreateAccessKey: createAccessKey,
  UpdateAccessKey: updateAccessKey,
  DeleteAccessKey: deleteAccessKey,
  ListAccessKeys: listAccessKeys,
  GetAccessKeyLastUsed: getAccessKeyLastUsed,
};
