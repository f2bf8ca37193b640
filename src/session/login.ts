// Making sure that a session profile has a fresh session: what `fob login` does.
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Device, deviceOf, isRoot } from "../aws/arn.ts";
import type { Access, Aws, Credentials, TemporaryCredentials } from "../aws/aws.ts";
import { foreignHost } from "../aws/endpoints.ts";
import { AwsFailure, awsFailure, type CallContext } from "../aws/failures.ts";
import { partitionOf, regionFor } from "../aws/partitions.ts";
import type { CodeSource } from "../codes/sources.ts";
import { usableDevice } from "../devices/choose.ts";
import { CancelledError, exitCodes, FobError, throwIfCancelled } from "../errors.ts";
import type { Holder } from "../files/lock.ts";
import { type AwsFilePaths, type AwsFiles, readAwsFiles } from "../profiles/files.ts";
import { quote, shellWord } from "../text.ts";
import { longTermCredentials, sourceOfCredentials } from "./credentials.ts";
import { isFresh, wanted } from "./freshness.ts";
import { type Link, linkOf } from "./link.ts";
import { assertTarget, isPublished, placesOf, publish } from "./publish.ts";
import type { Session, Source } from "./session.ts";
import { type Settings, settingsOf, type Wishes } from "./settings.ts";
import type { WritableStore } from "./store-writer.ts";

export interface LoginRequest extends Wishes {
  /** The source profile or the session profile. */
  readonly profile: string;
  readonly to: string | undefined;
  /** Seconds that should remain of a session that is kept. */
  readonly minTtl: number | undefined;
  /** A new session even when the old one is fresh. */
  readonly force: boolean;
  readonly fromEnvironment: boolean;
  readonly replaceLongTerm: boolean;
  /** A code that came with the command. */
  readonly code: CodeSource | undefined;
}

/** What a login uses of the world. */
export interface LoginTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly paths: AwsFilePaths;
  readonly store: WritableStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly note: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly debug: (message: string) => void;
  readonly connect: (access: Access) => Promise<Aws>;
  /** A configured command that prints codes. */
  readonly codeFromCommand: (command: string, profile: string) => CodeSource;
  /** A person to ask; undefined where there is nobody. */
  readonly person: () => Person | undefined;
}

export interface Person extends CodeSource {
  choose(message: string, choices: readonly string[], signal: AbortSignal): Promise<string>;
}

export interface LoginOutcome {
  readonly session: Session;
  /** False when the old session is fresh. */
  readonly isNew: boolean;
}

/**
 * Makes sure that the session profile has a fresh session; asks for a code only when it must, and last of all.
 *
 * @throws FobError: nothing is lost then, and the AWS files are as they were or as they should be
 */
export async function login(request: LoginRequest, tools: LoginTools): Promise<LoginOutcome> {
  const files = readAwsFiles(tools.paths);
  const link = linkOf(request.profile, { files, store: tools.store }, request);
  const settings = settingsOf(link, files, tools.env, tools.home, request);
  const source = sourceOfCredentials(link.source, files, tools.env, request.fromEnvironment);
  assertTarget(link, files, request.replaceLongTerm);

  const kept = (): Session | undefined => reusable(link, source, settings, request, tools);
  const keptNow = kept();
  if (keptNow && isPublished(keptNow, files)) return { session: keptNow, isNew: false };

  const onWait = (holder: Holder): void =>
    tools.note(`waiting for another fob (process ${holder.pid}) that is logging in to ${quote(link.session)}`);
  return await tools.store.locked(link.session, { signal: tools.signal, onWait }, async () => {
    // Somebody else may have written, or logged in, while this process waited.
    const filesNow = readAwsFiles(tools.paths);
    const session = kept();
    if (session) {
      await publish(session, filesNow, tools, request);
      return { session, isNew: false };
    }
    const made = await newSession(link, source, settings, filesNow, request, tools);
    try {
      await publish(made.session, filesNow, tools, { ...request, chosenSerial: made.chosenSerial });
    } catch (error) {
      throw withKeptSession(error, link);
    }
    return { session: made.session, isNew: true };
  });
}

/** Says that the code was not spent for nothing. */
function withKeptSession(error: unknown, link: Link): unknown {
  if (!(error instanceof FobError) || error instanceof CancelledError) return error;
  const hint = `the session itself is kept; once that is mended, this needs no code: fob login ${shellWord(link.source)}`;
  return new FobError(error.message, [...error.hints, hint], error.exitCode, error);
}

