// `fob credential-process`: credentials for programs, and the setup of profiles that use it.
import { exitCodes, UsageError } from "../../errors.ts";
import { quoteProfileArgument } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand, regionOption } from "../command.ts";
import { getDefaultProfile } from "../options.ts";

export const credentialProcessCommand = defineCommand({
  name: "credential-process",
  description:
    "Prints credentials in the format that SDKs expect from a credential_process. If a code is needed, fob prompts once " +
    "for all waiting programs. In the AWS config: credential_process = fob credential-process work-mfa",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a session, source or role profile (default: AWS_PROFILE, else default)",
  },
  options: {
    install: { text: "set up credential_process for the profile, and remove its keys from the credentials file" },
    reveal: { text: "print the secrets on a terminal too" },
    endpointUrl: { value: "url", text: "use the custom endpoint that the profile was installed for" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob credential-process --install work",
    "fob credential-process work-mfa",
    "aws s3 ls --profile work-mfa   # runs it, once it is in the config",
  ],
  async run([named], options, context) {
    const profile = named ?? getDefaultProfile(context);
    if (options.install) {
      await (await import("../install-process.ts")).installProfile(profile, options, context);
      return exitCodes.done;
    }
    if (context.stdout.isTerminal && !options.reveal) {
      throw new UsageError("this would print secrets on your terminal", [
        `fob status ${quoteProfileArgument(profile)}`,
        `or: ${formatCommand(context.typed, { profile, set: { reveal: true } })}`,
      ]);
    }
    // The session file alone was not enough (quick.ts).
    context.stdout.write(`${await (await import("../parent-process.ts")).serveProfile(profile, options, context)}\n`);
    return exitCodes.done;
  },
});
