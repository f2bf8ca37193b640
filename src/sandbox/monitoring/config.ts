// AWS Config: recorders, and rules whose results are as old as their latest evaluation.
// https://docs.aws.amazon.com/config/latest/APIReference/
import { type Account, makeId, type UserPrincipal } from "../account.ts";
import { AwsError, notModeled } from "../errors.ts";
import {
  defineOperation,
  integer,
  type JsonCall,
  type JsonService,
  type JsonValue,
  listOf,
  oneOf,
  optional,
  structure,
  takeTokenPage,
  text,
} from "../json.ts";
import type { ConfigRule, ConfigurationRecorder, Evaluation, Frequency, Region } from "../region.ts";

const hour = 3_600_000;

const periods: Readonly<Record<Frequency, number>> = {
  One_Hour: hour,
  Three_Hours: 3 * hour,
  Six_Hours: 6 * hour,
  Twelve_Hours: 12 * hour,
  TwentyFour_Hours: 24 * hour,
};

/** A rule of AWS's: the users whom it is about, and how old the state may be that it evaluates. */
interface ManagedRule {
  readonly isAbout: (user: UserPrincipal) => boolean;
  readonly cacheMs: number;
}

/**
 * The first two are periodic, so without a frequency they are evaluated every 24 hours:
 * https://docs.aws.amazon.com/config/latest/developerguide/iam-user-mfa-enabled.html
 *
 * "Re-evaluating this rule within 4 hours of the first evaluation will have no effect on the results":
 * https://docs.aws.amazon.com/config/latest/developerguide/mfa-enabled-for-iam-console-access.html
 * That it has no results for users without a console password is inferred.
 */
const managedRules: Readonly<Record<string, ManagedRule>> = {
  IAM_USER_MFA_ENABLED: { isAbout: () => true, cacheMs: 0 },
  MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS: { isAbout: ({ user }) => user.password !== undefined, cacheMs: 4 * hour },
};

function findManagedRule(identifier: string): ManagedRule {
  const rule = Object.hasOwn(managedRules, identifier) ? managedRules[identifier] : undefined;
  if (rule === undefined) throw notModeled(`the AWS Config rule ${identifier}`);
  return rule;
}

/** Evaluates a rule. @param last its latest evaluation, if there is one */
function evaluate(account: Account, identifier: string, nowMs: number, last?: Evaluation): Evaluation {
  const { isAbout, cacheMs } = findManagedRule(identifier);
  if (last !== undefined && nowMs - last.readMs < cacheMs) return { ...last, evaluatedMs: nowMs };
  const users = account.users().filter(isAbout);
  const results = users.map(({ userId, devices }) => ({ userId, isCompliant: devices.length > 0 }));
  return { evaluatedMs: nowMs, readMs: nowMs, results };
}

/**
 * Evaluates the rules that were due. Has to be called before each change of the account, because the results are about
 * the state at the time when an evaluation was due.
 */
export function runDueEvaluations(account: Account): void {
  for (const rule of account.regions().flatMap(({ configRules }) => [...configRules.values()])) {
    const { evaluatedMs } = rule.evaluation;
    const periodMs = periods[rule.frequency ?? "TwentyFour_Hours"];
    const passed = Math.floor((account.now() - evaluatedMs) / periodMs);
    if (passed < 1) continue;
    const dueMs = evaluatedMs + passed * periodMs;
    rule.evaluation = evaluate(account, rule.identifier, dueMs, rule.evaluation);
  }
}

interface RuleOptions {
  readonly name: string;
  readonly identifier: string;
  readonly description: string | undefined;
  readonly frequency: Frequency | undefined;
}

/** Adds a rule to a region, or changes the one with this name, and evaluates it. Throws NotImplemented. */
export function putConfigRule(
  account: Account,
  region: Region,
  { name, ...settings }: RuleOptions,
  { createdMs = account.now(), evaluatedMs = account.now() } = {},
): void {
  const evaluation = evaluate(account, settings.identifier, evaluatedMs);
  const existing = region.configRules.get(name);
  if (existing !== undefined) {
    Object.assign(existing, settings, { evaluation });
    return;
  }
  const id = `config-rule-${makeId("").slice(0, 6).toLowerCase()}`;
  const arn = writeArn(account, region, `config-rule/${id}`);
  region.configRules.set(name, { name, arn, id, ...settings, createdMs, evaluation });
}

