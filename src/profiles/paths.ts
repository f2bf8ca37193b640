// Where the two AWS files are.
import { lstatSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Environment } from "../environment-variables.ts";
import type { FileKind } from "./scan.ts";

/** Where the two files are. */
export type AwsFilePaths = Readonly<Record<FileKind, string>>;

/**
 * Where the AWS files are: `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`, else below `~/.aws`.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
 */
export function getAwsFilePaths(env: Environment, home: string): AwsFilePaths {
  const path = (variable: string | undefined, name: string): string =>
    variable ? resolve(variable.replace(/^~(?=$|[/\\])/, home)) : join(home, ".aws", name);
  return {
    credentials: path(env.AWS_SHARED_CREDENTIALS_FILE, "credentials"),
    config: path(env.AWS_CONFIG_FILE, "config"),
  };
}

/**
 * When the two files changed, or older ones took their place (which their own times do not tell, but the file system
 * does), in milliseconds since 1970: several times for each; 0 for a file that does not exist, Infinity where that cannot
 * be told.
 */
export function readChanges(paths: AwsFilePaths): number[] {
  try {
    return [paths.credentials, paths.config].flatMap((path) => {
      const [file, link] = [statSync(path, { throwIfNoEntry: false }), lstatSync(path, { throwIfNoEntry: false })];
      return [file?.mtimeMs ?? 0, file?.ctimeMs ?? 0, link?.ctimeMs ?? 0];
    });
  } catch {
    return [Number.POSITIVE_INFINITY];
  }
}

/** When one of the two files last changed. */
export const readLastChange = (paths: AwsFilePaths): number => Math.max(...readChanges(paths));

/** What tells one state of the two files from another without reading them; undefined where that cannot be told. */
export function fingerprint(paths: AwsFilePaths): string | undefined {
  try {
    const states = [paths.credentials, paths.config].map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found && [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs];
    });
    return JSON.stringify(states);
  } catch {
    return undefined;
  }
}
