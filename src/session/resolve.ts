// What a profile name stands for: which session, with which key, device and endpoint; and which stored session is that one.
import { isInPartition } from "../aws/partitions.ts";
import type { Environment } from "../environment-variables.ts";
import { sourceOfCredentials } from "../keys/long-term.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import { readSession, type Store } from "../store/read.ts";
import type { Asked, Session, Source } from "../store/session.ts";
import { shellWord } from "../text.ts";
import { type Link, linkOf } from "./profile-pair.ts";
import { type Settings, settingsOf, type Wishes } from "./settings.ts";
import type { Snapshot } from "./snapshot.ts";

export interface PlanRequest extends Wishes {
  /** The source profile or the session profile. */
  readonly profile: string;
  readonly to?: string | undefined;
  /** How the user called fob, for hints; without it `fob login`. */
  readonly command?: string | undefined;
  /** Take the long-term credentials from the environment. */
  readonly fromEnvironment?: boolean;
  /** What the user does not say now is as she said it when she opened the session that is in the store. */
  readonly isRenewal?: boolean;
}

export interface PlanTools {
  readonly env: Environment;
  readonly home: string;
  readonly paths: AwsFilePaths;
  readonly store: Store;
}

/** What a command works on, found out once, when it begins. */
export interface Plan {
  readonly request: PlanRequest;
  readonly snapshot: Snapshot;
  readonly link: Link;
  readonly source: Source;
  readonly settings: Settings;
  readonly asked: Asked;
}

/** @throws FobError, UsageError; nothing has been asked then */
export function planOf(request: PlanRequest, snapshot: Snapshot, { env, home }: Pick<PlanTools, "env" | "home">): Plan {
  const { files, store } = snapshot;
  const link = linkOf(request.profile, { files, store, command: request.command ?? "fob login" }, request);
  const before = request.isRenewal ? readSession(store, link.session) : undefined;
  const asked: Asked = {
    serial: request.serial ?? before?.asked.serial,
    duration: request.duration ?? before?.asked.duration,
    region: request.region ?? before?.asked.region,
  };
  const settings = settingsOf(link, files, env, home, { ...asked, endpointUrl: request.endpointUrl });
  const fromEnvironment = request.fromEnvironment ?? before?.source.from === "environment";
  const source = sourceOfCredentials(link.source, files, env, fromEnvironment);
  return { request, snapshot, link, source, settings, asked };
}

/**
 * The plan that a program is served by without a look at its environment and options: what the AWS files ask for, and
 * what the login asked for. Undefined where they ask for nothing that can be had.
 */
export function undisputedPlan(profile: string, snapshot: Snapshot, { home }: PlanTools): Plan | undefined {
  try {
    return planOf({ profile, isRenewal: true }, snapshot, { home, env: {} });
  } catch {
    return undefined;
  }
}

/** The session in a store, if it is the one that this plan would make: of that key, device, endpoint and partition. */
export function findMatching({ link, source, settings }: Plan, store: Store): Session | undefined {
  const session = readSession(store, link.session);
  return session && isSame(session, source, settings) ? session : undefined;
}

/** The command line that makes the same session again, without a code in it, with `minTtl` seconds where that was said. */
export function loginCommand(profile: string, { asked, source }: Plan, minTtl?: number): string {
  const options = (["serial", "duration", "region"] as const).flatMap((name) => {
    const value = asked[name];
    return value === undefined ? [] : [`--${name}`, shellWord(value)];
  });
  const from = source.from === "environment" ? ["--source-env"] : [];
  const wish = minTtl === undefined ? [] : ["--min-ttl", lengthOf(minTtl)];
  return ["fob login", shellWord(profile), ...options, ...from, ...wish].join(" ");
}

function lengthOf(seconds: number): string {
  if (seconds % 60 !== 0) return String(seconds);
  return seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds / 60}m`;
}

/** Whether a session is of this key, device, endpoint and partition. */
export function isSame(session: Session, source: Source, { endpoints, device, region }: Settings): boolean {
  return (
    session.source.profile === source.profile &&
    session.source.from === source.from &&
    (source.accessKeyId === undefined || session.source.accessKeyId === source.accessKeyId) &&
    session.endpoint === endpoints.sts &&
    (device === undefined || device.serialNumber === session.serialNumber) &&
    (region === undefined || isInPartition(region.region, session.partition))
  );
}
