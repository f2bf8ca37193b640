// A copy of an account, as `fob sandbox --from-account` makes it: here of an account of the local AWS, read as from AWS.
import { expect, onTestFinished, test, vi } from "vitest";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { Account, type Session } from "../../src/sandbox/account.ts";
import { AwsError } from "../../src/sandbox/errors.ts";
import { describeGaps } from "../../src/sandbox/gaps.ts";
import { loadAccount, type PolicyGaps } from "../../src/sandbox/load-account.ts";
import { addRole } from "../../src/sandbox/roles.ts";
import { formatAccount } from "../../src/sandbox/save-account.ts";
import { readSavedAccount, type SavedAccount } from "../../src/sandbox/saved-account.ts";
import { copyAccount } from "../../src/sandbox/scenario-file.ts";
import { type ScenarioName, scenarios } from "../../src/sandbox/scenarios.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { readSnapshot } from "../iam/read-account.ts";

/** Starts an account and reads it as `ada`. */
async function readAs(fill: (account: Account) => void): Promise<{ account: Account; snapshot: AccountSnapshot }> {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  let account: Account | undefined;
  const sandbox = await startSandbox({
    fill: (filled) => {
      fill(filled);
      account = filled;
    },
  });
  onTestFinished(() => sandbox.close());
  const [key] = account?.accessKeysOf(account.user("ada")) ?? [];
  if (account === undefined || key === undefined) throw new Error("ada has no access key");
  return { account, snapshot: await readSnapshot(sandbox.url, key) };
}

function copy(snapshot: AccountSnapshot): { account: Account; gaps: PolicyGaps; saved: SavedAccount } {
  const scenario = copyAccount(snapshot);
  const account = new Account(snapshot.account, snapshot.partition, Date.now);
  const gaps = scenario.fill(account);
  if (gaps === undefined || scenario.saved === undefined) throw new Error("the copy has no gaps to describe");
  return { account, gaps, saved: scenario.saved };
}

const sessions: readonly (Pick<Session, "kind" | "mfaMs"> | undefined)[] = [
  undefined,
  { kind: "user" },
  { kind: "user", mfaMs: Date.now() },
];
const actions = [
  "s3:ListAllMyBuckets",
  "iam:DeleteUser",
  "iam:ListMFADevices",
  "iam:EnableMFADevice",
  "ec2:StartInstances",
];

/** What every user may do with an access key, without MFA and with it. */
function decideAll(account: Account): readonly unknown[] {
  return account.users().flatMap((principal) =>
    sessions.flatMap((session) =>
      actions.map((action) => {
        const caller = { principal, session };
        const resource = action.startsWith("iam:") ? principal.arn : "*";
        const decide = () => account.decide(caller, { action, resource, context: account.context(caller) });
        return [principal.name, session?.mfaMs !== undefined, action, attempt(decide)];
      }),
    ),
  );
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof AwsError) return error.message;
    throw error;
  }
}

test.each<ScenarioName>(["team", "team-enforced"])(
  "in a copy of %s, users may do what they may do there",
  async (name) => {
    const { account, snapshot } = await readAs((filled) => scenarios[name](filled));
    const copied = copy(snapshot);
    expect(decideAll(copied.account)).toEqual(decideAll(account));
    expect(describeGaps(copied.saved, copied.gaps)).toEqual([]);
    const describe = (each: Account) =>
      each.users().map(({ name: user, arn, userId, devices, user: { path, tags, password } }) => ({
        ...{ user, arn, userId, path, tags, password: password && { ...password, text: "" } },
        devices: devices.map(({ serialNumber, seed }) => [serialNumber, seed === undefined]),
        keys: each.accessKeysOf(each.user(user)).map(({ active, lastUsed }) => [active, lastUsed?.service]),
      }));
    expect(withoutMs(describe(copied.account))).toEqual(withoutMs(describe(account)));
    // Nothing of the secrets.
    const secrets = new Set(account.secrets().map(([secret]) => secret));
    expect(copied.account.secrets().filter(([secret]) => secrets.has(secret))).toEqual([]);
    const ids = (each: Account) =>
      each
        .users()
        .flatMap((user) => each.accessKeysOf(user))
        .map((key) => key.accessKeyId);
    expect(ids(copied.account).filter((id) => ids(account).includes(id))).toEqual([]);
  },
);

/** A snapshot has whole seconds. */
const withoutMs = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each: unknown) => (typeof each === "number" ? Math.floor(each / 1000) : each)));

