// `fob console`: the AWS console in the browser, signed in as a role.
import { CancelledError, exitCodes, FobError, UsageError } from "../../errors.ts";
import { resolveRoleChain } from "../../roles/chain.ts";
import { quote } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { findNamedProfile, roleOptions } from "../profile-credentials.ts";
import { createSessionContext } from "../session-context.ts";

const consoleOptions = {
  print: { text: "print the link instead; it signs in anyone who opens it, for 15 minutes" },
  service: { value: "name", text: "open this service, e.g. s3 or cloudformation" },
  ...roleOptions,
  ...regionOption,
} as const;

export const consoleCommand = defineCommand({
  name: "console",
  description:
    "Opens the AWS console in your browser, signed in as the role of a role profile. The browser opens a one-time " +
    "local URL that redirects to AWS, so the sign-in token never appears in a process list.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a role profile, or a role's ARN (default: AWS_PROFILE, else default, else you choose)",
  },
  options: consoleOptions,
  common: ["noInput", "debug"],
  examples: ["fob console prod", "fob console prod --print"],
  async run([named], options, context) {
    const { env, say, stdout } = context;
    const sessions = createSessionContext(context, options);
    const { profile, snapshot } = await findNamedProfile(named, options, sessions, context, { rolesOnly: true });
    const service = options.service === undefined ? undefined : checkService(options.service, context);
    const browser = { env, platform: process.platform, debug: say.debug };
    const printInstead = `print the link instead: ${formatCommand(context.typed, { profile, set: { print: true } })}`;
    const { hasBrowser, openBrowser } = await import("../../console/browser.ts");
    const isRole = resolveRoleChain(profile, snapshot.files).length > 0;
    // Before a code is asked for.
    if (isRole && !options.print && !hasBrowser(browser)) throw new FobError("no browser found", printInstead);
    const { signInLink } = await import("../../console/sign-in-link.ts");
    const link = await signInLink({ profile, region: options.region, service }, snapshot, sessions);
    if (options.print) {
      stdout.write(`${link.href}\n`);
      return exitCodes.done;
    }
    const { redirectOnce } = await import("../../console/one-shot.ts");
    const { identifyPeer } = await import("../../console/peer.ts");
    say.note(`opening the AWS console as the role of ${quote(profile)} in your browser`);
    try {
      await redirectOnce({
        link,
        open: (address) => openBrowser(address, browser),
        identify: (connection) => identifyPeer(connection, sessions.signal),
        warn: say.warning,
        signal: sessions.signal,
      });
    } catch (error) {
      if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
      throw new FobError(error.message, printInstead);
    }
    return exitCodes.done;
  },
});

/** @throws UsageError for what is not the name of a service's page */
function checkService(name: string, { typed }: Context): string {
  if (/^[a-z0-9-]{2,40}$/.test(name)) return name;
  throw new UsageError(
    `invalid --service ${quote(name)}: a service is lower-case letters, digits and hyphens`,
    formatCommand(typed, { set: { service: "s3" } }),
  );
}
