// Settings of a source profile that its session profile, and programs that get credentials in their environment, need too:
// without them they would call other endpoints, or trust other certificates, than with the source profile.
import type { Environment } from "../environment-variables.ts";
import { type Change, isPortableValue, textOfValue } from "../profiles/edit.ts";
import { type AwsFiles, endpointUrlsOf, type Properties } from "../profiles/files.ts";
import type { Property } from "../profiles/scan.ts";
import type { ProfilePair } from "./profile-pair.ts";

export type CopiedSettings = Readonly<Record<string, string>>;

/** The settings, with the variables that say the same. */
const variables = {
  endpoint_url: "AWS_ENDPOINT_URL",
  ignore_configured_endpoint_urls: "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  ca_bundle: "AWS_CA_BUNDLE",
  use_fips_endpoint: "AWS_USE_FIPS_ENDPOINT",
  use_dualstack_endpoint: "AWS_USE_DUALSTACK_ENDPOINT",
  sts_regional_endpoints: "AWS_STS_REGIONAL_ENDPOINTS",
  output: "AWS_DEFAULT_OUTPUT",
  cli_pager: "AWS_PAGER",
} as const;

/** These have no variable: `services` names a section of the config, `s3` holds a block of settings. */
const inFilesOnly = ["services", "s3"] as const;

const copied = ["region", ...Object.keys(variables), ...inFilesOnly];

/**
 * What to change in the session profile so that it says what the source profile does, as the editor writes it. Its own
 * settings stay; what fob copied before, perhaps from another source, follows the source.
 *
 * @param before the settings as they were copied
 */
export function settingsToCopy({ source, session }: ProfilePair, files: AwsFiles, before: CopiedSettings = {}): Change {
  return Object.fromEntries(
    copied.flatMap((key) => {
      const [wanted, there] = [source, session].map((profile) => readText(files, profile, key));
      const value = wanted !== undefined && isPortableValue(wanted) ? wanted : undefined;
      const isCopy = there !== undefined && there === before[key];
      if (value === there || (there === undefined ? value === undefined : !isCopy)) return [];
      return [[key, value] as const];
    }),
  );
}

/** The copied settings after such a change. */
export function addCopies(before: CopiedSettings | undefined, change: Change): CopiedSettings {
  const all = Object.entries({ ...before, ...change });
  return Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

function readText(files: AwsFiles, profile: string, key: string): string | undefined {
  const property = findProperty(files, profile, key);
  return property && textOfValue(property);
}

/** Those settings that a profile still has as they were copied, but for the region, which the profile keeps. */
export function unchangedSettings(copies: CopiedSettings, properties: Properties | undefined): string[] {
  return Object.keys(copies).filter((key) => {
    if (key === "region") return false;
    const property = properties?.get(key);
    return property !== undefined && textOfValue(property) === copies[key];
  });
}

/**
 * The settings of profiles as variables, those of the first profile before the others. What the environment says already
 * comes first, as it does for the SDKs.
 */
export function settingVariables(profiles: readonly string[], files: AwsFiles, env: Environment): CopiedSettings {
  const found = Object.entries(variables).flatMap(([key, name]) => {
    const property = profiles.map((profile) => findProperty(files, profile, key)).find((each) => each !== undefined);
    // An empty pager is a setting: none.
    return property === undefined || (property.raw === "" && key !== "cli_pager")
      ? []
      : [[name, property.raw] as const];
  });
  const withServices = profiles.find((profile) => findProperty(files, profile, "services") !== undefined);
  // For all services at once it has been said in the environment, which comes before the config.
  const services = withServices === undefined || env.AWS_ENDPOINT_URL ? [] : endpointUrlsOf(files, withServices);
  const ofServices = services.map(([service, url]) => [`AWS_ENDPOINT_URL_${service.toUpperCase()}`, url] as const);
  return Object.fromEntries([...found, ...ofServices].filter(([name]) => env[name] === undefined));
}

function findProperty(files: AwsFiles, profile: string, key: string): Property | undefined {
  return files.config.properties(profile)?.get(key) ?? files.credentials.properties(profile)?.get(key);
}
