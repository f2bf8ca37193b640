// `fob keys add`: a new access key goes to the keychain.
import type { Credentials } from "../../../aws/types.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { addKey, assertCanAdd, listNaming } from "../../../keys/move.ts";
import { parseAccessKey } from "../../../keys/read-key.ts";
import { readAwsFiles } from "../../../profiles/files.ts";
import { maskKeyId, quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { getDefaultProfile } from "../../options.ts";
import { proveKey } from "../../own-user.ts";
import { askOnTerminal, needTerminal } from "../../questions.ts";
import { createSessionContext } from "../../session-context.ts";

export const keysAddCommand = defineCommand({
  name: "keys add",
  description:
    "Saves an access key in the operating system's keychain instead of a plaintext file, and writes its ID to the " +
    "profile in the config. Asks for the key on the terminal; the secret is not shown.",
  takes: { name: "profile", atMost: 1, text: "the profile, new or existing (default: AWS_PROFILE, else default)" },
  options: {
    stdin: { text: "read the key from stdin: two lines, the console's .csv file, or JSON from create-access-key" },
  },
  common: ["noInput"],
  examples: ["fob keys add work", "fob keys add work --stdin <accessKeys.csv"],
  async run([named], options, context) {
    const { say } = context;
    const profile = named ?? getDefaultProfile(context);
    const sessions = createSessionContext(context, options);
    assertCanAdd(readAwsFiles(sessions.paths), profile);
    const key = options.stdin ? await readKey(context) : await askKey(profile, options, context);
    const prove = (of: string, given: Credentials) => proveKey(of, given, "fob keys add", sessions);
    const replaced = await addKey(profile, key, formatCommand(context.typed), { ...sessions, prove });
    say.note(`saved the access key ${maskKeyId(key.accessKeyId)} of ${quote(profile)} in ${sessions.keychain.title}`);
    if (replaced !== undefined) {
      say.warning(`the keychain still has the secret of ${maskKeyId(replaced)}, which the profile had before`);
      if (listNaming(readAwsFiles(sessions.paths), replaced).length === 0)
        say.hint(`delete it if you no longer need it: fob keys remove ${replaced}`);
    }
    say.hint(`log in: fob login ${quoteProfileArgument(profile)}`);
    return exitCodes.done;
  },
});

async function askKey(
  profile: string,
  options: { readonly noInput?: boolean | undefined },
  context: Context,
): Promise<Credentials> {
  const { askHidden } = await import("../../../terminal/hidden.ts");
  const instead = `fob keys add ${quoteProfileArgument(profile)} --stdin <FILE`;
  const terminal = needTerminal(options, "for the access key", instead);
  const problem = (text: string): string | undefined => (text.trim() === "" ? "type the access key ID" : undefined);
  const accessKeyId = await askOnTerminal(terminal, { message: `Access key ID for ${profile}:`, problem }, context);
  const secret = await askHidden(terminal, "Secret access key (not shown):", context.signal);
  return { accessKeyId, secretAccessKey: secret.trim() };
}

/** Characters: an access key in any of its forms is shorter. */
const MOST = 10_000;

async function readKey(context: Context): Promise<Credentials> {
  const stdin = context.stdin();
  if (stdin.isTTY) {
    throw new UsageError("--stdin reads from a pipe or a file, but stdin is a terminal", "leave out --stdin");
  }
  let text = "";
  for await (const chunk of stdin.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MOST) break;
  }
  return parseAccessKey(text);
}
