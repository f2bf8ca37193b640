// The rollout's commands are killed at every change that they ask AWS for, in front of it and after it, and at every call
// that writes their journal. After each kill no user is locked out, the journal knows every change, and the same command
// finishes; of the canary nothing is left.
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Account, UserPrincipal } from "../../src/sandbox/account.ts";
import { loadAccount } from "../../src/sandbox/load-account.ts";
import { saveAccount } from "../../src/sandbox/save-account.ts";
import type { SavedAccount } from "../../src/sandbox/saved-account.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { listDone, readJournal } from "../../src/steps/journal.ts";
import { knowSandbox } from "../helpers/secrets.ts";
import { execute, node, type OnTerminal, onTerminal, program, type Result, temporaryFolder } from "../helpers/world.ts";

const preload = (...names: string[]): string =>
  names.map((name) => `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`).join(" ");
const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const group = "RequireMFA";
const canary = "test-mfa-user";

/** An account, and what fob has on the administrator's computer. */
interface State {
  readonly saved: SavedAccount;
  readonly home: string;
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A place where an administrator runs the rollout: the scenario `team`, or as another place is. */
async function newPlace(from?: State) {
  let account: Account | undefined;
  const sandbox = await startSandbox({
    fill(filled) {
      account = filled;
      if (from) loadAccount(filled, from.saved);
      else scenarios.team(filled);
    },
  });
  if (account === undefined) throw new Error("no account");
  const aws = account;
  onTestFinished(() => sandbox.close());
  knowSandbox(sandbox);
  const home = temporaryFolder();
  if (from) cpSync(from.home, home, { recursive: true });
  else mkdirSync(join(home, ".aws"), { mode: 0o700 });
  const clock = join(home, "clock");
  if (!from) writeFileSync(clock, "0");
  sandbox.setClock(() => Date.now() + 1000 * Number(readFileSync(clock, "utf8")));
  const key = from?.key ?? sandbox.addUser({ name: "admin", policies: [everything] }).accessKey;
  const log = join(home, "changes");
  const store = join(home, ".aws", "fob");
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, AWS_ENDPOINT_URL: sandbox.url, AWS_REGION: "eu-central-1" },
    ...{ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey, CLOCK: clock, KILL_LOG: log },
    ...{ NODE_OPTIONS: preload("clock", "skip-waits", "kills", "faults"), FAULT_HOME: "/nothing" },
  };
  return {
    ...{ account: aws, home, sandbox, journals: join(store, "journals") },
    save: (): State => ({ saved: saveAccount(aws), home, key }),
    fob: (args: readonly string[], more: Record<string, string> = {}): Promise<Result> =>
      execute(node, [program, ...args], { env: { ...env, ...more }, cwd: home }),
    onTerminal: (args: readonly string[]): OnTerminal => onTerminal(node, [program, ...args], { env, cwd: home }),
    shellOnTerminal: (): OnTerminal => onTerminal("bash", ["--norc", "--noprofile", "-i"], { env, cwd: home }),
    /** The changes that the runs in this place have asked for. */
    changes: (): readonly string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    /** Who is in the group. */
    members: (): readonly string[] => namesOf(membersOf(aws)),
    /** Whom the journal has as put into the group. */
    journaled: (): readonly string[] =>
      listDone(readJournal(store, `rollout-${aws.id}`)).flatMap(({ facts: { user } }) => user ?? []),
    /** What no run has finished. */
    unfinished: () =>
      [`rollout-${aws.id}`, `canary-${aws.id}`]
        .flatMap((name) => listDone(readJournal(store, name)))
        .filter(({ state }) => state === "unknown"),
    /** The test user's AWS files and sessions. */
    files: join(store, "canary", aws.id),
    /** What is left of the canary, in AWS, in the journal, and on this computer. */
    leftOfCanary: (): readonly string[] => [
      ...aws.users().flatMap(({ name }) => (name === canary ? [`user ${name}`] : [])),
      ...[...aws.unassignedDevices.keys()].filter((serial) => serial.endsWith(`mfa/${canary}`)),
      ...listDone(readJournal(store, `canary-${aws.id}`)).flatMap(({ step, facts: { user } }) =>
        user === canary ? [`${step} in the journal`] : [],
      ),
      ...(existsSync(join(store, "canary", aws.id)) ? ["files"] : []),
    ],
  };
}

const readIfThere = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

type Place = Awaited<ReturnType<typeof newPlace>>;

const namesOf = (users: readonly UserPrincipal[]): string[] => users.map(({ name }) => name).sort();
const membersOf = (account: Account): UserPrincipal[] => {
  const found = account.findGroup(group);
  return account.users().filter(({ user }) => found !== undefined && user.groups.includes(found));
};

