// Environment variables that stand for credentials: those that are set, and those that would get in their way.
import type { TemporaryCredentials } from "../aws/types.ts";
import type { Environment } from "../environment-variables.ts";
import type { Advice } from "../profiles/advice.ts";
import { formatExpiration } from "../store/session.ts";

/** Temporary credentials of a profile, with what programs want to know beside them. */
export interface ProfileCredentials {
  /** The profile that gives the same credentials. */
  readonly profile: string;
  readonly credentials: TemporaryCredentials;
  readonly account: string | undefined;
  readonly region: string | undefined;
  /** What the profile says of endpoints, certificates and output, as variables. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Variables {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
  /** Every variable whose name begins so is unset too, whichever the shell has. */
  readonly unsetPrefix?: string;
}

/**
 * What may be left of other credentials, and is taken before these or mixed with them.
 *
 * Not among them: what is asked only where there are no keys (AWS_ROLE_ARN, AWS_CONTAINER_CREDENTIALS_*), and where the
 * AWS files and endpoints are.
 */
const stale = [
  // JavaScript leaves out the keys of the environment where a profile is selected; .NET 3 looks for that profile first.
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  // botocore takes it before AWS_SESSION_TOKEN.
  "AWS_SECURITY_TOKEN",
  // Older names of the two keys, which Go and Java read too.
  "AWS_ACCESS_KEY",
  "AWS_SECRET_KEY",
  // JavaScript adds these two to whatever keys it finds in the environment, botocore the second.
  "AWS_CREDENTIAL_SCOPE",
  "AWS_ACCOUNT_ID",
  // .NET 3 takes it before any keys.
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  // The end of other credentials, to prompts.
  "AWS_SESSION_EXPIRATION",
] as const;

/**
 * Variables by which other tools say whose credentials an environment holds, to prompts and to themselves: aws-vault,
 * awsume, aws-sso-cli, aws-runas, awsu, aws-okta, saml2aws, granted, assume-role. They would name another identity.
 */
const identities =
  /^(AWS_VAULT|AWSUME_\w+|AWS_SSO|AWS_SSO_(PROFILE|ACCOUNT_ID|ROLE_NAME|ROLE_ARN|SESSION_EXPIRATION|DEFAULT_REGION)|AWSRUNAS_(PROFILE|ASSUMED_ROLE_ARN|SESSION_EXPIRATION)|AWSU_(PROFILE|EXPIRES)|AWS_OKTA_(PROFILE|ASSUMED_ROLE|ASSUMED_ROLE_ARN|SESSION_EXPIRATION)|SAML2AWS_PROFILE|GRANTED_SSO\w*|ASSUMED_ROLE)$/;

/** Whether AWS tools, or those that show whose credentials an environment holds, may read a variable of this name. */
export const isAboutAws = (name: string): boolean => /^AWS_/i.test(name) || identities.test(name);

/** Where credentials in an environment come before what a profile has; undefined where there are none. */
export function adviseOnKeyVariables(env: Environment): Advice | undefined {
  if (!env.AWS_ACCESS_KEY_ID) return undefined;
  const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].filter((name) => env[name]);
  return { message: "your environment contains AWS keys, which override AWS_PROFILE", fix: `unset ${names.join(" ")}` };
}

/** @param env what the variables are to be added to */
export function buildVariables(
  { credentials, account, region, settings }: ProfileCredentials,
  env: Environment,
): Variables {
  const set = {
    ...settings,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_CREDENTIAL_EXPIRATION: formatExpiration(credentials.expiration),
    ...(account === undefined ? {} : { AWS_ACCOUNT_ID: account }),
    // Some SDKs read the one, some the other.
    ...(region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
  };
  const others = Object.keys(env).filter((name) => identities.test(name));
  return { set, unset: [...stale.filter((name) => !(name in set)), ...others] };
}

/**
 * With the variable that prompts (Starship, Powerlevel10k, oh-my-posh) read to show whose credentials a shell has.
 * docs/decisions/exec-sets-aws-vault.md
 */
export function withPromptVariable({ set, unset }: Variables, profile: string): Variables {
  return { set: { ...set, AWS_VAULT: profile }, unset: unset.filter((name) => name !== "AWS_VAULT") };
}

/** An environment with the variables in it. */
export function withVariables(
  env: Environment,
  { set, unset }: Variables,
  platform: NodeJS.Platform = process.platform,
): Environment {
  const replaced = new Set([...unset, ...Object.keys(set)]);
  // Windows makes no difference between AWS_PROFILE and aws_profile.
  const nameOf = (name: string): string => (platform === "win32" ? name.toUpperCase() : name);
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !replaced.has(nameOf(name)))), ...set };
}