/** The stored session, if it is what this login would make and fresh enough. */
function reusable(
  link: Link,
  source: Source,
  settings: Settings,
  request: LoginRequest,
  { store, now }: LoginTools,
): Session | undefined {
  const stored = store.read(link.session);
  if (stored.state !== "readable" || request.force) return undefined;
  const { session } = stored;
  const isSame =
    session.source.profile === source.profile &&
    session.source.from === source.from &&
    session.source.accessKeyId === source.accessKeyId &&
    session.endpoint === settings.endpoints.sts &&
    (settings.device === undefined || settings.device.serialNumber === session.serialNumber) &&
    (settings.region === undefined || partitionOf(settings.region.region) === session.partition);
  const span = { issued: session.issued, expiration: session.credentials.expiration };
  return isSame && isFresh(span, wanted.login, request.minTtl, now()) ? session : undefined;
}

async function newSession(
  link: Link,
  source: Source,
  settings: Settings,
  files: AwsFiles,
  request: LoginRequest,
  tools: LoginTools,
): Promise<{ session: Session; chosenSerial: string | undefined }> {
  const { mfaProcess } = settings;
  const codes = request.code ?? (mfaProcess ? tools.codeFromCommand(mfaProcess, link.source) : tools.person());
  if (!codes) {
    throw new FobError(
      `${quote(link.session)} needs an MFA code, and there is no terminal to ask on; run in one: fob login ${shellWord(link.source)}`,
      [],
      exitCodes.codeNeeded,
    );
  }
  const before = tools.store.read(link.session);
  if (before.state === "unreadable") {
    tools.warn(`the session file ${quote(before.path)} ${before.reason}, so a new session is needed`);
  }
  const reservation = tools.store.reserve(link.session);
  let aws: Aws | undefined;
  try {
    const credentials = await longTermCredentials(source, { files, env: tools.env, signal: tools.signal });
    const connect = async (device: Device | undefined): Promise<Aws> => {
      aws ??= await tools.connect(accessOf(credentials, device, settings, link, tools));
      return aws;
    };
    const { device, wasChosen } = await deviceFor(link, credentials, settings, connect, tools);
    const host = foreignHost(settings.endpoints.sts);
    if (host !== undefined) tools.warn(`the code goes to ${quote(host)}, which is not AWS`);

    const context = callContext(link, credentials, device, settings, tools);
    const conversation = {
      link,
      device,
      settings,
      codes,
      context,
      connect: () => connect(device),
      signal: tools.signal,
    };
    const { given, identity } = await exchange(conversation, tools);
    const session: Session = {
      profile: link.session,
      credentials: given,
      account: identity?.account ?? (device.kind === "arn" ? device.account : undefined),
      user: identity?.arn,
      source,
      serialNumber: device.serialNumber,
      partition: device.kind === "arn" ? device.partition : partitionOf(context.region),
      endpoint: settings.endpoints.sts,
      issued: tools.now(),
      previousKeyId: before.state === "readable" ? before.session.credentials.accessKeyId : undefined,
      writtenTo: placesOf(link.session, tools.paths),
    };
    reservation.fill(session);
    return { session, chosenSerial: wasChosen ? device.serialNumber : undefined };
  } finally {
    reservation.abandon();
    aws?.close();
  }
}

/** The device from the settings, else the one that AWS knows the user by. */
async function deviceFor(
  link: Link,
  credentials: Credentials,
  settings: Settings,
  connect: (device: undefined) => Promise<Aws>,
  tools: LoginTools,
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
    throw new FobError(
      `cannot list your MFA devices: ${failure.message}`,
      [...failure.hints, hint],
      undefined,
      failure,
    );
  }
  return await usableDevice(link.source, serials.map(deviceOf), tools.person, tools.signal);
}

interface Conversation {
  readonly link: Link;
  readonly device: Device;
  readonly settings: Settings;
  readonly codes: CodeSource;
  readonly context: CallContext;
  readonly connect: () => Promise<Aws>;
}

interface Identity {
  readonly account: string | undefined;
  readonly arn: string | undefined;
}

const MOST_CODES = 3;

/** Asks for codes until STS takes one. */
async function exchange(
  { link, device, settings, codes, context, connect }: Conversation,
  { signal, debug }: LoginTools,
): Promise<{ given: TemporaryCredentials; identity: Identity | undefined }> {
  // The key is checked while the user types; when it turns out to be useless, the question is taken back.
  const useless = new AbortController();
  let uselessBecause: Error | undefined;
  const checking = checkKey(connect, link, device, context, signal).catch((error: unknown) => {
    uselessBecause = error instanceof Error ? error : new Error(String(error));
    useless.abort();
    return undefined;
  });
  const question = {
    profile: link.source,
    serialNumber: device.serialNumber,
    signal: AbortSignal.any([signal, useless.signal]),
  };
  const used = new Set<string>();
  let again: string | undefined;
  for (;;) {
    const code = await codes.ask({ ...question, again }).catch((error: unknown) => {
      throw uselessBecause ?? error;
    });
    const identity = await checking;
    if (uselessBecause !== undefined) throw uselessBecause;
    throwIfCancelled(signal);
    if (used.has(code)) {
      again = "that code was sent already; wait until the device shows the next one";
      continue;
    }
    used.add(code);
    try {
      const request = { serialNumber: device.serialNumber, tokenCode: code, duration: settings.duration };
      return { given: await sentOnce(await connect(), request, context, signal), identity };
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      const needsAnother = error.consequence === "wrong code" || mayBeSpent(error);
      if (!needsAnother || !codes.canAskAgain || used.size >= MOST_CODES) throw withSpentCode(error);
      again = `${withSpentCode(error).message}; type the next one that the device shows`;
      debug(`asking again: ${error.message}`);
    }
  }
}

