// A new session from AWS, for a token code.
import { type Device, deviceOf } from "../aws/arn.ts";
import type { Access, Aws, Credentials, RoleRequest } from "../aws/aws.ts";
import { foreignHost } from "../aws/endpoints.ts";
import { AwsFailure, awsFailure, type CallContext } from "../aws/failures.ts";
import { partitionOf, regionFor, stsRegion } from "../aws/partitions.ts";
import { CODE_LASTS } from "../codes/next-code.ts";
import type { CodeSource } from "../codes/sources.ts";
import { type Choose, usableDevice } from "../devices/choose.ts";
import { before, FobError, throwIfCancelled } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { quote, shellWord } from "../text.ts";
import { longTermCredentials } from "./credentials.ts";
import { exchange } from "./exchange.ts";
import type { Link } from "./link.ts";
import type { Plan, PlanTools } from "./plan.ts";
import { placesFor } from "./publish.ts";
import type { Role, Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Stored } from "./store.ts";
import type { WritableStore } from "./store-writer.ts";

/** What asking AWS for a session uses of the world. */
export interface ObtainTools extends PlanTools {
  readonly store: WritableStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, or when the signal ends it. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly note: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly debug: (message: string) => void;
  readonly connect: (access: Access) => Promise<Aws>;
  /** A person to ask; undefined where there is nobody. */
  readonly person: () => Person | undefined;
  /** Ends everything that comes before a code is sent; a call that has one in it is not given up. */
  readonly deadline?: AbortSignal | undefined;
}

export interface Person extends CodeSource {
  /** Where there is a way to choose. */
  readonly choose?: Choose;
}

export interface Wanted {
  readonly plan: Plan;
  readonly codes: CodeSource;
  /** A role that is asked for with the code, instead of a session. */
  readonly role?: { readonly role: Role; readonly why: string } | undefined;
  /** The session that this one takes the place of. */
  readonly previous?: Session | undefined;
}

/** A new session from AWS for a code, kept in the store. Only under its lock. @throws FobError */
export async function obtain(
  { plan, codes, role: direct, previous }: Wanted,
  tools: ObtainTools,
): Promise<{ session: Session; chosenSerial: string | undefined }> {
  const { env, paths, store, warn, debug } = tools;
  const { link, source, settings } = plan;
  const role = direct?.role;
  const profile = role?.profile ?? link.session;
  const reservation = store.reserve(profile);
  // Ends every call under way when the user gives up, or an error does: nobody waits for an answer then.
  const scope = new AbortController();
  const signal = AbortSignal.any([tools.signal, scope.signal]);
  let aws: Aws | undefined;
  try {
    const files = readAwsFiles(paths);
    const credentials = await before(tools.deadline, longTermCredentials(source, { files, env, signal, warn }));
    const connect = async (device: Device | undefined): Promise<Aws> => {
      throwIfCancelled(signal);
      aws ??= await tools.connect({ ...accessOf(credentials, device, settings, link), signal, debug });
      return aws;
    };
    const { device, wasChosen } = await before(tools.deadline, deviceFor(link, credentials, settings, connect, tools));
    const context = callContext(link, credentials, device, settings, tools);
    const host = foreignHost(settings.endpoints.sts);
    const through = context.proxy === undefined ? "" : ` (through the proxy ${quote(context.proxy)})`;
    const whereTo = host === undefined ? undefined : `the code goes to ${quote(host)}${through}, which is not AWS`;
    const told = [direct?.why, whereTo].filter((line) => line !== undefined);
    // Who is asked reads it with the question: a program may have taken stderr.
    const why = codes.canAskAgain ? told.map((line) => `warning: ${line}`).join("\n") : "";
    if (!codes.canAskAgain) told.forEach(warn);
    const { given, identity } = await exchange({
      ...{ link, device, codes, context, signal, debug, why, deadline: tools.deadline },
      ...{ wantedFor: profile, now: tools.now, sleep: tools.sleep, note: tools.note },
      lastServed: () => lastServed(device, tools),
      connect: () => connect(device),
      send: (to, mfa, user) =>
        role
          ? to.assumeRole({ ...roleRequest(role, user?.arn, source.profile), mfa })
          : to.getSessionToken({ ...mfa, duration: settings.duration }),
    });
    const session: Session = {
      profile,
      credentials: given,
      account:
        (role && accountOf(role.arn)) ?? identity?.account ?? (device.kind === "arn" ? device.account : undefined),
      user: identity?.arn,
      source: { ...source, accessKeyId: credentials.accessKeyId },
      serialNumber: device.serialNumber,
      partition: device.kind === "arn" ? device.partition : partitionOf(context.region),
      endpoint: settings.endpoints.sts,
      isForAnyEnvironment: source.from === "profile" && (settings.isInstalledEndpoint || host === undefined),
      installedFor: settings.isInstalledEndpoint && host !== undefined ? (settings.endpoints.sts ?? "") : "",
      asked: plan.asked,
      issued: tools.now(),
      roles: role ? [role] : [],
      isChained: false,
      writtenTo: role ? [] : placesFor(link.session, given.accessKeyId, paths, previous?.writtenTo ?? []),
    };
    reservation.fill(session);
    return { session, chosenSerial: wasChosen ? device.serialNumber : undefined };
  } finally {
    scope.abort();
    reservation.abandon();
    aws?.close();
  }
}

