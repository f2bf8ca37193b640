// The files that `fob policy lint` checks: those named, and the JSON and YAML files in the folders named.
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describeSystemError, UsageError } from "../../../errors.ts";
import { isResourceBased, listNotLookedAt } from "../../../policy/input/find.ts";
import { quote } from "../../../text.ts";
import type { Context } from "../../context.ts";
import {
  createNoPolicyError,
  isYaml,
  type PolicyFile,
  parsePolicyFile,
  policiesLimit,
  readTextFile,
  type TextFile,
  yamlLimit,
} from "./files.ts";

export interface ReadFiles {
  readonly files: readonly PolicyFile[];
  /** Whether a file was not read that may have policies. */
  readonly isPartial: boolean;
}

/**
 * Reads the files with policies. A file in a folder may be something else: fob says that it did not check it.
 *
 * @param paths of files and folders; "-" is stdin
 * @throws UsageError if a file cannot be read, or if a named file or folder has no policy
 */
export async function readPolicyFiles(paths: readonly string[], context: Context): Promise<ReadFiles> {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new UsageError("stdin can be read only once", "use - for one file only");
  }
  const found = new Map<string, PolicyFile>();
  const skipped = new Skipped();
  for (const path of paths) {
    const files = isFolder(path) ? await readFolder(path, context, skipped) : [await readNamed(path, context)];
    for (const file of files) {
      for (const name of file.documents.flatMap(({ value }) => listNotLookedAt(value)))
        skipped.add("a nested template, macro or loop", nameIn(file, name));
    }
    const checked = files.map((file) => leaveOutAws(file, skipped)).filter(({ policies }) => policies.length > 0);
    skipped.note(context);
    if (checked.length === 0) throw createNoneError(path, files);
    // A file may be named and be in a folder, too.
    for (const each of checked) {
      const { path: name } = each.source;
      const key = name === "-" ? "-" : resolve(name);
      if (!found.has(key)) found.set(key, each);
    }
  }
  return { files: [...found.values()], isPartial: skipped.isPartial };
}

const nameIn = ({ source }: PolicyFile, name: string): string => `${source.path}: ${name}`;

function createNoneError(path: string, files: readonly PolicyFile[]): UsageError {
  const [file] = files;
  if (!isFolder(path) && file !== undefined) return createNoPolicyError(file);
  return new UsageError(
    `no policy found in the .json, .yaml, .yml and .template files in ${quote(path)}`,
    "for Terraform files: terraform show -json > state.json",
  );
}

/** What is not checked, by reasons. */
class Skipped {
  readonly #names = new Map<string, string[]>();
  /** Whether something was left out that may have policies. */
  isPartial = false;

  add(reason: string, name: string): void {
    this.#names.set(reason, [...(this.#names.get(reason) ?? []), name]);
  }

  /** Of a file that may have policies. */
  addTooLarge(size: string, path: string): void {
    this.isPartial = true;
    this.add(`larger than ${size}`, path);
  }

  /** Says it once. */
  note({ say }: Context): void {
    for (const [reason, names] of this.#names) {
      const most = 5;
      const rest = names.length > most ? ` and ${names.length - most} more` : "";
      say.note(`not checked, ${reason}: ${names.slice(0, most).map(quote).join(", ")}${rest}`);
    }
    this.#names.clear();
  }
}

const isFolder = (path: string): boolean =>
  path !== "-" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

async function readNamed(path: string, context: Context): Promise<PolicyFile> {
  return await parsePolicyFile(await readTextFile(path, context, policiesLimit));
}

async function readFolder(folder: string, context: Context, skipped: Skipped): Promise<readonly PolicyFile[]> {
  const files: PolicyFile[] = [];
  for (const path of listFiles(folder)) {
    const file = await readIfPolicy(path, context, skipped);
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** Returns the paths of the files in a folder and in those below it that may have policies, sorted. @throws UsageError */
function listFiles(folder: string): readonly string[] {
  let entries: ReturnType<typeof listEntries>;
  try {
    entries = listEntries(folder);
  } catch (error) {
    throw new UsageError(`cannot read ${quote(folder)}: ${describeSystemError(error)}`, "name the files instead");
  }
  return entries
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      // Links to folders may lead in circles.
      if (entry.isDirectory()) return listFiles(path);
      return /\.(json|ya?ml|template)$/i.test(entry.name) && statSync(path, { throwIfNoEntry: false })?.isFile()
        ? path
        : [];
    });
}

const listEntries = (folder: string) => readdirSync(folder, { withFileTypes: true });

async function readIfPolicy(path: string, context: Context, skipped: Skipped): Promise<PolicyFile | undefined> {
  if (statSync(path).size > policiesLimit.bytes) {
    skipped.addTooLarge(policiesLimit.size, path);
    return undefined;
  }
  const source = await readTextFile(path, context, policiesLimit);
  const why = findReasonToSkip(source);
  const isTooLarge = isYaml(source) && source.text.length > yamlLimit.bytes;
  if (why !== undefined) skipped.add(why, path);
  else if (isTooLarge) skipped.addTooLarge(yamlLimit.size, path);
  if (why !== undefined || isTooLarge) return undefined;
  const file = await parsePolicyFile(source);
  if (file.policies.length === 0) skipped.add("no policy in it", path);
  else if (file.documents.every(isResourceBased)) skipped.add("a trust policy or a policy of a resource", path);
  else return file;
  return undefined;
}

/** A policy with a mistake is an error; a file of settings with comments or placeholders is not. */
function findReasonToSkip(source: TextFile): string | undefined {
  const { text } = source;
  if (!isYaml(source)) {
    return /"(Statement|Effect|PolicyDocument)"/.test(text) || isJson(text) ? undefined : "not JSON";
  }
  return /\b(Statement|Effect|PolicyDocument|TemplateURL)\b/.test(text) ? undefined : "no policy in it";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\ufeff/, ""));
    return true;
  } catch {
    return false;
  }
}

/** Only AWS can change its managed policies. */
export function leaveOutAws(file: PolicyFile, skipped = new Skipped()): PolicyFile {
  for (const { isAwsManaged, name = "" } of file.policies) if (isAwsManaged) skipped.add("a policy of AWS", name);
  return { ...file, policies: file.policies.filter(({ isAwsManaged }) => !isAwsManaged) };
}
