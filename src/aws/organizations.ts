// The accounts of an organization. Heavy: import() it.
import type { Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { askService } from "./other-services.ts";
import { readPages } from "./pages.ts";
import { getDefaultRegion, getPartition } from "./partitions.ts";

export interface MemberAccount {
  /** Twelve digits. */
  readonly id: string;
  readonly name: string;
  /** `ACTIVE`, `SUSPENDED` … */
  readonly state: string;
}

/** "You can call this operation only from the management account or a member account that is a delegated administrator." */
export async function listAccounts(aws: Connection): Promise<readonly MemberAccount[]> {
  const region = findRegion(aws.access.region);
  return await readPages(async (NextToken) => {
    const call = { service: "organizations", operation: "ListAccounts", region, input: { NextToken } } as const;
    const answer = JSON.parse(await askService(aws, call)) as Answer;
    // "The NextToken response parameter value is null only when there are no more results to display."
    return { items: (answer.Accounts ?? []).map(readAccount), marker: answer.NextToken ?? undefined };
  }, mostPages);
}

/** A page has 20 accounts at most; the largest organizations have 10,000 and more. */
const mostPages = 5000;

interface Answer {
  readonly Accounts?: readonly { Id?: string; Name?: string; State?: string; Status?: string }[];
  readonly NextToken?: string | null;
}

/**
 * Status is retired since September 9, 2026; State has taken its place. What has neither is not known to be closed.
 * https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
 */
function readAccount({ Id: id, Name, State, Status }: NonNullable<Answer["Accounts"]>[number]): MemberAccount {
  if (id !== undefined && /^\d{12}$/.test(id)) return { id, name: Name ?? id, state: State ?? Status ?? "ACTIVE" };
  const hint = "check the endpoint: env | grep AWS_ENDPOINT_URL";
  throw new AwsFailure("server error", "AWS Organizations answered with an account without a number", hint);
}

/** https://docs.aws.amazon.com/general/latest/gr/ao.html */
function findRegion(region: string): string {
  const partition = getPartition(region);
  return partition === "aws-cn" ? "cn-northwest-1" : (getDefaultRegion(partition) ?? region);
}
