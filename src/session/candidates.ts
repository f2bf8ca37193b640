// The profiles that a user who names none may mean.
import { FobError } from "../errors.ts";
import { type AwsFiles, getProperty, readableProfiles } from "../profiles/files.ts";
import { classifyOwnKeys, classifyProcess, listSources } from "../profiles/inspect.ts";
import { resolveRoleChain } from "../roles/chain.ts";
import { isRoleSession } from "../store/read.ts";
import type { TypedCommand } from "../typed-command.ts";
import { type Known, resolveProfilePair } from "./profile-pair.ts";

/** Errors are not shown here, and so no hints. */
const unseen: TypedCommand = { name: "login", named: [], options: {} };

/** The profiles that can be logged in to, source and role profiles, the one that was used last first. */
export function listLoginCandidates(known: Known, { rolesOnly = false } = {}): string[] {
  const { files, store } = known;
  const sources = listLoginSources(files);
  const leadsToSource = (role: string): boolean => {
    const [first] = classifyOwnKeys(files, role) === "long-term" ? [] : resolveRoleChain(role, files);
    return first !== undefined && sources.includes(resolveProfilePair(first.sourceProfile, known, unseen).source);
  };
  const roles = readableProfiles(listProfilesWith(files, "role_arn"), leadsToSource);
  const lastUse = new Map<string, number>();
  for (const stored of store.list()) {
    if (stored.state !== "readable") continue;
    const profile = isRoleSession(stored) ? stored.profile : stored.session.source.profile;
    lastUse.set(profile, Math.max(lastUse.get(profile) ?? 0, stored.session.issued));
  }
  return [...(rolesOnly ? [] : sources), ...roles].sort((a, b) => (lastUse.get(b) ?? 0) - (lastUse.get(a) ?? 0));
}

/** The source profiles: with an access key of their own, or one that comes from another program. */
export const listLoginSources = (files: AwsFiles): string[] => [
  ...new Set([...listSources(files), ...listProcessSources(files)]),
];

/** Whether a name leads to a session, existing or not. */
export function isResolvable(profile: string, known: Known): boolean {
  try {
    resolveProfilePair(profile, known, unseen);
    return true;
  } catch (error) {
    if (error instanceof FobError) return false;
    throw error;
  }
}

/** Whether fob can open a session for a profile: it can be logged in to, or it is the session profile of one that can. */
export function canBeOpened(profile: string, known: Known): boolean {
  const candidates = listLoginCandidates(known);
  if (candidates.includes(profile)) return true;
  return isResolvable(profile, known) && candidates.includes(resolveProfilePair(profile, known, unseen).source);
}

/** Profiles whose long-term credentials come from another program: only those have a device. */
function listProcessSources(files: AwsFiles): string[] {
  return readableProfiles(listProfilesWith(files, "credential_process"), (profile) => {
    const hasDevice = ["fob_mfa_serial", "mfa_serial"].some((key) => getProperty(files, profile, key) !== undefined);
    return (
      hasDevice &&
      classifyProcess(files, profile) === "foreign" &&
      getProperty(files, profile, "role_arn") === undefined
    );
  });
}

const listProfilesWith = (files: AwsFiles, key: string): string[] => [
  ...new Set([files.config, files.credentials].flatMap((file) => file.profilesWith([key]))),
];
