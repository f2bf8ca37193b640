// Each guard of `fob rollout apply` on the built program: it alone refuses, nothing is changed, and what happens to the user
// when it is overridden, by calls with the user's own key and by the user's own sign-in.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as iam from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { GetFederationTokenCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test } from "vitest";
import type { Plan } from "../../src/rollout/plan.ts";
import type { Account } from "../../src/sandbox/account.ts";
import { day } from "../../src/sandbox/people.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { type AccessKey, startSandbox } from "../../src/sandbox/server.ts";
import { knowSandbox } from "../helpers/secrets.ts";
import { makeWorld, type Result } from "../helpers/world.ts";

type Team = Awaited<ReturnType<typeof makeTeam>>;

const document = (Effect: "Allow" | "Deny", ...Action: string[]) => ({
  ...{ Version: "2012-10-17", Statement: [{ Effect, Action, Resource: "*" }] },
});
const arnOf = (resource: string): string => `arn:aws:iam::123456789012:${resource}`;

/** The team, with a change, and its administrator ada, who works with her access key: nothing requires MFA of her yet. */
async function makeTeam(change: (account: Account) => void = () => undefined) {
  let filled: Account | undefined;
  const sandbox = await startSandbox({
    fill: (account) => {
      scenarios.team(account);
      change(account);
      filled = account;
    },
  });
  onTestFinished(() => sandbox.close());
  knowSandbox(sandbox);
  const account = filled as unknown as Account;
  const world = await makeWorld();
  const keyOf = (name: string): AccessKey => {
    const [key] = account.accessKeysOf(account.user(name));
    if (key === undefined) throw new Error(`${name} has no access key`);
    return { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
  };
  const configuration = (credentials: AccessKey & { readonly sessionToken?: string }) => ({
    ...{ credentials, endpoint: sandbox.url, region: "eu-central-1", maxAttempts: 1 },
  });
  /** `ok`, or the name of the error. */
  const outcome = async (call: Promise<unknown>): Promise<string> =>
    await call.then(
      () => "ok",
      (error: unknown) => (error as Error).name.replace(/Exception$/, ""),
    );
  const file = join(world.home, "plan.json");
  return {
    ...{ sandbox, account, world, keyOf, file },
    /** What S3's list of buckets answers, which every user of the team may read. */
    listBuckets: (key: AccessKey) => outcome(new S3Client(configuration(key)).send(new ListBucketsCommand())),
    iam: (key: AccessKey, command: object) =>
      outcome(new iam.IAMClient(configuration(key)).send(command as iam.ListUsersCommand)),
    sts: (key: AccessKey, command: object) =>
      outcome(new STSClient(configuration(key)).send(command as GetSessionTokenCommand)),
    fob(args: readonly string[], user = "ada"): Promise<Result> {
      const { accessKeyId, secretAccessKey } = keyOf(user);
      const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
      return world.fob(args, {
        env: { ...keys, AWS_ENDPOINT_URL: sandbox.url, AWS_REGION: "eu-central-1" },
        cwd: world.home,
      });
    },
    isMember: (name: string): boolean =>
      account.user(name).user.groups.some((group) => group.name.toLowerCase() === "requiremfa"),
  };
}

/** Makes a plan and tries the batch that has a user. @returns the guards that refuse, as on stderr */
async function tryBatch(
  team: Team,
  user: string,
  { plan = [], apply = [], caller }: { plan?: readonly string[]; apply?: readonly string[]; caller?: string } = {},
) {
  const planned = await team.fob(["rollout", "plan", "--out", "plan.json", ...plan], caller);
  expect(planned, planned.stderr).toMatchObject({ status: 0 });
  const { batches } = JSON.parse(readFileSync(team.file, "utf8")) as Plan;
  const number = batches.find(({ users }) => users.includes(user))?.number;
  const { status, stderr } = await team.fob(
    ["rollout", "apply", "--plan", "plan.json", "--batch", String(number), "--yes", ...apply],
    caller,
  );
  const guards = [...stderr.matchAll(/^fob: error: (G\d+): ([\w-]+)/gm)].map(
    ([, guard, subject]) => `${guard} ${subject}`,
  );
  return { status, stderr, guards };
}

/** Expects that one guard alone refuses a user; that nothing was changed; and that the override of the hint lets the user pass. */
async function overrideAlone(team: Team, user: string, guard: string, options: Parameters<typeof tryBatch>[2] = {}) {
  const refused = await tryBatch(team, user, options);
  expect({ status: refused.status, guards: refused.guards }, refused.stderr).toEqual({
    ...{ status: 3, guards: [`${guard} ${user}`] },
  });
  expect(team.account.findGroup("RequireMFA")).toBeUndefined();
  const override = `${user}:${guard}`;
  expect(refused.stderr).toContain(`--override ${override}`);
  const before = options.apply ?? [];
  const other = await tryBatch(team, user, {
    ...options,
    apply: [...before, "--override", `${user === "hal" ? "ben" : "hal"}:${guard}`],
  });
  expect(other, "an override is for one user").toMatchObject({
    ...{ status: 2, stderr: expect.stringContaining("(from --override) is not in batch") as string },
  });
  const applied = await tryBatch(team, user, { ...options, apply: [...before, "--override", override] });
  expect(team.isMember(user), applied.stderr).toBe(true);
  return { refused, applied };
}

/** Expects that a guard refuses, and that no override helps. */
async function expectFinal(
  team: Team,
  subject: string,
  guard: string,
  options: Parameters<typeof tryBatch>[2] & { user: string },
) {
  const before = options.apply ?? [];
  for (const apply of [before, [...before, "--override", `${options.user}:${guard}`]]) {
    const { status, guards, stderr } = await tryBatch(team, options.user, { ...options, apply });
    expect({ status, guards }, stderr).toEqual({ status: 3, guards: [`${guard} ${subject}`] });
  }
  expect(team.isMember(options.user)).toBe(false);
}

test("G1: without a device, and not allowed to enable one: neither work nor enroll", async () => {
  const team = await makeTeam((account) => account.attachPolicy("dan", document("Deny", "iam:EnableMFADevice")));
  const key = team.keyOf("dan");
  const { applied } = await overrideAlone(team, "dan", "G1", { plan: ["--include", "dan"] });
  expect(applied.status).toBe(0);
  expect(await team.listBuckets(key)).toBe("AccessDenied");
  expect(await team.iam(key, new iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "phone" }))).toBe("ok");
  const codes = { AuthenticationCode1: "123456", AuthenticationCode2: "654321" };
  const enable = () => new iam.EnableMFADeviceCommand({ UserName: "dan", SerialNumber: arnOf("mfa/phone"), ...codes });
  expect(await team.iam(key, enable())).toBe("AccessDenied");
  const { page, credentials: given } = team.sandbox.signIn({ userName: "dan" });
  if (given === undefined) throw new Error(page);
  const { accessKeyId, secretAccessKey, sessionToken } = given;
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  expect(await team.listBuckets(credentials)).toBe("AccessDenied");
  expect(await team.iam(credentials, enable())).toBe("AccessDenied");
  await expectWayBack(team, "dan");
});