const mayBeSpent = ({ consequence }: AwsFailure): boolean =>
  consequence === "no answer" || consequence === "server error";

/** Says that a code may be spent, where that is so. */
function withSpentCode(error: AwsFailure): FobError {
  if (!mayBeSpent(error)) return error;
  const hints = ["try again with the next code that the device shows", ...error.hints];
  return new FobError(`${error.message}; the code may be spent`, hints, undefined, error);
}

/** Sends a code; a second time only if nothing was sent the first time. */
async function sentOnce(
  aws: Aws,
  request: Parameters<Aws["getSessionToken"]>[0],
  context: CallContext,
  signal: AbortSignal,
): Promise<TemporaryCredentials> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await aws.getSessionToken(request);
    } catch (error) {
      throwIfCancelled(signal);
      const failure = awsFailure(error, context);
      const isUnsent = failure instanceof AwsFailure && failure.consequence === "nothing sent";
      if (!isUnsent || attempt === 2) throw failure;
    }
  }
}

/**
 * Finds out whether AWS knows the access key, and whose it is, while the user types: a disabled key, a wrong clock or
 * a missing network should not cost a code.
 *
 * @throws FobError where a code would be wasted; a service that does not answer this call is not held against it
 */
async function checkKey(
  connect: () => Promise<Aws>,
  link: Link,
  device: Device,
  context: CallContext,
  signal: AbortSignal,
): Promise<Identity | undefined> {
  // The question appears first; loading the SDK takes longer than showing it.
  await nextTurn();
  const aws = await connect();
  try {
    const identity = await aws.callerIdentity();
    if (identity.arn !== undefined && isRoot(identity.arn)) throw rootRefused(link);
    if (device.kind === "arn" && identity.account !== undefined && identity.account !== device.account) {
      throw wrongAccount(link, device.account, identity.account);
    }
    return identity;
  } catch (error) {
    throwIfCancelled(signal);
    const failure = awsFailure(error, context);
    const isHarmless =
      failure instanceof AwsFailure && (failure.consequence === "refused" || failure.consequence === "server error");
    if (isHarmless) return undefined;
    throw failure;
  }
}

function wrongAccount(link: Link, ofDevice: string, ofKey: string): FobError {
  return new FobError(
    `the MFA device is in the account ${ofDevice}, but the access key of the profile ${quote(link.source)} is in ${ofKey}`,
    `name a device of that account: fob login ${shellWord(link.source)} --serial arn:aws:iam::${ofKey}:mfa/NAME`,
  );
}

function rootRefused(link: Link): FobError {
  return new FobError(
    `the access key of the profile ${quote(link.source)} is the root user's, and fob makes no sessions with those: a root session can do everything, and nothing can limit it`,
    [
      "make an IAM user for daily work and delete the root user's access key: https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ],
  );
}

function accessOf(
  credentials: Credentials,
  device: Device | undefined,
  settings: Settings,
  link: Link,
  tools: LoginTools,
): Access {
  return {
    credentials,
    region: regionOf(device, settings, link),
    endpoints: settings.endpoints,
    useFips: settings.useFips,
    useDualstack: settings.useDualstack,
    network: settings.network,
    signal: tools.signal,
    debug: tools.debug,
  };
}

function regionOf(device: Device | undefined, settings: Settings, link: Link): string {
  return regionFor(settings.region, device?.kind === "arn" ? device.partition : undefined, shellWord(link.source));
}

function callContext(
  link: Link,
  credentials: Credentials,
  device: Device | undefined,
  settings: Settings,
  tools: LoginTools,
): CallContext {
  const region = regionOf(device, settings, link);
  const proxy = settings.network.proxyFor(new URL(settings.endpoints.sts ?? `https://sts.${region}.amazonaws.com`));
  return {
    profile: link.source,
    accessKeyId: credentials.accessKeyId,
    region,
    endpoint: settings.endpoints.sts,
    serialNumber: device?.serialNumber,
    proxy: proxy?.host,
    bundle: settings.network.bundle,
    now: tools.now(),
  };
}