/** The profile for which a code of a device was exchanged while the device still shows it, if one is in the store. */
function lastServed({ serialNumber }: Device, { store, now }: ObtainTools): string | undefined {
  const isLast = (stored: Stored): boolean => {
    if (stored.state !== "readable" || stored.session.isChained) return false;
    // AWS takes a code a little longer than the device shows it.
    return stored.session.serialNumber === serialNumber && now() - stored.session.issued < 2 * CODE_LASTS;
  };
  return store.list().find(isLast)?.profile;
}

/** The length of a role session where nothing else is said, and the longest of one that is asked for with a session, in seconds. */
export const HOUR = 3600;

/** What AWS is asked for a role. @param user the ARN of the user who asks, where AWS has told it */
export function roleRequest(role: Role, user: string | undefined, source: string): RoleRequest {
  const { arn, duration = HOUR, externalId, sourceIdentity, tags, transitiveTags } = role;
  // CloudTrail shows it: a name by which a person is found.
  const who = user?.slice(user.lastIndexOf("/") + 1) ?? source;
  const sessionName = role.sessionName ?? `fob-${who}`.replace(/[^\w+=,.@-]/g, "-").slice(0, 64);
  return { arn, sessionName, duration, externalId, sourceIdentity, tags, transitiveTags };
}

export const accountOf = (arn: string): string | undefined => arn.split(":")[4];

/** The device from the settings, else the one that AWS knows the user by. */
async function deviceFor(
  link: Link,
  credentials: Credentials,
  settings: Settings,
  connect: (device: undefined) => Promise<Aws>,
  tools: ObtainTools,
): Promise<{ device: Device; wasChosen: boolean }> {
  if (settings.device) return { device: settings.device, wasChosen: false };
  const context = { ...callContext(link, credentials, undefined, settings, tools), endpoint: settings.endpoints.iam };
  const aws = await connect(undefined);
  let serials: string[];
  try {
    serials = await aws.listMfaDevices();
  } catch (error) {
    throwIfCancelled(tools.signal);
    const failure = awsFailure(error, context);
    const hint = `name the device yourself: fob login ${shellWord(link.source)} --serial arn:aws:iam::ACCOUNT:mfa/NAME`;
    const isAboutListing = failure instanceof AwsFailure && failure.consequence === "refused";
    throw new FobError(
      `cannot list your MFA devices: ${failure.message}`,
      [...failure.hints, ...(isAboutListing ? [hint] : [])],
      undefined,
      failure,
    );
  }
  return await usableDevice(link.source, serials.map(deviceOf), () => tools.person()?.choose, tools.signal);
}

export function accessOf(
  credentials: Credentials,
  device: Device | undefined,
  settings: Settings,
  link: Link,
): Omit<Access, "signal" | "debug"> {
  return {
    credentials,
    region: stsRegion(regionOf(device, settings, link), settings.usesGlobalSts),
    endpoints: settings.endpoints,
    useFips: settings.useFips,
    useDualstack: settings.useDualstack,
    network: settings.network,
  };
}

function regionOf(device: Device | undefined, settings: Settings, link: Link): string {
  return regionFor(settings.region, device?.kind === "arn" ? device.partition : undefined, shellWord(link.source));
}

export function callContext(
  link: Link,
  credentials: Credentials,
  device: Device | undefined,
  settings: Settings,
  tools: ObtainTools,
): CallContext {
  const region = regionOf(device, settings, link);
  const proxy = settings.network.proxyFor(new URL(settings.endpoints.sts ?? `https://sts.${region}.amazonaws.com`));
  return {
    profile: link.source,
    accessKeyId: credentials.accessKeyId,
    region,
    endpoint: settings.endpoints.sts,
    serialNumber: device?.serialNumber,
    serialFrom: settings.serialFrom,
    proxy: proxy?.host,
    bundle: settings.network.bundle,
    now: tools.now,
  };
}
