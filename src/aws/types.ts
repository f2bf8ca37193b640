// What fob gives AWS and gets from it. The calls are in a module for each service: sts.ts, iam.ts, sign-in.ts.

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

/** An access key of a user, as IAM lists it. */
export interface OwnAccessKey {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number | undefined;
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

/** Some of the answers, and where the next begin. */
export interface SimulationPage {
  readonly results: readonly SimulationResult[];
  readonly marker: string | undefined;
}