/** Expects that it was the enforcement that denied: out of the group, the key works again. */
async function expectWayBack(team: Team, user: string): Promise<void> {
  const { status, stderr } = await team.fob(["rollout", "undo", "--user", user, "--yes"]);
  expect(status, stderr).toBe(0);
  expect(await team.listBuckets(team.keyOf(user))).toBe("ok");
}

test("G2: the first password is due, and cannot be set without MFA: the user never gets in", async () => {
  const team = await makeTeam();
  const signIn = { userName: "erin", newPassword: "Correct-horse-7-battery!" };
  expect(team.sandbox.signIn({ userName: "erin" }).page).toBe("new-password");
  const { applied } = await overrideAlone(team, "erin", "G2", {
    ...{ plan: ["--include", "erin", "--no-password-change"], apply: ["--override", "erin:G1"] },
  });
  expect(applied.status).toBe(0);
  expect(team.sandbox.signIn(signIn)).toMatchObject({
    ...{
      page: "new-password",
      message: expect.stringContaining("not authorized to perform iam:ChangePassword") as string,
    },
  });
});

test("G3: a program's key, which it used 40 days ago for a monthly job: the job stops", async () => {
  const team = await makeTeam((account) => {
    account.addUser({ name: "monthly", policies: [document("Allow", "s3:ListAllMyBuckets")], groups: [] });
    const lastUsed = { ms: account.now() - 40 * day, service: "s3", region: "eu-central-1" };
    account.addAccessKey(account.user("monthly"), { lastUsed });
    // So that G1 lets it pass.
    account.giveDevice(account.user("monthly"), {
      ...account.makeDevice(arnOf("mfa/monthly"), Buffer.alloc(20, 1)),
      ...{ tags: {}, enabledMs: account.now(), driftSteps: 0, synchronizedStep: 0 },
    });
  });
  const key = team.keyOf("monthly");
  const { applied } = await overrideAlone(team, "monthly", "G3", { plan: ["--include", "monthly"] });
  expect(applied.status).toBe(0);
  expect(await team.listBuckets(key)).toBe("AccessDenied");
  expect(team.sandbox.signIn({ userName: "monthly", password: "any" }).page).toBe("password");
  await expectWayBack(team, "monthly");
});

