// `fob audit` of many accounts: one report, in which an account that cannot be read is unknown and hides no other.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test } from "vitest";
import type { Audit } from "../../src/audit/audit.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { type Member, startOrganization } from "../helpers/organization.ts";
import { knowSandbox } from "../helpers/secrets.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

type Entry = { readonly name: string; readonly account: string | null } & (
  | Audit
  | { readonly unknown: string; readonly checks?: undefined }
);
const readAccounts = (text: string) => (JSON.parse(text) as { version: 1; accounts: readonly Entry[] }).accounts;

async function startAccount(account: string): Promise<Sandbox> {
  const sandbox = await startSandbox({ account });
  onTestFinished(() => sandbox.close());
  knowSandbox(sandbox);
  return sandbox;
}

/** A second account, with a profile `other` in the same files, which has a session; both have their own endpoints. */
async function makeTwoAccounts() {
  const world = await makeWorld();
  const other = await startAccount("210987654321");
  const user = other.addUser({ name: "olga", policies: [everything] });
  const device = other.addVirtualDevice("olga");
  appendFileSync(world.credentialsPath, keysOf("other", user.accessKey));
  const profile = (name: string, serial: string, { url }: Sandbox): string =>
    `[profile ${name}]\nregion = eu-central-1\nendpoint_url = ${url}\nmfa_serial = ${serial}\n`;
  writeFileSync(
    world.configPath,
    profile("work", world.device.serialNumber, world.sandbox) + profile("other", device.serialNumber, other),
  );
  const env = { AWS_ENDPOINT_URL: undefined };
  const codes = { work: world.device.code, other: device.code };
  const login = async (name: "work" | "other") =>
    expect(await world.fob(["login", name, "--code-stdin"], { env, input: codes[name]() })).toMatchObject({
      status: 0,
    });
  return { world, other, login, audit: (...args: string[]) => world.fob(["audit", ...args], { env, cwd: world.home }) };
}

test("two profiles: each account in every format, against one baseline", async () => {
  const { login, audit, world } = await makeTwoAccounts();
  await login("work");
  await login("other");
  const all = ["--profiles", "work,other"];
  const json = await audit(...all, "--json");
  expect(json.status).toBe(3);
  const accounts = readAccounts(json.stdout);
  expect(accounts.map(({ name, account }) => [name, account])).toEqual([
    ["work", "123456789012"],
    ["other", "210987654321"],
  ]);
  for (const { checks } of accounts) expect(checks?.length).toBeGreaterThan(15);
  const [table, csv, markdown, sarif, page] = await Promise.all(
    ["table", "csv", "markdown", "sarif", "html"].map(
      async (format) => (await audit(...all, "--format", format)).stdout,
    ),
  );
  expect(table).toMatch(
    /^2 accounts\n {2}123456789012 \(work\): \d+ of \d+ checks hold, .*\n {2}210987654321 \(other\): \d+ of/,
  );
  expect(table).toContain("\nAccount 210987654321, credential report");
  expect(csv?.match(/^account,/gm)).toHaveLength(1);
  expect(csv).toMatch(/^210987654321,every-active-user-has-mfa,high,/m);
  expect(markdown).toContain("# MFA audit of account 210987654321\n");
  const { runs } = JSON.parse(sarif ?? "") as { runs: readonly { automationDetails: { id: string } }[] };
  expect(runs.map(({ automationDetails }) => automationDetails.id)).toEqual([
    "fob audit/123456789012/",
    "fob audit/210987654321/",
  ]);
  writeFileSync(join(world.home, "before.json"), json.stdout);
  const again = await audit(...all, "--fail-on", "low", "--allow-unknown", "--baseline", "before.json");
  expect(again).toMatchObject({ status: 0 });
  expect(page).toContain("<h1>MFA audit of 2 accounts</h1>");
  for (const account of ["123456789012 (work)", "210987654321 (other)"])
    expect(page).toContain(`<h2>Account ${account}</h2>`);
});

test("profiles of one account are one entry", async () => {
  const { login, audit } = await makeTwoAccounts();
  await login("work");
  const accounts = readAccounts((await audit("--profiles", "work,work-mfa", "--json")).stdout);
  expect(accounts.map(({ name, account }) => [name, account])).toEqual([["work, work-mfa", "123456789012"]]);
});

