// `fob logout`: which sessions go.
import { UsageError } from "../../errors.ts";
import { logout } from "../../session/logout.ts";
import { defineCommand } from "../command.ts";
import { sayError } from "../context.ts";
import { getDefaultProfile, warnOfVariables } from "../options.ts";
import { createSessionContext } from "../session-context.ts";

export const logoutCommand = defineCommand({
  name: "logout",
  description: "Deletes sessions from every file that fob wrote them to, and nothing else.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: AWS_PROFILE, else default)",
  },
  options: { all: { text: "log out of every session that fob created" } },
  examples: ["fob logout work", "fob logout --all"],
  async run(profiles, options, context) {
    const { say } = context;
    if (options.all && profiles.length > 0)
      throw new UsageError("--all and a profile exclude each other", "fob logout --all");
    const named = profiles.length > 0 ? profiles : [getDefaultProfile(context)];
    const sessions = createSessionContext(context, { noInput: true });
    const code = await logout(options.all ? "all" : named, sessions, (error) => sayError(error, say));
    warnOfVariables(context);
    return code;
  },
});
