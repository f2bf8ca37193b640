// What a login is made with, from the command line, the environment and the two profiles.
import { type Device, parseDevice, parseTypedDevice } from "../aws/arn.ts";
import {
  type Endpoints,
  type OtherService,
  readConfiguredEndpoint,
  readConfiguredEndpoints,
} from "../aws/endpoints.ts";
import { sessionLength } from "../aws/limits.ts";
import { type Network, readNetworkSettings } from "../aws/network.ts";
import { isRegion } from "../aws/partitions.ts";
import { looksLikeSecret, quoteSetting } from "../aws/secrets.ts";
import { createFidoError } from "../devices/choose.ts";
import { formatDuration, inExactWords, parseDuration, suggestDuration } from "../duration.ts";
import type { Environment } from "../environment-variables.ts";
import { FobError, UsageError } from "../errors.ts";
import { type AwsFiles, getCommand, getEndpointUrl, getProperty } from "../profiles/files.ts";
import { findInstalledEndpoint, findKeychainId } from "../profiles/inspect.ts";
import type { RememberedOptions } from "../store/session.ts";
import { quote } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";
import type { ProfilePair } from "./profile-pair.ts";

export interface Settings {
  readonly region: ChosenRegion | undefined;
  /** The device, where it is configured; else AWS is asked for the user's devices. */
  readonly device: Device | undefined;
  /** Where the device is configured. */
  readonly serialFrom: string | undefined;
  /** Whether the source's access key is in the keychain. */
  readonly hasKeyInKeychain: boolean;
  /** Length of a new session, in seconds. */
  readonly duration: number;
  readonly mfaProcess: string | undefined;
  readonly endpoints: Endpoints;
  /** The endpoint of another service; undefined means AWS's own. @throws FobError as for `endpoints` */
  readonly findEndpoint: (service: OtherService) => string | undefined;
  /** Whether the profile was installed for that endpoint, so that it does not come from the environment. */
  readonly isInstalledEndpoint: boolean;
  /** Whether STS's global endpoint is asked, where the region is one of those that had no other at first. */
  readonly usesGlobalSts: boolean;
  readonly useFips: boolean;
  readonly useDualstack: boolean;
  readonly network: Network;
}

export interface ChosenRegion {
  readonly region: string;
  readonly from: string;
  /** It is that of whatever runs in this environment, and says nothing of the profile. */
  readonly isFromEnvironment?: boolean;
}

export interface SessionOptions extends RememberedOptions {
  /** An endpoint that comes before every other; "" leaves out the one that the profile was installed for. */
  readonly endpointUrl?: string | undefined;
}

/** The keys of a profile that name its device; the last is aws-mfa's. */
export const serialKeys = ["fob_mfa_serial", "mfa_serial", "aws_mfa_device"] as const;

