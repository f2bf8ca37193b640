// The journal of steps: lines of JSON that are only added to, one before and one after each step. AWS is the state; the
// journal tells what fob did, and how to undo it. It holds names and ids, and refuses what looks like a secret.
import { randomBytes } from "node:crypto";
import { constants, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { FobError } from "../errors.ts";
import { writeAll } from "../files/create.ts";
import { type Lock, withLock } from "../files/lock.ts";
import { closeRead, explainFileError, readOwnBytes } from "../files/read.ts";
import { writeNew } from "../files/replace.ts";
import { ensureStoreFolder } from "../store/folder.ts";
import { journalFile, journalLock } from "../store/paths.ts";
import { formatAsciiJson, quote, quoteShellWord } from "../text.ts";

/** Names, ARNs and ids, also of access keys, by what they are: `{ "user": "ben" }`. Never a secret. */
export type Facts = Readonly<Record<string, string>>;

/** What happened to one step. */
export interface JournalEntry {
  /** `failed` follows a `begin` or an `undo-begin`, and a `done` that AWS does not confirm. */
  readonly event: "begin" | "done" | "failed" | "undo-begin" | "undone";
  /** The step's id: `add-user/ben`. */
  readonly step: string;
  /** What the step does: `add ben to group RequireMFA`. */
  readonly text: string;
  readonly facts: Facts;
  /** The command line that undoes the step, as far as it is known. */
  readonly undo?: string | undefined;
  /** Why it failed. */
  readonly reason?: string | undefined;
  /** Of a failure: whether AWS may have made the change, since no clear answer came. */
  readonly mayHaveChanged?: boolean | undefined;
}

export interface JournalLine extends JournalEntry {
  readonly version: number;
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** The same for all lines of one run of fob. */
  readonly run: string;
}

/** A journal that is open for writing, which one process can have at a time. */
export interface Journal {
  /** All lines, those of this run too. */
  readonly lines: readonly JournalLine[];
  /** Adds a line, down to the disk. @throws FobError; then the journal is as it was */
  readonly append: (entry: JournalEntry) => void;
}

export interface JournalOptions {
  readonly store: string;
  /** `rollout-123456789012`. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const VERSION = 1;

/** Milliseconds to wait for another fob: no longer than one that is about to end needs. */
const PATIENCE = 1000;

/**
 * Runs `work` with a journal, made if it is missing. Until `work` ends, no other fob on this computer can open it.
 *
 * @throws LockTimeoutError, which names the process that has the journal open; FobError
 */
export async function withJournal<T>(
  { store, name, signal, now }: JournalOptions,
  work: (journal: Journal) => Promise<T>,
): Promise<T> {
  ensureStoreFolder(store, "journals");
  ensureStoreFolder(store, "locks");
  return await withLock(journalLock(store, name), { signal, patience: PATIENCE }, async (lock) => {
    const path = journalFile(store, name);
    const bytes = readOwnBytes(path);
    if (bytes === undefined) writeNew(path, Buffer.alloc(0));
    const { lines, end } = parseJournal(path, bytes ?? "");
    const descriptor = openForWriting(path, end);
    try {
      return await work(createJournal({ path, descriptor, lines, end, lock, now }));
    } finally {
      closeRead(descriptor);
    }
  });
}

/** All lines of a journal, also while another fob writes it; none if there is no journal. @throws FobError */
export function readJournal(store: string, name: string): readonly JournalLine[] {
  const path = journalFile(store, name);
  return parseJournal(path, readOwnBytes(path) ?? "").lines;
}

/** Opens a journal that is there, without the part of a line that a process has left that was killed while it wrote. */
function openForWriting(path: string, end: number): number {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    ftruncateSync(descriptor, end);
    return descriptor;
  } catch (error) {
    if (descriptor !== undefined) closeRead(descriptor);
    throw explainFileError(error, path);
  }
}

interface OpenJournal {
  readonly path: string;
  readonly descriptor: number;
  readonly lines: JournalLine[];
  /** Where the next line begins, in bytes. */
  readonly end: number;
  readonly lock: Lock;
  readonly now: () => number;
}

function createJournal({ path, descriptor, lines, end, lock, now }: OpenJournal): Journal {
  const run = randomBytes(9).toString("base64url");
  let at = end;
  return {
    lines,
    append(entry) {
      assertNoSecret(entry);
      if (!lock.isHeld()) throw new FobError(`another fob has taken over the journal ${quote(path)}`, "run it again");
      const line: JournalLine = { version: VERSION, time: new Date(now()).toISOString(), run, ...entry };
      const content = Buffer.from(`${formatAsciiJson(line)}\n`);
      try {
        writeAll(descriptor, content, at);
        fsyncSync(descriptor);
      } catch (error) {
        cut(descriptor, at);
        throw explainFileError(error, path);
      }
      at += content.length;
      lines.push(line);
    },
  };
}

/** Removes the part of a line that could be written before the disk was full. */
function cut(descriptor: number, end: number): void {
  try {
    ftruncateSync(descriptor, end);
  } catch {
    // The next line takes its place, and what is left of it at the end counts for nothing.
  }
}

/** The lines, and where the last one ends, in bytes. What is behind it was not written to its end, so it counts for nothing. */
function parseJournal(path: string, bytes: string): { lines: JournalLine[]; end: number } {
  const end = bytes.lastIndexOf("\n") + 1;
  const texts = bytes.slice(0, end).split("\n").slice(0, -1);
  return { lines: texts.map((text, index) => parseLine(path, text, index + 1)), end };
}

function parseLine(path: string, text: string, number: number): JournalLine {
  const file = quoteShellWord(path);
  const show = `look at it: sed -n ${number}p ${file}`;
  let line: Partial<JournalLine> | null = null;
  try {
    line = JSON.parse(text) as Partial<JournalLine> | null;
  } catch {
    // As below.
  }
  if (typeof line?.version === "number" && line.version !== VERSION) {
    throw new FobError(`line ${number} of ${quote(path)} is from another version of fob`, [
      "use that version: fob --version",
      show,
    ]);
  }
  if (line && isWhole(line)) return line;
  throw new FobError(`line ${number} of the journal ${quote(path)} is damaged`, [
    show,
    `to go on without it, and keep a copy: sed -i.damaged ${number}d ${file}`,
  ]);
}

function isWhole(line: Partial<JournalLine>): line is JournalLine {
  const isText = (value: unknown): boolean => typeof value === "string";
  return (
    line.version === VERSION &&
    /^(begin|done|failed|undo-begin|undone)$/.test(line.event ?? "") &&
    [line.time, line.run, line.step, line.text].every(isText) &&
    typeof line.facts === "object" &&
    Object.values(line.facts ?? { nothing: null }).every(isText) &&
    (line.undo === undefined || isText(line.undo))
  );
}

/** @throws Error for an entry that holds what is no id */
function assertNoSecret({ step, text, facts, undo = "", reason = "" }: JournalEntry): void {
  const name = Object.keys(facts).find((each) => /secret|password|token|seed/i.test(each));
  const isFound = [step, text, undo, reason, ...Object.values(facts)].some(looksSecret);
  if (name !== undefined || isFound) {
    throw new Error(
      `the journal takes no secrets, and ${quote(step)} has what looks like one (${name ?? "a long word"})`,
    );
  }
}

/** Whether a text has a word with the form of a secret access key, of a session token, or of a device's seed. */
export function looksSecret(text: string): boolean {
  return text.split(/[^A-Za-z0-9+/]+/).some((word) => {
    const isMixed = [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(word));
    // Names and paths have other lengths, or not all kinds of characters.
    return (isMixed && (word.length === 40 || word.length >= 100)) || /^[A-Z2-7]{32,}$/.test(word);
  });
}

/** A step that fob did and did not undo. */
export interface JournaledStep extends Pick<JournalLine, "step" | "text" | "facts" | "undo" | "time" | "run"> {
  /** `unknown` if fob was killed, or no clear answer came, or AWS did not confirm it: AWS may have made the change. */
  readonly state: "done" | "unknown";
}

/** What fob did and did not undo, in the order in which it was done. */
export function listDone(lines: readonly JournalLine[]): JournaledStep[] {
  const done = new Map<string, JournaledStep>();
  const undoing = new Set<string>();
  for (const { event, step, text, facts, undo, time, run, mayHaveChanged = false } of lines) {
    if (event === "undo-begin") undoing.add(step);
    else if (event === "undone") done.delete(step);
    else if (event === "failed" && undoing.has(step)) continue;
    else {
      undoing.delete(step);
      // The last one is at the end.
      done.delete(step);
      const state = event === "done" ? "done" : "unknown";
      if (event !== "failed" || mayHaveChanged) done.set(step, { state, step, text, facts, undo, time, run });
    }
  }
  return [...done.values()];
}
