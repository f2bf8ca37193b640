// Tests the journal's file: who may read it, what a crash leaves, what is refused.
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FobError } from "../../src/errors.ts";
import { type Journal, type JournalEntry, readJournal, withJournal } from "../../src/steps/journal.ts";
import { execute, temporaryFolder } from "../helpers/world.ts";

const name = "rollout-123456789012";
const { signal } = new AbortController();
const entry = (step: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  ...{ event: "begin", step, text: `do ${step}`, facts: { user: step } },
  ...more,
});
const open = <T>(store: string, work: (journal: Journal) => T): Promise<T> =>
  withJournal({ store, name, signal, now: () => 0 }, (journal) => Promise.resolve(work(journal)));
const append = (store: string, ...entries: readonly JournalEntry[]) =>
  open(store, (journal) => entries.map((each) => journal.append(each)));
const fileOf = (store: string) => join(store, `journals/${name}.jsonl`);
const stepsIn = (store: string) => readJournal(store, name).map(({ step }) => step);
const refusal = (work: () => unknown): FobError => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(FobError);
    return error as FobError;
  }
  return expect.fail("nothing was refused");
};

test("the journal is the user's alone, whatever the umask, and reads as ASCII, a line of JSON each", async () => {
  const store = join(temporaryFolder(), "fob");
  const umask = process.umask(0);
  try {
    await append(store, entry("a"), entry("jörg\u202e"));
  } finally {
    process.umask(umask);
  }
  expect(statSync(fileOf(store)).mode & 0o777).toBe(0o600);
  expect(statSync(join(store, "journals")).mode & 0o777).toBe(0o700);
  expect(readFileSync(fileOf(store), "latin1")).toMatch(/^(\{[ -~]+\}\n){2}$/);
  expect(stepsIn(store)).toEqual(["a", "jörg\u202e"]);
});

test("without a journal there are no lines, and nothing is made by reading", () => {
  const store = join(temporaryFolder(), "fob");
  expect(readJournal(store, name)).toEqual([]);
  expect(statSync(store, { throwIfNoEntry: false })).toBeUndefined();
});

test("a line that was cut off anywhere counts for nothing, and the next one takes its place", async () => {
  const store = temporaryFolder();
  await append(store, entry("a"), entry("b"));
  const whole = readFileSync(fileOf(store));
  const first = whole.indexOf("\n") + 1;
  for (let length = first; length < whole.length; length += 13) {
    writeFileSync(fileOf(store), whole.subarray(0, length));
    expect(stepsIn(store)).toEqual(["a"]);
    await append(store, entry("c"));
    expect(stepsIn(store)).toEqual(["a", "c"]);
    expect(readFileSync(fileOf(store), "utf8")).toMatch(/^(\{.*\}\n){2}$/);
  }
  // What a power cut leaves where the content did not come to the disk.
  writeFileSync(fileOf(store), Buffer.concat([whole, Buffer.alloc(1000)]));
  await append(store, entry("c"));
  expect(stepsIn(store)).toEqual(["a", "b", "c"]);
  expect(readFileSync(fileOf(store), "utf8")).toMatch(/^(\{.*\}\n){3}$/);
});

test.each([
  ["not JSON", "{]"],
  ["an empty line", ""],
  ["no object", "null"],
  ["no step", '{"version":1,"event":"begin","time":"","run":"","text":"","facts":{}}'],
  ["no facts", '{"version":1,"event":"begin","time":"","run":"","text":"","step":"a","facts":null}'],
  ["an unknown event", '{"version":1,"event":"x","time":"","run":"","text":"","step":"a","facts":{}}'],
])("a damaged line in the middle is an error that names it (%s)", async (_, line) => {
  const store = temporaryFolder();
  await append(store, entry("a"));
  appendFileSync(fileOf(store), `${line}\n`);
  const file = fileOf(store);
  const error = refusal(() => readJournal(store, name));
  expect(error.message).toBe(`line 2 of the journal "${file}" is damaged`);
  expect(error.hints[0]).toBe(`look at it: sed -n 2p ${file}`);
  await expect(append(store, entry("b"))).rejects.toThrow(error.message);
  // The hint works, and keeps a copy.
  const [, command = ""] = /: (sed -i.*)$/.exec(error.hints[1] ?? "") ?? [];
  expect((await execute("sh", ["-c", command], { env: process.env })).status).toBe(0);
  expect(stepsIn(store)).toEqual(["a"]);
  expect(readFileSync(`${file}.damaged`, "utf8")).toContain(`\n${line}\n`);
});

test("a line of another version of fob is left to that", async () => {
  const store = temporaryFolder();
  await append(store, entry("a"));
  appendFileSync(fileOf(store), '{"version":2,"what":"ever"}\n');
  expect(refusal(() => readJournal(store, name)).message).toBe(
    `line 2 of "${fileOf(store)}" is from another version of fob`,
  );
});

test("a link, a pipe and a folder in the journal's place are refused, read or written", async () => {
  const store = temporaryFolder();
  await append(store, entry("a"));
  const file = fileOf(store);
  const elsewhere = join(store, "bin");
  for (const [put, what] of [
    [() => symlinkSync(elsewhere, file), "a symbolic link"],
    [() => execute("mkfifo", [file], { env: process.env }), "a named pipe"],
    [() => mkdirSync(file), "a folder"],
  ] as const) {
    rmSync(file, { recursive: true });
    await put();
    const message = `"${file}" is ${what}, not a regular file`;
    expect(refusal(() => readJournal(store, name)).message).toBe(message);
    await expect(append(store, entry("b"))).rejects.toThrow(message);
  }
  expect(statSync(elsewhere, { throwIfNoEntry: false })).toBeUndefined();
});

test("a second fob does not get the journal, and hears which process has it", async () => {
  const store = temporaryFolder();
  await open(store, (journal) => {
    journal.append(entry("a"));
    return expect(append(store, entry("b"))).rejects.toMatchObject({
      message: expect.stringContaining(`another fob (process ${process.pid}) has held the lock`) as string,
    });
  });
  expect(stepsIn(store)).toEqual(["a"]);
});

test("what looks like a secret is refused, and nothing is written", async () => {
  const store = temporaryFolder();
  const secrets = [
    { facts: { key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" } },
    { facts: { key: `FwoGZXIvYXdzE${"aB3/".repeat(30)}==` } },
    { text: `enroll otpauth://totp/x?secret=${"ABCDEFG2".repeat(8)}` },
    { facts: { password: "short" } },
    { undo: "aws configure set aws_secret_access_key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  ];
  await open(store, (journal) => {
    for (const secret of secrets)
      expect(() => journal.append(entry("a", secret))).toThrow("the journal takes no secrets");
  });
  expect(readFileSync(fileOf(store), "utf8")).toBe("");
  const ids = {
    user: "service_account.for-the+nightly=backup@example.com",
    arn: "arn:aws:iam::123456789012:user/engineering/platform/Team-7/AVeryLongUserNameThatSomebodyHasChosen2026",
    ...{ accessKeyId: "AKIAIOSFODNN7EXAMPLE", policyId: "ANPAI3R4QMOG6Q5A4VWVG" },
  };
  await append(store, entry("a", { facts: ids }));
  expect(readJournal(store, name)[0]?.facts).toEqual(ids);
});
