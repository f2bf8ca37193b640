// AWS throttles those who read an account: calls are repeated, and what AWS does not answer in the end is unknown.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { type AccessKey, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { readSnapshot } from "../iam/read-account.ts";
import { type Exchange, type Front, refusal, startFront } from "../network/servers.ts";

const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const attempts = 8;
const throttled = { unknown: "AWS is throttling requests" };

let sandbox: Sandbox;
let admin: AccessKey;
beforeEach(async () => {
  // The SDK waits for a random part of the time that grows with each attempt: here for none of it.
  vi.spyOn(Math, "random").mockReturnValue(0);
  sandbox = await startSandbox();
  admin = sandbox.addUser({ name: "admin", policies: [allowAll] }).accessKey;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await sandbox.close();
});

const addUsers = (count: number): void => {
  for (let number = 0; number < count; number++) sandbox.addUser({ name: `user-${number}` });
};

/** Throttles some calls. */
const throttle = (isThrottled: (exchange: Exchange) => boolean): Promise<Front> =>
  startFront({
    to: sandbox.url,
    reply: (exchange) => (isThrottled(exchange) ? refusal(400, "Throttling", "Rate exceeded") : "forward"),
  });

const countOf = (front: Front, action: string): number =>
  front.exchanges.filter((exchange) => exchange.action === action).length;

const isLookUp = ({ action }: Exchange): boolean => action === "ListMFADevices";

const devicesOf = (snapshot: AccountSnapshot): unknown[] => snapshot.users.map(({ devices }) => devices);

test("a page in the middle is asked for again, and nothing is missing", async () => {
  addUsers(700);
  const front = await throttle(
    ({ action, before }) => action === "GetAccountAuthorizationDetails" && before >= 6 && before < 9,
  );
  const snapshot = await readSnapshot(front.url, admin);
  expect(new Set(snapshot.users.map(({ name }) => name)).size).toBe(701);
  expect(countOf(front, "GetAccountAuthorizationDetails")).toBe(8 + 3);
});

test("a page that stays throttled is an error: a part of an account is not shown as the whole", async () => {
  addUsers(250);
  const front = await throttle(({ action, before }) => action === "GetAccountAuthorizationDetails" && before >= 2);
  await expect(readSnapshot(front.url, admin)).rejects.toThrow("AWS is throttling requests");
  expect(countOf(front, "GetAccountAuthorizationDetails")).toBe(2 + attempts);
});

test.each(["GenerateCredentialReport", "GetCredentialReport"])(
  "%s is repeated, and what the report tells is unknown if it stays throttled",
  async (name) => {
    sandbox.addFidoDevice("admin");
    const briefly = await throttle(({ action, before }) => action === name && before < 3);
    const snapshot = await readSnapshot(briefly.url, admin);
    expect(snapshot).toMatchObject({ reportGenerated: { value: expect.any(String) as string } });

    const always = await throttle(({ action }) => action === name);
    expect(await readSnapshot(always.url, admin)).toMatchObject({
      ...{ reportGenerated: throttled, root: throttled },
      // The rest is looked up.
      users: [
        {
          ...{ accessKeys: { value: [{ active: true }] }, devices: { value: [{ kind: "security key" }] } },
          password: { value: null },
        },
      ],
    });
    expect(countOf(always, name)).toBe(attempts);
  },
);

test.each([
  ["GetAccountSummary", "summary"],
  ["GetAccountPasswordPolicy", "passwordPolicy"],
  ["ListAccountAliases", "alias"],
] as const)("%s that stays throttled leaves that unknown, and nothing else", async (name, key) => {
  const front = await throttle(({ action }) => action === name);
  const { [key]: missing, ...others } = await readSnapshot(front.url, admin);
  expect(missing).toEqual(throttled);
  expect(JSON.stringify(others)).not.toContain("unknown");
});

test("devices are looked up for each user if the list of virtual devices stays throttled", async () => {
  sandbox.addVirtualDevice("admin");
  const front = await throttle(({ action }) => action === "ListVirtualMFADevices");
  expect(devicesOf(await readSnapshot(front.url, admin))).toMatchObject([{ value: [{ kind: "virtual" }] }]);
});

test("more look-ups than the SDK repeats by itself are repeated until they are answered", async () => {
  addUsers(60);
  // Someone has a device that the report is too old to show.
  await readSnapshot(sandbox.url, admin);
  sandbox.addFidoDevice("user-7");
  const seen = new Map<string, number>();
  const front = await throttle((exchange) => {
    const { userName } = exchange;
    seen.set(userName, (seen.get(userName) ?? 0) + 1);
    return isLookUp(exchange) && (seen.get(userName) ?? 0) < 4;
  });
  const snapshot = await readSnapshot(front.url, admin);
  expect(devicesOf(snapshot).filter((devices) => JSON.stringify(devices).includes("unknown"))).toEqual([]);
  expect(JSON.stringify(devicesOf(snapshot))).toContain("security key");
  expect(countOf(front, "ListMFADevices")).toBe(4 * 61);
});

test("look-ups that stay throttled end: the other users are unknown too, and AWS is not asked thousands of times", async () => {
  addUsers(60);
  await readSnapshot(sandbox.url, admin);
  sandbox.addFidoDevice("user-7");
  const front = await throttle(isLookUp);
  const snapshot = await readSnapshot(front.url, admin);
  expect(snapshot.users.map(({ mayHaveMoreDevices }) => mayHaveMoreDevices)).toEqual(snapshot.users.map(() => true));
  // Eight at the same time.
  expect(countOf(front, "ListMFADevices")).toBeLessThanOrEqual(8 * attempts);
});