/** Gives a region the recorder that rules need. @param startedMs undefined for one that does not record */
export function putRecorder(
  account: Account,
  region: Region,
  recorder: Pick<ConfigurationRecorder, "name" | "roleArn" | "resourceTypes" | "startedMs">,
): void {
  const arn = writeArn(account, region, `configuration-recorder/${recorder.name}/${makeId("").toLowerCase()}`);
  region.recorder = { ...recorder, arn };
}

const writeArn = ({ partition, id }: Account, region: Region, resource: string): string =>
  `arn:${partition}:config:${region.name}:${id}:${resource}`;

/** Throws AccessDeniedException unless the caller may do this to the rule, or to all rules. */
function authorize({ account, caller, region }: JsonCall, operation: string, rule?: ConfigRule): void {
  const arn = rule?.arn ?? writeArn(account, region, "config-rule/*");
  account.authorize(caller, `config:${operation}`, arn, arn);
}

/** The actions without resources, which policies can only allow on `*`. */
function authorizeList({ account, caller }: JsonCall, operation: string): void {
  account.authorize(caller, `config:${operation}`, "*");
}

const ruleName = text(1, 128, "[\\s\\S]*\\S[\\s\\S]*");
const ruleNames = optional(listOf(ruleName, { max: 25 }));
const token = optional(text());

const badToken = (): AwsError =>
  new AwsError(
    "InvalidNextTokenException",
    400,
    "The specified next token is not valid. Specify the nextToken string that was returned in the previous response to " +
      "get the next page of results.",
  );

/** Returns the rules with these names, or all. Throws NoSuchConfigRuleException; the message is as users quote it. */
function findRules({ configRules }: Region, names: readonly string[] = []): readonly ConfigRule[] {
  if (names.length === 0) return [...configRules.values()];
  return names.map((name) => findRule(configRules, name));
}

function findRule(rules: ReadonlyMap<string, ConfigRule>, name: string): ConfigRule {
  const rule = rules.get(name);
  if (rule !== undefined) return rule;
  const problem = `The ConfigRule '${name}' provided in the request is invalid. Please check the configRule name`;
  throw new AwsError("NoSuchConfigRuleException", 400, problem);
}

/** AWS returns 25 rules a page. https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRules.html */
const describeConfigRules = defineOperation({ ConfigRuleNames: ruleNames, NextToken: token }, (call, input) => {
  authorizeList(call, "DescribeConfigRules");
  const rules = findRules(call.region, input.ConfigRuleNames);
  const { page, nextToken } = takeTokenPage(rules, input.NextToken, 25, badToken);
  return { ConfigRules: page.map(describeRule), NextToken: nextToken };
});

const describeRule = ({ name, arn, id, identifier, description, frequency }: ConfigRule): JsonValue => ({
  ConfigRuleName: name,
  ConfigRuleArn: arn,
  ConfigRuleId: id,
  Description: description,
  Source: { Owner: "AWS", SourceIdentifier: identifier },
  MaximumExecutionFrequency: frequency,
  ConfigRuleState: "ACTIVE",
  EvaluationModes: [{ Mode: "DETECTIVE" }],
});

/** https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigRule.html */
const putRule = defineOperation(
  {
    ConfigRule: structure({
      ConfigRuleName: ruleName,
      Description: optional(text(0, 256)),
      Source: structure({ Owner: oneOf("CUSTOM_LAMBDA", "AWS", "CUSTOM_POLICY"), SourceIdentifier: text(1, 256) }),
      MaximumExecutionFrequency: optional(oneOf(...(Object.keys(periods) as Frequency[]))),
    }),
  },
  (call, { ConfigRule: given }) => {
    const { account, region } = call;
    authorize(call, "PutConfigRule", region.configRules.get(given.ConfigRuleName));
    if (given.Source.Owner !== "AWS") throw notModeled("AWS Config rules that AWS does not manage");
    findManagedRule(given.Source.SourceIdentifier);
    if (region.recorder === undefined) {
      const problem = "Configuration recorder not found. Add a configuration recorder and start recording.";
      throw new AwsError("NoAvailableConfigurationRecorderException", 400, problem);
    }
    putConfigRule(account, region, {
      name: given.ConfigRuleName,
      identifier: given.Source.SourceIdentifier,
      description: given.Description,
      frequency: given.MaximumExecutionFrequency,
    });
    return undefined;
  },
);