/** Whether a user can list buckets with MFA, or without it, or set up a device without MFA. */
function waysOf(account: Account, principal: UserPrincipal): { works: boolean; enrolls: boolean } {
  const can = (action: string, resource: string, mfa: Record<string, string>): boolean => {
    const context = { ...account.context({ principal }), ...mfa };
    return account.decide({ principal }, { action, resource, context }).decision === "allowed";
  };
  const withMfa = { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60" };
  const hasCodes = principal.devices.some(({ seed }) => seed !== undefined);
  return {
    works: can("s3:ListAllMyBuckets", "*", {}) || (hasCodes && can("s3:ListAllMyBuckets", "*", withMfa)),
    enrolls: can("iam:EnableMFADevice", principal.arn, {}),
  };
}

/** Who could work before, and can neither work nor set up a device now. */
function findLockedOut(before: Account, { account }: Place): readonly string[] {
  return namesOf(
    account.users().filter((user) => {
      const earlier = before.findUser(user.name);
      const now = waysOf(account, user);
      return earlier !== undefined && waysOf(before, earlier).works && !now.works && !now.enrolls;
    }),
  );
}

interface Kill {
  readonly name: string;
  readonly env: Record<string, string>;
  /** The folder whose calls count. */
  readonly filesOf?: (place: Place) => string;
}

/** Every kill of a command: at each change, in front of it and behind it, and at each of its calls on some files. */
async function listKills(
  from: State,
  args: readonly string[],
  { calls = "^writeSync$", filesOf = ({ journals }: Place): string => journals } = {},
): Promise<{ kills: readonly Kill[]; whole: Place }> {
  const whole = await newPlace(from);
  const before = whole.changes().length;
  const log = join(whole.home, "calls");
  const run = await whole.fob(args, { FAULT_CALLS: calls, FAULT_HOME: filesOf(whole), FAULT_LOG: log });
  expect(run, run.stderr).toMatchObject({ status: 0 });
  const count = Number(/calls (\d+)/.exec(readFileSync(log, "utf8"))?.[1]);
  const changes = whole.changes().slice(before);
  const atChanges = changes.flatMap((change, index) =>
    ["asked", "done"].map((when) => ({
      name: `${change} (change ${index + 1}) is ${when}`,
      env: { KILL_AT: String(index + 1), KILL_WHEN: when },
    })),
  );
  const atCalls = Array.from({ length: count }, (_, index) => ({
    name: `call ${index + 1} on the files`,
    env: { FAULT_CALLS: calls, FAULT: "kill", FAULT_AT: String(index + 1) },
    filesOf,
  }));
  return { kills: [...atChanges, ...atCalls], whole };
}

/** Three at a time. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const next = items.values();
  const worker = async (): Promise<void> => {
    for (const item of next) await work(item);
  };
  await Promise.all([worker(), worker(), worker()]);
}

/** Runs it, kills it there, and looks at what is left. */
async function killAt(
  { env, name, filesOf = ({ journals }) => journals }: Kill,
  args: readonly string[],
  from: State,
): Promise<Place> {
  const place = await newPlace(from);
  const before = (await newPlace(from)).account;
  const killed = await place.fob(args, { ...env, FAULT_HOME: filesOf(place) });
  expect(killed.signal, `${name}: ${killed.stderr}`).toBe("SIGKILL");
  expect(findLockedOut(before, place), name).toEqual([]);
  return place;
}

async function expectNoDrift(place: Place, where: string): Promise<void> {
  const status = await place.fob(["rollout", "status", "--json"]);
  expect(JSON.parse(status.stdout), where).toMatchObject({ drift: [] });
  expect(status.status, where).toBe(0);
}

async function planned(): Promise<Place> {
  const place = await newPlace();
  const plan = await place.fob(["rollout", "plan", "--out", "plan.json", "--batch-size", "5"]);
  expect(plan, plan.stderr).toMatchObject({ status: 0 });
  return place;
}

const apply = ["rollout", "apply", "--plan", "plan.json", "--yes"];
const undo = ["rollout", "undo", "--all", "--yes"];

test.each([
  ["the first batch, which makes the group and its policies", 0],
  ["a batch of several users", 1],
])(
  "apply, %s, killed at every step: the journal knows every member, no user is locked out, and it goes on",
  async (_, done) => {
    const example = await planned();
    for (let batch = 0; batch < done; batch++) await example.fob(apply);
    const from = example.save();
    const { kills, whole } = await listKills(from, apply);
    expect(kills.length).toBeGreaterThanOrEqual(8);
    await forEach(kills, async (kill) => {
      const place = await killAt(kill, apply, from);
      expect(place.journaled(), kill.name).toEqual(expect.arrayContaining([...place.members()]));
      const batch = String(done + 1);
      const again = await place.fob([...apply, "--batch", batch]);
      expect(again, kill.name + again.stderr).toMatchObject({ status: 0 });
      expect(place.members(), kill.name).toEqual(whole.members());
      expect([...place.journaled()].sort(), kill.name).toEqual(whole.members());
      expect(place.unfinished(), kill.name).toEqual([]);
      await expectNoDrift(place, kill.name);
    });
  },
  600_000,
);

test("undo, killed at every step: no user is locked out, and it goes on", async () => {
  const example = await planned();
  for (const batch of ["1", "2"]) await example.fob([...apply, "--batch", batch]);
  const from = example.save();
  expect(example.members().length).toBeGreaterThan(2);
  const { kills } = await listKills(from, undo);
  expect(kills.length).toBeGreaterThanOrEqual(12);
  await forEach(kills, async (kill) => {
    const place = await killAt(kill, undo, from);
    expect(place.journaled(), kill.name).toEqual(expect.arrayContaining([...place.members()]));
    const again = await place.fob(undo);
    expect(again, kill.name + again.stderr).toMatchObject({ status: 0 });
    expect(place.members(), kill.name).toEqual([]);
    expect(place.journaled(), kill.name).toEqual([]);
    expect(place.unfinished(), kill.name).toEqual([]);
    await expectNoDrift(place, kill.name);
  });
}, 600_000);

const runCanary = ["rollout", "canary", "--no-console", "--yes"];

/** `--clean` and `--resume` each leave nothing behind of what a killed run has left, and the proof holds then. */
async function expectRecovery(place: Place, where: string): Promise<void> {
  const left = place.save();
  const cleaned = await newPlace(left);
  const clean = await cleaned.fob(["rollout", "canary", "--clean"]);
  expect(clean, where + clean.stderr).toMatchObject({ status: 0 });
  expect(cleaned.leftOfCanary(), where).toEqual([]);
  const resume = await place.fob([...runCanary, "--resume", "--json"]);
  expect(resume, where + resume.stderr).toMatchObject({ status: 0 });
  expect(JSON.parse(resume.stdout), where).toMatchObject({ holds: true });
  expect(place.leftOfCanary(), where).toEqual([]);
  expect(place.unfinished(), where).toEqual([]);
  await expectNoDrift(place, where);
}

test("canary, killed at every step: --clean removes what is left, and --resume starts over", async () => {
  const from = (await newPlace()).save();
  const { kills, whole } = await listKills(from, runCanary);
  expect(whole.leftOfCanary()).toEqual([]);
  expect(kills.length).toBeGreaterThan(40);
  await forEach(kills, async (kill) => {
    const place = await killAt(kill, runCanary, from);
    if (kill.name.startsWith("AddUserToGroup") && kill.env.KILL_WHEN === "done") {
      const again = await place.fob(runCanary);
      expect(again.stderr).toContain(`hint: to start over: fob ${runCanary.join(" ")} --resume\n`);
      expect(again.stderr).toContain(`hint: to remove it only: fob ${runCanary.join(" ")} --clean\n`);
    }
    await expectRecovery(place, kill.name);
  });
}, 1_200_000);

test("the test user logs in with fob login's own code, in files of its own, which --clean removes", async () => {
  const example = await newPlace();
  const own = ["credentials", "config"].map((name) => join(example.home, ".aws", name));
  for (const file of own) writeFileSync(file, "[default]\nregion = eu-west-1\n", { mode: 0o600 });
  const from = example.save();
  const { kills, whole } = await listKills(from, runCanary, {
    calls: "^(closeSync|linkSync|renameSync)$",
    filesOf: ({ files }) => files,
  });
  expect(whole.leftOfCanary()).toEqual([]);
  const ofFiles = kills.filter(({ filesOf }) => filesOf !== undefined);
  const found = new Set<string>();
  await forEach(ofFiles, async (kill) => {
    const place = await killAt(kill, runCanary, from);
    expect(statSync(place.files).mode & 0o777, kill.name).toBe(0o700);
    const paths = [join(".aws", "credentials"), join(".aws", "fob", "sessions", "canary-mfa")];
    const [profile = "", session = ""] = paths.map((path) => readIfThere(join(place.files, path)));
    const [key] = place.account.accessKeysOf(place.account.user(canary));
    expect(profile + session, kill.name).not.toContain(key?.secretAccessKey ?? "no key");
    expect(key?.secretAccessKey, kill.name).toBeDefined();
    if (profile.includes("[canary-mfa]") && session.includes('"canary-mfa"')) found.add("written and tracked");
    for (const name of ["credentials", "config"]) {
      expect(readFileSync(join(place.home, ".aws", name), "utf8")).toBe("[default]\nregion = eu-west-1\n");
    }
    const clean = await place.fob(["rollout", "canary", "--clean"]);
    expect(clean, kill.name + clean.stderr).toMatchObject({ status: 0 });
    expect(place.leftOfCanary(), kill.name).toEqual([]);
  });
  expect([...found]).toEqual(["written and tracked"]);
}, 600_000);

test("a user that another run has made meanwhile is neither used nor removed", async () => {
  const place = await newPlace();
  place.sandbox.addFault({ operation: "iam:GetUser", kind: "stale", ms: 3_600_000 });
  await place.fob(runCanary, { KILL_AT: "7", KILL_WHEN: "asked" });
  expect([place.changes()[0], place.changes().at(-1)]).toEqual(["CreateUser", "PutUserPolicy"]);
  const { status, stderr } = await place.fob(runCanary);
  expect(stderr).toContain(`cannot create the user ${canary}: another run has made the user ${canary} just now\n`);
  expect(status).toBe(1);
  expect(place.leftOfCanary()).toContain(`user ${canary}`);
  expect(place.changes().slice(-2)).toEqual(["PutUserPolicy", "CreateUser"]);
});

/** The first change of each is delayed; who is in the group when it has been made, and at the end. */
const stopped = [
  { args: apply, batches: ["1"], before: 1, midway: 2, end: 3, unfinished: 1 },
  { args: undo, batches: ["1", "2"], before: 3, midway: 2, end: 0, unfinished: 0 },
];
const stops = [
  { how: "Ctrl-C", stop: (running: OnTerminal) => running.type("\x03") },
  { how: "a request to end", stop: (running: OnTerminal) => running.kill("SIGTERM") },
  { how: "a terminal that is closed", stop: (running: OnTerminal) => running.close() },
];
const cases = stopped.flatMap((run) => stops.map((stop) => ({ ...run, ...stop, command: run.args[1] })));

test.each(cases)(
  "$command, stopped while AWS makes a change, by $how: the journal has it, and the next command is named",
  async (run) => {
    const example = await planned();
    for (const batch of run.batches) await example.fob([...apply, "--batch", batch]);
    const place = await newPlace(example.save());
    expect(place.members().length).toBe(run.before);
    // AWS has made the change, and its answer is on the way.
    place.sandbox.addFault({ operation: "iam:*User*Group", kind: "delay", ms: 5000, times: 1 });
    const running = place.onTerminal(run.args);
    await vi.waitFor(() => expect(place.members().length).toBe(run.midway), { timeout: 60_000, interval: 20 });
    run.stop(running);
    const { status, screen } = await running.ended;
    if (run.how !== "a terminal that is closed") {
      expect(status).toBe(130);
      expect(screen).toContain("fob: cancelled\n");
      expect(screen).toContain(`to go on: fob ${run.args.join(" ")}\n`);
      expect(screen).toMatch(/to undo ".*": aws iam remove-user-from-group --user-name \w+ --group-name RequireMFA\n/);
    }
    expect(place.journaled()).toEqual(expect.arrayContaining([...place.members()]));
    expect(place.members().length).toBe(run.midway);
    expect(place.unfinished().length).toBe(run.unfinished);
    const again = await place.fob(run.args);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(place.members().length).toBe(run.end);
    expect([...place.journaled()].sort()).toEqual(place.members());
    expect(place.unfinished()).toEqual([]);
    await expectNoDrift(place, run.how);
  },
);

test("canary, in a shell whose terminal is closed: the test user is removed all the same", async () => {
  const place = await newPlace();
  const shell = place.shellOnTerminal();
  shell.type(`${node} ${program} ${runCanary.join(" ")}\n`);
  await vi.waitFor(() => expect(place.changes()).toContain("CreateAccessKey"), { timeout: 60_000, interval: 20 });
  // The removal is not over when the shell ends.
  place.sandbox.addFault({ operation: "iam:*", kind: "delay", ms: 200 });
  shell.close();
  await shell.ended;
  await vi.waitFor(() => expect(place.leftOfCanary()).toEqual([]), { timeout: 60_000, interval: 100 });
});

test("a device of the test user's name that fob did not make is neither used nor removed", async () => {
  const place = await newPlace();
  const serialNumber = place.account.arn(`mfa/${canary}`);
  place.account.unassignedDevices.set(serialNumber, place.account.makeDevice(serialNumber, Buffer.alloc(20, 1)));
  const { status, stderr } = await place.fob(runCanary);
  expect(stderr).toContain(`there is a device ${serialNumber} that fob did not make\n`);
  expect(status).toBe(1);
  await place.fob(["rollout", "canary", "--clean"]);
  expect(place.changes()).toEqual([]);
});
