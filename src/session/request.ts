// A new session from AWS, for a token code.

import { buildDeviceArn, type Device, getUserName, isRoot, parseDevice } from "../aws/arn.ts";
import { type Access, type Connection, withAws } from "../aws/connection.ts";
import { findCustomEndpointHost } from "../aws/endpoints.ts";
import { AwsFailure } from "../aws/failures.ts";
import { roleLength } from "../aws/limits.ts";
import { chooseRegion, getPartition } from "../aws/partitions.ts";
import type { Credentials, RoleRequest } from "../aws/types.ts";
import { CODE_LASTS } from "../codes/next-code.ts";
import type { CodeOwner, MfaCodeProvider } from "../codes/sources.ts";
import { chooseDevice } from "../devices/choose.ts";
import { CancelledError, FobError, raceSignal } from "../errors.ts";
import { fetchLongTermCredentials } from "../keys/long-term.ts";
import { readSession, type Stored } from "../store/read.ts";
import type { Role, Session } from "../store/session.ts";
import { escapeControlCharacters, formatOption, quote } from "../text.ts";
import type { SessionContext } from "./context.ts";
import type { Resolution } from "./resolve.ts";
import { listPlaces } from "./session-profile.ts";
import { readAgain } from "./snapshot.ts";
import { addCopies, settingsToCopy } from "./source-settings.ts";
import { submitCode } from "./submit-code.ts";

export interface Wanted {
  readonly resolution: Resolution;
  readonly codes: MfaCodeProvider;
  /** A role that is asked for with the code, instead of a session. */
  readonly role?: { readonly role: Role; readonly why: string } | undefined;
  /** The session that this one takes the place of. */
  readonly previous?: Session | undefined;
  /** The AWS files cannot be written. */
  readonly isInStoreAlone?: boolean;
  /** Ends everything that comes before a code is sent; a call with a code in it has only its own limit. */
  readonly deadline?: AbortSignal | undefined;
}

/** A new session from AWS for a code, kept in the store. Only under its lock. @throws FobError */
export async function requestSession(
  { resolution, codes, role: direct, previous, isInStoreAlone = false, deadline }: Wanted,
  context: SessionContext,
): Promise<{ session: Session; serialToRemember: string | undefined }> {
  const { env, paths, store, warn, debug, keychain } = context;
  const { pair, source, settings, formatLogin } = resolution;
  const role = direct?.role;
  const profile = role?.profile ?? pair.session;
  const reservation = store.reserve(profile);
  // Ends every call under way when the user gives up, or an error does: no caller waits for an answer then.
  const scope = new AbortController();
  const signal = AbortSignal.any([context.signal, scope.signal]);
  const asking = deadline ? AbortSignal.any([signal, deadline]) : signal;
  try {
    const files = readAgain(resolution.snapshot, paths);
    let filesAtCode = files;
    const credentials = await raceSignal(
      deadline,
      fetchLongTermCredentials(source, { files, env, signal, warn, keychain, formatLogin }),
    );
    const access = { ...buildAccess(credentials, settings.device, resolution), arn: role?.arn };
    const host = findCustomEndpointHost(settings.endpoints.sts);
    const { device, wasChosen, given, identity } = await withAws(
      access,
      { signal, debug, now: context.now },
      async (aws) => {
        const found = await raceSignal(deadline, resolveDevice(resolution, aws, { ...context, signal: asking }));
        const told = [direct?.why, whereTo(host, access)].filter((line) => line !== undefined);
        // Who is asked reads it with the question: a program may have taken stderr.
        const why = codes.canAskAgain ? told.map((line) => `warning: ${line}`).join("\n") : "";
        if (!codes.canAskAgain) told.forEach(warn);
        const exchanged = await submitCode({
          ...{
            pair,
            formatLogin: resolution.formatLogin,
            device: found.device,
            codes,
            aws,
            signal,
            debug,
            why,
            deadline: deadline,
          },
          owner: describeOwner(resolution, found.device, credentials, context),
          showWhile: context.showWhile,
          ...{ wantedFor: profile, now: context.now, sleep: context.sleep, note: context.note },
          lastServed: () => lastServed(found.device, context),
          async send(mfa, user) {
            // They may have changed while the code was typed. Once AWS has answered nothing comes before the store.
            filesAtCode = readAgain(resolution.snapshot, paths);
            const { assumeRole, getSessionToken } = await import("../aws/sts.ts");
            if (!role) return await getSessionToken(aws, mfa, settings.duration);
            return await assumeRole(aws, { ...buildRoleRequest(role, user?.arn, source.profile), mfa });
          },
        });
        return { ...found, ...exchanged };
      },
    );
    const places = previous?.writtenTo ?? [];
    const account =
      (role && getAccount(role.arn)) ?? identity?.account ?? (device.kind === "arn" ? device.account : undefined);

    const session: Session = {
      profile,
      credentials: given,
      account,
      accountAlias: recallAlias(previous, { account, endpoint: settings.endpoints.sts }),
      user: identity?.arn,
      source: { ...source, accessKeyId: credentials.accessKeyId },
      serialNumber: device.serialNumber,
      partition: device.kind === "arn" ? device.partition : getPartition(access.region),
      endpoint: settings.endpoints.sts,
      isEnvironmentIndependent: source.from === "profile" && (settings.isInstalledEndpoint || host === undefined),
      installedFor: settings.isInstalledEndpoint && host !== undefined ? (settings.endpoints.sts ?? "") : "",
      asked: resolution.asked,
      issued: context.now(),
      roles: role ? [role] : [],
      isChained: false,
      writtenTo: role ? [] : isInStoreAlone ? places : listPlaces(pair.session, given.accessKeyId, paths, places),
      copiedSettings: role
        ? undefined
        : isInStoreAlone
          ? previous?.copiedSettings
          : addCopies(previous?.copiedSettings, settingsToCopy(pair, filesAtCode, previous?.copiedSettings)),
    };
    reservation.fill(session);
    const isRemembered = wasChosen || isWorthRemembering(resolution);
    return { session, serialToRemember: isRemembered ? device.serialNumber : undefined };
  } finally {
    scope.abort();
    reservation.abandon();
  }
}

