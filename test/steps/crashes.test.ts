// Tests what is left when a process that runs or undoes steps is killed, or refused by the file system, at any of its
// calls: the journal knows every change, and running again finishes.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listDone, readJournal } from "../../src/steps/journal.ts";
import { buildChild, ownMounts, temporaryFolder, withMounts } from "../files/children.ts";
import { isBroad, someOf } from "../helpers/broad.ts";
import { execute, node } from "../helpers/world.ts";

const preload = `--require ${resolve(import.meta.dirname, "../helpers/faults.cjs")}`;
const users = someOf(["ben", "cleo"], 1);
// Without FOB_TEST_BROAD, only in front of what writes to the disk.
const FAULT_CALLS = isBroad ? "." : "^(writeSync|fsyncSync)$";

const bin = mkdtempSync(join(tmpdir(), "fob-steps-"));
let program: string;
beforeAll(async () => {
  program = await buildChild(bin, join(import.meta.dirname, "child.ts"));
});
afterAll(() => rmSync(bin, { recursive: true, force: true }));

/** A store and an account, new or as another one is. */
function newPlace(from?: string) {
  const folder = temporaryFolder();
  const [store, account] = [join(folder, "fob"), join(folder, "account")];
  mkdirSync(account);
  if (from !== undefined) cpSync(from, folder, { recursive: true });
  const members = () => readdirSync(account).sort();
  const known = () =>
    listDone(readJournal(store, "test"))
      .map(({ facts }) => facts.user)
      .sort();
  return {
    ...{ folder, store, account, members, known },
    async run(what: "run" | "undo", fault: Record<string, string> = {}) {
      const env = { PATH: process.env.PATH, FAULT_HOME: store, FAULT_CALLS, ...fault, NODE_OPTIONS: preload };
      const { signal, stdout, stderr } = await execute(node, [program, what, store, account, ...users], { env });
      if (signal === null && stdout === "") throw new Error(stderr);
      return { signal, ...(JSON.parse(stdout || "{}") as { message?: string; hints?: readonly string[] }) };
    },
    /** Every member is known, and running again finishes. */
    async expectConsistent(what: "run" | "undo", at: string) {
      expect(known(), at).toEqual(expect.arrayContaining(members()));
      expect((await this.run(what)).message, at).toBe(undefined);
      expect(members(), at).toEqual(what === "run" ? users : []);
      expect(known(), at).toEqual(what === "run" ? users : []);
      expect(listDone(readJournal(store, "test")).filter(({ state }) => state === "unknown")).toEqual([]);
    },
  };
}

/** A place where all is done, for an undo. */
async function placeFor(what: "run" | "undo") {
  const place = newPlace();
  if (what === "undo") await place.run("run");
  return place.folder;
}

test.each(someOf(["run", "undo"] as const, 1))(
  "killed at any of its calls, a %s leaves a journal that knows every change, and running again finishes",
  async (what) => {
    const from = await placeFor(what);
    let at = 0;
    let signal: unknown = "SIGKILL";
    while (signal !== null) {
      at += 1;
      const place = newPlace(from);
      ({ signal } = await place.run(what, { FAULT: "kill", FAULT_AT: String(at) }));
      await place.expectConsistent(what, `call ${at}`);
    }
    // Two lines a step, each written and flushed, and the lock.
    expect(at).toBeGreaterThan(4 * users.length + 2);
  },
  300_000,
);

const faults = [
  ["run", "EIO", {}],
  ["undo", "EIO", {}],
  ["run", "ENOSPC", { FAULT_WRITES: "1" }],
] as const;

test.each(someOf(faults, 0))(
  "a file system that refuses one call of a %s (%s) is an error before the change, or one that says what is done",
  async (what, FAULT, which) => {
    const from = await placeFor(what);
    let isRefused = true;
    for (let at = 1; isRefused; at++) {
      const place = newPlace(from);
      const log = join(place.folder, "log");
      const before = place.members();
      const { message } = await place.run(what, { FAULT, ...which, FAULT_AT: String(at), FAULT_LOG: log });
      isRefused = !(await execute("cat", [log], { env: process.env })).stdout.startsWith("calls ");
      const [, user] = /^cannot (?:add|remove) (\w+) /.exec(message ?? "") ?? [];
      const isAsBefore = place.members().includes(user ?? "") === before.includes(user ?? "");
      expect(isAsBefore, `call ${at}: ${message}`).toBe(true);
      await place.expectConsistent(what, `call ${at} (${FAULT})`);
    }
  },
  300_000,
);

test("on a disk that is full for good nothing is changed", async () => {
  const place = newPlace();
  const { message } = await place.run("run", { FAULT: "ENOSPC", FAULT_CALLS: "^writeSync$" });
  expect(message).toMatch(/^no space left to write ".*"$/);
  expect([place.members(), place.known()]).toEqual([[], []]);
  await place.expectConsistent("run", "full");
});

test.skipIf(!ownMounts || !isBroad)(
  "on a disk that fills up while steps are run, the journal keeps whole lines and knows every change",
  () => {
    const messages = new Set<string>();
    for (let length = 1; length <= 40; length++) {
      const { store, account } = newPlace();
      const many = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(2, "0")}-${"x".repeat(length)}`);
      // The journal is on a disk of its own, so that the lock can be made. tmpfs gives whole pages.
      const script = `
        mkdir -m 700 "$3" "$3/sessions" "$3/locks" "$3/journals"
        mount -t tmpfs -o size=8k,mode=700 none "$3/journals"
        "$1" "$2" run "$3" "$4" ${many.join(" ")}
        cp "$3/journals/test.jsonl" "$3/locks"`;
      const said = JSON.parse(withMounts(script, node, program, store, account)) as { message: string };
      messages.add(said.message.replace(/\d\d-x+/, "USER").replace(/"[^"]*journals/, '"…'));
      mkdirSync(join(store, "journals"), { recursive: true });
      cpSync(join(store, "locks/test.jsonl"), join(store, "journals/test.jsonl"));
      const done = listDone(readJournal(store, "test")).map(({ facts }) => facts.user);
      const members = readdirSync(account).sort();
      expect(members.length).toBeGreaterThan(5);
      expect(members.length).toBeLessThan(40);
      expect(done).toEqual(expect.arrayContaining(members));
    }
    // The disk was full in front of a change, and after one.
    expect([...messages].sort()).toEqual([
      '"add USER to group G" is done, but was not written down: no space left to write "…/test.jsonl"',
      'cannot add USER to group G: no space left to write "…/test.jsonl"',
    ]);
  },
  300_000,
);
