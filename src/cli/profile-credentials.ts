// The credentials of a profile, or of a role, for a shell or for a command that a person starts.
import { roleLength } from "../aws/limits.ts";
import { inExactWords, parseDuration, suggestDuration } from "../duration.ts";
import type { ProfileCredentials } from "../environment/variables.ts";
import { UsageError } from "../errors.ts";
import { withProperties } from "../profiles/files.ts";
import { resolveRoleChain } from "../roles/chain.ts";
import { getCredentials, programSettings } from "../roles/credentials.ts";
import type { SessionContext } from "../session/context.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import { formatOption, quote, quoteProfileArgument } from "../text.ts";
import { formatCommand } from "../typed-command.ts";
import { chooseProfile } from "./choose-profile.ts";
import type { Context } from "./context.ts";
import { createSessionContext } from "./session-context.ts";

/** Options of the commands that take a profile's credentials. */
export const roleOptions = {
  source: { value: "profile", text: "the profile to assume a role with, when you name the role by its ARN" },
  duration: { value: "length", text: "how long the credentials of a role last, 15m to 12h (default: 1h)" },
} as const;

export interface RoleOptions {
  readonly source?: string | undefined;
  readonly duration?: string | undefined;
}

export interface CredentialsOptions extends RoleOptions {
  /** Seconds that have to remain, where the user says so. */
  readonly minTtl?: number | undefined;
  readonly region?: string | undefined;
  readonly noInput?: boolean | undefined;
}

const isRoleArn = (name: string): boolean => /^arn:[\w-]+:iam::\d{12}:role\/[!-~]+$/.test(name);

/**
 * The profile that a command works on, and the AWS files with what the command line says of its role: a role that is
 * named by its ARN is a profile of that name.
 *
 * @throws FobError, UsageError
 */
export async function findNamedProfile(
  named: string | undefined,
  { source, duration }: RoleOptions,
  sessions: SessionContext,
  context: Context,
  { rolesOnly = false } = {},
): Promise<{ readonly profile: string; readonly snapshot: Snapshot }> {
  const snapshot = takeSnapshot(sessions);
  const isArn = named !== undefined && isRoleArn(named);
  if (source !== undefined && !isArn) {
    throw new UsageError(
      "--source is only for roles given by ARN",
      "leave out --source, or give the role's ARN: arn:aws:iam::123456789012:role/NAME",
    );
  }
  const retype = (profile: string): string => formatCommand(context.typed, { profile });
  const profile = named ?? (await chooseProfile({ snapshot, sessions, retype, rolesOnly }, context));
  const retypeSource = (name: string): string => formatCommand(context.typed, { set: { source: name } });
  const chooseSource = () => chooseProfile({ snapshot, sessions, retype: retypeSource }, context);
  const role = isArn ? { role_arn: profile, source_profile: source ?? (await chooseSource()) } : {};
  const withRole = withProperties(snapshot.files, profile, role);
  if (duration === undefined) return { profile, snapshot: { ...snapshot, files: withRole } };
  const seconds = readDuration(duration);
  const chain = resolveRoleChain(profile, withRole);
  if (chain.length === 0) {
    throw new UsageError(
      `--duration is for roles, and ${quote(profile)} is not a role profile`,
      `for a user session of that length: fob login ${quoteProfileArgument(profile)} ${formatOption("--duration", duration)} --force`,
    );
  }
  if (chain.length > 1 && seconds > roleLength.default) {
    throw new UsageError(
      `AWS limits chained roles to ${inExactWords(roleLength.default)}, and ${quote(profile)} is assumed through ${quote(chain.at(-2)?.profile ?? "")}`,
      "leave out --duration",
    );
  }
  return {
    profile,
    snapshot: { ...snapshot, files: withProperties(withRole, profile, { duration_seconds: String(seconds) }) },
  };
}

/** @throws UsageError */
function readDuration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds >= roleLength.shortest && seconds <= roleLength.longest) return seconds;
  const meant = suggestDuration(text, roleLength);
  throw new UsageError(
    seconds === undefined
      ? `${quote(text)} (from --duration) is not a duration`
      : `${quote(text)} (from --duration) is ${inExactWords(seconds)}, but role credentials last 15 min to 12 h`,
    meant === "" ? "use a duration like 1h, 90m or 3600" : `did you mean: ${meant}`,
  );
}

/**
 * As `credential-process` gives them, but for a person: she may take her time at the question, Ctrl-C there ends the
 * command, and a `minTtl` of hers holds.
 *
 * @throws FobError
 */
export async function getProfileCredentials(
  named: string | undefined,
  options: CredentialsOptions,
  context: Context,
): Promise<ProfileCredentials & { readonly issued: number }> {
  const { minTtl, region } = options;
  const sessions = createSessionContext(context, options);
  const { profile, snapshot } = await findNamedProfile(named, options, sessions, context);
  const request = { profile, region, minTtl };
  const session = await getCredentials(request, snapshot, sessions);
  const { credentials, account, issued } = session;
  const { region: ofProfile, variables } = programSettings(request, snapshot, sessions);
  return { profile: session.profile, credentials, account, region: ofProfile, settings: variables, issued };
}
