// The enforcement policy and its companion, which fob prints, exports and checks other policies against, with the reason
// for each statement.
import { formatDuration } from "../duration.ts";
import type { PolicyDocument, PolicyStatement } from "./engine/document.ts";

export interface EnforcementOptions {
  /** Users may change their password and view device details without MFA. */
  readonly passwordChange?: boolean;
  /** Also denies requests made more than this many seconds after the code was entered. */
  readonly maxAgeSeconds?: number;
  /** Allows requests that AWS services make on the user's behalf. */
  readonly viaAwsService?: boolean;
}

/** For a user who is allowed everything that no policy denies. */
export const allowAllPolicy: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

export interface Exemption {
  readonly action: string;
  /** What the action does, and why users need it; starts with a verb. */
  readonly why: string;
  /** What breaks if it is not exempt. */
  readonly otherwise: string;
}

/**
 * What a user without MFA needs to set it up:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 */
export const enrollmentExemptions: readonly Exemption[] = [
  {
    action: "iam:CreateVirtualMFADevice",
    why: "creates the virtual MFA device that a new user enrolls",
    otherwise: "a user without a device cannot create one and stays locked out",
  },
  {
    action: "iam:EnableMFADevice",
    why: "enables a device, using two of its codes",
    otherwise: "a user without a device cannot enable one and stays locked out",
  },
  {
    action: "iam:GetUser",
    why: "opens the console's security credentials page, where users enroll devices",
    otherwise: "the console cannot show the page where users enroll devices",
  },
  {
    action: "iam:ListMFADevices",
    why: "lists the user's own devices, for the console and fob login",
    otherwise: "the console and fob login cannot find the user's device",
  },
  {
    action: "iam:ListVirtualMFADevices",
    why: "lists the device names already in use when the console creates a device",
    otherwise: "the console fails to create a device",
  },
  {
    action: "iam:ResyncMFADevice",
    why: "resynchronizes a device whose clock has drifted and whose codes AWS rejects",
    otherwise: "a user whose device has drifted stays locked out until an administrator helps",
  },
  {
    action: "sts:GetSessionToken",
    why: "starts the session with MFA; AWS always allows it, and it is listed for clarity",
    otherwise: "nothing breaks, because AWS lets every user call it; policies list it for clarity",
  },
];

/**
 * What the default policy exempts in addition. AWS advises against `iam:ChangePassword` and
 * `iam:GetAccountPasswordPolicy`: letting users change their password without MFA "can be a security risk".
 * Without them, a user with a temporary or expired password can neither change it nor enroll.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
 */
export const passwordExemptions: readonly Exemption[] = [
  {
    action: "iam:ChangePassword",
    why: "changes a temporary or expired password, which the console requires before anything else; AWS advises against exempting it, because an attacker with the password can then change it without MFA (--no-password-change leaves it out)",
    otherwise: "a user with a temporary or expired password cannot sign in to enroll a device",
  },
  {
    action: "iam:GetAccountPasswordPolicy",
    why: "shows the requirements for the new password",
    otherwise: "the console shows an error instead of the requirements for a new password",
  },
  {
    action: "iam:GetMFADevice",
    why: "shows details of the user's own devices, including passkeys and security keys",
    otherwise: "the console shows an error instead of the device details",
  },
];

/** Lists the exempt actions of a variant, in the order of the policy. */
export function listExemptions({ passwordChange = true }: EnforcementOptions = {}): readonly Exemption[] {
  if (!passwordChange) return enrollmentExemptions;
  return [...enrollmentExemptions, ...passwordExemptions].sort((a, b) => (a.action < b.action ? -1 : 1));
}

/**
 * Denies everything without MFA, except what a user needs to set up MFA and to start a session.
 *
 * It uses `BoolIfExists` because requests with a long-term access key do not have the condition key at all. The age needs
 * its own statement: all conditions of a statement must hold, and a request without MFA has no age.
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

export interface SelfManageOptions {
  readonly partition?: string;
  /** Users with MFA may also manage their own access keys. */
  readonly accessKeys?: boolean;
}

