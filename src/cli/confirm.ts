// `fob audit --fresh`: asks about each user what the credential report says, and AWS's simulator what fob's evaluator says.
import { mustBeDenied } from "../audit/enforcement.ts";
import { unusedDays } from "../audit/users.ts";
import type { Connection } from "../aws/connection.ts";
import { listMfaDevices } from "../aws/iam.ts";
import { getLoginProfile, listAccessKeys } from "../aws/iam-account.ts";
import { getUser } from "../aws/iam-changes.ts";
import { formatUtcTime } from "../duration.ts";
import { confirmUsers } from "../iam/confirm.ts";
import { indexDecisions } from "../iam/decisions.ts";
import { compareUsers, listQuestionsWithoutMfa, type Simulated } from "../iam/simulated.ts";
import type { AccountSnapshot, Known } from "../iam/snapshot.ts";
import { connectSimulator } from "./simulator.ts";

export interface Confirmed {
  readonly snapshot: AccountSnapshot;
  readonly simulated: ReadonlyMap<string, Known<Simulated>>;
  /** When: `2026-01-31T09:00:00Z`. */
  readonly confirmed: string;
}

/** @param breakGlass users who are named as break-glass users */
export async function confirmAccount(
  aws: Connection,
  reported: AccountSnapshot,
  breakGlass: readonly string[],
): Promise<Confirmed> {
  const snapshot = await confirmUsers(
    aws,
    reported,
    { getLoginProfile, getUser, listAccessKeys, listMfaDevices },
    { breakGlass, usedDays: unusedDays },
  );
  const users = snapshot.users.filter((user) => mustBeDenied(user, breakGlass));
  const simulated = await compareUsers({
    ...{ users, decisionsOf: indexDecisions(snapshot), questionsFor: listQuestionsWithoutMfa, policies: [] },
    ask: connectSimulator(aws)([]),
    show: (done) => {
      aws.progress = `Asking AWS's simulator: ${done} of ${users.length} users…`;
    },
  });
  return { snapshot, simulated, confirmed: formatUtcTime(aws.now()) };
}
