// fob keys rotate is killed at every change that it asks AWS for, in front of it and after it, and at calls that write its
// files. After each kill the key that the config names works, and the same command finishes; no session is lost.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { isComplete } from "../helpers/broad.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld } from "../helpers/world.ts";

const preload = (name: string): string => `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`;

/** A user whose key is in the keychain, and who is logged in. */
async function newPlace() {
  let account: Account | undefined;
  const world = await makeWorld({
    fill(filled) {
      account = filled;
    },
  });
  const keychain = join(world.home, "keychain");
  mayHoldSecrets(keychain);
  world.env.FOB_KEYCHAIN = keychain;
  await world.fob(["keys", "import", "work"]);
  const login = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(login.status).toBe(0);
  const log = join(world.home, "changes");
  const aws = account as unknown as Account;
  const keysAtAws = () => aws.users().flatMap((user) => aws.accessKeysOf(user));
  const secrets = (): Record<string, string> => JSON.parse(readFileSync(keychain, "utf8")) as Record<string, string>;
  const named = (): string => /fob_access_key_id = (\w+)/.exec(world.config())?.[1] ?? "";
  return {
    ...world,
    rotate: (env: Record<string, string> = {}, ...more: string[]) =>
      world.fob(["keys", "rotate", "work", "--no-input", ...more], { env }),
    keysAtAws,
    addKey() {
      const user = aws.findUser(world.user.name);
      if (!user) throw new Error("no user");
      return aws.addAccessKey(user);
    },
    secrets,
    named,
    changes: (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    kill: (at: number, when: string) => ({
      ...{ NODE_OPTIONS: preload("kills"), KILL_AT: String(at), KILL_WHEN: when, KILL_LOG: log },
    }),
    /** The key that login would use now is active at AWS, and its secret is the right one. */
    assertWorks() {
      const key = keysAtAws().find(({ accessKeyId }) => accessKeyId === named());
      expect(key).toMatchObject({ active: true, secretAccessKey: secrets()[named()] });
    },
  };
}

type Place = Awaited<ReturnType<typeof newPlace>>;

/** One key is left, a new one, and login uses it; the session is the same, and no code was spent. */
async function assertRotated(place: Place): Promise<void> {
  expect(place.named()).not.toBe(place.user.accessKey.accessKeyId);
  expect(place.keysAtAws().map(({ accessKeyId }) => accessKeyId)).toEqual([place.named()]);
  expect(Object.keys(place.secrets())).toEqual([place.named()]);
  place.assertWorks();
  expect((await place.fob(["login", "work", "--no-input"])).status).toBe(0);
  expect(place.calls("GetSessionToken")).toBe(1);
}

test("a new key takes the place of the old one, and the session stays", async () => {
  const place = await newPlace();
  const { status, stderr } = await place.rotate(place.kill(0, "asked"));
  expect(stderr).toContain("its sessions stay");
  expect(status).toBe(0);
  expect(place.changes()).toEqual(["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"]);
  await assertRotated(place);
  // And once more.
  const before = place.named();
  expect((await place.rotate()).status).toBe(0);
  expect(place.named()).not.toBe(before);
  await assertRotated(place);
});

const kills = [1, 2, 3].flatMap((at) => ["asked", "done"].map((when) => ({ at, when })));
test.each(kills)("killed at change $at, when it is $when, it goes on", async ({ at, when }) => {
  const place = await newPlace();
  expect((await place.rotate(place.kill(at, when))).signal).toBe("SIGKILL");
  place.assertWorks();
  if (at === 1 && when === "done") await deleteLost(place);
  const again = await place.rotate();
  expect(again.stderr).toContain("its sessions stay");
  expect(again.status).toBe(0);
  await assertRotated(place);
});

/** AWS has made a key whose secret is lost: the user reads which one it is, and deletes it. */
async function deleteLost(place: Place): Promise<void> {
  const { status, stderr } = await place.rotate();
  const lost = place.keysAtAws().find(({ accessKeyId }) => accessKeyId !== place.named());
  expect({ status, stderr }).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`delete-access-key --user-name ${place.user.name} --access-key-id`) as string,
  });
  expect(place.keysAtAws()).toContain(lost);
  const run = place.fobOnTerminal(["keys", "rotate", "work"]);
  await run.shows("to delete it (Enter: keep it)");
  expect(place.keysAtAws()).toContain(lost);
  run.type(`${lost?.accessKeyId ?? ""}\r`);
  expect((await run.ended).status).toBe(0);
  expect(place.keysAtAws()).not.toContain(lost);
}

