// The rollout against moto (https://docs.getmoto.org), an AWS of others. It keeps users, groups and policies, and enforces
// nothing; its credential report is older than every user, and it has no simulator.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { IAM } from "@aws-sdk/client-iam";
import { expect, onTestFinished, test } from "vitest";
import type { Plan } from "../../src/rollout/plan.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { isThere } from "../helpers/needed.ts";
import { makeWorld, type Result } from "../helpers/world.ts";

/** @returns its URL */
function startMoto(): Promise<string> {
  const moto = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void moto.kill());
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (part: Buffer): void => {
      text += part.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    };
    moto.stdout.on("data", read);
    moto.stderr.on("data", read);
    moto.on("error", reject);
    moto.on("exit", () => reject(new Error(`moto_server has ended: ${text}`)));
  });
}

interface NewUser {
  readonly actions?: string;
  readonly role?: string;
  readonly hasPassword?: boolean;
  readonly hasDevice?: boolean;
}

async function addUser(iam: IAM, UserName: string, given: NewUser = {}): Promise<void> {
  const { actions = "s3:*", role, hasPassword = true, hasDevice = true } = given;
  await iam.createUser({ UserName, Tags: role === undefined ? [] : [{ Key: "fob-role", Value: role }] });
  const Statement = [{ Effect: "Allow", Action: actions, Resource: "*" }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.putUserPolicy({ UserName, PolicyName: "own", PolicyDocument });
  if (hasPassword) await iam.createLoginProfile({ UserName, Password: "A long pass phrase, 7 words!" });
  if (!hasDevice) return;
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: UserName });
  const codes = { AuthenticationCode1: "123456", AuthenticationCode2: "654321" };
  await iam.enableMFADevice({ UserName, SerialNumber: VirtualMFADevice?.SerialNumber, ...codes });
}

async function startAccount() {
  const world = await makeWorld();
  const endpoint = await startMoto();
  const anyone = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "any" };
  const iam = new IAM({ endpoint, region: "us-east-1", credentials: anyone });
  await addUser(iam, "admin", { actions: "*", hasPassword: false, hasDevice: false });
  await addUser(iam, "break-glass", { actions: "*", role: "break-glass" });
  await addUser(iam, "grace", { actions: "*" });
  for (const name of ["ben", "cleo", "ivy"]) await addUser(iam, name);
  await addUser(iam, "dan", { hasDevice: false });
  const { AccessKey } = await iam.createAccessKey({ UserName: "admin" });
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId,
    AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey,
    FOB_HOME: join(world.home, "store"),
  };
  const rollout = (args: string): Promise<Result> =>
    world.fob(["rollout", ...args.split(" ")], { env, cwd: world.home });
  const readStatus = async (): Promise<RolloutStatus> =>
    JSON.parse((await rollout("status --json")).stdout) as RolloutStatus;
  const listMembers = async (): Promise<string[]> => {
    const { Users = [] } = await iam.getGroup({ GroupName: "RequireMFA" });
    return Users.flatMap(({ UserName }) => UserName ?? []).sort();
  };
  return { iam, rollout, readStatus, listMembers };
}

test.skipIf(!isThere("moto_server", "--help"))(
  "moto: plan, apply, status and undo, and what others change",
  async () => {
    const { iam, rollout, readStatus, listMembers } = await startAccount();
    const planned = await rollout("plan --json --out plan.json");
    const { users, batches } = JSON.parse(planned.stdout) as Plan;
    expect(Object.fromEntries(users.map(({ user, state }) => [user, state]))).toEqual({
      ...{ admin: "automation", ben: "ready", "break-glass": "break-glass", cleo: "ready" },
      ...{ dan: "needs-device", grace: "ready", ivy: "ready" },
    });
    expect(batches.map((batch) => batch.users)).toEqual([["ben"], ["cleo", "ivy"], ["grace"]]);

    for (const expected of [["ben"], ["ben", "cleo", "ivy"], ["ben", "cleo", "grace", "ivy"]]) {
      const { status, stderr } = await rollout("apply --plan plan.json --yes");
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(await listMembers()).toEqual(expected);
      expect(await readStatus()).toMatchObject({ enforced: expected, drift: [] });
    }
    expect((await rollout("apply --plan plan.json --yes")).stderr).toContain(
      "fob: all 3 batches of the plan are done\n",
    );

    await iam.updateUser({ UserName: "ivy", NewUserName: "ivana" });
    await iam.removeUserFromGroup({ UserName: "cleo", GroupName: "RequireMFA" });
    expect(await readStatus()).toMatchObject({ drift: [{ what: "member-removed", subject: "cleo" }] });

    expect(await rollout("undo --batch 2 --yes")).toMatchObject({ status: 0 });
    expect(await listMembers()).toEqual(["ben", "grace"]);
    expect(await rollout("undo --all --yes")).toMatchObject({ status: 0 });
    expect(await listMembers()).toEqual([]);
    expect(await readStatus()).toMatchObject({ enforced: [], drift: [] });
  },
);
