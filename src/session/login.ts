// Making sure that a session profile has a fresh session: what `fob login` does.
import { type Device, deviceOf } from "../aws/arn.ts";
import type { Access, Aws, Credentials } from "../aws/aws.ts";
import { foreignHost } from "../aws/endpoints.ts";
import { AwsFailure, awsFailure, type CallContext } from "../aws/failures.ts";
import { partitionOf, regionFor } from "../aws/partitions.ts";
import type { CodeSource } from "../codes/sources.ts";
import { type Choose, usableDevice } from "../devices/choose.ts";
import { CancelledError, exitCodes, FobError, throwIfCancelled, UsageError } from "../errors.ts";
import type { Holder } from "../files/lock.ts";
import { type AwsFiles, readAwsFiles } from "../profiles/files.ts";
import { lastChangeOf } from "../profiles/paths.ts";
import { inWords } from "../terminal/duration.ts";
import { quote, shellWord } from "../text.ts";
import { longTermCredentials } from "./credentials.ts";
import { exchange } from "./exchange.ts";
import { isFresh } from "./freshness.ts";
import { type Link, processKind } from "./link.ts";
import { type Plan, type PlanRequest, type PlanTools, planOf } from "./plan.ts";
import { assertTarget, isPublished, placesFor, publish, type TargetOptions } from "./publish.ts";
import type { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { WritableStore } from "./store-writer.ts";

export interface LoginRequest extends PlanRequest {
  /** Seconds that should remain of a session that is kept, where the user does not say. */
  readonly wish: number;
  /** The same, where the user says so. */
  readonly minTtl?: number | undefined;
  /** A new session even when the old one is fresh. */
  readonly force?: boolean;
  readonly replaceLongTerm?: boolean;
  /** A code that came with the command. */
  readonly code?: CodeSource | undefined;
  /** Milliseconds to wait for another login; without it as long as a person likes, or 30 s where there is nobody. */
  readonly patience?: number;
}

/** What a login uses of the world. */
export interface LoginTools extends PlanTools {
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
  /** The command line that makes the same session again, without a code in it. */
  readonly again: string;
  /** Stands around everything that makes a new session, under its lock; may refuse by throwing. */
  readonly guard?: <T>(profile: string, make: () => Promise<T>) => Promise<T>;
}

export interface Person extends CodeSource {
  /** Where there is a way to choose. */
  readonly choose?: Choose;
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
  const { paths, store, signal, now } = tools;
  const lastChange = lastChangeOf(paths);
  const asItIs = planOf(request, tools);
  const leavesProcess = await wantsKeys(request, asItIs, tools);
  const plan = leavesProcess ? planOf({ ...request, endpointUrl: "" }, tools) : asItIs;
  const { link, settings, files } = plan;
  const target = (previous: Session | undefined): TargetOptions => ({
    replaceLongTerm: request.replaceLongTerm ?? false,
    previous,
    now: now(),
    leavesProcess,
  });
  const isInPlace = (session: Session, now: AwsFiles): boolean =>
    isPublished(session, link, now) && !(leavesProcess && processKind(now, link.session) === "fob");
  const reusable = (): Session | undefined => {
    const session = request.force ? undefined : plan.matching();
    return session && lasts(session, request, now()) ? session : undefined;
  };
  await store.recover(link.session, signal);
  assertTarget(link, files, target(plan.stored()));
  if ((request.minTtl ?? 0) >= settings.duration) throw longerThanItLasts(settings.duration, link);

  const kept = reusable();
  if (kept && isInPlace(kept, files)) {
    store.vouch(link.session, lastChange);
    return { session: kept, isNew: false };
  }
  const before = store.read(link.session);
  if (before.state === "unreadable") {
    tools.warn(`the session file ${quote(before.path)} ${before.reason}, so a new session is needed`);
  }
  const codes = kept ? undefined : codesFrom(link, settings, request, tools);

  const waiting = {
    signal,
    // Somebody who can be asked may wait as long as she likes; nobody knows how long a script may.
    patience: request.patience ?? (codes?.canAskAgain ? Number.POSITIVE_INFINITY : 30_000),
    onWait: (holder: Holder) =>
      tools.note(`waiting for another fob (process ${holder.pid}) that is logging in to ${quote(link.session)}`),
  };
  const settled = (): LoginOutcome | undefined => {
    const session = reusable();
    return session && isInPlace(session, readAwsFiles(paths)) ? { session, isNew: false } : undefined;
  };
  const work = async (): Promise<LoginOutcome> => {
    // Somebody else may have logged in while this process waited.
    const previous = plan.stored();
    const session = reusable();
    const done = settled();
    if (done) return done;
    if (session) {
      const places = placesFor(link.session, session.credentials.accessKeyId, paths, session.writtenTo);
      const moved = { ...session, writtenTo: places };
      if (places.length > session.writtenTo.length) store.save(moved);
      await publish(moved, link, tools, target(moved));
      return { session: moved, isNew: false };
    }
    const isTakenOver = previous !== undefined && previous.source.profile !== link.source;
    if (isTakenOver) {
      tools.warn(`${quote(link.session)} was the session of the profile ${quote(previous.source.profile)} until now`);
    }
    const codesNow = codes ?? codesFrom(link, settings, request, tools);
    const make = () => newSession({ plan, codes: codesNow, previous }, tools);
    const made = tools.guard ? await tools.guard(link.session, make) : await make();
    store.forgetRefusal(link.session);
    try {
      await publish(made.session, link, tools, { ...target(previous), chosenSerial: made.chosenSerial });
    } catch (error) {
      throw withKeptSession(error, tools.again);
    }
    return { session: made.session, isNew: true };
  };
  const outcome = await store.locked(link.session, waiting, work, () => settled() !== undefined);
  // Removed again in that very moment: then it is looked at once more.
  return outcome ?? settled() ?? login(request, tools);
}

/** Where the user has named a profile that fob serves as a process, she says whether the keys are to be written there. */
async function wantsKeys(request: LoginRequest, { files, link }: Plan, tools: LoginTools): Promise<boolean> {
  const isServed = processKind(files, link.session) === "fob";
  const person = request.to !== undefined && isServed ? tools.person() : undefined;
  if (!person?.choose) return false;
  const answers = ["leave it so", "write the keys into the credentials file instead"] as const;
  const message = `Programs get the credentials of ${quote(link.session)} from fob's credential_process.`;
  return (await person.choose(message, answers, tools.signal)) === answers[1];
}

/** Says that the code was not spent for nothing. */
function withKeptSession(error: unknown, again: string): unknown {
  if (error instanceof CancelledError) return new CancelledError(`the session itself is kept: ${again}`);
  if (!(error instanceof FobError)) return error;
  const hint = `the session itself is kept; once that is mended, this needs no code: ${again}`;
  return new FobError(error.message, [...error.hints, hint], error.exitCode, error);
}

function longerThanItLasts(duration: number, { source }: Link): UsageError {
  return new UsageError(
    `--min-ttl asks for as much as a new session has, or more: ${inWords(duration)}`,
    `ask for less, or for longer sessions: fob login ${shellWord(source)} --duration LENGTH`,
  );
}

/** Where this login's codes come from. @throws FobError with its own exit code where nobody can be asked */
function codesFrom(link: Link, { mfaProcess }: Settings, request: LoginRequest, tools: LoginTools): CodeSource {
  const codes = request.code ?? (mfaProcess ? tools.codeFromCommand(mfaProcess, link.source) : tools.person());
  if (codes) return codes;
  throw new FobError(
    `${quote(link.session)} needs an MFA code, and nobody can be asked here; run in a terminal: ${tools.again}`,
    [],
    exitCodes.codeNeeded,
  );
}

function lasts({ issued, credentials }: Session, { wish, minTtl }: LoginRequest, now: number): boolean {
  return isFresh({ issued, expiration: credentials.expiration }, wish, minTtl, now);
}

interface NewSession {
  readonly plan: Plan;
  readonly codes: CodeSource;
  readonly previous: Session | undefined;
}

async function newSession(
  { plan, codes, previous }: NewSession,
  tools: LoginTools,
): Promise<{ session: Session; chosenSerial: string | undefined }> {
  const { env, paths, store, warn, debug } = tools;
  const { link, source, settings } = plan;
  const reservation = store.reserve(link.session);
  // Ends every call under way when the user gives up, or an error does: nobody waits for an answer then.
  const scope = new AbortController();
  const signal = AbortSignal.any([tools.signal, scope.signal]);
  let aws: Aws | undefined;
  try {
    const files = readAwsFiles(paths);
    const credentials = await longTermCredentials(source, { files, env, signal });
    const connect = async (device: Device | undefined): Promise<Aws> => {
      throwIfCancelled(signal);
      aws ??= await tools.connect({ ...accessOf(credentials, device, settings, link), signal, debug });
      return aws;
    };
    const { device, wasChosen } = await deviceFor(link, credentials, settings, connect, tools);
    const context = callContext(link, credentials, device, settings, tools);
    const host = foreignHost(settings.endpoints.sts);
    if (host !== undefined) {
      const through = context.proxy === undefined ? "" : ` (through the proxy ${quote(context.proxy)})`;
      warn(`the code goes to ${quote(host)}${through}, which is not AWS`);
    }
    const { duration } = settings;
    const { given, identity } = await exchange({
      ...{ link, device, duration, codes, context, signal, debug },
      connect: () => connect(device),
    });
    const session: Session = {
      profile: link.session,
      credentials: given,
      account: identity?.account ?? (device.kind === "arn" ? device.account : undefined),
      user: identity?.arn,
      source: { ...source, accessKeyId: credentials.accessKeyId },
      serialNumber: device.serialNumber,
      partition: device.kind === "arn" ? device.partition : partitionOf(context.region),
      endpoint: settings.endpoints.sts,
      isForAnyEnvironment: source.from === "profile" && (settings.isInstalledEndpoint || host === undefined),
      installedFor: settings.isInstalledEndpoint && host !== undefined ? (settings.endpoints.sts ?? "") : "",
      asked: plan.asked,
      issued: tools.now(),
      writtenTo: placesFor(link.session, given.accessKeyId, paths, previous?.writtenTo ?? []),
    };
    reservation.fill(session);
    return { session, chosenSerial: wasChosen ? device.serialNumber : undefined };
  } finally {
    scope.abort();
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

function accessOf(
  credentials: Credentials,
  device: Device | undefined,
  settings: Settings,
  link: Link,
): Omit<Access, "signal" | "debug"> {
  return {
    credentials,
    region: regionOf(device, settings, link),
    endpoints: settings.endpoints,
    useFips: settings.useFips,
    useDualstack: settings.useDualstack,
    network: settings.network,
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
    serialFrom: settings.serialFrom,
    proxy: proxy?.host,
    bundle: settings.network.bundle,
    now: tools.now,
  };
}
