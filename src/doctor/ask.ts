// What AWS says of the access keys and devices of the source profiles. No code is asked for, and no command is run.
import { type Device, parseDevice } from "../aws/arn.ts";
import { type Access, type AwsTools, type Connection, withAws } from "../aws/connection.ts";
import { isOneAws } from "../aws/endpoints.ts";
import { AwsFailure } from "../aws/failures.ts";
import type { Credentials, OwnAccessKey } from "../aws/types.ts";
import { CancelledError, FobError } from "../errors.ts";
import { fetchLongTermCredentials, readStaticKeys } from "../keys/long-term.ts";
import { type AwsFiles, getProperty, readableProfiles } from "../profiles/files.ts";
import { classifyKeys, findKeychainId, tokenIn } from "../profiles/inspect.ts";
import { listLoginSources } from "../session/candidates.ts";
import type { SessionContext } from "../session/context.ts";
import { buildAccess } from "../session/request.ts";
import { findMatching, type Resolution, resolve } from "../session/resolve.ts";
import { readSettings, serialKeys } from "../session/settings.ts";
import type { Snapshot } from "../session/snapshot.ts";
import { readSession } from "../store/read.ts";
import { expiryIn } from "../store/session.ts";
import { quote } from "../text.ts";
import { formatLogin } from "../typed-command.ts";
import type { Answer, Answers, Reach, SourceFacts } from "./facts.ts";

/** Of so many source profiles AWS is asked. */
const mostSources = 10;

/** Stands for the access key in calls without a signature. */
const noKey: Credentials = { accessKeyId: "", secretAccessKey: "" };

export async function askAws(snapshot: Snapshot, context: SessionContext): Promise<Answers> {
  const profiles = listLoginSources(snapshot.files);
  const asked = profiles.slice(0, mostSources);
  const reach = createReach(toolsOf(context));
  const sources = await Promise.all(asked.map((profile) => askOf(profile, snapshot, context, reach)));
  const alone = sources.length === 0 ? [await reachWithoutKey(snapshot, context, reach)] : [];
  const endless = listEndless(snapshot);
  return {
    reached: [...alone, ...sources.map(({ reached }) => reached)],
    sources,
    notAsked: profiles.slice(mostSources),
    endless: await Promise.all(
      endless.map(async (profile, index) => ({
        profile,
        answer:
          index < mostSources
            ? await askWithSession(profile, snapshot, context)
            : { unknown: `it asks about ${mostSources} at most` },
      })),
    ),
  };
}

/** Profiles with a session of another tool that does not say when it expires. */
const listEndless = ({ files, store }: Snapshot): readonly string[] =>
  readableProfiles(files.credentials.profilesWith(["aws_access_key_id"]), (profile) => {
    const properties = files.credentials.properties(profile);
    if (classifyKeys(properties) !== "temporary" || tokenIn(properties) === undefined) return false;
    return expiryIn(properties) === undefined && readSession(store, profile) === undefined;
  });

async function askWithSession(profile: string, { files }: Snapshot, context: SessionContext): Promise<Answer<unknown>> {
  const pair = { source: profile, session: profile };
  const format: Resolution["formatLogin"] = (changes) => formatLogin(context.typed, { profile, options: {} }, changes);
  return await attempt(async () => {
    const keys = readStaticKeys(profile, files);
    if (keys === undefined) throw new FobError("it has no access key");
    const settings = readSettings(pair, files, { ...context, formatLogin: format }, {});
    const access = { ...buildAccess(keys, undefined, { settings, pair, formatLogin: format }), command: "fob doctor" };
    const { getCallerIdentity } = await import("../aws/sts.ts");
    return await withAws(access, toolsOf(context), getCallerIdentity);
  });
}

/** Without a word about waiting: the caller has one for all calls. */
const toolsOf = ({ signal, debug, now }: SessionContext): AwsTools => ({ signal, debug, now });

type Reacher = (access: Access) => Promise<Reach>;

/** Reaches for each endpoint once, whichever profiles lead there. */
function createReach(tools: AwsTools): Reacher {
  const before = new Map<string, Promise<Reach>>();
  return async (access) => {
    const { region, endpoints, network, useFips, useDualstack, usesGlobalSts } = access;
    const key = JSON.stringify([region, endpoints.sts, network.bundle, useFips, useDualstack, usesGlobalSts]);
    const known = before.get(key) ?? reachSts(access, tools);
    before.set(key, known);
    return await known;
  };
}

async function reachSts(access: Access, tools: AwsTools): Promise<Reach> {
  const host = access.endpoints.sts === undefined ? `STS in ${access.region}` : new URL(access.endpoints.sts).host;
  const { probeSts } = await import("../aws/probe.ts");
  return { host, answer: await attempt(() => withAws({ ...access, credentials: noKey }, tools, probeSts)) };
}

/** With the settings of the profile `default`, or with none. */
async function reachWithoutKey({ files }: Snapshot, context: SessionContext, reach: Reacher): Promise<Reach> {
  const pair = { source: "default", session: "default" };
  const format: Resolution["formatLogin"] = (changes) =>
    formatLogin(context.typed, { profile: pair.source, options: {} }, changes);
  try {
    const settings = readSettings(pair, files, { ...context, formatLogin: format }, {});
    return await reach(buildAccess(noKey, undefined, { settings, pair, formatLogin: format }));
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    return { host: "STS", answer: { failure: error } };
  }
}

