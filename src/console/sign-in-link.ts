// The sign-in link for a role profile.
import { parseDevice } from "../aws/arn.ts";
import { withAws } from "../aws/connection.ts";
import type { ServeRequest } from "../credential-process/serve.ts";
import { FobError } from "../errors.ts";
import { type AwsFiles, getProperty } from "../profiles/files.ts";
import { resolveRoleChain } from "../roles/chain.ts";
import { getCredentials } from "../roles/credentials.ts";
import type { SessionContext } from "../session/context.ts";
import type { ProfilePair } from "../session/profile-pair.ts";
import { buildAccess } from "../session/request.ts";
import { resolve } from "../session/resolve.ts";
import type { Snapshot } from "../session/snapshot.ts";
import { getSecondsLeft } from "../store/freshness.ts";
import type { Session } from "../store/session.ts";
import { quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { buildConsoleUrl, buildFederationUrl, buildLoginUrl } from "./sign-in.ts";

/** The shortest session that the console takes a wish for, in seconds. */
const SHORTEST = 900;

export interface LinkRequest extends ServeRequest {
  /** The service whose page is opened, as it is in the address of that page: `s3`. */
  readonly service?: string | undefined;
}

/** A link that signs anyone who opens it in to the console as the profile's role. @throws FobError for a profile without a role */
export async function signInLink(request: LinkRequest, snapshot: Snapshot, context: SessionContext): Promise<URL> {
  const { files } = snapshot;
  const [first] = resolveRoleChain(request.profile, files);
  const asUser = { ...request, profile: first?.sourceProfile ?? request.profile, isRenewal: true };
  const resolution = resolve(asUser, snapshot, context);
  if (!first) throw createUserSessionError(resolution.pair, files);
  const session = await getCredentials(request, snapshot, context);
  const federation = buildFederationUrl(session.partition, resolution.settings.endpoints.signin);
  const access = buildAccess(session.credentials, parseDevice(session.serialNumber), resolution);
  const { getSignInToken } = await import("../aws/sign-in.ts");
  const token = await withAws(access, context, (aws) =>
    getSignInToken(aws, federation, getConsoleSession(session, context.now())),
  );
  const region = request.region ?? getProperty(files, request.profile, "region") ?? resolution.settings.region?.region;
  return buildLoginUrl(federation, token, buildConsoleUrl(session.partition, region, request.service));
}

/** How long the console's session may last, in seconds: AWS takes a wish only for roles that a user has asked for directly. */
function getConsoleSession({ isChained, credentials }: Session, now: number): number | undefined {
  const left = Math.floor(getSecondsLeft(credentials, now));
  return isChained || left < SHORTEST ? undefined : left;
}

function createUserSessionError({ source, session }: ProfilePair, files: AwsFiles): FobError {
  const roles = files.config.profilesWith(["role_arn"]).filter((profile) => {
    try {
      const [first] = resolveRoleChain(profile, files);
      return first !== undefined && [source, session].includes(first.sourceProfile);
    } catch {
      return false;
    }
  });
  return new FobError(
    `AWS has no sign-in links for user sessions such as ${quote(session)}: GetFederationToken takes no MFA code, so a policy that requires MFA denies it`,
    roles.length > 0
      ? roles.slice(0, 5).map((profile) => `fob console ${quoteProfileArgument(profile)}`)
      : `create a profile for a role: aws configure set role_arn ARN --profile NAME; aws configure set source_profile ${quoteShellWord(session)} --profile NAME`,
  );
}
