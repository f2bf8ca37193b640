// What an account has in one region that shows whether MFA is enforced and whether sign-ins are watched: rules of AWS
// Config, alarms, trails and topics. Times are ms since 1970.

export interface Region {
  /** `eu-central-1` */
  readonly name: string;
  recorder: ConfigurationRecorder | undefined;
  /** By name, as the other maps. */
  readonly configRules: Map<string, ConfigRule>;
  readonly eventRules: Map<string, EventRule>;
  readonly logGroups: Map<string, LogGroup>;
  readonly alarms: Map<string, MetricAlarm>;
  readonly trails: Map<string, Trail>;
  /** By ARN. */
  readonly topics: Map<string, Topic>;
  /** When CloudTrail's events were looked up in the last second. */
  lookups: readonly number[];
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

/** A rule of EventBridge's default event bus. */
export interface EventRule {
  readonly name: string;
  readonly arn: string;
  /** JSON */
  readonly pattern: string | undefined;
  readonly schedule: string | undefined;
  readonly state: "ENABLED" | "DISABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
  readonly description: string | undefined;
  readonly targets: Map<string, EventTarget>;
}

export interface EventTarget {
  readonly id: string;
  readonly arn: string;
  readonly input: string | undefined;
}

export interface LogGroup {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  readonly filters: Map<string, MetricFilter>;
}

export interface MetricFilter {
  readonly name: string;
  /** The name of the log group. */
  readonly group: string;
  readonly pattern: string;
  readonly metric: {
    readonly name: string;
    readonly namespace: string;
    readonly value: string;
    readonly defaultValue: number | undefined;
    readonly unit: string | undefined;
  };
  readonly createdMs: number;
}

export interface MetricAlarm {
  readonly name: string;
  readonly arn: string;
  /** As CloudWatch names them. */
  readonly settings: AlarmSettings;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html */
export interface AlarmSettings {
  readonly AlarmDescription?: string | undefined;
  readonly ActionsEnabled: boolean;
  readonly OKActions: readonly string[];
  readonly AlarmActions: readonly string[];
  readonly InsufficientDataActions: readonly string[];
  readonly MetricName: string;
  readonly Namespace: string;
  readonly Statistic: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Period: number;
  readonly Unit?: string | undefined;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number | undefined;
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly TreatMissingData?: string | undefined;
}

export interface Trail {
  readonly name: string;
  readonly arn: string;
  readonly homeRegion: string;
  readonly bucket: string;
  readonly isMultiRegion: boolean;
  readonly logGroupArn: string | undefined;
  readonly logRoleArn: string | undefined;
  /** Undefined for a trail that does not log. */
  readonly startedMs: number | undefined;
}

export interface Topic {
  readonly arn: string;
  readonly subscriptions: readonly Subscription[];
}

export interface Subscription {
  /** Undefined until it is confirmed. */
  readonly arn: string | undefined;
  /** `email`, `sqs`, … */
  readonly protocol: string;
  readonly endpoint: string;
}

export const makeRegion = (name: string): Region => ({
  ...{ name, recorder: undefined, configRules: new Map(), eventRules: new Map(), logGroups: new Map() },
  ...{ alarms: new Map(), trails: new Map(), topics: new Map(), lookups: [] },
});