async function askOf(
  profile: string,
  snapshot: Snapshot,
  context: SessionContext,
  reach: Reacher,
): Promise<SourceFacts> {
  let resolution: Resolution;
  let access: Access;
  try {
    resolution = resolve({ profile }, snapshot, context);
    access = { ...buildAccess(noKey, resolution.settings.device, resolution), command: "fob doctor" };
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    const unknown = { unknown: `AWS was not asked for ${quote(profile)}, because of its settings` };
    const reached = { host: `STS for ${quote(profile)}`, answer: { unknown: "its settings cannot be used" } };
    const wrong = {
      settings: error,
      fido: findFido(profile, snapshot.files, context),
      device: undefined,
      accessKeyId: undefined,
    };
    const nothing = { identity: unknown, devices: unknown, keys: unknown, mayNotListKeys: false };
    return { profile, ...wrong, reached, ...nothing };
  }
  const { device } = resolution.settings;
  const reached = await reach(access);
  const asked = await askAboutUser(resolution, access, context, reached);
  const { accessKeyId } = resolution.source;
  return { profile, device, accessKeyId, settings: undefined, fido: undefined, reached, ...asked };
}

/** The passkey or security key that a profile or the environment names as its device. */
function findFido(profile: string, files: AwsFiles, { env }: SessionContext): string | undefined {
  const serials = [env.AWS_MFA_SERIAL, ...serialKeys.map((key) => getProperty(files, profile, key))];
  return serials.find((serial) => serial !== undefined && parseDevice(serial).kind === "fido");
}

type AboutUser = Pick<SourceFacts, "identity" | "devices" | "keys" | "mayNotListKeys">;

async function askAboutUser(
  resolution: Resolution,
  access: Access,
  context: SessionContext,
  reached: Reach,
): Promise<AboutUser> {
  const { source, snapshot, formatLogin: format } = resolution;
  const nothing = (unknown: string): AboutUser => ({
    ...{ identity: { unknown }, devices: { unknown }, keys: { unknown }, mayNotListKeys: false },
  });
  if (source.accessKeyId === undefined) {
    return nothing(`fob doctor does not run the credential_process of ${quote(source.profile)}`);
  }
  const { files } = snapshot;
  const keys = await attempt(() =>
    fetchLongTermCredentials(source, { ...context, files, warn: () => undefined, formatLogin: format }),
  );
  if (!("value" in keys)) {
    // A keychain may be locked just now.
    if ("failure" in keys && findKeychainId(files, source.profile) !== undefined) {
      const { message, hints } = keys.failure;
      return nothing([message, ...hints.slice(0, 1)].join("; "));
    }
    return { ...nothing("AWS was not asked, because of the access key"), identity: keys };
  }
  if (!("value" in reached.answer)) return nothing(`AWS was not asked, because ${reached.host} was not reached`);
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const own = { ...access, credentials: keys.value };
  const identity = await attempt(() => withAws(own, toolsOf(context), getCallerIdentity));
  if ("failure" in identity) return { ...nothing("AWS was not asked, because of the access key"), identity };
  const session = findSession(resolution, context);
  const asked = await askIam({ ...access, credentials: session ?? keys.value }, context);
  const { keys: listed } = asked;
  const mayNotListKeys = session !== undefined && "unknown" in listed && listed.unknown.includes("iam:ListAccessKeys");
  if (session !== undefined || !("unknown" in listed)) return { identity, ...asked, mayNotListKeys };
  return { identity, ...asked, mayNotListKeys, keys: { unknown: `${listed.unknown}; log in first: ${format()}` } };
}

/** The session of a source while it is valid: where MFA is enforced, the access key may not ask for much. */
function findSession(resolution: Resolution, { now }: SessionContext): Credentials | undefined {
  // What another endpoint gave is not for AWS.
  if (!isOneAws(resolution.settings.endpoints)) return undefined;
  const session = findMatching(resolution, resolution.snapshot.store);
  return session && session.credentials.expiration > now() ? session.credentials : undefined;
}

async function askIam(access: Access, context: SessionContext): Promise<Pick<AboutUser, "devices" | "keys">> {
  const { listMfaDevices, listOwnAccessKeys } = await import("../aws/iam.ts");
  return await withAws(access, toolsOf(context), async (aws: Connection) => {
    const [devices, keys] = await Promise.all([
      attempt(async (): Promise<readonly Device[]> => (await listMfaDevices(aws)).map(parseDevice)),
      attempt(async (): Promise<readonly OwnAccessKey[]> => await listOwnAccessKeys(aws)),
    ]);
    return { devices, keys };
  });
}

/** What AWS would not do just then is not known; any other failure is one. */
async function attempt<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    const isPassing = error instanceof AwsFailure && /^(refused|throttled|server error)$/.test(error.consequence);
    return isPassing ? { unknown: error.message } : { failure: error };
  }
}