/** Whose code it is: AWS has told the user's name with the session before this one. */
function describeOwner(
  { pair, snapshot, settings, formatLogin }: Resolution,
  device: Device,
  { accessKeyId }: Credentials,
  { program }: SessionContext,
): CodeOwner {
  const before = readSession(snapshot.store, pair.session);
  const isSameUser = before?.source.accessKeyId === accessKeyId;
  const { serialNumber } = device;
  const account = device.kind === "arn" ? device.account : isSameUser ? before.account : undefined;
  const user = isSameUser && before.user !== undefined ? getUserName(before.user) : undefined;
  const alias = recallAlias(before, { account, endpoint: settings.endpoints.sts });
  return { profile: pair.source, serialNumber, account, alias, user, program, login: formatLogin() };
}

/** The alias that a session before this one has learned of the same account; undefined where it was never asked for. */
function recallAlias(
  before: Session | undefined,
  { account, endpoint }: { readonly account: string | undefined; readonly endpoint: string | undefined },
): string | undefined {
  const isSame = account !== undefined && before?.account === account && before.endpoint === endpoint;
  return isSame ? before.accountAlias : undefined;
}

/** The profile for which a code of a device was exchanged while the device still shows it, if one is in the store. */
function lastServed({ serialNumber }: Device, { store, now }: SessionContext): string | undefined {
  const isLast = (stored: Stored): boolean => {
    if (stored.state !== "readable" || stored.session.isChained) return false;
    // AWS takes a code a little longer than the device shows it.
    return stored.session.serialNumber === serialNumber && now() - stored.session.issued < 2 * CODE_LASTS;
  };
  return store.list().find(isLast)?.profile;
}

/** What AWS is asked for a role. @param user the ARN of the calling user, where AWS has told it */
export function buildRoleRequest(role: Role, user: string | undefined, source: string): RoleRequest {
  const { arn, duration = roleLength.default, externalId, sourceIdentity, tags, transitiveTags } = role;
  // CloudTrail shows it: a name by which a person is found.
  const who = user?.slice(user.lastIndexOf("/") + 1) ?? source;
  const sessionName = role.sessionName ?? `fob-${who}`.replace(/[^\w+=,.@-]/g, "-").slice(0, 64);
  return { arn, sessionName, duration, externalId, sourceIdentity, tags, transitiveTags };
}

export const getAccount = (arn: string): string | undefined => arn.split(":")[4];