test("G4: only a security key, and an access key: the key stops, and no code starts a session", async () => {
  const team = await makeTeam();
  const key = team.keyOf("finn");
  const { applied } = await overrideAlone(team, "finn", "G4", { plan: ["--include", "finn"] });
  expect(applied.status).toBe(0);
  expect(await team.listBuckets(key)).toBe("AccessDenied");
  const [device] = team.account.user("finn").devices;
  const withCode = new GetSessionTokenCommand({ SerialNumber: device?.serialNumber, TokenCode: "123456" });
  expect(await team.sts(key, withCode)).not.toBe("ok");
  await expectWayBack(team, "finn");
});

test("G5: a device of the user's name is left: the one that the console offers cannot be created or deleted", async () => {
  const team = await makeTeam((account) => {
    const device = account.makeDevice(arnOf("mfa/dan"), Buffer.alloc(20, 1));
    account.unassignedDevices.set(device.serialNumber, device);
  });
  const key = team.keyOf("dan");
  const { applied } = await overrideAlone(team, "dan", "G5", {
    ...{ plan: ["--include", "dan"], apply: ["--override", "dan:G1"] },
  });
  expect(applied.status).toBe(0);
  expect(await team.listBuckets(key)).toBe("AccessDenied");
  const create = new iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "dan" });
  expect(await team.iam(key, create)).toBe("EntityAlreadyExists");
  const remove = new iam.DeleteVirtualMFADeviceCommand({ SerialNumber: arnOf("mfa/dan") });
  expect(await team.iam(key, remove)).toBe("AccessDenied");
  await expectWayBack(team, "dan");
});

test("G6: yourself, without MFA: the rollout stops halfway, and you cannot undo it with these credentials", async () => {
  const team = await makeTeam();
  const { applied } = await overrideAlone(team, "ada", "G6");
  expect(applied.status).not.toBe(0);
  const undone = await team.fob(["rollout", "undo", "--user", "ada", "--yes"]);
  expect(undone.status).not.toBe(0);
  expect(await team.iam(team.keyOf("ada"), new iam.ListUsersCommand())).toBe("AccessDenied");
  expect(team.isMember("ada")).toBe(true);
});

test("G6: yourself, without a device that STS takes codes of: no override", async () => {
  const team = await makeTeam((account) => {
    const ada = account.user("ada");
    for (const device of ada.devices) account.takeDevice(ada, device);
  });
  const options = { user: "ada", plan: ["--include", "ada"], apply: ["--override", "ada:G1"] };
  await expectFinal(team, "ada", "G6", options);
});

test("G7: a break-glass user with an access key is none: no override", async () => {
  const team = await makeTeam((account) => void account.addAccessKey(account.user("break-glass")));
  await expectFinal(team, "RequireMFA", "G7", { user: "ben" });
});

/** Beside grace, ada may put users into the group, but not take them out. */
const leaveOneAdministrator = (account: Account): void =>
  account.attachPolicy("ada", document("Deny", "iam:RemoveUserFromGroup"));

test("G8: the last administrator: with her device lost, only break-glass takes users out of the group", async () => {
  const team = await makeTeam(leaveOneAdministrator);
  const { applied } = await overrideAlone(team, "grace", "G8");
  expect(applied.status).toBe(0);
  const remove = () => new iam.RemoveUserFromGroupCommand({ UserName: "grace", GroupName: "RequireMFA" });
  for (const name of ["ada", "ben", "cleo", "dan", "finn", "grace", "gus", "ivy"])
    expect(await team.iam(team.keyOf(name), remove()), name).toBe("AccessDenied");
});

test("G8: the last administrator, without a device: no override", async () => {
  const team = await makeTeam((account) => {
    leaveOneAdministrator(account);
    const grace = account.user("grace");
    for (const device of grace.devices) account.takeDevice(grace, device);
  });
  await expectFinal(team, "grace", "G8", {
    ...{ user: "grace", plan: ["--include", "grace"], apply: ["--override", "grace:G1"] },
  });
});

test("G9: in ten groups: AWS would refuse the eleventh; no override", async () => {
  const team = await makeTeam((account) => {
    for (let number = 1; number <= 9; number++) account.addGroup(`team-${number}`, "/", [], []);
  });
  const admin = team.keyOf("ada");
  for (let number = 1; number <= 9; number++) {
    const add = new iam.AddUserToGroupCommand({ UserName: "ben", GroupName: `team-${number}` });
    expect(await team.iam(admin, add)).toBe("ok");
  }
  await expectFinal(team, "ben", "G9", { user: "ben" });
  const eleventh = new iam.AddUserToGroupCommand({ UserName: "ben", GroupName: "admins" });
  expect(await team.iam(admin, eleventh)).toBe("LimitExceeded");
});

