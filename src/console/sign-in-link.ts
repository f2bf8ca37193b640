// The sign-in link for a role profile.
import { deviceOf } from "../aws/arn.ts";
import { withAws } from "../aws/connection.ts";
import type { ServeRequest, ServeTools } from "../credential-process/serve.ts";
import { FobError } from "../errors.ts";
import { type AwsFiles, propertyValue } from "../profiles/files.ts";
import { roleChain } from "../roles/chain.ts";
import { credentialsOf } from "../roles/credentials.ts";
import type { Link } from "../session/profile-pair.ts";
import { accessOf } from "../session/request.ts";
import { planOf } from "../session/resolve.ts";
import { takeSnapshot } from "../session/snapshot.ts";
import { secondsLeft } from "../store/freshness.ts";
import type { Session } from "../store/session.ts";
import { quote, shellWord } from "../text.ts";
import { consoleUrl, federationUrl, loginUrl } from "./sign-in.ts";

/** The shortest session that the console takes a wish for, in seconds. */
const SHORTEST = 900;

/** Whoever opens it is signed in to the console as the profile's role. @throws FobError for a profile without a role */
export async function signInLink(request: ServeRequest, tools: ServeTools): Promise<URL> {
  const snapshot = takeSnapshot(tools);
  const { files } = snapshot;
  const [first] = roleChain(request.profile, files);
  const asUser = { ...request, profile: first?.by ?? request.profile, isRenewal: true };
  const { link, settings } = planOf(asUser, snapshot, tools);
  if (!first) throw notForUsers(link, files);
  const session = await credentialsOf(request, snapshot, tools);
  const federation = federationUrl(session.partition, settings.endpoints.signin);
  const access = accessOf(session.credentials, deviceOf(session.serialNumber), settings, link);
  const { getSignInToken } = await import("../aws/sign-in.ts");
  const token = await withAws(access, tools, (aws) =>
    getSignInToken(aws, federation, consoleSession(session, tools.now())),
  );
  const region = request.region ?? propertyValue(files, request.profile, "region") ?? settings.region?.region;
  return loginUrl(federation, token, consoleUrl(session.partition, region));
}

/** How long the console's session may last, in seconds: AWS takes a wish only for roles that a user has asked for directly. */
function consoleSession({ isChained, credentials }: Session, now: number): number | undefined {
  const left = Math.floor(secondsLeft(credentials, now));
  return isChained || left < SHORTEST ? undefined : left;
}

function notForUsers({ source, session }: Link, files: AwsFiles): FobError {
  const roles = files.config.profilesWith(["role_arn"]).filter((profile) => {
    try {
      const [first] = roleChain(profile, files);
      return first !== undefined && [source, session].includes(first.by);
    } catch {
      return false;
    }
  });
  return new FobError(
    `AWS gives sign-in links for roles only, and ${quote(session)} is a session of a user`,
    roles.length > 0
      ? roles.slice(0, 5).map((profile) => `fob console ${shellWord(profile)}`)
      : `make a profile for a role: aws configure set role_arn ARN --profile NAME; aws configure set source_profile ${shellWord(session)} --profile NAME`,
  );
}
