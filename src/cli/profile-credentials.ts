// The credentials of a profile, for a shell or for a command that a person starts.
import type { ProfileCredentials } from "../environment/variables.ts";
import { getCredentials, programSettings } from "../roles/credentials.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import type { Context } from "./context.ts";
import { createSessionContext } from "./session-context.ts";

export interface CredentialsOptions {
  /** Seconds that have to remain, where the user says so. */
  readonly minTtl?: number | undefined;
  readonly region?: string | undefined;
  readonly noInput?: boolean | undefined;
  /** How the user called fob, for hints. */
  readonly command?: string;
}

/**
 * As `credential-process` gives them, but for a person: she may take her time at the question, Ctrl-C there ends the
 * command, and a `minTtl` of hers holds.
 *
 * @throws FobError
 */
export async function getProfileCredentials(
  profile: string,
  options: CredentialsOptions,
  context: Context,
): Promise<ProfileCredentials & { readonly issued: number }> {
  const { minTtl, region, command } = options;
  const sessions = createSessionContext(context, options);
  const request = { profile, region, minTtl, command };
  const snapshot = takeSnapshot(sessions);
  const session = await getCredentials(request, snapshot, sessions);
  const { credentials, account, issued } = session;
  const { region: ofProfile, variables } = programSettings(request, snapshot, sessions);
  return { profile: session.profile, credentials, account, region: ofProfile, settings: variables, issued };
}
