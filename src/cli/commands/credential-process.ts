// `fob credential-process`: credentials for programs, and the way of putting them on to it.
import { exitCodes } from "../../errors.ts";
import { defineCommand, regionOption } from "../command.ts";
import { getDefaultProfile } from "../options.ts";

export const credentialProcessCommand = defineCommand({
  name: "credential-process",
  description:
    "Prints the session's credentials as SDKs expect them of a credential_process; asks for an MFA code when it must, " +
    "once for all programs that wait. In the AWS config: credential_process = fob credential-process work-mfa",
  takes: {
    name: "profile",
    atMost: 1,
    text: "the session, the source or a role profile (default: AWS_PROFILE, else default)",
  },
  options: {
    install: { text: "let programs get the profile's credentials so, instead of from the credentials file" },
    endpointUrl: { value: "url", text: "the endpoint that the profile was installed for, if it is not AWS's own" },
    ...regionOption,
  },
  examples: [
    "fob credential-process --install work",
    "fob credential-process work-mfa",
    "aws s3 ls --profile work-mfa   # which runs it, once it is in the config",
  ],
  async run([named], options, context) {
    const profile = named ?? getDefaultProfile(context);
    if (options.install) {
      await (await import("../install-process.ts")).installProfile(profile, options, context);
      return exitCodes.done;
    }
    // The session file alone was not enough (quick.ts).
    context.stdout.write(`${await (await import("../parent-process.ts")).serveProfile(profile, options, context)}\n`);
    return exitCodes.done;
  },
});
