// An account in a file: what is saved comes back, and what is wrong in a file is named with its place.
import { describe, expect, test } from "vitest";
import { Account, type Credential } from "../../src/sandbox/account.ts";
import { loadAccount } from "../../src/sandbox/load-account.ts";
import { readModeledPolicy } from "../../src/sandbox/policies.ts";
import { addRole } from "../../src/sandbox/roles.ts";
import { formatAccount } from "../../src/sandbox/save-account.ts";
import { readSavedAccount } from "../../src/sandbox/saved-account.ts";
import { scenarioNames, scenarios } from "../../src/sandbox/scenarios.ts";

const now = Date.parse("2026-01-31T09:00:00Z");
const id = "123456789012";

function load(json: unknown): Account {
  const saved = readSavedAccount(json);
  const account = new Account(saved.account, saved.partition, () => now);
  loadAccount(account, saved);
  return account;
}

const allow = (action: string) => ({ Statement: { Effect: "Allow", Action: action, Resource: "*" } });

/** An account with one of everything that a file keeps. */
function makeAccount(): Account {
  const account = new Account(id, "aws-us-gov", () => now);
  account.alias = "acme";
  const length = { maxAgeDays: 90, minimumLength: 14 };
  account.passwordPolicy = { allowUsersToChangePassword: true, hardExpiry: true, ...length, requires: ["Numbers"] };
  const policy = account.addManagedPolicy("ceiling", "/eng/", allow("s3:*"));
  policy.versions.set("v3", { policy: readModeledPolicy(allow("iam:*")), createdMs: now - 5000 });
  policy.defaultVersion = "v3";
  policy.latestVersion = 4;
  policy.tags = { team: "green" };
  policy.description = "what is allowed at most";
  account.addGroup("team", "/eng/", [allow("ec2:*")], [policy.arn]);
  const user = account.addUser({
    ...{ name: "ivy", path: "/eng/", groups: ["team"], boundary: policy.arn, tags: { team: "red" } },
    ...{ attached: [policy.arn], policies: [allow("iam:*"), allow("sts:*")], createdMs: now - 9000 },
  });
  account.setPassword(user, "correct horse 1", true);
  account.addAccessKey(user, { active: false, createdMs: now - 8000 });
  account.addAccessKey(user, { lastUsed: { ms: now - 1000, service: "s3", region: "us-gov-west-1" } });
  account.addCodeDevice("ivy", account.arn("mfa/ivy-phone"), now - 7000);
  account.addCodeDevice("ivy", "GAHT12345678", now - 6000);
  account.addDevice("ivy", account.arn("u2f/user/ivy/key-ABCDEFGHIJKLMNOP"), undefined);
  const [phone] = user.devices;
  if (phone !== undefined) Object.assign(phone, { driftSteps: -3, tags: { kind: "phone" } });
  const spare = account.arn("mfa/spare");
  account.unassignedDevices.set(spare, account.makeDevice(spare, Buffer.alloc(20, 7)));
  account.addAccessKey(account.root);
  const ofRoot = account.makeDevice(account.arn("mfa/root-account-mfa-device"), Buffer.alloc(20, 8));
  account.giveDevice(account.root, { ...ofRoot, enabledMs: now - 4000 });
  account.rootPassword = {
    changedMs: now - 3000,
    lastUsedMs: now - 2000,
    resetRequired: false,
    text: "root password 1",
  };
  account.restoreUses(user, [{ ms: now - 500, service: "ec2", region: "us-gov-west-1" }]);
  const trust = { Statement: { Effect: "Allow", Principal: { AWS: user.arn }, Action: "sts:AssumeRole" } };
  addRole(account, {
    ...{ name: "deploy", path: "/ci/", trust, policies: [allow("s3:*")], attached: [policy.arn] },
    ...{ boundary: policy.arn, tags: { team: "blue" }, maxSessionSeconds: 7200 },
  });
  return account;
}

const keysOf = (account: Account): readonly Partial<Credential>[] =>
  [account.root, ...account.users()]
    .flatMap((owner) => account.accessKeysOf(owner))
    .map(({ accessKeyId, secretAccessKey, active }) => ({ accessKeyId, secretAccessKey, active }));

test("everything that a file keeps comes back as it was", () => {
  const account = makeAccount();
  const text = formatAccount(account);
  const again = load(JSON.parse(text));
  expect(formatAccount(again)).toBe(text);
  expect(keysOf(again)).toEqual(keysOf(account));
  const [before, after] = [account.user("ivy"), again.user("ivy")];
  expect(after.devices).toEqual(before.devices);
  expect(after.user.password).toEqual(before.user.password);
  expect(again.policiesOf(after)).toEqual(account.policiesOf(before));
  expect(again.roles()).toEqual(account.roles());
  expect(again.rootPassword).toEqual(account.rootPassword);
  expect(again.usesOf(after).map(({ service }) => service)).toEqual(["ec2", "s3"]);
});

test.each(scenarioNames)("the scenario %s comes back as it was", (name) => {
  const account = new Account(id, "aws", () => now);
  scenarios[name](account);
  const text = formatAccount(account);
  const again = load(JSON.parse(text));
  expect(JSON.parse(formatAccount(again))).toEqual(JSON.parse(text));
  // AWS Config, alarms and trails.
  expect(again.regions()).toEqual(account.regions());
});

