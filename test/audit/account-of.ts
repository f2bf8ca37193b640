// An account in which every name, path, tag and policy name is a given text, and most checks fail.
import type { AuditOptions } from "../../src/audit/audit.ts";
import type { AccountSnapshot, User } from "../../src/iam/snapshot.ts";

export const now = Date.UTC(2026, 10, 27);
const ago = (days: number): string => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;

/** Active, with a password, an old access key, and no MFA device. */
export const makeUser = (name: string, change: Partial<User> = {}): User => ({
  ...{ name, arn: `arn:aws:iam::123456789012:user/${name}`, id: "AIDAEXAMPLE", path: "/", created: ago(500) },
  ...{ inlinePolicies: [], attachedPolicies: [], groups: [], boundary: null, tags: {} },
  devices: { value: [] },
  accessKeys: {
    value: [{ active: true, lastRotated: ago(200), lastUsed: ago(3), lastUsedService: "s3" }],
  },
  password: {
    value: { lastUsed: { value: ago(1) }, lastChanged: { value: ago(20) }, resetRequired: { value: false } },
  },
  ...change,
});

export function makeAccount(
  users: readonly User[],
  change: Partial<AccountSnapshot> = {},
): { readonly snapshot: AccountSnapshot; readonly options: AuditOptions } {
  const snapshot: AccountSnapshot = {
    ...{ version: 1, account: "123456789012", partition: "aws", made: ago(0), alias: { value: null } },
    ...{ summary: { value: {} }, reportGenerated: { value: ago(0) }, passwordPolicy: { value: null } },
    ...{ root: { unknown: "not read" }, unassignedVirtualDevices: { value: [] }, groups: [], roles: [] },
    ...{ managedPolicies: [], users },
    ...change,
  };
  return { snapshot, options: { group: "RequireMFA", breakGlass: [], signInAlarms: new Map(), config: [], now } };
}

const denyWithoutMfa = {
  ...{ Effect: "Deny", Action: "*", Resource: "*" },
  Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
};

export function makeAccountOf(text: string) {
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [denyWithoutMfa] });
  const holder = { id: "EXAMPLE", path: `/${text}/`, inlinePolicies: [{ name: text, document }], attachedPolicies: [] };
  const users = [
    makeUser(text, { ...holder, groups: [text], tags: { [text]: text } }),
    makeUser(text, { groups: [text], attachedPolicies: [`arn:aws:iam::123456789012:policy/${text}`] }),
    makeUser(text, { tags: { "fob-role": "break-glass" } }),
    makeUser(text, { password: { unknown: text }, accessKeys: { unknown: text }, devices: { unknown: text } }),
  ];
  const group = { ...holder, name: text, arn: `arn:aws:iam::123456789012:group/${text}` };
  const role = {
    ...{ ...group, arn: `arn:aws:iam::123456789012:role/${text}` },
    ...{ trustPolicy: "{}", boundary: null, tags: { [text]: text } },
  };
  return makeAccount(users, { alias: { value: text }, root: { unknown: text }, groups: [group], roles: [role] });
}
