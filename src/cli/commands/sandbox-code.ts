// `fob sandbox code`: the authenticator of a user of the sandbox.
import { exitCodes } from "../../errors.ts";
import { findAuthenticator, readCode } from "../../sandbox/authenticator.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand } from "../command.ts";

export const sandboxCodeCommand = defineCommand({
  name: "sandbox code",
  description:
    "Prints the code that a user's MFA device shows now, in the sandbox of this environment (FOB_SANDBOX), or else in " +
    "the only one that is running. As on AWS, each code is accepted once: a new one appears every 30 seconds.",
  takes: { name: "user", atLeast: 1, atMost: 1, text: "an IAM user of the sandbox" },
  options: {
    serial: { value: "serial", text: "the device, by its ARN, name or number (default: the user's first)" },
  },
  common: ["debug"],
  examples: ["fob sandbox code ben", "fob sandbox code ben | fob login ben --code-stdin"],
  run([user = ""], { serial }, { env, now, say, stdout, typed }) {
    const { code, serialNumber } = readCode(findAuthenticator(env, formatCommand(typed)), user, serial, now());
    say.debug(`the code is from ${serialNumber}`);
    stdout.write(`${code}\n`);
    return Promise.resolve(exitCodes.done);
  },
});
