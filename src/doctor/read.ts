// Reads the facts from the files and the environment. What AWS says is asked for in ask.ts.
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { getLauncherPath, isFromNpxCache } from "../credential-process/write-launcher.ts";
import { FobError, getSystemCode } from "../errors.ts";
import { explainFileError, readOwnBytes } from "../files/read.ts";
import { resolveFile } from "../files/replace.ts";
import { otherWritersOf } from "../files/writers.ts";
import type { Known } from "../iam/snapshot.ts";
import { type AwsFile, type AwsFiles, readAwsFile, readableProfiles } from "../profiles/files.ts";
import { findOwnProgram } from "../profiles/inspect.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import type { FileKind } from "../profiles/scan.ts";
import type { SessionContext } from "../session/context.ts";
import { getStatus } from "../session/status.ts";
import { isRoleSession, type Stored } from "../store/read.ts";
import type { Facts, Launcher, Place, Programs } from "./facts.ts";

/** The program that runs: `bin/fob`, behind any symbolic links. */
export interface Running {
  readonly program: string;
  readonly platform: NodeJS.Platform;
  readonly user: number | undefined;
  readonly programs: Programs;
  readonly answers: Facts["answers"];
}

export function readFacts(context: SessionContext, running: Running): Facts {
  const { env, paths, store, typed } = context;
  const now = context.now();
  const each = { credentials: readEither("credentials", paths), config: readEither("config", paths) };
  const files = bothOf(each);
  const stored = tryHere(() => store.list());
  const listed = "value" in stored ? stored.value : [];
  const hidden: string[] = [];
  return {
    ...{ env, now, each, files, platform: running.platform, user: running.user, ...askedOf(running) },
    profiles: "value" in files ? namesOf(files.value) : [],
    places: readPlaces(paths, store.folder, hidden),
    hidden,
    sessions:
      "unknown" in files
        ? files
        : tryHere(() => getStatus([], { files: files.value, store }, { now, minTtl: undefined, typed })),
    fobSessions: listed.flatMap(describeSession),
    launcher: tryHere(() => readLauncher(store.folder, running.program)),
    withoutProgram: "value" in files ? listWithoutProgram(files.value) : [],
    missingFiles: ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].filter((name) => {
      const path = name === "AWS_CONFIG_FILE" ? paths.config : paths.credentials;
      return Boolean(env[name]) && !existsSync(path);
    }),
  };
}

function listWithoutProgram(files: AwsFiles): Facts["withoutProgram"] {
  const served = readableProfiles(namesOf(files), (profile) => findOwnProgram(files, profile) !== undefined);
  return served.flatMap((profile) => {
    const path = findOwnProgram(files, profile);
    return path === undefined || isUsable(path, constants.X_OK) ? [] : { profile, path };
  });
}

const askedOf = ({ programs, answers }: Running): Pick<Facts, "programs" | "answers"> => ({ programs, answers });

function describeSession(stored: Stored): Facts["fobSessions"] {
  if (stored.state !== "readable" || isRoleSession(stored)) return [];
  const { profile, source } = stored.session;
  return [{ profile, source: source.from === "profile" ? source.profile : undefined }];
}

/** What some work gives; a failure on this computer is unknown, with its reason. */
function tryHere<T>(work: () => T): Known<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof FobError) return { unknown: error.message };
    throw error;
  }
}

function readEither(kind: FileKind, paths: AwsFilePaths): AwsFile | FobError {
  try {
    return readAwsFile(kind, paths);
  } catch (error) {
    if (error instanceof FobError) return error;
    throw error;
  }
}

function bothOf({ credentials, config }: Facts["each"]): Known<AwsFiles> {
  if (credentials instanceof FobError) return { unknown: credentials.message };
  if (config instanceof FobError) return { unknown: config.message };
  return { value: { credentials, config } };
}

const namesOf = ({ credentials, config }: AwsFiles): string[] => [
  ...new Set([...credentials.profiles(), ...config.profiles()]),
];

/** @param hidden is told what could not be looked at */
function readPlaces(paths: AwsFilePaths, store: string, hidden: string[]): Place[] {
  const places: Place[] = [];
  const add = (path: string, what: Place["what"], isSecret: boolean): void => {
    const place = look(() => readPlace(path, what, isSecret), path, hidden);
    if (place) places.push(place);
  };
  const namesIn = (folder: string): string[] => look(() => readdirSync(folder), folder, hidden) ?? [];
  add(paths.credentials, "the credentials file", true);
  add(paths.config, "the config file", false);
  for (const file of new Set([paths.credentials, paths.config].map(resolveQuietly))) {
    const copies = namesIn(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.fob-backup-`));
    for (const name of copies) add(join(dirname(file), name), "a backup", true);
  }
  add(store, "a folder of fob's", true);
  for (const name of places.some(({ path }) => path === store) ? namesIn(store) : []) {
    const folder = join(store, name);
    add(folder, "a folder of fob's", true);
    // Locks hold no secrets, and come and go.
    if (name === "locks" || !places.some(({ path, isFolder }) => path === folder && isFolder)) continue;
    for (const file of namesIn(folder)) add(join(folder, file), "a file of fob's", true);
  }
  return places;
}

function resolveQuietly(path: string): string {
  try {
    return resolveFile(path);
  } catch {
    // A circle of links: reading the file says so.
    return path;
  }
}

function readPlace(path: string, what: Place["what"], isSecret: boolean): Place {
  const found = statSync(path);
  const isOfAws = what === "the credentials file" || what === "the config file";
  const writers = isOfAws ? otherWritersOf(path) : undefined;
  return { path, what, isSecret, isFolder: found.isDirectory(), mode: found.mode & 0o777, uid: found.uid, writers };
}

/** Undefined for what is not there. */
function look<T>(read: () => T, path: string, hidden: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!/^(ENOENT|ENOTDIR)$/.test(getSystemCode(error))) hidden.push(explainFileError(error, path).message);
    return undefined;
  }
}

/** The launcher in the store; undefined if it has no such file. @throws FobError for one that cannot be read */
function readLauncher(store: string, program: string): Launcher | undefined {
  const path = getLauncherPath(store);
  const text = readOwnBytes(path);
  if (text === undefined) return undefined;
  const script = Buffer.from(text, "latin1").toString("utf8");
  const [node, launched] = ["fob_node", "fob_program"].map((name) => readVariable(script, name));
  const gone = [
    ...(node !== undefined && isUsable(node, constants.X_OK) ? [] : [node ?? "Node.js"]),
    ...(launched !== undefined && isUsable(launched, constants.R_OK) ? [] : [launched ?? "fob"]),
  ];
  return { path, gone, canRepair: !isFromNpxCache(program) };
}

/** The value that the launcher's script gives a variable, as src/credential-process/launcher.ts writes it. */
function readVariable(script: string, name: string): string | undefined {
  const [, literal] = new RegExp(`^${name}='((?:[^']|'\\\\'')*)'$`, "m").exec(script) ?? [];
  return literal?.replaceAll("'\\''", "'");
}

function isUsable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
