// Session tags: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html

import { AwsError, notModeled } from "./errors.ts";
import type { Tags } from "./iam/tags.ts";
import { type Checked, listMembers, validate } from "./query.ts";

export const sessionTagParameters: readonly string[] = ["Tags.member.N.Key", "Tags.member.N.Value"];

/** Reads the session tags of a request. The error messages are AWS's. */
export function readSessionTags(parameters: ReadonlyMap<string, string>): Tags {
  const given = listMembers(parameters, "Tags").map((number) => ({
    number,
    key: parameters.get(`Tags.member.${number}.Key`),
    value: parameters.get(`Tags.member.${number}.Value`),
  }));
  const pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
  validate(
    ...given.flatMap(({ number, key, value }): Checked[] => [
      { name: `tags.${number}.member.key`, value: key, isRequired: true, min: 1, max: 128, pattern },
      { name: `tags.${number}.member.value`, value, isRequired: true, min: 0, max: 256, pattern },
    ]),
  );
  if (given.length > 50) throw notModeled("more than 50 session tags, which AWS does not allow");
  const keys = new Set(given.map(({ key = "" }) => key.toLowerCase()));
  if (keys.size < given.length) {
    const message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    throw new AwsError("InvalidParameterValue", 400, message);
  }
  return Object.fromEntries(given.map(({ key = "", value = "" }) => [key, value]));
}
