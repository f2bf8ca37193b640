// What watches over the account of the scenarios `team` and `team-enforced`.
import type { Resources } from "../../policy/export/resources.ts";
import type { Account } from "../account.ts";
import { putConfigRule, putRecorder } from "./config.ts";

/** The region of the profiles, where the account has its AWS Config. */
const home = "eu-central-1";

const hour = 3_600_000;
const day = 24 * hour;

/** Adds AWS Config as `fob policy export` describes it. Its latest evaluation was some hours ago. */
export function addMonitoring(account: Account, { rules, recorder }: Resources): void {
  const region = account.inRegion(home);
  const now = account.now();
  const createdMs = now - 300 * day;
  if (recorder !== undefined) {
    const { name, resourceTypes, role } = recorder;
    const roleArn = account.arn(`role/${role.name}`);
    putRecorder(account, region, { name, resourceTypes, startedMs: createdMs, roleArn });
  }
  const evaluatedMs = now - 7 * hour;
  for (const { name, identifier, description } of rules) {
    const rule = { name, identifier, description, frequency: undefined };
    putConfigRule(account, region, rule, { createdMs, evaluatedMs });
  }
}
