// The options of the enforcement policy's variants, which `fob policy show` and `fob policy export` share.
import { partitionNames } from "../aws/partitions.ts";
import { UsageError } from "../errors.ts";
import type { EnforcementOptions } from "../policy/enforcement.ts";
import { parseDuration } from "../terminal/duration.ts";
import { quote } from "../text.ts";
import type { OptionSpecs, Values } from "./command.ts";

export const policyOptions = {
  noPasswordChange: { text: "do not let users change their password, and look at device details, without MFA" },
  maxAge: { value: "length", text: "also deny everything when the code was typed longer ago than this: 12h" },
  viaAwsService: { text: "let AWS services pass that make calls in the user's name without MFA (aws:ViaAWSService)" },
  partition: {
    value: "partition",
    text: "whose ARNs are in it, aws-cn or aws-us-gov for instance (default: aws)",
    choices: partitionNames,
  },
} as const satisfies OptionSpecs;

/** What was asked for. @throws UsageError */
export function policyOptionsOf(
  options: Values<typeof policyOptions>,
): EnforcementOptions & { readonly partition: string } {
  const { maxAge, partition = "aws" } = options;
  if (!partitionNames.includes(partition)) {
    throw new UsageError(`unknown partition ${quote(partition)}`, `one of these: ${partitionNames.join(", ")}`);
  }
  return {
    passwordChange: options.noPasswordChange !== true,
    ...(maxAge === undefined ? {} : { maxAgeSeconds: secondsOf(maxAge) }),
    viaAwsService: options.viaAwsService === true,
    partition,
  };
}

function secondsOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds === 0) {
    throw new UsageError(
      `${quote(text)} (from --max-age) is not a length of time`,
      "write it like this: 12h, 30m or 900",
    );
  }
  return seconds;
}
