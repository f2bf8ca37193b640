import type { TemporaryCredentials } from "../aws/aws.ts";

/** Temporary credentials from GetSessionToken with MFA, with all that is known of them. Times are ms since 1970. */
export interface Session {
  /** The session profile. */
  readonly profile: string;
  readonly credentials: TemporaryCredentials;
  readonly account: string | undefined;
  /** The user's ARN, where AWS told it. */
  readonly user: string | undefined;
  readonly source: Source;
  readonly serialNumber: string;
  readonly partition: string;
  /** The STS endpoint where it is not AWS's own. */
  readonly endpoint: string | undefined;
  readonly issued: number;
  /** The access key id of the session before this one: the session profile may still hold it. */
  readonly previousKeyId: string | undefined;
  readonly writtenTo: readonly Place[];
}

/** Where the long-term credentials came from. */
export interface Source {
  readonly profile: string;
  /** `environment`: they were in AWS_ACCESS_KEY_ID, under the name of that profile. */
  readonly from: "profile" | "environment";
  /** Undefined when a `credential_process` gave them: it is not run just to compare. */
  readonly accessKeyId: string | undefined;
}

/** A profile in a file, to which a session was written. */
export interface Place {
  readonly file: string;
  readonly profile: string;
}

/** The expiration as files and programs have it: `2026-01-31T09:00:00Z`. */
export function expirationText(expiration: number): string {
  return new Date(Math.floor(expiration / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
