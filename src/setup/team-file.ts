// A team's settings for `fob setup --from`: a local JSON file with a strict schema. docs/onboarding.md describes it. It holds no
// secrets, and nothing in it is run: names, a region, roles, durations and the account.
import { roleLength, sessionLength } from "../aws/limits.ts";
import { getPartition, isInPartition, isRegion } from "../aws/partitions.ts";
import { quoteSetting } from "../aws/secrets.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { FobError, UsageError } from "../errors.ts";
import { readNamedFile } from "../files/read.ts";
import { findNearest } from "../nearest.ts";
import { type JsonSource, type Path, readJson, SourceError } from "../policy/engine/json.ts";
import { isNewName } from "../profiles/names.ts";
import { getSessionProfileName } from "../session/profile-pair.ts";
import { quote } from "../text.ts";

export interface Team {
  /** Twelve digits. */
  readonly account: string;
  /** The profile with the access key. */
  readonly profile: string;
  readonly session: string | undefined;
  readonly region: string | undefined;
  /** Length of sessions, as it is written: `8h`. */
  readonly duration: string | undefined;
  readonly mode: "keys" | "process" | undefined;
  readonly roles: readonly TeamRole[];
}

export interface TeamRole {
  readonly profile: string;
  readonly roleArn: string;
  readonly region: string | undefined;
  /** Seconds. */
  readonly duration: number | undefined;
}

/** Bytes, and roles: more than any team has. */
const [MOST_BYTES, MOST_ROLES] = [65_536, 200];

/** @throws UsageError for a URL; FobError for an invalid file */
export function readTeamFile(path: string): Team {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new UsageError("--from takes a local file: what a URL answers may change between two looks at it", [
      "download the file, and read it: curl --fail --location --output team.json URL",
      "then: fob setup --from team.json",
    ]);
  }
  const explainLonger = (bytes: number): FobError =>
    new FobError(
      `${quote(path)} is too large for a team file: ${bytes} bytes`,
      `a team file has at most ${MOST_BYTES} bytes`,
    );
  return parseTeamFile(readNamedFile(path, MOST_BYTES, explainLonger), path);
}

/** @param path for messages @throws FobError */
function parseTeamFile(text: string, path: string): Team {
  const source = parse(text, path);
  const fields = new Fields(
    source,
    path,
    [],
    ["version", "account", "profile", "session", "region", "duration", "mode", "roles"],
  );
  if (fields.value("version") !== 1) {
    throw fields.wrong("version", "must be 1", '"version": 1');
  }
  const region = fields.text("region", isRegion, "a region, like eu-central-1");
  const team: Team = {
    account: fields.required(
      "account",
      (text) => /^\d{12}$/.test(text),
      'an account ID in quotes, like "123456789012"',
    ),
    profile: fields.required("profile", isName, nameRule),
    session: fields.text("session", isName, nameRule),
    region,
    duration: fields.text("duration", (text) => isBetween(text, sessionLength), describeLength(sessionLength)),
    mode: fields.text(
      "mode",
      (text): text is "keys" | "process" => text === "keys" || text === "process",
      '"keys" or "process"',
    ),
    roles: readRoles(fields, source, path),
  };
  assertDistinct(team, fields);
  return team;
}

function parse(text: string, path: string): JsonSource {
  try {
    const source = readJson(text);
    if (isObject(source.value)) return source;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new FobError(`line ${error.place.line} of the team file ${quote(path)}: ${error.message}`, formatHint);
  }
  throw new FobError(`the team file ${quote(path)} is not a JSON object`, formatHint);
}

const formatHint = "its author should correct it; the format is in docs/onboarding.md";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isName = (text: string): boolean => text.length <= 64 && isNewName(text) && !/^\.+$/.test(text);
const nameRule = "a name of at most 64 letters, digits and . _ -";

type Bounds = { readonly shortest: number; readonly longest: number };

function isBetween(text: string, { shortest, longest }: Bounds): boolean {
  const seconds = parseDuration(text);
  return seconds !== undefined && seconds >= shortest && seconds <= longest;
}

