// What an account has in one region that shows whether MFA is enforced and whether sign-ins are watched: rules of AWS
// Config, alarms, trails and topics. Times are ms since 1970.

export interface Region {
  /** `eu-central-1` */
  readonly name: string;
  recorder: ConfigurationRecorder | undefined;
  /** By name, as the other maps. */
  readonly configRules: Map<string, ConfigRule>;
}

export interface ConfigurationRecorder {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly resourceTypes: readonly string[];
  /** Undefined for a recorder that was not started. */
  readonly startedMs: number | undefined;
}

/** A managed rule of AWS Config, with the results of its latest evaluation. */
export interface ConfigRule {
  readonly name: string;
  readonly arn: string;
  /** `config-rule-` and six characters. */
  readonly id: string;
  /** The managed rule, such as `IAM_USER_MFA_ENABLED`. */
  identifier: string;
  description: string | undefined;
  /** Undefined if it was put without one. */
  frequency: Frequency | undefined;
  readonly createdMs: number;
  evaluation: Evaluation;
  /** When a call last asked for an evaluation. */
  startedMs?: number;
}

export type Frequency = "One_Hour" | "Three_Hours" | "Six_Hours" | "Twelve_Hours" | "TwentyFour_Hours";

export interface Evaluation {
  readonly evaluatedMs: number;
  /** When the state was read that the results are about. */
  readonly readMs: number;
  readonly results: readonly { readonly userId: string; readonly isCompliant: boolean }[];
}

export const makeRegion = (name: string): Region => ({ name, recorder: undefined, configRules: new Map() });