/**
 * "This exception is thrown if an evaluation is in progress or if you call the StartConfigRulesEvaluation API more than
 * once per minute": https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html
 */
const startConfigRulesEvaluation = defineOperation({ ConfigRuleNames: ruleNames }, (call, input) => {
  const { account, region } = call;
  const rules = (input.ConfigRuleNames ?? []).map((name) => {
    authorize(call, "StartConfigRulesEvaluation", region.configRules.get(name));
    return findRule(region.configRules, name);
  });
  const now = account.now();
  if (rules.some(({ startedMs = Number.NEGATIVE_INFINITY }) => now - startedMs < 60_000)) {
    const problem = "You can call StartConfigRulesEvaluation once per minute for a rule";
    throw new AwsError("LimitExceededException", 400, problem);
  }
  for (const rule of rules) {
    rule.startedMs = now;
    rule.evaluation = evaluate(account, rule.identifier, now, rule.evaluation);
  }
  return {};
});

const complianceTypes = oneOf("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE", "INSUFFICIENT_DATA");
const complianceFilter = optional(listOf(complianceTypes, { max: 3 }));
type Compliance = ReturnType<typeof complianceTypes>;

const toCompliance = (isCompliant: boolean): Compliance => (isCompliant ? "COMPLIANT" : "NON_COMPLIANT");

/**
 * The default of Limit is 10, the maximum 100, and 0 means the default.
 * https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html
 */
const getComplianceDetails = defineOperation(
  {
    ConfigRuleName: text(1, 64),
    ComplianceTypes: complianceFilter,
    Limit: optional(integer(0, 100)),
    NextToken: token,
  },
  (call, input) => {
    const { configRules } = call.region;
    authorize(call, "GetComplianceDetailsByConfigRule", configRules.get(input.ConfigRuleName));
    const rule = findRule(configRules, input.ConfigRuleName);
    const types = input.ComplianceTypes ?? [];
    if (types.includes("INSUFFICIENT_DATA")) {
      const problem = "INSUFFICIENT_DATA cannot be used as a ComplianceType for filtering";
      throw new AwsError("InvalidParameterValueException", 400, problem);
    }
    const { results, evaluatedMs } = rule.evaluation;
    const found = results.filter(({ isCompliant }) => types.length === 0 || types.includes(toCompliance(isCompliant)));
    const { page, nextToken } = takeTokenPage(found, input.NextToken, input.Limit || 10, badToken);
    const evaluated = new Date(evaluatedMs);
    return {
      EvaluationResults: page.map(({ userId, isCompliant }) => ({
        EvaluationResultIdentifier: {
          EvaluationResultQualifier: {
            ...{ ConfigRuleName: rule.name, ResourceType: "AWS::IAM::User", ResourceId: userId },
            EvaluationMode: "DETECTIVE",
          },
          OrderingTimestamp: evaluated,
        },
        ComplianceType: toCompliance(isCompliant),
        ResultRecordedTime: evaluated,
        ConfigRuleInvokedTime: evaluated,
      })),
      NextToken: nextToken,
    };
  },
);

/** https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeComplianceByConfigRule.html */
const describeCompliance = defineOperation(
  { ConfigRuleNames: ruleNames, ComplianceTypes: complianceFilter, NextToken: token },
  (call, input) => {
    authorizeList(call, "DescribeComplianceByConfigRule");
    const types = input.ComplianceTypes ?? [];
    const rules = findRules(call.region, input.ConfigRuleNames).map((rule) => ({
      rule,
      ...summarize(rule.evaluation),
    }));
    const found = rules.filter(({ compliance }) => types.length === 0 || types.includes(compliance));
    const { page, nextToken } = takeTokenPage(found, input.NextToken, 25, badToken);
    return {
      ComplianceByConfigRules: page.map(({ rule, compliance, contributors }) => ({
        ConfigRuleName: rule.name,
        Compliance: {
          ComplianceType: compliance,
          ...(compliance === "NON_COMPLIANT" ? { ComplianceContributorCount: capCount(contributors) } : {}),
        },
      })),
      NextToken: nextToken,
    };
  },
);

/** Without results, "the rule has no evaluations for the Amazon Web Services resources": INSUFFICIENT_DATA. */
function summarize({ results }: Evaluation): { readonly compliance: Compliance; readonly contributors: number } {
  const contributors = results.filter(({ isCompliant }) => !isCompliant).length;
  return { compliance: results.length === 0 ? "INSUFFICIENT_DATA" : toCompliance(contributors === 0), contributors };
}

