// The enforcement policy and its companion: what fob prints, exports and checks others against, and why each statement is
// there.
import { formatDuration } from "../duration.ts";
import type { PolicyDocument, PolicyStatement } from "./engine/document.ts";

export interface EnforcementOptions {
  /** Users may change their password, and see details of their devices, without MFA. */
  readonly passwordChange?: boolean;
  /** Also denies what is done so many seconds after the code was typed. */
  readonly maxAgeSeconds?: number;
  /** Lets calls pass that AWS services make in the user's name. */
  readonly viaAwsService?: boolean;
}

export interface Exemption {
  readonly action: string;
  /** Why the action is exempt, as half a sentence about what it does. */
  readonly why: string;
  /** What breaks where it is not. */
  readonly otherwise: string;
}

/**
 * What a user needs without MFA, to get it: the list of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 */
export const enrolmentExemptions: readonly Exemption[] = [
  {
    action: "iam:CreateVirtualMFADevice",
    why: "makes the virtual device that a new user enrols",
    otherwise: "a user without a device cannot make one, and stays locked out",
  },
  {
    action: "iam:EnableMFADevice",
    why: "puts a device into use, with two of its codes",
    otherwise: "a user without a device cannot put one into use, and stays locked out",
  },
  {
    action: "iam:GetUser",
    why: "shows the console's page of the user's own security credentials, where devices are enrolled",
    otherwise: "the console cannot show the page on which devices are enrolled",
  },
  {
    action: "iam:ListMFADevices",
    why: "shows the user's own devices: the console and fob login look there",
    otherwise: "neither the console nor fob login finds the user's device",
  },
  {
    action: "iam:ListVirtualMFADevices",
    why: "shows which device names are taken, when the console makes a new device",
    otherwise: "the console fails when it makes a device",
  },
  {
    action: "iam:ResyncMFADevice",
    why: "mends a device whose clock has drifted, so that its codes are no longer accepted",
    otherwise: "a user whose device has drifted is locked out until an administrator helps",
  },
  {
    action: "sts:GetSessionToken",
    why: "opens the session with MFA; AWS lets every user call it whatever the policy says, so it stands here for readers",
    otherwise: "nothing breaks: AWS lets every user call it; but readers of the policy will wonder",
  },
];

/** What the usage notes exempt besides. */
export const passwordExemptions: readonly Exemption[] = [
  {
    action: "iam:ChangePassword",
    why: "replaces a first or an expired password, which the console demands before anything else",
    otherwise: "a user with a first or an expired password cannot sign in far enough to enrol",
  },
  {
    action: "iam:GetAccountPasswordPolicy",
    why: "tells what the new password must be like",
    otherwise: "the console cannot say what a new password must be like, and shows an error",
  },
  {
    action: "iam:GetMFADevice",
    why: "shows details of the user's own device, passkeys and security keys among them",
    otherwise: "the console shows an error in place of a device's details",
  },
];

/** The exempt actions of a variant, in the order of the policy. */
export function listExemptions({ passwordChange = true }: EnforcementOptions = {}): readonly Exemption[] {
  if (!passwordChange) return enrolmentExemptions;
  return [...enrolmentExemptions, ...passwordExemptions].sort((a, b) => (a.action < b.action ? -1 : 1));
}

/**
 * Denies everything without MFA, except what a user needs to set MFA up and to ask for a session.
 *
 * `BoolIfExists`, because requests with a long-term access key do not carry the condition key at all. The age has a
 * statement of its own: conditions of one statement must all hold, and who has no MFA has no age.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 */
export function enforceMfaPolicy(options: EnforcementOptions = {}): PolicyDocument {
  const { maxAgeSeconds, viaAwsService = false } = options;
  const notByService = viaAwsService ? { "aws:ViaAWSService": "false" } : {};
  const deny = {
    Effect: "Deny",
    NotAction: listExemptions(options).map(({ action }) => action),
    Resource: "*",
  } as const;
  const withoutMfa = { "aws:MultiFactorAuthPresent": "false", ...notByService };
  const statements: PolicyStatement[] = [
    { Sid: "DenyAllWithoutMFA", ...deny, Condition: { BoolIfExists: withoutMfa } },
  ];
  if (maxAgeSeconds !== undefined) {
    const tooOld = { NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": String(maxAgeSeconds) } };
    const byUser = viaAwsService ? { BoolIfExists: notByService } : {};
    statements.push({ Sid: "DenyAllWithOldMFA", ...deny, Condition: { ...tooOld, ...byUser } });
  }
  return { Version: "2012-10-17", Statement: statements };
}

/**
 * Allows users to enrol, see and replace their own devices and to change their own password. A policy that only denies
 * grants nothing, so a user without any other permissions needs this one to enrol.
 *
 * A user may have a path (`user/team/alice`), and a device any name, so "own" is said of users only: AWS enables a device
 * for one user, and deletes none that is enabled. Both of what takes MFA away need MFA here too, not only where
 * enforce-mfa-policy says so: "Do not add permission to delete an MFA device without MFA authentication",
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 */
export function selfManagePolicy({ partition = "aws" }: { readonly partition?: string } = {}): PolicyDocument {
  const arn = (resource: string): string => `arn:${partition}:iam::*:${resource}`;
  const own = [arn(`user/\${aws:username}`), arn(`user/*/\${aws:username}`)];
  const devices = arn("mfa/*");
  const withMfa = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
  const statement = (
    sid: string,
    actions: readonly string[],
    resource: string | readonly string[],
    condition?: PolicyStatement["Condition"],
  ): PolicyStatement => ({
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resource,
    ...(condition === undefined ? {} : { Condition: condition }),
  });
  return {
    Version: "2012-10-17",
    Statement: [
      statement("AllowViewAccountInfo", ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"], "*"),
      statement("AllowCreateVirtualMFADevice", ["iam:CreateVirtualMFADevice"], devices),
      statement(
        "AllowManageOwnMFADevices",
        ["iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"],
        own,
      ),
      statement("AllowChangeOwnPassword", ["iam:ChangePassword"], own),
      statement("AllowDeactivateOwnMFADevicesWithMFA", ["iam:DeactivateMFADevice"], own, withMfa),
      statement("AllowDeleteVirtualMFADevicesWithMFA", ["iam:DeleteVirtualMFADevice"], devices, withMfa),
    ],
  };
}

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
  const actions = listExemptions(options).map(({ action, why }) => ({ action, why }));
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
    why: `denies everything but the same actions when the code was typed more than ${formatDuration(maxAgeSeconds)} ago (aws:MultiFactorAuthAge); in DenyAllWithoutMFA it would never count, since who has MFA does not meet the other condition there${service}`,
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
  const known = new Map(listExemptions().map(({ action, why }) => [action, why]));
  return [selfManagePolicy(options).Statement].flat().map(({ Sid = "", Action = [] }) => ({
    sid: Sid,
    why: whys[Sid] ?? "",
    actions: [Action].flat().map((action) => ({ action, why: known.get(action) ?? more[action] ?? "" })),
  }));
}
