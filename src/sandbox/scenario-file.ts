// The files of `fob sandbox`: --scenario and --load read them, --save writes them.
import { dirname } from "node:path";
import { bugsAddress } from "../bugs-address.ts";
import { FobError } from "../errors.ts";
import { readNamedFile } from "../files/read.ts";
import { assertReplaceable, beginReplace, readStat, resolveFile } from "../files/replace.ts";
import type { AccountSnapshot } from "../iam/snapshot.ts";
import { readJson, SourceError } from "../policy/engine/json.ts";
import { ShapeError } from "../shape.ts";
import { quote, quoteShellWord } from "../text.ts";
import { loadAccount } from "./load-account.ts";
import { isSavedAccount, readSavedAccount, SavedVersionError } from "./saved-account.ts";
import type { Scenario } from "./scenarios.ts";

/** Far more than 5,000 users take. */
const mostBytes = 100_000_000;

const nameSaved = "name a file that fob sandbox --save has written";

/** Reads a file as a scenario. @throws FobError, also when it fills an account */
export function readScenarioFile(path: string): Scenario {
  const json = readAccountJson(path);
  return createScenario(quote(path), json, (error) => explainProblem(error, quote(path)));
}

/** A copy of a real account, with stand-ins for its secrets. @throws FobError, also when it fills an account */
export function copyAccount(snapshot: AccountSnapshot): Scenario {
  const name = `a copy of ${snapshot.account}`;
  return createScenario(name, snapshot, (error) =>
    error instanceof ShapeError
      ? new FobError(`the account has something that the sandbox cannot have: ${error.message}`, reportIt)
      : error,
  );
}

const reportIt = `report it at ${bugsAddress}`;

/** @param translate makes what is wrong with the account an error for the user */
function createScenario(name: string, json: unknown, translate: (error: unknown) => unknown): Scenario {
  const explain = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw translate(error);
    }
  };
  const saved = explain(() => readSavedAccount(json));
  const { account, partition } = saved;
  return { name, account, partition, saved, fill: (filled) => explain(() => loadAccount(filled, saved)) };
}

/** Makes sure that a file can be written, and that it is not a file of something else. @throws FobError */
export function assertSavable(path: string): void {
  const file = resolveFile(path);
  const folder = dirname(file);
  if (readStat(folder) === undefined) {
    throw new FobError(`no folder ${quote(folder)}`, `make it: mkdir -p ${quoteShellWord(folder)}`);
  }
  const found = assertReplaceable(file);
  if (found !== undefined && found.size > 0) readAccountJson(path);
}

/** Writes the file in one step, 0600. @throws FobError; then the old file is still there */
export function writeScenarioFile(path: string, text: string): void {
  const file = resolveFile(path);
  assertReplaceable(file);
  const replacement = beginReplace(file);
  try {
    replacement.write(Buffer.from(text));
    replacement.commit();
  } finally {
    replacement.abandon();
  }
}

/** @throws FobError unless it is JSON of an account */
function readAccountJson(path: string): unknown {
  const json = parseJson(path, readText(path));
  if (isSavedAccount(json)) return json;
  throw new FobError(`${quote(path)} is not an account for fob sandbox`, nameSaved);
}

function readText(path: string): string {
  if (readStat(path) === undefined) {
    throw new FobError(`no file ${quote(path)}`, nameSaved);
  }
  return readNamedFile(
    path,
    mostBytes,
    () => new FobError(`${quote(path)} is larger than 100 MB`, "name another file"),
  );
}

/** @throws FobError with the place of the first error */
function parseJson(path: string, text: string): unknown {
  const content = text.replace(/^\ufeff/, "");
  try {
    return JSON.parse(content);
  } catch {
    throw new FobError(
      `${quote(path)} is not JSON: ${describeJsonError(content)}`,
      "load another file, or correct this one",
    );
  }
}

/** Of a text that JSON.parse does not read. */
function describeJsonError(text: string): string {
  try {
    readJson(text);
    return "it cannot be read";
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return `${error.message} (line ${error.place.line}, column ${error.place.column})`;
  }
}

/** What is wrong with the file's content is an error with its name. */
function explainProblem(error: unknown, file: string): unknown {
  if (error instanceof SavedVersionError) {
    return new FobError(`cannot load ${file}: ${error.message}`, "load it with the fob that wrote it");
  }
  if (error instanceof ShapeError) {
    return new FobError(`cannot load ${file}: ${error.message}`, "load another file, or correct this one");
  }
  return error;
}
