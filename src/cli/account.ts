// Reads a whole account, as the administrator.
import type { Connection } from "../aws/connection.ts";
import { freeMemoryOf } from "../free-memory.ts";
import { type ReadOptions, readAccount } from "../iam/read.ts";
import type { AccountSnapshot } from "../iam/snapshot.ts";
import { type AdministratorOptions, announceCaller, askAsAdministrator, type Caller } from "./administrator.ts";
import type { Context } from "./context.ts";

export interface ReadAccount {
  readonly snapshot: AccountSnapshot;
  /** `hasMfa`: whether the session is known to have MFA. */
  readonly caller: Caller & { readonly hasMfa: boolean };
  readonly aws: Connection;
  /** Reads it again: time has passed. */
  readonly readAgain: () => Promise<AccountSnapshot>;
}

/**
 * Does some work with the account, as it is now.
 *
 * @param command the command that it is for, as in `fob rollout plan`
 * @throws FobError
 */
export async function withAccount<T>(
  options: AdministratorOptions,
  command: string,
  context: Context,
  work: (account: ReadAccount) => T | Promise<T>,
): Promise<T> {
  return await askAsAdministrator(options, command, context, async (aws, { hasMfa }) => {
    const caller = { ...(await announceCaller(aws, context)), hasMfa };
    const read = await createReader(aws, caller.arn, context);
    return await work({ snapshot: await read(), caller, aws, readAgain: read });
  });
}

/** @param callerArn of the caller whose connection it is */
export async function createReader(
  aws: Connection,
  callerArn: string,
  context: Context,
): Promise<() => Promise<AccountSnapshot>> {
  const accountCalls = await import("../aws/iam-account.ts");
  const { getAccountAlias, listMfaDevices } = await import("../aws/iam.ts");
  const options: ReadOptions = {
    callerArn,
    calls: { ...accountCalls, getAccountAlias, listMfaDevices },
    now: context.now,
    sleep: (milliseconds) => sleepUnless(context.signal, milliseconds),
  };
  return async () => {
    const snapshot = await aws.keepProgress(() => readAccount(aws, options));
    freeMemoryOf(snapshot.users.length);
    return snapshot;
  };
}

/** Ends early, without an error, when the user cancels. */
export async function sleepUnless(signal: AbortSignal, milliseconds: number): Promise<void> {
  const { setTimeout: sleep } = await import("node:timers/promises");
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** What `confirmAccount` asks. */
export const confirmPermissions = [
  ...["iam:GetAccessKeyLastUsed", "iam:GetLoginProfile", "iam:GetUser", "iam:ListAccessKeys", "iam:ListMFADevices"],
  "iam:SimulatePrincipalPolicy",
];

/** What `findConfigRules` asks. */
export const configPermissions = [
  ...["config:DescribeComplianceByConfigRule", "config:DescribeConfigRuleEvaluationStatus"],
  ...["config:DescribeConfigRules", "config:DescribeConfigurationRecorderStatus"],
  "config:GetComplianceDetailsByConfigRule",
];

/** What `findSignInAlarm` asks. */
export const alarmPermissions = [
  ...["cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"],
  ...["cloudwatch:DescribeAlarmsForMetric", "events:ListRules", "events:ListTargetsByRule"],
  ...["logs:DescribeMetricFilters", "sns:ListSubscriptionsByTopic"],
];
