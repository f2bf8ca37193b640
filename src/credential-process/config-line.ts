// The value of `credential_process` in the AWS config. Programs take it apart in different ways: botocore as Python's
// shlex does, most SDKs by `sh -c`. The Go SDK's reader ends a value at any `#` or `;`, removes quotes around the whole of
// it, and takes `\n` for a newline. So this writes only what means the same to all of them.
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";
import type { Installation } from "./launcher.ts";
import { launcherPath } from "./write-launcher.ts";

/**
 * The command that answers for a session profile.
 *
 * @param endpoint where the profile's session comes from, if that is not AWS
 * @throws FobError for what some program would read differently
 */
export function credentialProcessLine(
  { store, node, program }: Installation,
  profile: string,
  endpoint?: string,
  platform: NodeJS.Platform = process.platform,
): string {
  const isWindows = platform === "win32";
  const elsewhere = 'keep fob\'s files elsewhere: export FOB_HOME="$HOME/.fob"';
  const reinstall = "install fob and Node.js in folders with plain names";
  const word = (text: string, hint: string): string => {
    const spelled = isWindows ? windowsWord(text) : posixWord(text);
    if (spelled === undefined) throw unwritable(text, hint);
    return spelled;
  };
  const command = isWindows
    ? [word(forwardSlashes(node), reinstall), word(forwardSlashes(program), reinstall), "credential-process"]
    : [word(launcherPath(store), elsewhere)];
  const rename = "choose another name: fob login SOURCE --to NAME";
  const name = word(profile, rename);
  // It would be an option.
  if (profile.startsWith("-")) throw unwritable(profile, rename);
  const url = endpoint === undefined ? [] : ["--endpoint-url", word(endpoint, "check endpoint_url in the profile")];
  const line = [...command, name, ...url].join(" ");
  if (/^".*"$/.test(line)) throw unwritable(line, elsewhere);
  return line;
}

/** Undefined for a text that is not the same to shlex and to `sh`, however it is quoted. */
function posixWord(text: string): string | undefined {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text)) return text;
  return text !== "" && !/["\\$`#;]|\p{Cc}/u.test(text) ? `"${text}"` : undefined;
}

/** Undefined for a text that is not the same to `cmd` and to Microsoft's C runtime, however it is quoted. */
function windowsWord(text: string): string | undefined {
  if (/^[\p{L}\p{N}_@+:./~-][\p{L}\p{N}_@+=:,./~-]*$/u.test(text)) return text;
  return text !== "" && !/["\\%!^&|<>#;]|\p{Cc}/u.test(text) ? `"${text}"` : undefined;
}

/** Windows takes both; a backslash before an n is a newline to the Go SDK (`C:\node`). */
const forwardSlashes = (path: string): string => path.replaceAll("\\", "/");

function unwritable(text: string, hint: string): FobError {
  return new FobError(`${quote(text)} cannot stand in the AWS config so that every program reads it alike`, hint);
}