/** The device from the settings, else the one that AWS knows the user by. */
async function resolveDevice(
  resolution: Resolution,
  aws: Connection,
  context: SessionContext,
): Promise<{ device: Device; wasChosen: boolean }> {
  const { settings } = resolution;
  if (settings.device?.kind === "name") {
    return { device: await completeDevice(settings.device.serialNumber, resolution, aws), wasChosen: false };
  }
  if (settings.device) return { device: settings.device, wasChosen: false };
  const { listMfaDevices } = await import("../aws/iam.ts");
  const listed = context.showWhile("Asking AWS…", listMfaDevices(aws));
  const serials = await listed.catch(async (error: unknown) => {
    throw await withoutList(error, resolution, aws);
  });
  if (serials.length === 0) await refuseRoot(resolution, aws);
  return await chooseDevice(resolution, serials.map(parseDevice), () => context.prompter()?.choose, context.signal);
}

/** The root user's device is not enrolled with fob. @throws FobError for the root user */
async function refuseRoot({ pair }: Resolution, aws: Connection): Promise<void> {
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const { arn } = await getCallerIdentity(aws);
  if (arn === undefined || !isRoot(arn)) return;
  throw new FobError(
    `the access key of the profile ${quote(pair.source)} belongs to the root user`,
    `use the access key of an IAM user: ${formatEnterKeyOf(pair.source)}`,
  );
}

const formatEnterKeyOf = (profile: string): string => `aws configure ${formatOption("--profile", profile)}`;

/**
 * Whether the device is written into the session profile once AWS has taken a code of it: the user typed it, or AWS listed
 * it. A key in the environment may be another user's next time.
 */
function isWorthRemembering({ settings, source }: Resolution): boolean {
  return source.from === "profile" && (settings.device === undefined || settings.serialFrom === "--serial");
}

/** The virtual device of this name in the account of the access key. @throws FobError where AWS does not tell the account */
async function completeDevice(name: string, resolution: Resolution, aws: Connection): Promise<Device> {
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const { arn = "" } = await getCallerIdentity(aws);
  const device = parseDevice(buildDeviceArn(arn, name) ?? "");
  if (device.kind === "arn") return device;
  throw new FobError(
    `cannot complete the device name ${quote(name)} to an ARN: AWS did not say which account it is in`,
    nameDevice(resolution),
  );
}

const nameDevice = ({ formatLogin }: Resolution, serial = "arn:aws:iam::ACCOUNT:mfa/NAME"): string =>
  `name the device yourself: ${formatLogin({ set: { serial } })}`;

/** Says that it was the listing that failed, and how to do without it. */
async function withoutList(error: unknown, resolution: Resolution, aws: Connection): Promise<unknown> {
  if (!(error instanceof FobError) || error instanceof CancelledError) return error;
  const isAboutListing = error instanceof AwsFailure && ["refused", "throttled"].includes(error.consequence);
  const hints = [...(isAboutListing ? await hintAtDevice(resolution, aws) : []), ...error.hints];
  return new FobError(`cannot list your MFA devices: ${error.message}`, hints, undefined, error);
}

/** The device that most users have: the console proposes no name, and most people take their own. */
async function hintAtDevice(resolution: Resolution, aws: Connection): Promise<string[]> {
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const { arn = "" } = await getCallerIdentity(aws).catch(() => ({ arn: "" }));
  const likely = buildDeviceArn(arn);
  const user = likely?.slice(likely.lastIndexOf("/") + 1) ?? "your user";
  return [
    nameDevice(resolution, likely),
    `if that is not its name, read it in the IAM console: Users, ${escapeControlCharacters(user)}, Security credentials`,
  ];
}

/** Warns of a host that is not AWS's. */
function whereTo(host: string | undefined, { endpoints, network }: Access): string | undefined {
  if (host === undefined || endpoints.sts === undefined) return undefined;
  const proxy = network.findProxy(new URL(endpoints.sts));
  const through = proxy === undefined ? "" : ` (through the proxy ${quote(proxy.host)})`;
  return `the code goes to ${quote(host)}${through}, which is not AWS`;
}

/** @param device whose partition counts where no region is configured */
export function buildAccess(
  credentials: Credentials,
  device: Device | undefined,
  { settings, pair, formatLogin }: Pick<Resolution, "settings" | "pair" | "formatLogin">,
): Access {
  const partition = device?.kind === "arn" ? device.partition : undefined;
  return {
    profile: pair.source,
    credentials,
    region: chooseRegion(settings.region, partition, formatLogin),
    usesGlobalSts: settings.usesGlobalSts,
    endpoints: settings.endpoints,
    findEndpoint: settings.findEndpoint,
    useFips: settings.useFips,
    useDualstack: settings.useDualstack,
    network: settings.network,
    serialFrom: settings.serialFrom,
    hasKeyInKeychain: settings.hasKeyInKeychain,
    formatLogin,
  };
}