test("a key that another program makes after a kill stays, unless the user types its ID", async () => {
  const place = await newPlace();
  await place.rotate(place.kill(1, "asked"));
  const other = place.addKey();
  const run = place.fobOnTerminal(["keys", "rotate", "work"]);
  await run.shows(`Type the ID (${other.accessKeyId})`);
  run.type("\r");
  expect((await run.ended).status).toBe(1);
  expect(place.keysAtAws().map(({ accessKeyId }) => accessKeyId)).toContain(other.accessKeyId);
  place.assertWorks();
});

test("an old key that was activated again is left alone, and so is the new one", async () => {
  const place = await newPlace();
  const old = place.named();
  expect((await place.rotate({}, "--keep-old")).status).toBe(0);
  const key = place.keysAtAws().find(({ accessKeyId }) => accessKeyId === old);
  if (key === undefined) throw new Error("no key");
  key.active = true;
  const { status, stderr } = await place.rotate();
  expect(status).toBe(1);
  expect(stderr).toContain(`the old access key ${old} was activated again`);
  expect(stderr).toContain(
    `--status Inactive --user-name ${place.user.name} --access-key-id ${old} --profile work-mfa`,
  );
  expect(place.keysAtAws()).toHaveLength(2);
  expect(key.active).toBe(true);
});

test("all profiles that name the key get the new one, also those with a session of their own", async () => {
  const place = await newPlace();
  appendFileSync(place.configPath, `\n[profile b]\nfob_access_key_id = ${place.named()}\n`);
  appendFileSync(
    place.credentialsPath,
    "\n[b]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\n",
  );
  expect((await place.rotate()).status).toBe(0);
  expect(place.config().match(/fob_access_key_id = (\w+)/g)).toEqual(
    Array(2).fill(`fob_access_key_id = ${place.named()}`),
  );
  expect(Object.keys(place.secrets())).toEqual([place.named()]);
  await place.fob(["keys", "remove", "work", "--yes"]);
  expect(Object.keys(place.secrets())).toHaveLength(1);
});

test("killed at a call that writes a file, it goes on", { timeout: 300_000 }, async () => {
  const fault = (home: string, at?: number) => ({
    ...{ NODE_OPTIONS: preload("faults"), FAULT_HOME: home, FAULT_CALLS: "renameSync|writeSync|fsyncSync|linkSync" },
    ...(at === undefined ? {} : { FAULT: "kill", FAULT_AT: String(at) }),
  });
  let isOver = false;
  let killed = 0;
  for (let at = 1; !isOver; at += isComplete ? 1 : 20) {
    const place = await newPlace();
    const { signal } = await place.rotate(fault(place.home, at));
    isOver = signal !== "SIGKILL";
    if (!isOver) killed += 1;
    place.assertWorks();
    if (place.keysAtAws().length > 1 && Object.keys(place.secrets()).length === 1) await deleteLost(place);
    const again = await place.rotate();
    expect(again.stderr, `killed at call ${at}`).toContain("its sessions stay");
    if (!isOver) await assertRotated(place);
  }
  expect(killed).toBeGreaterThan(1);
});

test("--keep-old leaves the old key inactive, and the next run deletes it", async () => {
  const place = await newPlace();
  const old = place.named();
  expect((await place.rotate({}, "--keep-old")).status).toBe(0);
  expect(place.keysAtAws().find(({ accessKeyId }) => accessKeyId === old)).toMatchObject({ active: false });
  place.assertWorks();
  expect((await place.rotate()).status).toBe(0);
  await assertRotated(place);
});

test("with a second key nothing is changed, and the user reads which one it is and how to delete it", async () => {
  const place = await newPlace();
  const second = place.addKey();
  const before = place.config();
  const { status, stderr } = await place.rotate();
  expect(status).toBe(1);
  expect(stderr).toContain(`the other is ${second.accessKeyId}, active: AWS knows of no use`);
  expect(stderr).toContain(`delete-access-key --user-name ${place.user.name} --access-key-id ${second.accessKeyId}`);
  expect(place.config()).toBe(before);
  expect(place.keysAtAws()).toHaveLength(2);
});

test("keys list shows both keys with their age and last use, and what is unknown without a session", async () => {
  const place = await newPlace();
  const second = place.addKey();
  const { stdout } = await place.fob(["keys", "list", "--json"]);
  const { keys } = JSON.parse(stdout) as { keys: Record<string, unknown>[] };
  expect(keys).toEqual([
    expect.objectContaining({ profile: "work", accessKeyId: place.named(), where: "keychain", active: true }),
    expect.objectContaining({ profile: null, accessKeyId: second.accessKeyId, where: null, lastUsed: null }),
  ]);
  await place.fob(["logout", "work"]);
  const without = await place.fob(["keys", "list"]);
  expect(without.stdout).toMatch(/^work +AKIA\w+ +keychain +unknown +unknown +unknown$/m);
  expect(without.stderr).toContain("hint: log in, then list again: fob login work");
});
