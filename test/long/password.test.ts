// `fob password`: a user's own console password, from the terminal.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import type { AccountPasswordPolicy } from "../../src/sandbox/account.ts";
import { answer, enforced } from "../helpers/enroll.ts";
import { knowSecret } from "../helpers/secrets.ts";
import { keysOf, makeWorld, type OnTerminal, type RunOptions, withClock } from "../helpers/world.ts";

const before = "Before-it-was-0";
const after = "After-it-is-1";

/** A world whose profile `work` is of a user with a password and, unless told otherwise, without a device. */
async function newPlace(policies: readonly object[] = enforced, hasPassword = true) {
  for (const text of [before, after]) knowSecret("password", text);
  const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
  const password = { text: before, changedMs: Date.now(), lastUsedMs: undefined, resetRequired: false };
  const { accessKey } = world.sandbox.addUser({ name: "dan", policies, ...(hasPassword && { password }) });
  writeFileSync(world.credentialsPath, keysOf("work", accessKey), { mode: 0o600 });
  return {
    ...world,
    run: (env: RunOptions["env"] = {}) => world.fobOnTerminal(["password", "work"], { env }),
    opensWith: (text: string) => world.sandbox.signIn({ userName: "dan", password: text }).page !== "password",
  };
}

/** Answers questions, in turn, and returns what the terminal shows at the end. */
async function typePasswords(run: OnTerminal, ...pairs: readonly (readonly [question: string, text: string])[]) {
  await answer(
    run,
    pairs.map(([question, text]) => [`${question} (not shown):`, text]),
  );
  return await run.ended;
}

test("the policy is shown, what it forbids is refused before AWS sees it, and the new password signs in", async () => {
  const place = await newPlace();
  const policy: AccountPasswordPolicy = {
    ...{ allowUsersToChangePassword: false, hardExpiry: false, maxAgeDays: 90, minimumLength: 12 },
    requires: ["Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters"],
  };
  place.sandbox.setPasswordPolicy(policy);
  const run = place.run();
  const { status, screen } = await typePasswords(
    run,
    ["Current password", before],
    ["New password", "Short-1"],
    ["New password", "long-enough-it-is"],
    ["New password", before],
    ["New password", after],
    ["New password again", `${after}!`],
    ["New password", `${after}x\u007f`],
    ["New password again", after],
  );
  expect({ status, screen }).toMatchObject({
    status: 0,
    screen: expect.stringContaining("Changed the console") as string,
  });
  for (const rule of ["at least 12 characters", "an uppercase letter, a lowercase letter, a number, a symbol"]) {
    expect(screen).toContain(rule);
  }
  expect(screen).toContain("it expires after 90 days");
  expect(screen).toContain("has 7 characters, and needs 12");
  expect(screen).toContain("lacks an uppercase letter, a number");
  expect(screen).toContain("that is the current password");
  expect(screen).toContain("the two are not the same");
  for (const secret of [before, after, "Short-1"]) expect(run.raw()).not.toContain(secret);
  expect(place.calls("ChangePassword")).toBe(1);
  expect([before, after].map(place.opensWith)).toEqual([false, true]);
});

test("a wrong current password is asked for again, and AWS's own reason is shown", async () => {
  const place = await newPlace([
    { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iam:ChangePassword", Resource: "*" }] },
  ]);
  const policy = { allowUsersToChangePassword: false, hardExpiry: false, maxAgeDays: undefined, minimumLength: 20 };
  // fob may not read it, so only AWS can tell.
  place.sandbox.setPasswordPolicy(policy);
  const long = `${after}-and-longer`;
  const { status, screen } = await typePasswords(
    place.run(),
    ["Current password", "not-this-one"],
    ["New password", after],
    ["New password again", after],
    ["Current password", before],
    ["New password", long],
    ["New password again", long],
  );
  expect({ status, screen }).toMatchObject({ status: 0 });
  expect(screen).toContain("the account's password policy is not known");
  expect(screen).toContain("The old password was incorrect");
  expect(screen).toContain("Password should have a minimum length of 20");
  expect(place.opensWith(long)).toBe(true);
});

test("Ctrl-C at each question, a user without a password, no permission, a wrong clock, and no terminal", async () => {
  const place = await newPlace();
  const all = [
    ["Current password", before],
    ["New password", after],
    ["New password again", after],
  ] as const;
  for (const [index, [question]] of all.entries()) {
    const run = place.run();
    await answer(
      run,
      all.slice(0, index).map(([earlier, text]) => [`${earlier} (not shown):`, text]),
    );
    await run.shows(`${question} (not shown):`);
    run.type("\u0003");
    const { status, screen } = await run.ended;
    expect(status).toBe(130);
    expect(screen).toContain("cancelled; the password is not changed");
  }
  expect(place.calls("ChangePassword")).toBe(0);
  expect((await place.fob(["password", "work"])).status).toBe(4);
  const CLOCK = join(place.home, "clock");
  writeFileSync(CLOCK, "900");
  expect((await place.run({ CLOCK, NODE_OPTIONS: withClock }).ended).screen).toMatch(/clock is \S+ ?\w* ahead/);

  const without = await typePasswords((await newPlace(enforced, false)).run(), ...all);
  expect(without).toMatchObject({ status: 1, screen: expect.stringContaining("has no console password") as string });
  const denied = await typePasswords((await newPlace([])).run(), ...all);
  expect(denied.status).toBe(1);
  expect(denied.screen).toContain("the policy that lets you change your own password");
  expect(denied.screen).toContain("fob policy show --self-manage");
});

test("where a policy wants MFA for it, the key is refused with the way out, and an open session is used", async () => {
  const policies = [enforceMfaPolicy({ passwordChange: false }), selfManagePolicy({})];
  const place = await newPlace(policies);
  const device = place.sandbox.addVirtualDevice("dan");
  const answers = [
    ["Current password", before],
    ["New password", after],
    ["New password again", after],
  ] as const;
  const refused = await typePasswords(place.run(), ...answers);
  expect(refused.status).toBe(1);
  expect(refused.screen).toContain("use a session instead of the access key: fob login work");
  expect((await place.fob(["login", "work", "--code", device.code()])).status).toBe(0);
  expect((await typePasswords(place.run(), ...answers)).status).toBe(0);
  expect(place.opensWith(after)).toBe(true);
});