/** @throws UsageError for a wrong option, FobError for a wrong value elsewhere; nothing has been asked then */
export function readSettings(
  pair: ProfilePair,
  files: AwsFiles,
  { env, home, formatLogin }: { env: Environment; home: string; formatLogin: FormatLogin },
  wishes: SessionOptions,
): Settings {
  const first = (keys: readonly string[], profiles = [pair.session, pair.source]): Configured | undefined => {
    for (const profile of profiles) {
      for (const key of keys) {
        const value = getProperty(files, profile, key);
        if (value !== undefined) return { value, from: `${key} of the profile ${quote(profile)}` };
      }
    }
    return undefined;
  };
  const inEnvironment = (name: string): Configured | undefined => {
    const value = env[name];
    return value ? { value, from: name } : undefined;
  };
  const setting = (key: string): string =>
    (env[`AWS_${key.toUpperCase()}`] || first([key], [pair.source])?.value || "").toLowerCase();
  const isOn = (key: string): boolean => setting(key) === "true";
  const installed = (wishes.endpointUrl ?? findInstalledEndpoint(files, pair.session)) || undefined;
  const configured = readOption("--region", wishes.region) ?? first(["region"]);
  const region = configured ?? inEnvironment("AWS_REGION") ?? inEnvironment("AWS_DEFAULT_REGION");
  const serial = readOption("--serial", wishes.serial) ?? inEnvironment("AWS_MFA_SERIAL") ?? first(serialKeys);
  // aws-vault's users have duration_seconds; a role profile, where it is the role's, is neither of the two profiles.
  const length = readOption("--duration", wishes.duration) ?? first(["fob_duration", "duration_seconds"]);
  return {
    region: region && { ...checkRegion(region), isFromEnvironment: configured === undefined },
    device: serial && checkDevice(serial, pair, formatLogin),
    serialFrom: serial?.from,
    hasKeyInKeychain: findKeychainId(files, pair.source) !== undefined,
    duration: length ? checkDuration(length) : sessionLength.default,
    mfaProcess: getCommand(files, pair.session, "mfa_process") ?? getCommand(files, pair.source, "mfa_process"),
    endpoints:
      installed !== undefined
        ? { ...readConfiguredEndpoints({}, () => installed), signin: undefined }
        : isOn("ignore_configured_endpoint_urls")
          ? { sts: undefined, iam: undefined, signin: undefined }
          : readConfiguredEndpoints(env, (service) => getEndpointUrl(files, pair.source, service)),
    findEndpoint: (service) =>
      installed ??
      (isOn("ignore_configured_endpoint_urls")
        ? undefined
        : readConfiguredEndpoint(env, service, () => getEndpointUrl(files, pair.source, service))),
    isInstalledEndpoint: installed !== undefined,
    usesGlobalSts: setting("sts_regional_endpoints") === "legacy",
    useFips: isOn("use_fips_endpoint"),
    useDualstack: isOn("use_dualstack_endpoint"),
    network: readNetworkSettings(env, home, first(["ca_bundle"])?.value),
  };
}

/** A value, and the option, variable or property that it comes from. */
interface Configured {
  readonly value: string;
  readonly from: string;
}

const readOption = (name: string, value: string | undefined): Configured | undefined =>
  value === undefined ? undefined : { value, from: name };

/** @throws UsageError where the value is an option's, else FobError */
function refuse({ from }: Configured, message: string, hint: string): never {
  if (from.startsWith("--")) throw new UsageError(message, hint);
  throw new FobError(message, hint);
}

function checkRegion(region: Configured): { region: string; from: string } {
  if (isRegion(region.value)) return { region: region.value, from: region.from };
  return refuse(
    region,
    `${quoteSetting(region.value)} (from ${region.from}) is not a region`,
    "regions look like eu-central-1",
  );
}

function checkDevice(serial: Configured, pair: ProfilePair, formatLogin: FormatLogin): Device {
  const device = serial.from === "--serial" ? parseTypedDevice(serial.value) : parseDevice(serial.value);
  if (device.kind === "fido")
    throw createFidoError(pair.source, `the device ${quoteSetting(serial.value)} (from ${serial.from})`);
  // A secret access key has letters that a hardware token's number may have, and would be sent to AWS as one.
  if (device.kind === "malformed" || looksLikeSecret(serial.value)) {
    refuse(
      serial,
      `${quoteSetting(serial.value)} (from ${serial.from}) is not the serial number of an MFA device`,
      `give the device's name or ARN, or the number on a hardware token: ${formatLogin({ set: { serial: "arn:aws:iam::123456789012:mfa/NAME" } })}`,
    );
  }
  return device;
}

function checkDuration(length: Configured): number {
  const seconds = parseDuration(length.value);
  const example = "use a duration like 12h, 90m or 43200";
  if (seconds === undefined) {
    return refuse(length, `${quoteSetting(length.value)} (from ${length.from}) is not a duration`, example);
  }
  if (seconds < sessionLength.shortest || seconds > sessionLength.longest) {
    const meant = suggestDuration(length.value, sessionLength);
    const bounds = `${formatDuration(sessionLength.shortest)} to ${formatDuration(sessionLength.longest)}`;
    return refuse(
      length,
      `${quoteSetting(length.value)} (from ${length.from}) is ${inExactWords(seconds)}, but sessions last ${bounds}`,
      meant === "" ? example : `did you mean: ${meant}`,
    );
  }
  return seconds;
}