test("a profile without a session is unknown, says what to do, and hides no other", async () => {
  const { login, audit } = await makeTwoAccounts();
  await login("other");
  const { status, stdout } = await audit("--profiles", "work,other,missing", "--json");
  expect(status).toBe(3);
  const [work, other, third] = readAccounts(stdout);
  expect(work).toMatchObject({
    name: "work",
    account: null,
    unknown: expect.stringContaining("fob login work") as string,
  });
  expect(work?.checks).toBeUndefined();
  expect(other?.checks?.length).toBeGreaterThan(15);
  expect(third).toMatchObject({ name: "missing", unknown: expect.stringContaining("missing") as string });
  const table = (await audit("--profiles", "work,other")).stdout;
  expect(table).toMatch(/^2 accounts, of which 1 could not be read\n {2}work: not known: /);
  const sarif = (await audit("--profiles", "work", "--format", "sarif")).stdout;
  expect(sarif).toContain('"executionSuccessful": false');
  expect((await audit("--profiles", "work", "--format", "csv")).stdout).toMatch(/\r\n,,,unknown,work,,/);
  expect(await audit("--profiles", "work", "--allow-unknown")).toMatchObject({ status: 0 });
});

test.each([
  [["--profiles", "a,,b"], "--profiles has an empty name"],
  [["--profiles", "a", "--profile", "b"], "--profiles cannot be used with --profile"],
  [["--profiles", "a", "--organization-role", "b"], "--profiles cannot be used with --organization-role"],
  [["--organization-role", "arn:aws:iam::1:role/x y"], "is not a name of a role"],
])("%j is a wrong command line", async (args, message) => {
  const { status, stderr } = await (await makeWorld()).fob(["audit", ...args]);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

/** An account with a role, whose credentials another account gets. */
async function makeMember(account: string, policies: readonly object[] = [everything]): Promise<Member> {
  const sandbox = await startAccount(account);
  const { accessKey, arn } = sandbox.addUser({ name: "owner", policies: [everything] });
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: arn }, Action: "sts:AssumeRole" }],
  };
  const role = sandbox.addRole({ name: "auditor", trust, policies });
  const sts = new STSClient({ endpoint: sandbox.url, region: "us-east-1", credentials: accessKey });
  const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: "audit" }));
  sts.destroy();
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = given ?? {};
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  return { id: account, state: "ACTIVE", at: { sandbox, credentials } };
}

async function auditOrganization(world: World, members: readonly Member[], ...args: string[]) {
  const organization = await startOrganization(world.sandbox, members);
  const env = { AWS_ENDPOINT_URL: organization.url };
  const login = await world.fob(["login", "work", "--code-stdin"], { env, input: world.device.code() });
  expect(login).toMatchObject({ status: 0 });
  const run = await world.fob(["audit", "--profile", "work", "--organization-role", "auditor", ...args], { env });
  return { ...run, asked: organization.asked };
}

test("an organization: the role in each active account, and the own credentials for the own account only", async () => {
  const world = await makeWorld();
  const own = { id: "123456789012", state: "ACTIVE" };
  const members = [
    ...[own, await makeMember("111111111111"), { id: "222222222222", state: "ACTIVE" }],
    ...[{ id: "333333333333", state: "SUSPENDED" }, await makeMember("444444444444", [])],
    // AssumeRole gives credentials of another account.
    { ...(await makeMember("555555555555")), id: "666666666666" },
  ];
  const { status, stdout, stderr, asked } = await auditOrganization(world, members, "--json");
  expect(status).toBe(3);
  expect(stderr).toContain("1 of 6 accounts are not active, and not looked at");
  expect(JSON.parse(stdout)).toMatchObject({
    inactive: [{ account: "333333333333", name: expect.any(String) as string, state: "SUSPENDED" }],
  });
  const accounts = readAccounts(stdout);
  const reasons = accounts.map((each) => [each.account, each.checks === undefined ? each.unknown : "read"]);
  expect(reasons).toEqual([
    ["123456789012", "read"],
    ["111111111111", "read"],
    ["222222222222", expect.stringMatching(/sts:AssumeRole|auditor/)],
    ["444444444444", expect.stringContaining("iam:GetAccountAuthorizationDetails")],
    ["666666666666", expect.stringContaining("the credentials are of the account 555555555555, not 666666666666")],
  ]);
  // What reads an account is asked once in each that can be read: of the caller's own account not for another one.
  const reads = asked.filter(({ action }) => action === "GetAccountAuthorizationDetails").map(({ account }) => account);
  expect(reads.sort()).toEqual(["111111111111", "123456789012", "444444444444"]);
  expect(asked.filter(({ action }) => action === "AssumeRole")).toHaveLength(4);
});

test("accounts that cannot be listed are an error and no empty report", async () => {
  const { status, stdout } = await auditOrganization(await makeWorld(), [{ id: "333333333333", state: "CLOSED" }]);
  expect([status, stdout]).toEqual([1, ""]);
});