test("CloudTrail's events come back, in their order", () => {
  const account = makeAccount();
  const origin = { region: "us-east-1", sourceIp: "192.0.2.1", userAgent: "test" };
  const ivy = account.user("ivy");
  account.events.recordSignIn({ ...origin, timeMs: now, principal: ivy, mfaUsed: true });
  const caller = account.addSession(ivy, 900, { kind: "user", mfaMs: now });
  const call = { service: "iam", name: "GetUser", caller, requestId: "r", error: undefined };
  account.events.recordCall({ ...origin, ...call, timeMs: now + 2 });
  const error = { code: "AccessDenied", message: "no" };
  account.events.recordCall({ ...origin, ...call, error, timeMs: now + 1 });
  const again = load(JSON.parse(formatAccount(account)));
  expect(again.events.list()).toEqual(account.events.list());
  expect(again.events.list().map(({ timeMs }) => timeMs)).toEqual([now, now + 1, now + 2]);
});

test("sessions are not saved", () => {
  const account = makeAccount();
  const { accessKeyId, session } = account.addSession(account.user("ivy"), 900, { kind: "user", mfaMs: now });
  const text = formatAccount(account);
  expect(text).not.toContain(accessKeyId);
  expect(text).not.toContain(session.token);
});

describe("what is absent", () => {
  const kim = { name: "kim", devices: { value: [{ serialNumber: "GAHT12345678", kind: "hardware" }] } };

  test("is generated: keys, seeds, IDs and ARNs", () => {
    const account = load({ version: 1, users: [{ ...kim, path: "/eng/", accessKeys: { value: [{}, {}] } }] });
    const user = account.user("kim");
    expect(user.arn).toBe(`arn:aws:iam::${id}:user/eng/kim`);
    expect(user.userId).toMatch(/^AIDA[A-Z2-7]{17}$/);
    expect(user.devices[0]?.seed).toHaveLength(20);
    const keys = account.accessKeysOf(user);
    expect(new Set(keys.map(({ secretAccessKey }) => secretAccessKey)).size).toBe(2);
    expect(user.user.password).toBeUndefined();
  });

  test("a security key has no seed, and the root user's device and keys are stand-ins", () => {
    const key = { serialNumber: `arn:aws:iam::${id}:u2f/user/kim/key-ABCDEFGHIJKLMNOP`, kind: "security key" };
    const root = { value: { hasMfa: true, activeAccessKeys: 1 } };
    const account = load({ version: 1, root, users: [{ name: "kim", devices: { value: [key] } }] });
    expect(account.user("kim").devices[0]?.seed).toBeUndefined();
    expect(account.root.devices).toHaveLength(1);
    expect(account.accessKeysOf(account.root)).toHaveLength(1);
  });
});

const policy = { name: "p", document: allow("s3:*") };
const device = { serialNumber: "GAHT12345678", kind: "hardware" };

test.each<[string, object]>([
  ['users[0] has an unknown member "divices"', { users: [{ name: "kim", divices: [] }] }],
  ["users[0].name must be a name of IAM", { users: [{ name: "kim smith" }] }],
  ["users[0].name must be a text", { users: [{}] }],
  ["users[0].devices must be an object", { users: [{ name: "kim", devices: [] }] }],
  [
    "users[0].devices.value[0].kind must be one of: virtual, hardware, security key, unknown",
    { users: [{ name: "kim", devices: { value: [{ ...device, kind: "phone" }] } }] },
  ],
  [
    "users[0].accessKeys.value[0].id must be an access key ID",
    { users: [{ name: "kim", accessKeys: { value: [{ id: "ASIAABCDEFGHIJKLMNOP" }] } }] },
  ],
  ["users[0].created must be a time like 2026-01-31T09:00:00Z", { users: [{ name: "kim", created: "yesterday" }] }],
  ["users[0].arn must be arn:aws:iam::123456789012:user/kim, or absent", { users: [{ name: "kim", arn: "arn:kim" }] }],
  ['users[1]: user "Kim" already exists', { users: [{ name: "kim" }, { name: "Kim" }] }],
  ['users[0]: group "none" not found', { users: [{ name: "kim", groups: ["none"] }] }],
  [
    "users[1]: GAHT12345678 is there twice",
    {
      users: ["kim", "lee"].map((name) => ({ name, devices: { value: [device] } })),
    },
  ],
  [
    "managedPolicies[0]: it has no version v2",
    {
      managedPolicies: [{ ...policy, defaultVersion: "v2", versions: [{ id: "v1", document: policy.document }] }],
    },
  ],
  [
    'regions: the region eu-west-1 has an unknown member "alarm"',
    { regions: [{ name: "eu-west-1", content: { alarm: {} } }] },
  ],
  [
    "regions: alarms of the region eu-west-1 must be a map",
    { regions: [{ name: "eu-west-1", content: { alarms: [] } }] },
  ],
  ["account must be an account ID of 12 digits", { account: "1234" }],
  ["it has version 2 of the format, and this fob reads version 1", { version: 2 }],
  ["it has version 9 of the format, and this fob reads version 1", { sandbox: 9 }],
])("a wrong file: %s", (message, json) => {
  expect(() => load({ version: 1, users: [], ...json })).toThrow(message);
});
