// The options of the enforcement policy's variants, which `fob policy show` and `fob policy export` share.
import { sessionLength } from "../../../aws/limits.ts";
import { partitionNames } from "../../../aws/partitions.ts";
import { inExactWords, parseDuration } from "../../../duration.ts";
import { UsageError } from "../../../errors.ts";
import type { EnforcementOptions } from "../../../policy/enforcement.ts";
import { quote } from "../../../text.ts";
import type { OptionSpecs, Values } from "../../command.ts";

export const policyOptions = {
  noPasswordChange: {
    text: "do not let users change their password or view device details without MFA, as AWS advises",
  },
  maxAge: { value: "length", text: "also deny requests if the code was entered longer ago than this, e.g. 12h" },
  viaAwsService: { text: "allow requests that AWS services make on the user's behalf (aws:ViaAWSService)" },
  partition: {
    value: "partition",
    text: "use ARNs of this partition, e.g. aws-cn or aws-us-gov (default: aws)",
    choices: partitionNames,
  },
} as const satisfies OptionSpecs;

/** @throws UsageError */
export function parsePolicyOptions(
  options: Values<typeof policyOptions>,
): EnforcementOptions & { readonly partition: string } {
  const { maxAge, partition = "aws" } = options;
  if (!partitionNames.includes(partition)) {
    throw new UsageError(`unknown partition ${quote(partition)}`, `choose one of: ${partitionNames.join(", ")}`);
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
    const why = seconds < shortest ? "every session is longer" : "AWS ends every session after 36 h";
    throw new UsageError(
      `a maximum age of ${inExactWords(seconds)} has no use: ${why}`,
      "choose between 15m and 35h, for example: --max-age 12h",
    );
  }
  if (seconds === undefined) {
    throw new UsageError(`invalid --max-age ${quote(text)}: expected a duration`, "for example: 12h, 30m or 900");
  }
  return seconds;
}
