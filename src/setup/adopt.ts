// What users of other tools have in their AWS files, as far as it is of use with fob: settings of aws-vault, sessions of
// `aws configure mfa-login`, role profiles that would ask for a code of their own.
import { type AwsFiles, getProperty, readableProfiles } from "../profiles/files.ts";
import { classifyOwnKeys } from "../profiles/inspect.ts";
import { isPortableName } from "../profiles/names.ts";
import type { ProfilePair } from "../session/profile-pair.ts";
import { expiryKeys } from "../store/session.ts";
import { quote } from "../text.ts";
import { type ProfileEdit, planEdit } from "./edits.ts";

const profilesWith = (files: AwsFiles, key: string): string[] => [
  ...new Set([files.config, files.credentials].flatMap((file) => file.profilesWith([key]))),
];

/**
 * What lets role profiles use the session: it as the `source_profile`, and no `mfa_serial`, with which the SDK for JavaScript
 * fails and boto3 asks for another code.
 */
export function planRoles({ source, session }: ProfilePair, files: AwsFiles): ProfileEdit[] {
  const roles = readableProfiles(profilesWith(files, "role_arn"), (profile) => {
    const by = getProperty(files, profile, "source_profile");
    return profile !== source && (by === source || by === session);
  });
  return roles.flatMap((profile) =>
    ([files.config, files.credentials] as const).flatMap((file) => {
      const has = (key: string): boolean => Boolean(file.properties(profile)?.get(key)?.value);
      const wanted = {
        ...(has("source_profile") ? { source_profile: session } : {}),
        ...(has("mfa_serial") ? { mfa_serial: undefined } : {}),
      };
      const describe = (settings: string): string =>
        `let the role profile ${quote(profile)} use the session: ${settings}`;
      return planEdit(file, { id: `role-source/${profile}`, profile, wanted, describe });
    }),
  );
}

/** Profiles that other tools use for a session of this source: aws-vault's without a role, and those of mfa-login. */
export function findOtherSessions(source: string, files: AwsFiles): string[] {
  const withoutRole = readableProfiles(
    profilesWith(files, "source_profile"),
    (profile) =>
      getProperty(files, profile, "source_profile") === source &&
      getProperty(files, profile, "role_arn") === undefined &&
      classifyOwnKeys(files, profile) !== "long-term",
  );
  // aws configure mfa-login writes three keys and no expiration.
  const ofMfaLogin = readableProfiles(files.credentials.profilesWith(["aws_session_token"]), (profile) => {
    const properties = files.credentials.properties(profile);
    return classifyOwnKeys(files, profile) === "temporary" && !expiryKeys.some((key) => properties?.get(key)?.value);
  });
  return [...new Set([...withoutRole, ...ofMfaLogin])].filter((name) => name !== source && isPortableName(name));
}

/** The Go SDK, so Terraform, refuses `source_profile` without a role: fob's own setting says the same. */
export function planLink({ source, session }: ProfilePair, isByRule: boolean, files: AwsFiles): readonly ProfileEdit[] {
  const hasOld = getProperty(files, session, "source_profile") !== undefined;
  if (isByRule && !hasOld) return [];
  const wanted = { fob_source_profile: source, ...(hasOld ? { source_profile: undefined } : {}) };
  const describe = (settings: string): string =>
    `make ${quote(session)} the session profile of ${quote(source)} in the config: ${settings}`;
  return planEdit(files.config, { id: `session/${session}`, profile: session, wanted, describe });
}

/** How many profiles may include one another. */
const deepest = 10;

/** A setting of a profile, or of the one that aws-vault's `include_profile` names. */
export function getIncluded(files: AwsFiles, profile: string, key: string): string | undefined {
  let name: string | undefined = profile;
  for (let depth = 0; name !== undefined && depth < deepest; depth++) {
    const value: string | undefined = getProperty(files, name, key);
    if (value !== undefined) return value;
    name = getProperty(files, name, "include_profile");
  }
  return undefined;
}
