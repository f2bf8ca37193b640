// Why the enforcement policy and its companion say what they say.
import { inWords } from "../terminal/duration.ts";
import { type EnforcementOptions, exemptionsOf, selfManagePolicy } from "./enforcement.ts";

/** A statement; half sentences. */
export interface Explained {
  readonly sid: string;
  readonly why: string;
  /** The actions that it exempts or allows. */
  readonly actions: readonly { readonly action: string; readonly why: string }[];
}

/** Of each statement of `enforceMfaPolicy(options)`. */
export function explainEnforceMfa(options: EnforcementOptions): Explained[] {
  const { maxAgeSeconds, viaAwsService } = options;
  const actions = exemptionsOf(options).map(({ action, why }) => ({ action, why }));
  const service = viaAwsService
    ? "; not what an AWS service calls in the user's name (aws:ViaAWSService), whose calls say that there is no MFA"
    : "";
  const deny: Explained = {
    sid: "DenyAllWithoutMFA",
    why: `denies everything but these ${actions.length} actions where aws:MultiFactorAuthPresent is "false" (signed in without MFA, a session without MFA) or absent (an access key), which Bool would let pass${service}`,
    actions,
  };
  if (maxAgeSeconds === undefined) return [deny];
  const old: Explained = {
    sid: "DenyAllWithOldMFA",
    why: `denies everything but the same actions when the code was typed more than ${inWords(maxAgeSeconds)} ago (aws:MultiFactorAuthAge); in DenyAllWithoutMFA it would never count, since who has MFA does not meet the other condition there${service}`,
    actions: [],
  };
  return [deny, old];
}

const whys: Readonly<Record<string, string>> = {
  AllowViewAccountInfo: "what the console shows before it enrols a device; AWS knows no narrower resource for it",
  AllowCreateVirtualMFADevice: "a device may have any name (mfa/*), not only the user's",
  AllowManageOwnMFADevices: "the user's own, with and without a path; nobody else's",
  AllowChangeOwnPassword: "the user's own, with and without a path; nobody else's",
  AllowDeactivateOwnMFADevicesWithMFA: "who has stolen a password or a key must not take the device away",
  AllowDeleteVirtualMFADevicesWithMFA:
    "AWS deletes no device that is in use; what is left of a failed enrolment is in the way",
};

const more: Readonly<Record<string, string>> = {
  "iam:DeactivateMFADevice": "takes a device out of use",
  "iam:DeleteVirtualMFADevice": "deletes a device that is not in use",
};

/** Of each statement of `selfManagePolicy(options)`. */
export function explainSelfManage(options: { readonly partition?: string }): Explained[] {
  const known = new Map(exemptionsOf().map(({ action, why }) => [action, why]));
  return [selfManagePolicy(options).Statement].flat().map(({ Sid = "", Action = [] }) => ({
    sid: Sid,
    why: whys[Sid] ?? "",
    actions: [Action].flat().map((action) => ({ action, why: known.get(action) ?? more[action] ?? "" })),
  }));
}