/**
 * Allows users to enroll, view and replace their own devices and to change their own password. A policy that only denies
 * grants nothing, so a user without other permissions needs this one to enroll.
 *
 * A user may have a path (`user/team/alice`), and a device may have any name, so only user ARNs are limited to the user:
 * AWS enables a device for one user only, and does not delete an enabled one. Deactivating and deleting a device need MFA
 * here too, not only in enforce-mfa-policy: "Do not add permission to delete an MFA device without MFA authentication",
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 *
 * Access keys too need MFA here: a policy that only allows must not let a stolen key create another one. The actions are
 * those of `AllowManageOwnAccessKeys` in AWS's example; `iam:TagUser`, for descriptions of keys, would also let users
 * change tags that other policies test.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys_required-permissions.html
 */
export function selfManagePolicy(options: SelfManageOptions = {}): PolicyDocument {
  const { partition = "aws", accessKeys = false } = options;
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
      ...(accessKeys ? [statement("AllowManageOwnAccessKeysWithMFA", accessKeyActions, own, withMfa)] : []),
    ],
  };
}

const accessKeyActions = [
  "iam:CreateAccessKey",
  "iam:DeleteAccessKey",
  "iam:GetAccessKeyLastUsed",
  "iam:ListAccessKeys",
  "iam:UpdateAccessKey",
];

/** The explanation of a statement. */
export interface Explained {
  readonly sid: string;
  readonly why: string;
  /** The actions that it exempts or allows. */
  readonly actions: readonly { readonly action: string; readonly why: string }[];
}

/** Explains each statement of `enforceMfaPolicy(options)`. */
export function explainEnforceMfa(options: EnforcementOptions): Explained[] {
  const { maxAgeSeconds, viaAwsService } = options;
  const actions = listExemptions(options).map(({ action, why }) => ({ action, why }));
  const service = viaAwsService
    ? "; requests that an AWS service makes on the user's behalf (aws:ViaAWSService) are not denied, although they count as requests without MFA"
    : "";
  const deny: Explained = {
    sid: "DenyAllWithoutMFA",
    why: `denies everything except these ${actions.length} actions if aws:MultiFactorAuthPresent is "false" (a sign-in or session without MFA) or absent (an access key); Bool would not deny access keys${service}`,
    actions,
  };
  if (maxAgeSeconds === undefined) return [deny];
  const old: Explained = {
    sid: "DenyAllWithOldMFA",
    why: `denies everything except the same actions if the code was entered more than ${formatDuration(maxAgeSeconds)} ago (aws:MultiFactorAuthAge); in DenyAllWithoutMFA this condition would have no effect, because requests with MFA never meet the other one${service}`,
    actions: [],
  };
  return [deny, old];
}

const whys: Readonly<Record<string, string>> = {
  AllowViewAccountInfo: "lets the console show what users need to enroll a device; AWS supports no narrower resource",
  AllowCreateVirtualMFADevice: "covers devices with any name (mfa/*), not only the user's name",
  AllowManageOwnMFADevices: "covers the user's own devices only; works for users with and without a path",
  AllowChangeOwnPassword: "covers the user's own password only; works for users with and without a path",
  AllowDeactivateOwnMFADevicesWithMFA: "requires MFA, so a stolen password or access key cannot remove the device",
  AllowDeleteVirtualMFADevicesWithMFA:
    "removes a device left over from a failed enrollment; AWS does not delete a device that is enabled",
  AllowManageOwnAccessKeysWithMFA:
    "covers the user's own access keys only; requires MFA, so a stolen password or access key cannot create another key",
};

const more: Readonly<Record<string, string>> = {
  "iam:ChangePassword": "changes the user's own password, for example a temporary or expired one at sign-in",
  "iam:DeactivateMFADevice": "deactivates a device of the user",
  "iam:DeleteVirtualMFADevice": "deletes a virtual device that is not enabled",
  "iam:CreateAccessKey": "creates an access key of the user, who may have two",
  "iam:DeleteAccessKey": "deletes an access key of the user",
  "iam:GetAccessKeyLastUsed": "shows when and where an access key was last used, before the user deletes it",
  "iam:ListAccessKeys": "lists the IDs of the user's access keys and whether they are active",
  "iam:UpdateAccessKey": "activates or deactivates an access key of the user",
};

/** Explains each statement of `selfManagePolicy(options)`. */
export function explainSelfManage(options: SelfManageOptions): Explained[] {
  const known = new Map(listExemptions().map(({ action, why }) => [action, why]));
  return [selfManagePolicy(options).Statement].flat().map(({ Sid = "", Action = [] }) => ({
    sid: Sid,
    why: whys[Sid] ?? "",
    actions: [Action].flat().map((action) => ({ action, why: more[action] ?? known.get(action) ?? "" })),
  }));
}
