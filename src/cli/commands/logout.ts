// `fob logout`: which sessions go.
import { UsageError } from "../../errors.ts";
import { logout } from "../../session/logout.ts";
import { takeSnapshot } from "../../session/snapshot.ts";
import { formatCommand } from "../../typed-command.ts";
import { chooseSession } from "../choose-profile.ts";
import { defineCommand } from "../command.ts";
import { sayError } from "../context.ts";
import { warnOfVariables } from "../options.ts";
import { createSessionContext } from "../session-context.ts";

export const logoutCommand = defineCommand({
  name: "logout",
  description: "Deletes sessions from every file that fob wrote them to, and nothing else.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: AWS_PROFILE, else default, else you choose)",
  },
  options: { all: { text: "log out of every session that fob created" } },
  examples: ["fob logout work", "fob logout --all"],
  async run(profiles, options, context) {
    const { say } = context;
    if (options.all && profiles.length > 0)
      throw new UsageError("--all and a profile cannot be used together", "fob logout --all");
    const sessions = createSessionContext(context, options);
    const retype = (name: string): string => formatCommand(context.typed, { profile: name });
    const choose = () => chooseSession({ snapshot: takeSnapshot(sessions), sessions, retype }, context);
    const chosen = profiles.length > 0 || options.all ? undefined : await choose();
    const named = chosen === undefined ? profiles : [chosen];
    if (named.length === 0 && !options.all) say.note("no sessions");
    const code = await logout(options.all ? "all" : named, sessions, (error) => sayError(error, say));
    warnOfVariables(context);
    return code;
  },
});
