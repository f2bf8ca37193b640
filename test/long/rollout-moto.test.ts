// The rollout against moto (https://docs.getmoto.org), an AWS of others. It keeps users, groups and policies, and enforces
// nothing; its credential report is older than every user, and it has no simulator.
import { join } from "node:path";
import { IAM } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import type { Plan } from "../../src/rollout/plan.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { addUser, startMoto } from "../helpers/moto.ts";
import { isThere } from "../helpers/needed.ts";
import { makeWorld, type Result } from "../helpers/world.ts";

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
