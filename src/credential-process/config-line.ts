// The value of `credential_process` in the AWS config. Programs take it apart in different ways: botocore as Python's
// shlex does, most SDKs by `sh -c`. The Go SDK's reader ends a value at any `#` or `;`, removes quotes around the whole of
// it, and takes `\n` for a newline. So this writes only what means the same to all of them.
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";
import type { Installation } from "./launcher.ts";
import { getLauncherPath } from "./write-launcher.ts";

/**
 * The command that answers for a session profile.
 *
 * @param endpoint where the profile's session comes from, if that is not AWS
 * @throws FobError for what some program would read differently
 */
export function formatCredentialProcess(
  { store, node, program }: Installation,
  profile: string,
  endpoint?: string,
  platform: NodeJS.Platform = process.platform,
): string {
  const isWindows = platform === "win32";
  // Not below the home folder, whose own name may hold the character.
  const elsewhere = "keep fob's files in a folder with a plain path: export FOB_HOME=/PATH/TO/FOLDER";
  const reinstall = "install fob and Node.js in folders with plain names";
  const word = (text: string, hint: string): string => {
    const spelled = isWindows ? quoteWindowsWord(text) : quotePosixWord(text);
    if (spelled === undefined) throw createUnwritableError(text, hint);
    return spelled;
  };
  const command = isWindows
    ? [word(useForwardSlashes(node), reinstall), word(useForwardSlashes(program), reinstall), "credential-process"]
    : [word(getLauncherPath(store), elsewhere)];
  const rename = "choose another name: fob login SOURCE --to NAME";
  const name = word(profile, rename);
  // It would be an option.
  if (profile.startsWith("-")) throw createUnwritableError(profile, rename);
  const url = endpoint === undefined ? [] : ["--endpoint-url", word(endpoint, "check endpoint_url in the profile")];
  const line = [...command, name, ...url].join(" ");
  if (/^".*"$/.test(line)) throw createUnwritableError(line, elsewhere);
  return line;
}

/** Undefined for a text that is not the same to shlex and to `sh`, however it is quoted. */
function quotePosixWord(text: string): string | undefined {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text)) return text;
  return text !== "" && !/["\\$`#;]|\p{Cc}/u.test(text) ? `"${text}"` : undefined;
}

/** Undefined for a text that is not the same to `cmd` and to Microsoft's C runtime, however it is quoted. */
function quoteWindowsWord(text: string): string | undefined {
  if (/^[\p{L}\p{N}_@+:./~-][\p{L}\p{N}_@+=:,./~-]*$/u.test(text)) return text;
  return text !== "" && !/["\\%!^&|<>#;]|\p{Cc}/u.test(text) ? `"${text}"` : undefined;
}

/** Windows takes both; a backslash before an n is a newline to the Go SDK (`C:\node`). */
const useForwardSlashes = (path: string): string => path.replaceAll("\\", "/");

function createUnwritableError(text: string, hint: string): FobError {
  return new FobError(`${quote(text)} contains characters that some AWS tools cannot read in credential_process`, hint);
}
