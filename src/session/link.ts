// Which source profile and which session profile belong together.
import { distance } from "fastest-levenshtein";
import { FobError, UsageError } from "../errors.ts";
import { isPortableName } from "../profiles/edit.ts";
import { type AwsFiles, propertyValue } from "../profiles/files.ts";
import { quote, shellWord } from "../text.ts";
import type { Store } from "./store.ts";

/** A source profile and its session profile: two names of one session. */
export interface Link {
  readonly source: string;
  readonly session: string;
}

/** What a profile's own keys are. */
export type OwnKeys = "long-term" | "temporary" | "none";

/** What the keys in a profile of the files are, without judging whether AWS knows them. */
export function ownKeys(files: AwsFiles, profile: string): OwnKeys {
  const kinds = [files.credentials, files.config].map((file): OwnKeys => {
    const properties = file.properties(profile);
    const accessKeyId = properties?.get("aws_access_key_id")?.value;
    if (!accessKeyId) return "none";
    const token = properties.get("aws_session_token")?.value || properties.get("aws_security_token")?.value;
    return token || accessKeyId.startsWith("ASIA") ? "temporary" : "long-term";
  });
  return kinds.find((kind) => kind !== "none") ?? "none";
}

/** Whether a `credential_process` is fob itself, installed or spelt by hand. */
export function isFob(command: string): boolean {
  return /(^|[\s"'/\\])(fob|aws-fob|fob-credential-process)(\.cmd|\.exe)?["']?(\s|$)/.test(command);
}

/**
 * Finds the two profiles from the name of either, and from `--to`.
 *
 * @param options.fromEnvironment the long-term credentials are not in the source profile at all
 * @throws FobError with the nearest name, or with what the profile is instead
 */
export function linkOf(
  profile: string,
  { files, store }: { files: AwsFiles; store: Store },
  options: { to?: string | undefined; fromEnvironment?: boolean } = {},
): Link {
  if (options.fromEnvironment) {
    const source = sourceByName(profile, () => profile.endsWith("-mfa")) ?? profile;
    return checked({ source, session: options.to ?? sessionName(source) });
  }
  const source = sourceOf(profile, files, store);
  if (source !== profile) return checked({ source, session: options.to ?? profile });
  return checked({ source, session: options.to ?? sessionOf(source, files, store) });
}

/** The name rule: the session profile of a source. aws-mfa's users keep their keys in `<name>-long-term`. */
export function sessionName(source: string): string {
  return source.endsWith("-long-term") ? source.slice(0, -"-long-term".length) : `${source}-mfa`;
}

function checked(link: Link): Link {
  if (link.source === link.session) {
    throw new UsageError(
      `the session profile cannot be ${quote(link.source)} itself: its long-term credentials would be lost`,
      `leave --to out, or name another profile: fob login ${shellWord(link.source)} --to ${shellWord(`${link.source}-mfa`)}`,
    );
  }
  if (!isPortableName(link.session)) {
    throw new UsageError(
      `${quote(link.session)} is no name for a session profile: some programs would not find it`,
      `choose one without blanks, quotes and brackets: fob login ${shellWord(link.source)} --to NAME`,
    );
  }
  return link;
}

function sourceOf(profile: string, files: AwsFiles, store: Store): string {
  const own = ownKeys(files, profile);
  if (own === "long-term") return profile;
  const stored = store.read(profile);
  if (stored.state === "readable") return stored.session.source.profile;
  const configured = configuredSource(profile, files);
  if (configured !== undefined) return configured;
  const named = sourceByName(profile, (name) => isSource(name, files));
  if (named !== undefined) return named;
  if (isSource(profile, files)) return profile;
  throw notASource(profile, own, files);
}

/** The source profile by the name rule, where `exists` says that there is one. */
function sourceByName(session: string, exists: (source: string) => boolean): string | undefined {
  const candidates = [session.endsWith("-mfa") ? session.slice(0, -"-mfa".length) : "", `${session}-long-term`];
  return candidates.find((source) => source !== "" && exists(source));
}

function isSource(profile: string, files: AwsFiles): boolean {
  const process = propertyValue(files, profile, "credential_process");
  return ownKeys(files, profile) === "long-term" || (process !== undefined && !isFob(process));
}

function configuredSource(profile: string, files: AwsFiles): string | undefined {
  const own = propertyValue(files, profile, "fob_source_profile");
  if (own !== undefined) return own;
  // With a role, source_profile means something else.
  return propertyValue(files, profile, "role_arn") ? undefined : propertyValue(files, profile, "source_profile");
}

/** The session profile of a source: the one that is linked to it already, else by the name rule. */
function sessionOf(source: string, files: AwsFiles, store: Store): string {
  const byName = sessionName(source);
  const stored = store.list().flatMap((entry) => (entry.state === "readable" ? entry.session : []));
  const linked = new Set([
    ...stored.filter((session) => session.source.profile === source).map(({ profile }) => profile),
    ...files.config
      .profilesWith(["fob_source_profile"])
      .filter((profile) => propertyValue(files, profile, "fob_source_profile") === source),
  ]);
  if (linked.size === 0 || linked.has(byName)) return byName;
  const [only, ...others] = [...linked].sort();
  if (only !== undefined && others.length === 0) return only;
  throw new FobError(
    `the profile ${quote(source)} has several session profiles: ${[...linked].sort().map(quote).join(", ")}`,
    `say which: fob login ${shellWord(source)} --to ${shellWord(only ?? byName)}`,
  );
}

function notASource(profile: string, own: OwnKeys, files: AwsFiles): FobError {
  const asked = `the profile ${quote(profile)}`;
  const baseOf = propertyValue(files, profile, "source_profile");
  if (propertyValue(files, profile, "role_arn")) {
    return new FobError(
      `${asked} is a role profile, and a code opens a session of a user`,
      `log in its source: fob login ${shellWord(baseOf ?? "PROFILE")}`,
    );
  }
  if (own === "temporary") {
    return new FobError(
      `${asked} holds temporary credentials, and STS gives no session to those`,
      "name the profile that holds the long-term access key: fob login PROFILE",
    );
  }
  const process = propertyValue(files, profile, "credential_process");
  if (process !== undefined && isFob(process)) {
    return new FobError(
      `${asked} gets its credentials from fob itself, so it cannot be a source`,
      "name the profile that holds the long-term access key: fob login PROFILE",
    );
  }
  if (files.credentials.has(profile) || files.config.has(profile)) {
    return new FobError(`${asked} has no access key`, `put one in: aws configure --profile ${shellWord(profile)}`);
  }
  const names = [...new Set([...files.credentials.profiles(), ...files.config.profiles()])];
  const nearest = nearestName(profile, names);
  if (nearest !== undefined) {
    return new FobError(`there is no profile ${quote(profile)}`, `did you mean: fob login ${shellWord(nearest)}`);
  }
  return new FobError(`there is no profile ${quote(profile)} in ${quote(files.credentials.path)}`, [
    `make one with your access key: aws configure --profile ${shellWord(profile)}`,
    ...(names.length > 0 ? [`profiles that are there: ${names.slice(0, 8).map(quote).join(", ")}`] : []),
  ]);
}

/** The name that was probably meant, or undefined where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const near = names
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.ceil(candidate.length / 3))
    .sort((a, b) => a.far - b.far);
  return near[0]?.candidate;
}