test("G10: a plan with six users in a batch is refused; no override", async () => {
  const team = await makeTeam();
  expect(await team.fob(["rollout", "plan", "--out", "plan.json"])).toMatchObject({ status: 0 });
  const plan = JSON.parse(readFileSync(team.file, "utf8")) as Plan;
  const batches = [{ number: 1, users: ["ben", "cleo", "ivy", "ada", "grace", "dan"] }];
  writeFileSync(team.file, JSON.stringify({ ...plan, batches }));
  for (const override of ["RequireMFA:G10", "ben:G10"]) {
    const args = ["rollout", "apply", "--plan", "plan.json", "--yes", "--override", override];
    const { status, stderr } = await team.fob(args);
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("has 6 users, not 1 to 5") as string,
    });
  }
  expect(team.account.findGroup("RequireMFA")).toBeUndefined();
});

test("G11: GetFederationToken in CloudTrail: it stops, with MFA too", async () => {
  const team = await makeTeam((account) =>
    account.attachPolicy("ben", document("Allow", "sts:GetFederationToken", "s3:ListAllMyBuckets")),
  );
  const key = team.keyOf("ben");
  const federate = () => new GetFederationTokenCommand({ Name: "partner" });
  expect(await team.sts(key, federate())).toBe("ok");
  const { refused, applied } = await overrideAlone(team, "ben", "G11", { plan: ["--include", "ben"] });
  expect(refused.stderr).toMatch(/G11: ben: in CloudTrail sts:GetFederationToken 0 min ago: it stops working/);
  expect(applied.status).toBe(0);
  expect(await team.sts(key, federate())).toBe("AccessDenied");
});

test("G12: unused for long: a lockout would show only when the user comes back", async () => {
  const team = await makeTeam();
  const { refused, applied } = await overrideAlone(team, "hal", "G12", {
    ...{ plan: ["--include", "hal"], apply: ["--override", "hal:G1"] },
  });
  expect(refused.stderr).toContain("G12: hal: is inactive: ");
  expect(applied.status).toBe(0);
});

test("G12: the group has another policy, or the user is not the one of the plan: no override", async () => {
  const team = await makeTeam((account) => {
    account.addGroup("RequireMFA", "/", [document("Allow", "s3:*")], []);
  });
  await expectFinal(team, "RequireMFA", "G12", { user: "ben" });

  const other = await makeTeam();
  expect(await other.fob(["rollout", "plan", "--out", "plan.json"])).toMatchObject({ status: 0 });
  const text = readFileSync(other.file, "utf8");
  writeFileSync(other.file, text.replace('user/ben"', 'user/was/ben"'));
  for (const override of [[], ["--override", "ben:G12"]]) {
    const { status, stderr } = await other.fob([
      ...["rollout", "apply", "--plan", "plan.json", "--batch", "1", "--yes", ...override],
    ]);
    expect({ status, stderr }).toMatchObject({
      ...{ status: 3, stderr: expect.stringContaining("G12: ben: is not the user of the plan") as string },
    });
  }
  expect(other.isMember("ben")).toBe(false);
});

test("G13: a cron job of yesterday, with a login since: CloudTrail knows, and the job stops", async () => {
  const team = await makeTeam();
  const key = team.keyOf("ben");
  expect(await team.listBuckets(key)).toBe("ok");
  expect(await team.sts(key, new GetSessionTokenCommand())).toBe("ok");
  const { refused, applied } = await overrideAlone(team, "ben", "G13", { plan: ["--include", "ben"] });
  expect(refused.stderr).toMatch(/G13: ben: in CloudTrail s3:ListBuckets 0 min ago: what uses the key stops/);
  expect(applied.status).toBe(0);
  expect(await team.listBuckets(key)).toBe("AccessDenied");
  await expectWayBack(team, "ben");
});

test("G13: without permission for CloudTrail it refuses, and the plan says what is not known", async () => {
  const team = await makeTeam((account) => account.attachPolicy("ada", document("Deny", "cloudtrail:*")));
  const { guards, stderr } = await tryBatch(team, "ben");
  expect(guards).toEqual(["G13 ben"]);
  expect(stderr).toContain("what the access key was used for before is not known: CloudTrail in us-east-1: AWS denied");
  const { users } = JSON.parse(readFileSync(team.file, "utf8")) as Plan;
  expect(users.find(({ user }) => user === "ben")?.unknown.join()).toContain("cloudtrail:LookupEvents");
  const { status, stdout } = await team.fob(["rollout", "apply", "--print-policy"]);
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("cloudtrail:LookupEvents") as string,
  });
});
