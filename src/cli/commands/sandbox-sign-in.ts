// `fob sandbox sign-in`: the console's sign-in page of the sandbox.
import { exitCodes } from "../../errors.ts";
import { findAuthenticator } from "../../sandbox/authenticator.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand } from "../command.ts";

export const sandboxSignInCommand = defineCommand({
  name: "sandbox sign-in",
  description:
    "Signs a user of the sandbox in to the console with all that the user has (the password, a code or a touch of the " +
    "security key, and a new password if one is required), and prints whether that was with MFA. Use it to see what " +
    "users meet after you enforce MFA. The sandbox is that of this environment (FOB_SANDBOX), or else the only one " +
    "that is running.",
  takes: { name: "user", atLeast: 1, atMost: 1, text: "an IAM user of the sandbox" },
  options: {},
  common: ["debug"],
  examples: ["fob sandbox sign-in dan", "fob sandbox sign-in erin"],
  async run([user = ""], _options, { env, now, signal, stdout, typed }) {
    const { signInUser } = await import("../../sandbox/sign-in-user.ts");
    const authenticator = findAuthenticator(env, formatCommand(typed));
    const { mfaUsed, passwordChanged } = await signInUser(authenticator, user, now(), signal);
    if (passwordChanged) stdout.write("changed the password\n");
    stdout.write(`signed in ${mfaUsed ? "with" : "without"} MFA\n`);
    return exitCodes.done;
  },
});
