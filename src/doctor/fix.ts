// `fob doctor --fix`: what can be repaired without harm. What decides is read again at that moment, under the file's lock.
import { chmodSync, lstatSync } from "node:fs";
import type { Installation } from "../credential-process/launcher.ts";
import { installLauncher } from "../credential-process/write-launcher.ts";
import { explainFileError } from "../files/read.ts";
import { resolveFile } from "../files/replace.ts";
import type { Properties } from "../profiles/files.ts";
import { classifyKeys, isStaleToken } from "../profiles/inspect.ts";
import { removeFromProfile } from "../profiles/write.ts";
import type { SessionContext } from "../session/context.ts";
import { sessionKeys } from "../session/session-profile.ts";
import { expiryIn } from "../store/session.ts";
import { quote } from "../text.ts";
import type { Repair } from "./check.ts";

/** @returns what was done, in words; undefined where there was nothing to do any more. @throws FobError */
export async function repair(
  problem: Repair,
  context: SessionContext,
  installation: Installation,
): Promise<string | undefined> {
  switch (problem.kind) {
    case "mode":
      return changeMode(problem.path, problem.mode);
    case "expired session":
      return await removeExpired(problem.profile, context);
    case "security token":
      return await removeToken(problem.profile, context);
    case "launcher":
      return `wrote the launcher again: ${quote(installLauncher(installation))}`;
  }
}

function changeMode(path: string, mode: number): string | undefined {
  try {
    const file = resolveFile(path);
    const found = lstatSync(file);
    // It may be another one by now.
    if (found.uid !== (process.geteuid?.() ?? found.uid) || !(found.isFile() || found.isDirectory())) return undefined;
    const closed = found.mode & mode & 0o777;
    if (closed === (found.mode & 0o777)) return undefined;
    chmodSync(file, closed);
    return `changed the mode of ${quote(path)} from ${(found.mode & 0o777).toString(8)} to ${closed.toString(8)}`;
  } catch (error) {
    throw explainFileError(error, path);
  }
}

async function removeExpired(profile: string, context: SessionContext): Promise<string | undefined> {
  const decide = (properties: Properties | undefined): readonly string[] => {
    const expiry = expiryIn(properties);
    const isOver = expiry !== undefined && expiry <= context.now();
    return isOver && classifyKeys(properties) !== "long-term" ? sessionKeys : [];
  };
  const { changed } = await removeFromProfile(context.paths, "credentials", profile, decide, context);
  return changed
    ? `removed the expired session of ${quote(profile)} from ${quote(context.paths.credentials)}`
    : undefined;
}

async function removeToken(profile: string, context: SessionContext): Promise<string | undefined> {
  const decide = (properties: Properties | undefined): readonly string[] =>
    isStaleToken(properties) ? ["aws_security_token"] : [];
  const { changed } = await removeFromProfile(context.paths, "credentials", profile, decide, context);
  return changed ? `removed aws_security_token of ${quote(profile)}` : undefined;
}
