// What IAM says of an account as a whole, and of the passwords in it.
import { AwsError } from "../errors.ts";
import { type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { writeElement, writeList, writeTime } from "../xml.ts";

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html */
export const getAccountSummary: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "iam:GetAccountSummary", "*", "*");
    const devices = [account.root, ...account.users()].flatMap((principal) => principal.devices);
    const summary: Record<string, number> = {
      Users: account.users().length,
      Groups: account.groups().length,
      Roles: account.roles().length,
      Policies: account.managedPolicies().length,
      MFADevices: devices.length,
      MFADevicesInUse: devices.length,
      AccountMFAEnabled: account.root.devices.length > 0 ? 1 : 0,
      AccountAccessKeysPresent: account.accessKeysOf(account.root).some(({ active }) => active) ? 1 : 0,
      GroupsPerUserQuota: 10,
      AttachedPoliciesPerUserQuota: 10,
      AttachedPoliciesPerGroupQuota: 10,
    };
    const entries = Object.entries(summary).map(
      ([key, value]) => `<entry>${writeElement("key", key)}${writeElement("value", String(value))}</entry>`,
    );
    return `<SummaryMap>${entries.join("")}</SummaryMap>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html */
export const listAccountAliases: QueryAction = {
  parameters: ["Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:ListAccountAliases", "*", "*");
    const { page, isTruncated, marker } = takePage(parameters, account.alias === undefined ? [] : [account.alias]);
    const members = page.map((alias) => writeElement("member", alias)).join("");
    return `${isTruncated}<AccountAliases>${members}</AccountAliases>${marker}`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html */
export const getAccountPasswordPolicy: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "iam:GetAccountPasswordPolicy", "*", "*");
    const { passwordPolicy } = account;
    if (passwordPolicy === undefined) {
      throw new AwsError("NoSuchEntity", 404, `The Password Policy with domain name ${account.id} cannot be found.`);
    }
    const { allowUsersToChangePassword, hardExpiry, maxAgeDays, minimumLength } = passwordPolicy;
    const content = [
      writeElement("AllowUsersToChangePassword", String(allowUsersToChangePassword)),
      writeElement("ExpirePasswords", String(maxAgeDays !== undefined)),
      writeElement("HardExpiry", String(hardExpiry)),
      maxAgeDays === undefined ? "" : writeElement("MaxPasswordAge", String(maxAgeDays)),
      writeElement("MinimumPasswordLength", String(minimumLength)),
    ];
    return `<PasswordPolicy>${content.join("")}</PasswordPolicy>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html */
export const getLoginProfile: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const { name, user } = findAuthorized(call, "iam:GetLoginProfile");
    if (user?.password === undefined) {
      throw new AwsError("NoSuchEntity", 404, `Login Profile for User ${name} cannot be found.`);
    }
    const { changedMs, resetRequired } = user.password;
    const content = [
      ...[writeElement("UserName", name), writeTime("CreateDate", changedMs)],
      writeElement("PasswordResetRequired", String(resetRequired)),
    ];
    return `<LoginProfile>${content.join("")}</LoginProfile>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html */
export const listVirtualMfaDevices: QueryAction = {
  parameters: ["AssignmentStatus", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:ListVirtualMFADevices", account.arn("mfa/"), account.arn("mfa/"));
    const status = parameters.get("AssignmentStatus") ?? "Any";
    validate({ name: "assignmentStatus", value: status, min: 1, max: 10, pattern: "Assigned|Unassigned|Any" });
    const owners = [account.root, ...account.users()];
    const assigned = owners.flatMap((owner) =>
      owner.devices.filter(({ serialNumber }) => serialNumber.includes(":mfa/")).map((device) => ({ owner, device })),
    );
    const { page, isTruncated, marker } = takePage(parameters, status === "Unassigned" ? [] : assigned);
    const list = writeList("VirtualMFADevices", page, ({ owner, device }) =>
      [
        writeElement("SerialNumber", device.serialNumber),
        `<User>${owner.name === undefined ? "" : writeElement("UserName", owner.name)}${writeElement("UserId", owner.userId)}${writeElement("Arn", owner.arn)}</User>`,
        writeTime("EnableDate", device.enabledMs),
      ].join(""),
    );
    return isTruncated + list + marker;
  },
};

/** Returns the user that a call is about, if the caller may make it. Without a name it is the caller. */
function findAuthorized({ account, caller, parameters }: QueryCall, action: string) {
  const userName = parameters.get("UserName");
  validate({ name: "userName", value: userName, min: 1, max: 128, pattern: "[\\w+=,.@-]+" });
  if (userName === undefined && caller.principal.name === undefined) {
    throw new AwsError("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  }
  const shown = userName ?? caller.principal.name ?? "";
  const found = account.findUser(shown);
  account.authorize(caller, action, found?.arn ?? account.arn(`user/${shown}`), `user ${shown}`);
  const { name = shown, user } = found ?? account.user(shown);
  return { name, user };
}
