// Every test of the built program also tests this: nothing that its runs have left holds a secret that they used. That
// is what they printed, the argument lists of the processes that they started, and the files in the folders of the test.
// world.ts notes it, setup.ts asks for it when the test ends.
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { holds, type Kind, knowBytes, knowGiven, takeSecrets } from "./secrets.ts";
import { isWindows } from "./windows.ts";

interface Trace {
  /** For the message. */
  readonly where: string;
  readonly text: () => string;
  /** Secrets that it is there to show. */
  readonly shows?: readonly Kind[] | undefined;
}

const outputs = new Set<Trace>();
const folders = new Set<string>();
const holders = new Set<string>();

export const searchOutput = (output: Trace): void => void outputs.add(output);
export const searchFolder = (folder: string): void => void folders.add(folder);
/** A file of the test's own. Of fob's, only the AWS credentials and the session store may. */
export const mayHoldSecrets = (file: string): void => void holders.add(file);

/** The environment for a run: with it, fob records what it starts (record.cjs). */
export function watched(args: readonly string[], env: NodeJS.ProcessEnv = process.env, input = ""): NodeJS.ProcessEnv {
  knowGiven(args, env, input);
  const preload = `--require ${JSON.stringify(resolve(import.meta.dirname, "record.cjs"))}`;
  return { ...env, FOB_TEST_RECORD: record, NODE_OPTIONS: `${env.NODE_OPTIONS ?? ""} ${preload}` };
}

const record = join(tmpdir(), `fob-record-${randomUUID()}`);

function argumentLists(): Trace[] {
  const lines = existsSync(record) ? readFileSync(record, "utf8").trimEnd().split("\n") : [];
  rmSync(record, { force: true });
  return lines.flatMap((line) => {
    const { by, argv, random } = JSON.parse(line) as { by: string[]; argv?: string[]; random?: string };
    if (random !== undefined) knowBytes(Buffer.from(random, "base64"));
    if (argv === undefined) return [];
    const where = `the argument list of ${basename(argv[0] ?? "")}, started by ${commandName(["fob", ...by])},`;
    return { where, text: () => argv.join("\n") };
  });
}

/** The files that must hold no secret: those that are not there for it, and those that others can read. */
function filesIn(folder: string): Trace[] {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  return names.flatMap((name) => {
    const path = join(folder, name);
    // What still runs may remove it.
    const found = lstatSync(path, { throwIfNoEntry: false });
    const isHolder =
      holders.has(path) || /\/\.aws\/credentials(\.fob-backup-[^/]+)?$|\/sessions\/[^./][^/]*$/.test(path);
    // Windows has no modes.
    if (!found?.isFile() || (isHolder && (isWindows || (found.mode & 0o077) === 0))) return [];
    const where = `the file ${path} (mode ${(found.mode & 0o777).toString(8)})`;
    return { where, text: () => readFileSync(path, "utf8") };
  });
}

/** A command, for messages. */
export const commandName = (words: readonly string[]): string => `"${words.join(" ").replace(/\d{6}/g, "******")}"`;

/** What holds a secret and should not, in words. Everything that was noted for this test is forgotten then. */
export function takeLeaks(): string[] {
  const traces = [...outputs, ...argumentLists(), ...[...folders].flatMap(filesIn)];
  const texts = traces.map(({ text, ...trace }) => ({ ...trace, text: text() }));
  const everything = texts.map(({ text }) => text).join("\n");
  const seen = takeSecrets().filter(([secret]) => holds(everything, secret));
  for (const noted of [outputs, folders, holders]) noted.clear();
  return texts.flatMap(({ where, text, shows = [] }) => {
    const kinds = seen.filter(([secret, kind]) => !shows.includes(kind) && holds(text, secret)).map(([, kind]) => kind);
    return [...new Set(kinds)].map((kind) => `${where} holds a ${kind}`);
  });
}