/** "up to a maximum number": https://docs.aws.amazon.com/config/latest/APIReference/API_ComplianceContributorCount.html */
const capCount = (count: number): JsonValue => ({ CappedCount: Math.min(count, 25), CapExceeded: count > 25 });

/** https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRuleEvaluationStatus.html */
const describeEvaluationStatus = defineOperation(
  { ConfigRuleNames: ruleNames, Limit: optional(integer(0, 50)), NextToken: token },
  (call, input) => {
    authorizeList(call, "DescribeConfigRuleEvaluationStatus");
    const rules = findRules(call.region, input.ConfigRuleNames);
    const { page, nextToken } = takeTokenPage(rules, input.NextToken, input.Limit || 50, badToken);
    return {
      ConfigRulesEvaluationStatus: page.map(({ name, arn, id, createdMs, evaluation }) => ({
        ...{ ConfigRuleName: name, ConfigRuleArn: arn, ConfigRuleId: id },
        LastSuccessfulInvocationTime: new Date(evaluation.evaluatedMs),
        LastSuccessfulEvaluationTime: new Date(evaluation.evaluatedMs),
        FirstActivatedTime: new Date(createdMs),
        FirstEvaluationStarted: true,
      })),
      NextToken: nextToken,
    };
  },
);

const recorderNames = { ConfigurationRecorderNames: optional(listOf(text(1, 256))) };

/** Returns the region's recorder if the names, when there are any, name it. Throws NoSuchConfigurationRecorderException. */
function findRecorders({ region }: JsonCall, names: readonly string[] = []): readonly ConfigurationRecorder[] {
  const { recorder } = region;
  if (names.some((name) => name !== recorder?.name)) {
    const problem =
      "The name of the configuration recorder you entered cannot be found. Verify the configuration recorder name, and try again.";
    throw new AwsError("NoSuchConfigurationRecorderException", 400, problem);
  }
  return recorder === undefined ? [] : [recorder];
}

function authorizeRecorder({ account, caller, region }: JsonCall, operation: string): void {
  const arn = region.recorder?.arn ?? writeArn(account, region, "configuration-recorder/*");
  account.authorize(caller, `config:${operation}`, arn, arn);
}

/** https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigurationRecorders.html */
const describeRecorders = defineOperation(recorderNames, (call, { ConfigurationRecorderNames: names }) => {
  authorizeRecorder(call, "DescribeConfigurationRecorders");
  return {
    ConfigurationRecorders: findRecorders(call, names).map(({ name, arn, roleArn, resourceTypes }) => ({
      ...{ arn, name, roleARN: roleArn },
      recordingGroup: {
        ...{ allSupported: false, includeGlobalResourceTypes: false, resourceTypes },
        exclusionByResourceTypes: { resourceTypes: [] },
        recordingStrategy: { useOnly: "INCLUSION_BY_RESOURCE_TYPES" },
      },
      recordingMode: { recordingFrequency: "CONTINUOUS", recordingModeOverrides: [] },
      recordingScope: "PAID",
    })),
  };
});

/** https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigurationRecorderStatus.html */
const describeRecorderStatus = defineOperation(recorderNames, (call, { ConfigurationRecorderNames: names }) => {
  authorizeRecorder(call, "DescribeConfigurationRecorderStatus");
  return {
    ConfigurationRecordersStatus: findRecorders(call, names).map(({ name, arn, startedMs }) => ({
      ...{ arn, name, recording: startedMs !== undefined },
      ...(startedMs === undefined ? {} : { lastStartTime: new Date(startedMs), lastStatus: "SUCCESS" }),
    })),
  };
});

export const config: JsonService = {
  targets: ["StarlingDoveService"],
  version: "1.1",
  invalidCode: "ValidationException",
  operations: {
    DescribeComplianceByConfigRule: describeCompliance,
    DescribeConfigRuleEvaluationStatus: describeEvaluationStatus,
    DescribeConfigRules: describeConfigRules,
    DescribeConfigurationRecorderStatus: describeRecorderStatus,
    DescribeConfigurationRecorders: describeRecorders,
    GetComplianceDetailsByConfigRule: getComplianceDetails,
    PutConfigRule: putRule,
    StartConfigRulesEvaluation: startConfigRulesEvaluation,
  },
};
