// Looks, as the administrator, for AWS Config's rules about MFA and what came of them.
import { type ConfigRegion, type ConfigRule, configIdentifiers } from "../audit/config-rules.ts";
import * as config from "../aws/config-rules.ts";
import type { Connection } from "../aws/connection.ts";
import { getDefaultRegion, getPartition } from "../aws/partitions.ts";
import { flatMapKnown, type Known } from "../iam/snapshot.ts";
import { tryRead } from "../iam/try-call.ts";

/** Rules about IAM are in one region: the one of the profile, or that of IAM. */
export async function findConfigRules(aws: Connection): Promise<readonly ConfigRegion[]> {
  const { region } = aws.access;
  const ofIam = getDefaultRegion(getPartition(region)) ?? region;
  return await Promise.all([...new Set([region, ofIam])].map((each) => lookIn(aws, each)));
}

async function lookIn(aws: Connection, region: string): Promise<ConfigRegion> {
  const [listed, isRecording] = await Promise.all([
    tryRead(() => config.listManagedRules(aws, region)),
    tryRead(async () => (await config.isRecording(aws, region)) ?? null),
  ]);
  if (!("value" in listed)) return { region, isRecording, rules: listed };
  const about = listed.value.filter(({ identifier }) => configIdentifiers.includes(identifier));
  return { region, isRecording, rules: { value: await Promise.all(about.map((rule) => lookAt(aws, region, rule))) } };
}

async function lookAt(aws: Connection, region: string, { name, arn }: config.ManagedRule): Promise<ConfigRule> {
  const [compliance, times, nonCompliant] = await Promise.all([
    tryRead(() => config.getCompliance(aws, region, name)),
    tryRead(() => config.getEvaluationTimes(aws, region, name)),
    tryRead(() => config.listNonCompliant(aws, region, name)),
  ]);
  return {
    ...{ name, arn, evaluation: times, nonCompliant },
    compliance: flatMapKnown(
      compliance,
      (found): Known<string> =>
        found === undefined ? { unknown: "AWS Config does not say whether it is compliant" } : { value: found },
    ),
  };
}
