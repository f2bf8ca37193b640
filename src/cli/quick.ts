// Command lines that are answered before they are even looked at: programs wait for these, thousands of times.
import { isAbsolute } from "node:path";
import { getAwsFilePaths } from "../profiles/paths.ts";
import { findCachedAnswer } from "../store/fast-path.ts";
import { getStoreFolder } from "../store/paths.ts";
import { stdout } from "./output.ts";

const versionWords: readonly string[] = ["--version", "-V", "-v", "version"];

/** What to print, where no more than a look at a file is needed to know it; else undefined. */
export function findQuickAnswer(argv: readonly string[], version: string): string | undefined {
  const [command, profile, option, endpoint, ...rest] = argv;
  if (argv.length === 1 && versionWords.includes(command ?? "")) return version;
  const isPlain = argv.length <= 2 || (option === "--endpoint-url" && argv.length === 4 && rest.length === 0);
  if (!/^credential[-_]process$/.test(command ?? "") || profile === "" || profile?.startsWith("-") || !isPlain) {
    return undefined;
  }
  // It would show the secrets.
  if (stdout.isTerminal) return undefined;
  const { env } = process;
  // Elsewhere the home folder takes longer to find.
  const home = process.platform === "win32" ? undefined : env.HOME;
  if (!home || !isAbsolute(home)) return undefined;
  try {
    const paths = getAwsFilePaths(env, home);
    const folder = getStoreFolder(env, paths.credentials);
    return findCachedAnswer(profile ?? (env.AWS_PROFILE || "default"), folder, paths, env, Date.now(), endpoint);
  } catch {
    // What is wrong is found out again, and said, on the long way.
    return undefined;
  }
}
