// What IAM says of an account as a whole.
import { type QueryAction, takePage } from "../query.ts";
import { writeElement } from "../xml.ts";

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
      MFADevices: devices.length + account.unassignedDevices.size,
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
