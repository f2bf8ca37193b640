// AWS Config's rules and what came of them. Heavy: import() it.
import type { Connection } from "./connection.ts";
import { askService } from "./other-services.ts";
import { readPages } from "./pages.ts";

/** Twenty-five rules a page, and an account can have a thousand in a region. */
const mostPages = 200;

async function ask<T>(aws: Connection, region: string, operation: string, input: object): Promise<T> {
  return JSON.parse(await askService(aws, { service: "config_service", operation, region, input: { ...input } })) as T;
}

export interface ManagedRule {
  readonly name: string;
  readonly arn: string;
  /** `IAM_USER_MFA_ENABLED` */
  readonly identifier: string;
}

/** The rules that AWS manages. https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRules.html */
export async function listManagedRules(aws: Connection, region: string): Promise<readonly ManagedRule[]> {
  return await readPages(async (NextToken) => {
    const { ConfigRules = [], NextToken: marker } = await ask<{
      readonly ConfigRules?: readonly {
        ConfigRuleName?: string;
        ConfigRuleArn?: string;
        ConfigRuleState?: string;
        Source?: { Owner?: string; SourceIdentifier?: string };
      }[];
      readonly NextToken?: string;
    }>(aws, region, "DescribeConfigRules", { NextToken });
    const items = ConfigRules.flatMap(
      ({ ConfigRuleName: name, ConfigRuleArn: arn = "", ConfigRuleState = "", Source }) => {
        const identifier = Source?.Owner === "AWS" ? Source.SourceIdentifier : undefined;
        return name === undefined || identifier === undefined || ConfigRuleState.startsWith("DELETING")
          ? []
          : { name, arn, identifier };
      },
    );
    return { items, marker };
  }, mostPages);
}

/**
 * `COMPLIANT`, `NON_COMPLIANT`, `INSUFFICIENT_DATA` or `NOT_APPLICABLE`; undefined if AWS does not say.
 * https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeComplianceByConfigRule.html
 */
export async function getCompliance(aws: Connection, region: string, rule: string): Promise<string | undefined> {
  const { ComplianceByConfigRules = [] } = await ask<{
    readonly ComplianceByConfigRules?: readonly {
      ConfigRuleName?: string;
      Compliance?: { ComplianceType?: string };
    }[];
  }>(aws, region, "DescribeComplianceByConfigRule", { ConfigRuleNames: [rule] });
  return ComplianceByConfigRules.find(({ ConfigRuleName }) => ConfigRuleName === rule)?.Compliance?.ComplianceType;
}

/** Milliseconds since 1970; undefined for what has not happened. */
export interface EvaluationTimes {
  readonly succeeded: number | undefined;
  readonly failed: number | undefined;
  /** Of the evaluation that failed. */
  readonly error: string | undefined;
}

/** https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRuleEvaluationStatus.html */
export async function getEvaluationTimes(aws: Connection, region: string, rule: string): Promise<EvaluationTimes> {
  const { ConfigRulesEvaluationStatus = [] } = await ask<{
    readonly ConfigRulesEvaluationStatus?: readonly {
      ConfigRuleName?: string;
      LastSuccessfulEvaluationTime?: number;
      LastFailedEvaluationTime?: number;
      LastErrorCode?: string;
    }[];
  }>(aws, region, "DescribeConfigRuleEvaluationStatus", { ConfigRuleNames: [rule] });
  const found = ConfigRulesEvaluationStatus.find(({ ConfigRuleName }) => ConfigRuleName === rule);
  const toTime = (seconds: number | undefined): number | undefined =>
    typeof seconds === "number" ? seconds * 1000 : undefined;
  return {
    succeeded: toTime(found?.LastSuccessfulEvaluationTime),
    failed: toTime(found?.LastFailedEvaluationTime),
    error: found?.LastErrorCode,
  };
}

/**
 * The IDs of the resources that are not compliant: of users `AIDA…`.
 * https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html
 */
export async function listNonCompliant(aws: Connection, region: string, rule: string): Promise<readonly string[]> {
  return await readPages(async (NextToken) => {
    const { EvaluationResults = [], NextToken: marker } = await ask<{
      readonly EvaluationResults?: readonly {
        EvaluationResultIdentifier?: { EvaluationResultQualifier?: { ResourceId?: string } };
      }[];
      readonly NextToken?: string;
    }>(aws, region, "GetComplianceDetailsByConfigRule", {
      ...{ ConfigRuleName: rule, ComplianceTypes: ["NON_COMPLIANT"], Limit: 100, NextToken },
    });
    const items = EvaluationResults.flatMap(
      ({ EvaluationResultIdentifier: found }) => found?.EvaluationResultQualifier?.ResourceId ?? [],
    );
    return { items, marker };
  }, mostPages);
}

/**
 * Whether the region's recorder records; undefined if it has none.
 * https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigurationRecorderStatus.html
 */
export async function isRecording(aws: Connection, region: string): Promise<boolean | undefined> {
  const { ConfigurationRecordersStatus = [] } = await ask<{
    readonly ConfigurationRecordersStatus?: readonly { recording?: boolean }[];
  }>(aws, region, "DescribeConfigurationRecorderStatus", {});
  if (ConfigurationRecordersStatus.length === 0) return undefined;
  return ConfigurationRecordersStatus.some(({ recording }) => recording === true);
}
