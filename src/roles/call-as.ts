// Asking AWS something as the user or the role of a profile.
import { parseDevice } from "../aws/arn.ts";
import { type Connection, withAws } from "../aws/connection.ts";
import type { ServeRequest } from "../credential-process/serve.ts";
import type { SessionContext } from "../session/context.ts";
import { buildAccess } from "../session/request.ts";
import { resolve } from "../session/resolve.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { resolveRoleChain } from "./chain.ts";
import { getCredentials } from "./credentials.ts";

/**
 * Does some work with the session of a profile, or with its role through the session, and never with the access key:
 * where MFA is enforced that is denied nearly everything. A session that is not fresh is renewed first.
 *
 * @param request.command the command that it is for, for the words of failures
 * @throws FobError
 */
export async function askAs<T>(
  request: ServeRequest & { readonly command: string },
  context: SessionContext,
  work: (aws: Connection) => Promise<T>,
): Promise<T> {
  const snapshot = takeSnapshot(context);
  const [first] = resolveRoleChain(request.profile, snapshot.files);
  const asUser = { ...request, profile: first?.sourceProfile ?? request.profile, isRenewal: true };
  const resolution = resolve(asUser, snapshot, context);
  const session = await getCredentials(request, snapshot, context);
  const access = buildAccess(session.credentials, parseDevice(session.serialNumber), resolution);
  const sessionProfile = first === undefined ? resolution.pair.session : request.profile;
  return await withAws(
    { ...access, sessionProfile, profile: request.profile, command: request.command },
    context,
    work,
  );
}
