// `fob keys import`: the access key of a profile leaves the plaintext file.
import type { Credentials } from "../../../aws/types.ts";
import { exitCodes } from "../../../errors.ts";
import { importKey, readKeyToImport } from "../../../keys/move.ts";
import { readAwsFiles } from "../../../profiles/files.ts";
import { listSourceFixes } from "../../../roles/chain.ts";
import { getSessionProfileName, listSessionProfiles } from "../../../session/profile-pair.ts";
import { takeSnapshot } from "../../../session/snapshot.ts";
import { findTerminal } from "../../../terminal/tty.ts";
import { maskKeyId, quote, quoteProfileArgument, quoteShellWord } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { getDefaultProfile } from "../../options.ts";
import { proveKey } from "../../own-user.ts";
import { askOnTerminal } from "../../questions.ts";
import { createSessionContext } from "../../session-context.ts";

export const keysImportCommand = defineCommand({
  name: "keys import",
  description:
    "Moves the access key of a profile from the AWS files to the operating system's keychain. The key's ID stays in the " +
    "config. Programs use the session profile from then on; fob takes the key from the keychain.",
  takes: { name: "profile", atMost: 1, text: "the profile with the access key (default: AWS_PROFILE, else default)" },
  options: { backup: { text: "keep a copy of the file first; it has mode 600, and holds the secret" } },
  common: ["noInput"],
  examples: ["fob keys import work", "fob keys import work --backup"],
  async run([named], options, context) {
    const { say } = context;
    const profile = named ?? getDefaultProfile(context);
    const sessions = createSessionContext(context, options);
    readKeyToImport(readAwsFiles(sessions.paths), profile);
    const keepsBackup = options.backup ?? (await wantsBackup(options, context));
    const prove = (of: string, given: Credentials) => proveKey(of, given, "fob keys import", sessions);
    const { accessKeyId, backup, others, roles } = await importKey(profile, keepsBackup, { ...sessions, prove });
    say.note(`moved the access key ${maskKeyId(accessKeyId)} of ${quote(profile)} to ${sessions.keychain.title}`);
    if (backup !== undefined) {
      say.warning(`the backup ${quote(backup)} still holds the secret`);
      say.hint(`delete it once fob login works: rm ${quoteShellWord(backup)}`);
    }
    for (const other of others) {
      say.warning(`the profile ${quote(other)} has the same access key in plaintext`);
      say.hint(`fob keys import ${quoteProfileArgument(other)}`);
    }
    const snapshot = takeSnapshot(sessions);
    const [session = getSessionProfileName(profile)] = listSessionProfiles(profile, snapshot);
    for (const role of roles) {
      say.warning(
        `programs no longer find an access key for the role profile ${quote(role)}: its source is ${quote(profile)}`,
      );
      for (const fix of listSourceFixes(role, session, snapshot.files)) say.hint(fix);
    }
    return exitCodes.done;
  },
});

async function wantsBackup(options: { readonly noInput?: boolean | undefined }, context: Context): Promise<boolean> {
  const terminal = options.noInput ? undefined : findTerminal();
  if (!terminal) return false;
  const problem = (text: string): string | undefined =>
    /^(y|yes|n|no)?$/i.test(text.trim()) ? undefined : "type y or n";
  const answer = await askOnTerminal(
    terminal,
    { message: "Keep a backup, which holds the secret? (y/N):", problem },
    context,
  );
  return /^y/i.test(answer);
}
