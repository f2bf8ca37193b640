// What a session is, and how its times and credentials are written.
import type { RoleRequest, TemporaryCredentials } from "../aws/types.ts";
import type { Properties } from "../profiles/files.ts";
import { formatAsciiJson } from "../text.ts";
import type { Span } from "./freshness.ts";

/**
 * Temporary credentials from GetSessionToken with MFA, with all that is known of them; or those of a role that was assumed
 * through them. Times are ms since 1970.
 */
export interface Session {
  /** The session profile, or the role profile. */
  readonly profile: string;
  readonly credentials: TemporaryCredentials;
  readonly account: string | undefined;
  /** The account's alias; "" where AWS tells none, undefined where it was never asked for. */
  readonly accountAlias?: string | undefined;
  /** The user's ARN, where AWS told it. */
  readonly user: string | undefined;
  readonly source: Source;
  readonly serialNumber: string;
  readonly partition: string;
  /** The STS endpoint where it is not AWS's own. */
  readonly endpoint: string | undefined;
  /** Whether the environment has no say in it: the endpoint is AWS's own, or the profile was installed for it. */
  readonly isEnvironmentIndependent: boolean;
  /** That endpoint, where it is not AWS's own; else "". */
  readonly installedFor: string;
  /** What the user asked for with options, and a renewal asks for again. */
  readonly asked: RememberedOptions;
  readonly issued: number;
  /** The roles that lead from the user to these credentials, as the config had them; none for a session itself. */
  readonly roles: readonly Role[];
  /** Whether they were asked for with a session or another role, and not by the user with a code. */
  readonly isChained: boolean;
  readonly writtenTo: readonly WrittenPlace[];
  /** Settings of the source that fob has copied into the session profile of the config, as the editor writes them. */
  readonly copiedSettings?: Readonly<Record<string, string>> | undefined;
}

/** A role, and what a role profile asks for with it. */
export interface Role extends Pick<RoleRequest, "arn" | "externalId" | "sourceIdentity" | "tags" | "transitiveTags"> {
  readonly profile: string;
  /** The profile with whose credentials it is asked for. */
  readonly sourceProfile: string;
  /** Seconds, where the profile says so. */
  readonly duration?: number | undefined;
  readonly sessionName?: string | undefined;
}

/** Options of `fob login` as they were given. */
export interface RememberedOptions {
  readonly serial?: string | undefined;
  readonly duration?: string | undefined;
  readonly region?: string | undefined;
}

/** Where the long-term credentials came from. */
export interface Source {
  readonly profile: string;
  /** `environment`: they were in AWS_ACCESS_KEY_ID, under the name of that profile. */
  readonly from: "profile" | "environment";
  /** Undefined where a `credential_process` would have to be run to know it. */
  readonly accessKeyId: string | undefined;
}

/** A profile in a file, to which a session was written. */
export interface Place {
  readonly file: string;
  readonly profile: string;
}

/** A place with the access key ids that fob has written to it, the latest first: by them it knows its own. */
export interface WrittenPlace extends Place {
  readonly keyIds: readonly string[];
}

/** When a session begins and ends. */
export const getSpan = ({ issued, credentials }: Session): Span => ({ issued, expiration: credentials.expiration });

/** The expiration as files and programs have it: `2026-01-31T09:00:00Z`. */
export function formatExpiration(expiration: number): string {
  return new Date(Math.floor(expiration / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** The keys under which tools write when a session ends. */
export const expiryKeys = ["expiration", "x_security_token_expires"] as const;

/**
 * When the session among these properties ends, in ms since 1970, whichever tool wrote it: RFC 3339; without a zone it is
 * UTC, as aws-mfa writes it, but awsume's is local time; or, as weep writes it, seconds since 1970. Undefined for no time.
 */
export function expiryIn(properties: Properties | undefined): number | undefined {
  const text = expiryKeys.map((key) => properties?.get(key)?.value).find((value) => value);
  if (text !== undefined && /^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(text ?? "");
  if (!parts) return undefined;
  const isLocal = properties?.get("manager")?.value === "awsume";
  const [, day = "", time = "", zone = isLocal ? "" : "Z"] = parts;
  const at = Date.parse(`${day}T${time}${zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
  return Number.isNaN(at) ? undefined : at;
}

/** The JSON of the SDKs' credential_process contract. https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
export function processJson(session: Session): string {
  const { credentials, account } = session;
  return formatAsciiJson({
    Version: 1,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: formatExpiration(credentials.expiration),
    ...(account === undefined ? {} : { AccountId: account }),
  });
}
