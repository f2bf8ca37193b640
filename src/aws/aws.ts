// What the rest of fob asks AWS. The SDK that answers is in clients.ts, which is loaded only when it is needed.
import type { Network } from "./network.ts";

/** An access key, with its session token where it is temporary. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Temporary credentials as STS gives them. `expiration` is milliseconds since 1970. */
export interface TemporaryCredentials extends Credentials {
  readonly sessionToken: string;
  readonly expiration: number;
}

/** How and as whom to talk to AWS. */
export interface Access {
  readonly credentials: Credentials;
  readonly region: string;
  /** URLs instead of AWS's own. */
  readonly endpoints: { readonly sts: string | undefined; readonly iam: string | undefined };
  readonly useFips: boolean;
  readonly useDualstack: boolean;
  readonly network: Network;
  /** Ends every call under way. */
  readonly signal: AbortSignal;
  readonly debug: (message: string) => void;
}

/** A token code, with the device that shows it. */
export interface Mfa {
  readonly serialNumber: string;
  readonly tokenCode: string;
}

export interface RoleRequest {
  readonly arn: string;
  readonly sessionName: string;
  /** Seconds. */
  readonly duration: number;
  readonly externalId?: string | undefined;
  readonly sourceIdentity?: string | undefined;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly transitiveTags: readonly string[];
  readonly mfa?: Mfa | undefined;
}

/** One call of AWS's policy simulator: some actions on one resource, under the same circumstances. */
export interface Simulation {
  /** Policies, as JSON. */
  readonly policies: readonly string[];
  /** A permissions boundary, as JSON. */
  readonly boundary: string | undefined;
  /** The ARN of the user who would call: policies see its name and account. */
  readonly caller: string | undefined;
  readonly actions: readonly string[];
  /** An ARN, or `*`. */
  readonly resource: string;
  readonly context: readonly SimulatedKey[];
  /** Where the page before has ended. */
  readonly marker: string | undefined;
}

/** A condition key in a simulation. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html */
export interface SimulatedKey {
  readonly name: string;
  readonly type: SimulatedType | `${SimulatedType}List`;
  readonly values: readonly string[];
}

export type SimulatedType = "string" | "numeric" | "boolean" | "ip" | "date";

/** What AWS says of one action. https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html */
export interface SimulationResult {
  readonly action: string;
  readonly decision: string;
}

export interface SimulatorClient {
  /**
   * Whether policies allow actions, says AWS's own policy simulator; one page of its answers, and where the next begins.
   * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
   */
  simulate(call: Simulation): Promise<{ results: readonly SimulationResult[]; marker: string | undefined }>;
}

export interface Aws extends SimulatorClient {
  /**
   * Who the access key belongs to. Needs no permission.
   * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
   */
  callerIdentity(): Promise<{ account: string | undefined; arn: string | undefined }>;
  /**
   * The serial numbers of the caller's MFA devices.
   * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html
   */
  listMfaDevices(): Promise<string[]>;
  /**
   * A session for a token code, in one attempt: AWS takes a code only once, so a repeated call would burn it.
   * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
   *
   * @param request.duration seconds
   */
  getSessionToken(request: Mfa & { duration: number }): Promise<TemporaryCredentials>;
  /**
   * Credentials of a role; in one attempt where a token code goes with the request.
   * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
   */
  assumeRole(request: RoleRequest): Promise<TemporaryCredentials>;
  /**
   * A token with which a browser is signed in to the console, from the caller's own credentials.
   *
   * @param request.duration length of the console's session, in seconds; not for roles that another role or a session
   * has asked for
   */
  signInToken(request: { federation: URL; duration: number | undefined }): Promise<string>;
  /** Closes the connections; the process could not end before. */
  close(): void;
}
