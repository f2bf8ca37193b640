// What the credential report says of users, confirmed: against the sandbox, whose report is as old as AWS's.
import { expect, onTestFinished, test } from "vitest";
import { AwsFailure } from "../../src/aws/failures.ts";
import { getUser } from "../../src/aws/iam-changes.ts";
import { type ConfirmCalls, confirmUsers } from "../../src/iam/confirm.ts";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { askAs, calls, readSnapshot } from "./read-account.ts";

async function startAccount() {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const ben = sandbox.addUser({ name: "ben" });
  const reported = await readSnapshot(sandbox.url, sandbox.rootAccessKey);
  const confirm = (change: Partial<ConfirmCalls> = {}): Promise<AccountSnapshot> =>
    askAs(sandbox.url, sandbox.rootAccessKey, (aws) =>
      confirmUsers(aws, reported, { ...calls, getUser, ...change }, { breakGlass: [], usedDays: 45 }),
    );
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
    {
      password: {
        value: {
          ...{ resetRequired: { value: true }, lastUsed: { value: null } },
          lastChanged: { unknown: expect.any(String) as string },
        },
      },
    },
  ]);
});

test("when a password was used is asked where the report has no use of late, and of break-glass users", async () => {
  const { sandbox, reported } = await startAccount();
  const day = 86_400_000;
  const ago = (days: number): string => `${new Date(Date.now() - days * day).toISOString().slice(0, 19)}Z`;
  const [ben] = reported.users;
  if (ben === undefined) throw new Error("no user");
  const used = (name: string, days: number | null, tags = {}) => {
    const lastUsed = { value: days === null ? null : ago(days) };
    return {
      ...ben,
      name,
      tags,
      password: { value: { lastUsed, lastChanged: { value: ago(90) }, resetRequired: { value: false } } },
    };
  };
  const users = [used("late", 3), used("old", 60), used("never", null), used("bg", 3, { "fob-role": "break-glass" })];
  const asked: string[] = [];
  const live: ConfirmCalls = {
    ...{ listMfaDevices: () => Promise.resolve([]), listAccessKeys: () => Promise.resolve([]) },
    getLoginProfile: () => Promise.resolve({ resetRequired: false }),
    getUser: (_, name) => {
      asked.push(name);
      if (name === "never") return Promise.reject(new AwsFailure("refused", "no permission", "ask"));
      return Promise.resolve({ passwordLastUsed: new Date(ago(0)) });
    },
  };
  const confirmed = await askAs(sandbox.url, sandbox.rootAccessKey, (aws) =>
    confirmUsers(aws, { ...reported, users }, live, { breakGlass: [], usedDays: 45 }),
  );
  expect(asked.sort()).toEqual(["bg", "never", "old"]);
  const today = { value: expect.stringContaining(ago(0).slice(0, 10)) as string };
  const uses = confirmed.users.map(({ password }) => "value" in password && password.value?.lastUsed);
  expect(uses).toEqual([{ value: ago(3) }, today, { unknown: "no permission" }, today]);
});

test("what AWS refuses is unknown, although the report has it", async () => {
  const { confirm } = await startAccount();
  const refuse = () => Promise.reject(new AwsFailure("refused", "no permission", "ask"));
  const { users } = await confirm({ listMfaDevices: refuse, listAccessKeys: refuse, getLoginProfile: refuse });
  const refused = { unknown: "no permission" };
  expect(users).toMatchObject([{ devices: refused, accessKeys: refused, password: refused }]);
});
