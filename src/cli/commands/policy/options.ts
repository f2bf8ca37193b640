// The options of the enforcement policy's variants, which `fob policy show` and `fob policy export` share.
import { sessionLength } from "../../../aws/limits.ts";
import { partitionNames } from "../../../aws/partitions.ts";
import { inExactWords, parseDuration } from "../../../duration.ts";
import { UsageError } from "../../../errors.ts";
import type { EnforcementOptions } from "../../../policy/enforcement.ts";
import { quote } from "../../../text.ts";
import type { OptionSpecs, Values } from "../../command.ts";

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
export function parsePolicyOptions(
  options: Values<typeof policyOptions>,
): EnforcementOptions & { readonly partition: string } {
  const { maxAge, partition = "aws" } = options;
  if (!partitionNames.includes(partition)) {
    throw new UsageError(`unknown partition ${quote(partition)}`, `one of these: ${partitionNames.join(", ")}`);
  }
  return {
    passwordChange: options.noPasswordChange !== true,
    ...(maxAge === undefined ? {} : { maxAgeSeconds: parseMaxAge(maxAge) }),
    viaAwsService: options.viaAwsService === true,
    partition,
  };
}

function parseMaxAge(text: string): number {
  const { shortest, longest } = sessionLength;
  const seconds = parseDuration(text);
  if (seconds !== undefined && (seconds < shortest || seconds >= longest)) {
    const why = seconds < shortest ? "no session is that short" : "AWS ends every session after 36 h";
    throw new UsageError(
      `a maximum age of ${inExactWords(seconds)} makes no sense: ${why}`,
      "from 15m to 35h: --max-age 12h",
    );
  }
  if (seconds === undefined) {
    throw new UsageError(
      `${quote(text)} (from --max-age) is not a length of time`,
      "write it like this: 12h, 30m or 900",
    );
  }
  return seconds;
}
