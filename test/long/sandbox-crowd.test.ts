// The scenario `5000-users`: the same users each time, with the team's stories in realistic shares.
import { expect, test } from "vitest";
import { Account } from "../../src/sandbox/account.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";

const now = Date.parse("2026-01-31T09:00:00Z");
const day = 86_400_000;

function makeAccount(): Account {
  const account = new Account("123456789012", "aws", () => now);
  scenarios["5000-users"](account);
  return account;
}

/** All of a user but what is random: IDs, secrets and serial numbers. */
function describe(account: Account): readonly string[] {
  return account.users().map((principal) => {
    const { arn, devices, user } = principal;
    const { groups, createdMs, password } = user;
    const keys = account.accessKeysOf(principal).map(({ createdMs: made, lastUsed }) => [made, lastUsed]);
    const kinds = devices.map(({ seed, enabledMs }) => [seed === undefined, enabledMs]);
    const used = password && [password.changedMs, password.lastUsedMs, password.resetRequired];
    return JSON.stringify([arn, groups.map(({ name }) => name), createdMs, used, keys, kinds]);
  });
}

test("5,000 users, the same each time, with the team among them", () => {
  const account = makeAccount();
  expect(account.users()).toHaveLength(5000);
  expect(account.findUser("old-break-glass")?.user.tags).toEqual({ "fob-role": "break-glass" });
  expect(describe(makeAccount())).toEqual(describe(account));
});

test("each story of the team is told of dozens of users, and nothing is younger than its user", () => {
  const account = makeAccount();
  const stories = new Map<string, number>();
  for (const principal of account.users()) {
    const { devices, user } = principal;
    const { password, createdMs } = user;
    const keys = account.accessKeysOf(principal);
    const times = [...keys, ...(password ? [{ createdMs: password.changedMs }] : [])].map((each) => each.createdMs);
    for (const time of [...times, ...devices.map(({ enabledMs }) => enabledMs)]) {
      expect(time, principal.name).toBeGreaterThanOrEqual(createdMs);
      expect(time, principal.name).toBeLessThanOrEqual(now);
    }
    const uses = [password?.lastUsedMs, ...keys.map(({ lastUsed }) => lastUsed?.ms)].flatMap((ms) => ms ?? []);
    const isUnused = uses.length > 0 && Math.max(...uses) < now - 90 * day;
    const withCodes = devices.filter(({ seed }) => seed !== undefined).length;
    const story = password?.resetRequired
      ? "first password"
      : isUnused
        ? "has left"
        : password === undefined
          ? "automation"
          : `${withCodes} with codes, ${devices.length - withCodes} security keys, ${keys.length} access keys`;
    stories.set(story, (stories.get(story) ?? 0) + 1);
  }
  const told = [...stories].filter(([, count]) => count > 100).sort(([a], [b]) => (a < b ? -1 : 1));
  expect(told).toEqual([
    ["0 with codes, 0 security keys, 1 access keys", expect.closeTo(600, -2)],
    ["0 with codes, 1 security keys, 1 access keys", expect.closeTo(200, -2)],
    ["1 with codes, 0 security keys, 0 access keys", expect.closeTo(650, -2)],
    ["1 with codes, 0 security keys, 1 access keys", expect.closeTo(2500, -2)],
    ["2 with codes, 0 security keys, 1 access keys", expect.closeTo(250, -2)],
    ["automation", expect.closeTo(250, -2)],
    ["first password", expect.closeTo(150, -2)],
    ["has left", expect.closeTo(400, -2)],
  ]);
});
