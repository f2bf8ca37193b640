// `fob password`: a new console password, from the terminal.
import type { Connection } from "../../aws/connection.ts";
import { AwsFailure } from "../../aws/failures.ts";
import { CancelledError, exitCodes } from "../../errors.ts";
import { changeOwnPassword, explainFailure } from "../../iam/change-password.ts";
import { describeRules, type PasswordRules, readRules } from "../../iam/password-rules.ts";
import type { Terminal } from "../../terminal/tty.ts";
import { quote, quoteProfileArgument } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { explainDenial } from "../denied.ts";
import { askAsUser, findOwnProfile, ownProfile } from "../own-user.ts";
import { needTerminal } from "../questions.ts";

export const passwordCommand = defineCommand({
  name: "password",
  description:
    "Changes your console password. Shows the account's password policy, asks for the current password and twice for the " +
    "new one without showing them, and checks it before AWS does. Uses your session if one is open, else the access key, " +
    "where your policies let you change it without MFA.",
  takes: ownProfile,
  options: regionOption,
  common: ["noInput", "debug"],
  examples: ["fob password", "fob password work"],
  async run([named], options, context) {
    const { say, typed } = context;
    const terminal = needTerminal(
      options,
      "for passwords",
      `run it in a terminal: ${formatCommand(typed, { without: ["noInput"] })}`,
    );
    const own = await findOwnProfile(named, options, context);
    await askAsUser(own, { command: "fob password" }, async (aws, user) => {
      // Questions are asked meanwhile.
      aws.progress = "";
      say.note(`this changes the console password of ${quote(user.name)} in ${user.account}`);
      const rules = await findRules(aws, context);
      const { changePassword } = await import("../../aws/iam-changes.ts");
      await changeOwnPassword({
        rules,
        ask: (message) => askSecret(terminal, message, context),
        complain: say.warning,
        send: (before, after) =>
          explainDenial(changePassword(aws, before, after), own.source, "change your own password").catch(
            explainFailure(user.name, formatCommand(typed)),
          ),
      });
      const done = `the console password of ${quote(user.name)} is changed`;
      say.done("Changed the console password", done);
      say.hint(`access keys and sessions stay; see them: fob status ${quoteProfileArgument(own.source)}`);
    });
    return exitCodes.done;
  },
});

/** The rules, which are shown; undefined where AWS does not tell them. */
async function findRules(aws: Connection, { say }: Context): Promise<PasswordRules | undefined> {
  const { getPasswordPolicy } = await import("../../aws/iam-account.ts");
  try {
    const policy = await getPasswordPolicy(aws);
    const rules = readRules(policy);
    say.note(policy ? "the account's password policy:" : "the account has no password policy, so AWS's default holds:");
    for (const rule of describeRules(rules)) say.note(`- ${rule}`);
    return rules;
  } catch (error) {
    if (!(error instanceof AwsFailure) || error.consequence !== "refused") throw error;
    say.warning(`the account's password policy is not known, and AWS alone checks the password: ${error.message}`);
    return undefined;
  }
}

async function askSecret(terminal: Terminal, message: string, { signal }: Context): Promise<string> {
  const { askHidden } = await import("../../terminal/hidden.ts");
  try {
    return await askHidden(terminal, `${message} (not shown):`, signal);
  } catch (error) {
    throw error instanceof CancelledError ? new CancelledError("the password is not changed") : error;
  }
}
