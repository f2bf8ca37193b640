// What `fob setup` writes of profiles: the settings of the source, and the role profiles of a team.
import { FobError } from "../errors.ts";
import { type AwsFiles, getProperty } from "../profiles/files.ts";
import { keychainKey } from "../profiles/inspect.ts";
import type { ProfilePair } from "../session/profile-pair.ts";
import { quote } from "../text.ts";
import { type ProfileEdit, planEdit } from "./edits.ts";
import type { TeamRole } from "./team-file.ts";

/** What the source profile gets in the config; what is undefined stays as it is. */
export function planSettings(
  source: string,
  settings: Readonly<Record<string, string | undefined>>,
  files: AwsFiles,
): readonly ProfileEdit[] {
  const wanted = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const describe = (text: string): string => `write to the profile ${quote(source)} in the config: ${text}`;
  return planEdit(files.config, { id: `config/${source}`, profile: source, wanted, describe });
}

/** Role profiles with one of these get their credentials in another way. */
const otherWays = [
  ...["aws_access_key_id", keychainKey, "credential_process", "sso_session", "sso_start_url", "login_session"],
];

/** @throws FobError for a role profile that is there already and is another */
export function planTeamRoles(
  { source, session }: ProfilePair,
  roles: readonly TeamRole[],
  files: AwsFiles,
): readonly ProfileEdit[] {
  return roles.flatMap(({ profile, roleArn, region, duration }) => {
    if (profile === source || profile === session) {
      const what = profile === source ? "has your access key" : "holds your session";
      throw new FobError(
        `the team file has a role profile ${quote(profile)}, and the profile of that name ${what}; nothing is changed`,
        "rename the role profile in the team file",
      );
    }
    const has = (key: string): boolean => getProperty(files, profile, key) !== undefined;
    const role = getProperty(files, profile, "role_arn");
    const other = otherWays.find(has) ?? (role !== undefined && role !== roleArn ? "another role_arn" : undefined);
    if (other !== undefined) {
      throw new FobError(
        `the team file has a role profile ${quote(profile)}, and your profile of that name has ${other}; nothing is changed`,
        "rename your profile in the AWS files, or the one in the team file",
      );
    }
    const wanted = {
      ...{ role_arn: roleArn, source_profile: session },
      ...(region === undefined ? {} : { region }),
      ...(duration === undefined ? {} : { duration_seconds: String(duration) }),
      ...(has("mfa_serial") ? { mfa_serial: undefined } : {}),
    };
    const describe = (text: string): string => `write the role profile ${quote(profile)} to the config: ${text}`;
    return planEdit(files.config, { id: `role/${profile}`, profile, wanted, describe });
  });
}
