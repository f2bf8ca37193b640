// `fob keys remove`: the keychain forgets an access key.
import { looksLikeKeyId } from "../../../aws/secrets.ts";
import { type ExitCode, exitCodes, FobError } from "../../../errors.ts";
import { removeKey, removeSecret } from "../../../keys/move.ts";
import { readAwsFiles } from "../../../profiles/files.ts";
import { findKeychainId } from "../../../profiles/inspect.ts";
import type { SessionContext } from "../../../session/context.ts";
import { maskKeyId, quote, quoteProfileArgument } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { getDefaultProfile } from "../../options.ts";
import { askOnTerminal, needTerminal } from "../../questions.ts";
import { createSessionContext } from "../../session-context.ts";

export const keysRemoveCommand = defineCommand({
  name: "keys remove",
  description:
    "Deletes the access key of a profile from the keychain, and its ID from the config. AWS does not show the secret " +
    "again. The key stays valid at AWS: delete it there too. With the ID of a key that no profile uses, deletes its secret.",
  takes: { name: "profile", atMost: 1, text: "the profile, or an access key ID (default: AWS_PROFILE, else default)" },
  options: { yes: { text: "do not ask for the profile's name" } },
  common: ["noInput"],
  examples: ["fob keys remove work"],
  async run([named], options, context) {
    const profile = named ?? getDefaultProfile(context);
    const sessions = createSessionContext(context, options);
    const files = readAwsFiles(sessions.paths);
    const isId = looksLikeKeyId(profile) && !files.config.has(profile);
    if (!isId && findKeychainId(files, profile) === undefined) {
      throw new FobError(`the profile ${quote(profile)} has no access key in the keychain`, "fob keys list");
    }
    if (!options.yes) {
      const instead = `fob keys remove ${quoteProfileArgument(profile)} --yes`;
      context.say.note("AWS does not show the secret again");
      const terminal = needTerminal(options, "whether to delete the access key", instead);
      const problem = (text: string): string | undefined =>
        text.trim() === profile ? undefined : "that is not its name; Ctrl-C changes nothing";
      const message = isId
        ? `Type the ID (${profile}) to delete its secret:`
        : `Type the profile's name (${profile}) to delete its key:`;
      await askOnTerminal(terminal, { message, problem }, context);
    }
    if (isId) {
      await removeSecret(profile, sessions);
      return describeRemoved(profile, "", context, sessions);
    }
    const { accessKeyId, users } = await removeKey(profile, sessions);
    if (users.length === 0) return describeRemoved(accessKeyId, ` of ${quote(profile)}`, context, sessions);
    context.say.note(
      `${quote(profile)} has no access key any more; the keychain keeps ${maskKeyId(accessKeyId)}, which ${users.map(quote).join(", ")} uses`,
    );
    return exitCodes.done;
  },
});

function describeRemoved(id: string, of: string, { say }: Context, { keychain }: SessionContext): ExitCode {
  say.note(`deleted the access key ${maskKeyId(id)}${of} from ${keychain.title}`);
  say.hint(`AWS accepts it until you delete it there, with a session or as an administrator: ${formatDelete(id)}`);
  return exitCodes.done;
}

const formatDelete = (id: string): string => `aws iam delete-access-key --access-key-id ${id}`;
