// Tags: what a request may have, and the condition keys that follow from them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
//
// Case, reserved names and the codes of errors are as captured from AWS in 2026 by https://github.com/radkawar/stackd.
import type { RequestContext } from "../../policy/engine/evaluate.ts";
import { AwsError } from "../errors.ts";
import { type Checked, listMembers, readTexts, validate } from "../query.ts";
import { writeElement, writeList } from "../xml.ts";

export type Tags = Readonly<Record<string, string>>;

/** What has tags. */
export type TaggedKind = "User" | "Role" | "Policy" | "MFADevice";

type Parameters = ReadonlyMap<string, string>;

/** The parameters with which calls that create something set its tags. */
export const tagParameters = ["Tags.member.N.Key", "Tags.member.N.Value"];

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const tagsPerResource = 50;

/** Keys of users and roles ignore case; those of policies and MFA devices do not (captured). */
const ignoresCase = (kind: TaggedKind): boolean => kind === "User" || kind === "Role";

const normalizeKey = (kind: TaggedKind, key: string): string => (ignoresCase(kind) ? key.toLowerCase() : key);

/** Reads the parameter Tags. Throws ValidationError, or InvalidInput for duplicate and reserved keys. */
export function readTags(parameters: Parameters, kind: TaggedKind): Tags {
  const numbers = listMembers(parameters, "Tags");
  requireAtMost("tags", numbers.length);
  const pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]";
  const tags = numbers.map((number) => {
    const [key, value] = ["Key", "Value"].map((part) => parameters.get(`Tags.member.${number}.${part}`));
    const name = `tags.${number}.member`;
    validate(
      { ...{ name: `${name}.key`, value: key, isRequired: true }, ...{ min: 1, max: 128, pattern: `${pattern}+` } },
      { ...{ name: `${name}.value`, value, isRequired: true }, ...{ min: 0, max: 256, pattern: `${pattern}*` } },
    );
    return [key as string, value as string] as const;
  });
  if (tags.some(([key]) => /^aws:/i.test(key))) {
    throw new AwsError("InvalidInput", 400, "Tag keys beginning with aws: are reserved for system use.");
  }
  if (new Set(tags.map(([key]) => normalizeKey(kind, key))).size < tags.length) {
    const note = ignoresCase(kind) ? " Please note that Tag keys are case insensitive." : "";
    throw new AwsError("InvalidInput", 400, `Duplicate tag keys found.${note}`);
  }
  return Object.fromEntries(tags);
}

/** Reads the parameter TagKeys. */
export function readTagKeys(parameters: Parameters): readonly string[] {
  const keys = readTexts(parameters, "TagKeys").filter((key) => key !== "");
  requireAtMost("tagKeys", keys.length);
  validate(...keys.map((value, index): Checked => ({ name: `tagKeys.${index + 1}.member`, value, min: 1, max: 128 })));
  return keys;
}

function requireAtMost(list: string, count: number): void {
  if (count <= tagsPerResource) return;
  const problem = `Value at '${list}' failed to satisfy constraint`;
  const limit = `Member must have length less than or equal to ${tagsPerResource}`;
  throw new AwsError("ValidationError", 400, `1 validation error detected: ${problem}: ${limit}`);
}

/** Returns the tags with others; the same key gets the new spelling and value. Throws LimitExceeded. */
export function addTags(kind: TaggedKind, tags: Tags, added: Tags): Tags {
  const all = { ...removeTags(kind, tags, Object.keys(added)), ...added };
  if (Object.keys(all).length <= tagsPerResource) return all;
  throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for TagsPer${kind}: ${tagsPerResource}`);
}

export function removeTags(kind: TaggedKind, tags: Tags, keys: readonly string[]): Tags {
  const gone = new Set(keys.map((key) => normalizeKey(kind, key)));
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(normalizeKey(kind, key))));
}

/**
 * Returns the condition keys of a request that adds tags.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html#access_tags_control-requests
 */
export function describeRequestTags(tags: Tags): RequestContext {
  const values = Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value] as const);
  return { ...Object.fromEntries(values), ...describeTagKeys(Object.keys(tags)) };
}

/** Returns the condition keys of a request that names keys of tags. */
export const describeTagKeys = (keys: readonly string[]): RequestContext =>
  keys.length === 0 ? {} : { "aws:TagKeys": keys };

export const writeTag = ([key, value]: readonly [string, string]): string =>
  writeElement("Key", key) + writeElement("Value", value);

/** Writes the tags, or nothing where there are none. */
export function writeTags(tags: Tags): string {
  const entries = Object.entries(tags);
  return entries.length === 0 ? "" : writeList("Tags", entries, writeTag);
}
