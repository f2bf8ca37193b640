// What the credential report says of users, confirmed: against the sandbox, whose report is as old as AWS's.
import { expect, onTestFinished, test } from "vitest";
import { AwsFailure } from "../../src/aws/failures.ts";
import { confirmUsers } from "../../src/iam/confirm.ts";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { askAs, calls, readSnapshot } from "./read-account.ts";

async function startAccount() {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const ben = sandbox.addUser({ name: "ben" });
  const reported = await readSnapshot(sandbox.url, sandbox.rootAccessKey);
  const confirm = (change: Partial<typeof calls> = {}): Promise<AccountSnapshot> =>
    askAs(sandbox.url, sandbox.rootAccessKey, (aws) => confirmUsers(aws, reported, { ...calls, ...change }));
  return { sandbox, ben, reported, confirm };
}

test("a device since the report counts, and keys have their IDs", async () => {
  const { sandbox, ben, reported, confirm } = await startAccount();
  expect(reported.users).toMatchObject([{ devices: { value: [] }, accessKeys: { value: [{ active: true }] } }]);
  sandbox.addVirtualDevice("ben");
  const { users } = await confirm();
  expect(users).toMatchObject([
    {
      devices: { value: [{ kind: "virtual" }] },
      accessKeys: { value: [{ id: ben.accessKey.accessKeyId, active: true }] },
      password: { value: null },
    },
  ]);
});

test("a password since the report is one, of which not all is known", async () => {
  const { confirm } = await startAccount();
  const { users } = await confirm({ getLoginProfile: () => Promise.resolve({ resetRequired: true }) });
  expect(users).toMatchObject([
    { password: { value: { resetRequired: { value: true }, lastUsed: { unknown: expect.any(String) as string } } } },
  ]);
});

test("what AWS refuses is unknown, although the report has it", async () => {
  const { confirm } = await startAccount();
  const refuse = () => Promise.reject(new AwsFailure("refused", "no permission", "ask"));
  const { users } = await confirm({ listMfaDevices: refuse, listAccessKeys: refuse, getLoginProfile: refuse });
  const refused = { unknown: "no permission" };
  expect(users).toMatchObject([{ devices: refused, accessKeys: refused, password: refused }]);
});