const describeLength = ({ shortest, longest }: Bounds): string =>
  `a duration in quotes, like "1h": ${formatDuration(shortest)} to ${formatDuration(longest)}`;

/** The members of one object. */
class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #source: JsonSource;
  readonly #file: string;
  readonly #at: Path;

  /** @throws FobError for a member that is not known */
  constructor(source: JsonSource, file: string, at: Path, known: readonly string[]) {
    const found: unknown = at.reduce<unknown>(
      (value, step) => (value as Record<string | number, unknown>)[step],
      source.value,
    );
    this.#source = source;
    this.#file = file;
    this.#at = at;
    if (!isObject(found)) throw this.wrong(undefined, "must be an object", "{ … }");
    this.#object = found;
    const strange = Object.keys(found).find((key) => !known.includes(key));
    if (strange === undefined) return;
    const meant = findNearest(strange, known);
    throw this.wrong(
      strange,
      "is not known",
      meant === undefined ? `one of: ${known.join(", ")}` : quote(meant),
      meant === undefined ? "choose" : "did you mean",
    );
  }

  value(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  text<T extends string = string>(
    key: string,
    isGood: ((text: string) => text is T) | ((text: string) => boolean),
    rule: string,
  ): T | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === "string" && isGood(value)) return value as T;
    throw this.wrong(
      key,
      typeof value === "string" ? `is ${quoteSetting(value.slice(0, 60))}` : "is not text in quotes",
      rule,
    );
  }

  required(key: string, isGood: (text: string) => boolean, rule: string): string {
    const text = this.text(key, isGood, rule);
    if (text !== undefined) return text;
    throw this.wrong(undefined, `has no ${key}`, rule);
  }

  wrong(key: string | undefined, problem: string, rule: string, word = "it must be"): FobError {
    const path = key === undefined ? this.#at : [...this.#at, key];
    const { line } = this.#source.placeOf(path);
    const what = key === undefined ? (this.#at.length === 0 ? "the team file" : "the role") : quoteSetting(key);
    return new FobError(`line ${line} of the team file ${quote(this.#file)}: ${what} ${problem}`, [
      `${word} ${rule}`,
      formatHint,
    ]);
  }
}

function readRoles(fields: Fields, source: JsonSource, file: string): TeamRole[] {
  const value = fields.value("roles") ?? [];
  if (!Array.isArray(value)) throw fields.wrong("roles", "is not a list", "[ … ]");
  if (value.length > MOST_ROLES) throw fields.wrong("roles", `has ${value.length} roles`, `at most ${MOST_ROLES}`);
  return value.map((_, index): TeamRole => {
    const role = new Fields(source, file, ["roles", index], ["profile", "role_arn", "region", "duration"]);
    const region = role.text("region", isRegion, "a region, like eu-central-1");
    const duration = role.text("duration", (text) => isBetween(text, roleLength), describeLength(roleLength));
    const roleArn = role.required(
      "role_arn",
      (text) => arnOfRole.test(text) && text.length <= 2048,
      "the ARN of a role, like arn:aws:iam::123456789012:role/NAME",
    );
    const partition = arnOfRole.exec(roleArn)?.[1] ?? "aws";
    if (region !== undefined && !isInPartition(region, partition)) {
      throw role.wrong(
        "region",
        `is in the partition ${getPartition(region)}`,
        `a region of ${partition}, as the role`,
      );
    }
    return {
      profile: role.required("profile", isName, nameRule),
      ...{ roleArn, region },
      duration: duration === undefined ? undefined : parseDuration(duration),
    };
  });
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const arnOfRole = /^arn:(aws[a-z-]*):iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/;

/** @throws FobError where two profiles would have the same name */
function assertDistinct({ profile, session, roles }: Team, fields: Fields): void {
  const names = [profile, session ?? getSessionProfileName(profile), ...roles.map((role) => role.profile)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw fields.wrong(undefined, `has two profiles named ${quote(twice)}`, "one name for each profile");
  }
}
