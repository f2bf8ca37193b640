// `fob console`: the AWS console in the browser, signed in as a role.
import { CancelledError, exitCodes, FobError } from "../../errors.ts";
import { quote, quoteProfileArgument } from "../../text.ts";
import { defineCommand, regionOption } from "../command.ts";
import { getDefaultProfile } from "../options.ts";
import { createSessionContext } from "../session-context.ts";

export const consoleCommand = defineCommand({
  name: "console",
  description:
    "Opens the AWS console in your browser, signed in as the role of a role profile. The browser opens a one-time " +
    "local URL that redirects to AWS, so the sign-in token never appears in a process list.",
  takes: { name: "profile", atMost: 1, text: "a role profile (default: AWS_PROFILE, else default)" },
  options: {
    print: { text: "print the link instead; it signs in anyone who opens it, for 15 minutes" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: ["fob console prod", "fob console prod --print"],
  async run([named], options, context) {
    const { env, say, stdout } = context;
    const profile = named ?? getDefaultProfile(context);
    const sessions = createSessionContext(context, options);
    const { signInLink } = await import("../../console/sign-in-link.ts");
    const link = await signInLink({ profile, region: options.region, command: "fob console" }, sessions);
    if (options.print) {
      stdout.write(`${link.href}\n`);
      return exitCodes.done;
    }
    const { redirectOnce } = await import("../../console/one-shot.ts");
    const { identifyPeer } = await import("../../console/peer.ts");
    const { openBrowser } = await import("../../console/browser.ts");
    say.note(`opening the AWS console as the role of ${quote(profile)} in your browser`);
    const browser = { env, platform: process.platform, debug: say.debug };
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
      throw new FobError(error.message, `print the link instead: fob console ${quoteProfileArgument(profile)} --print`);
    }
    return exitCodes.done;
  },
});