const document = (statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: statement });
const allow = (more: object = {}) => document({ Effect: "Allow", Action: "*", Resource: "*", ...more });
const deniedOutside = document({
  ...{ Effect: "Deny", Action: "s3:*", Resource: "*" },
  Condition: { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
});
const oddPolicy = allow({ Condition: { Odd: { "aws:username": "cleo" } } });

/** An account with policies that the sandbox does not model. */
function fillOdd(account: Account): void {
  const user = (name: string, ...policies: string[]) => ({
    name,
    inlinePolicies: policies.map((text, index) => ({ name: `p${index}`, document: text })),
    accessKeys: { value: [{}] },
  });
  const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
  loadAccount(
    account,
    readSavedAccount({
      version: 1,
      users: [user("ada", allow()), user("ben", allow(), deniedOutside), user("cleo", oddPolicy)],
      roles: [{ name: "lambda", trustPolicy: document(trust) }],
      managedPolicies: [
        { name: "administrator", arn: "arn:aws:iam::aws:policy/AdministratorAccess", document: allow() },
      ],
      groups: [{ name: "admins", attachedPolicies: ["arn:aws:iam::aws:policy/AdministratorAccess"] }],
    }),
  );
}

test("policies that are not modeled: only what depends on them is refused", async () => {
  const { account, gaps, saved } = copy((await readAs(fillOdd)).snapshot);
  const decide = (name: string, action: string) => {
    const caller = { principal: account.user(name) };
    return attempt(() => account.decide(caller, { action, resource: "*", context: account.context(caller) }).decision);
  };
  expect([decide("ben", "s3:ListAllMyBuckets"), decide("ben", "iam:ListUsers")]).toEqual([
    "This local AWS does not model the condition keys aws:sourceip",
    "allowed",
  ]);
  expect(decide("cleo", "s3:ListAllMyBuckets")).toMatch(/^This local AWS does not model the policy p0 of user cleo: /);
  expect(describeGaps(saved, gaps)).toEqual([
    expect.stringMatching(/^cannot evaluate the policy p0 of user cleo: .*; requests that it is about are refused$/),
    "not modeled in policies: aws:SourceIp; requests whose decision depends on them are refused",
  ]);
  const [lambda] = account.roles();
  expect(() => lambda?.trust).toThrow("This local AWS does not model the trust policy of lambda: ");
  const texts = account.users().flatMap(({ holder }) => [...holder.inline.values()].map(({ text }) => text));
  expect(texts).toEqual([allow(), allow(), deniedOutside, oddPolicy]);
  expect(account.findManagedPolicy("arn:aws:iam::aws:policy/AdministratorAccess")?.name).toBe("administrator");
});

test("a role that a later role may assume, and one that cannot be assumed", () => {
  const account = new Account("123456789012", "aws", Date.now);
  const trust = (name: string) => ({
    Statement: { Effect: "Allow", Principal: { AWS: account.arn(`role/${name}`) }, Action: "sts:AssumeRole" },
  });
  const roles = ["first", "second"].map((name) => ({
    name,
    trustPolicy: trust(name === "first" ? "second" : "first"),
  }));
  loadAccount(account, readSavedAccount({ version: 1, users: [], roles }));
  expect(account.roles().map((role) => role.trust[0]?.principals)).toEqual([
    [account.arn("role/second")],
    [account.arn("role/first")],
  ]);
  expect(() => addRole(account, { name: "third", trust: trust("none") })).toThrow("Invalid principal");
});

test("what was unknown is said, is not made up, and stays unknown in a file", async () => {
  const { snapshot } = await readAs((filled) => scenarios.team(filled));
  const unknown = { unknown: "not allowed" };
  const partial: AccountSnapshot = {
    ...snapshot,
    ...{ alias: unknown, passwordPolicy: unknown, root: unknown },
    users: snapshot.users.map((user) => {
      if (["ben", "dan", "ivy", "gus"].includes(user.name)) return { ...user, devices: unknown, accessKeys: unknown };
      if (user.name === "ada") return { ...user, password: unknown };
      if (user.name === "cleo" && "value" in user.password && user.password.value !== null)
        return { ...user, password: { value: { ...user.password.value, lastChanged: unknown } } };
      if (user.name !== "erin" || !("value" in user.password) || user.password.value === null) return user;
      return { ...user, password: { value: { ...user.password.value, resetRequired: unknown } } };
    }),
  };
  const { account, gaps, saved } = copy(partial);
  const lines = [
    "unknown: the account's alias (not allowed), so the sandbox has none",
    "unknown: the password policy (not allowed), so the sandbox has none",
    "unknown: the root user's keys and MFA device (not allowed), so the sandbox has none",
    "unknown: MFA devices of ben, dan, gus and 1 more (not allowed), so they have none in the sandbox",
    "unknown: access keys of ben, dan, gus and 1 more (not allowed), so they have none in the sandbox",
    "unknown: passwords of ada (not allowed), so they have none in the sandbox",
    "unknown: need for a new password of erin (not allowed), so they need none in the sandbox",
    "unknown: age of the password of cleo (not allowed), so they have had theirs since the user was made",
  ];
  expect(describeGaps(saved, gaps)).toEqual(lines);
  expect([account.user("ben").devices, account.accessKeysOf(account.user("ben"))]).toEqual([[], []]);
  account.addAccessKey(account.user("dan"));
  const again = readSavedAccount(JSON.parse(formatAccount(account, saved)));
  expect(describeGaps(again, gaps)).toEqual(
    lines.map((line) =>
      line.includes("access keys") ? line.replace("ben, dan, gus and 1 more", "ben, gus, ivy") : line,
    ),
  );
});
