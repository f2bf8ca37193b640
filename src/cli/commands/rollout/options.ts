// Options that the rollout's commands share.
import { UsageError } from "../../../errors.ts";
import { defaultGroup, type PolicyVariant } from "../../../iam/enforcement.ts";
import { quote } from "../../../text.ts";
import { type OptionSpecs, regionOption } from "../../command.ts";
import { parsePolicyOptions, policyOptions } from "../policy/options.ts";

export const administratorOptions = {
  profile: {
    value: "profile",
    text: "act as this profile (default: AWS_PROFILE, keys in the environment, else default); one that fob cannot open is used as the AWS SDKs do",
  },
  ...regionOption,
} as const satisfies OptionSpecs;

export const groupOption = {
  group: { value: "group", text: "the group that enforces MFA (default: RequireMFA)" },
} as const satisfies OptionSpecs;

/** @throws UsageError */
export function parseGroup(name: string = defaultGroup): string {
  if (/^[\w+=,.@-]{1,128}$/.test(name)) return name;
  throw new UsageError(`${quote(name)} (from --group) is not a name of a group`, "aws iam list-groups");
}

/** @throws UsageError */
export function parseBatchSize(text: string = "3"): number {
  if (/^[2-5]$/.test(text)) return Number(text);
  throw new UsageError(`invalid --batch-size ${quote(text)}`, "choose from 2 to 5, for example: --batch-size 3");
}

const { noPasswordChange, maxAge, viaAwsService } = policyOptions;

/** The variants of the enforcement policy; the partition is the account's. */
export const variantOptions = { noPasswordChange, maxAge, viaAwsService } as const satisfies OptionSpecs;

/** @throws UsageError */
export function parseVariant(options: Parameters<typeof parsePolicyOptions>[0]): PolicyVariant {
  const parsed = parsePolicyOptions(options);
  return {
    passwordChange: parsed.passwordChange ?? true,
    maxAgeSeconds: parsed.maxAgeSeconds ?? null,
    viaAwsService: parsed.viaAwsService ?? false,
  };
}
