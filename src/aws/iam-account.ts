// IAM's calls that read an account as a whole. Heavy: import() it, and only when AWS is really called.
// Users are asked for in pages of a hundred, so that a page with its policies stays small.
import {
  GenerateCredentialReportCommand,
  GetAccessKeyLastUsedCommand,
  GetAccountAuthorizationDetailsCommand,
  type GetAccountAuthorizationDetailsCommandOutput,
  GetAccountPasswordPolicyCommand,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  GetLoginProfileCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListVirtualMFADevicesCommand,
  type PasswordPolicy,
  type VirtualMFADevice,
} from "@aws-sdk/client-iam";
import type { Connection } from "./connection.ts";
import { iamClient, markerOf } from "./iam.ts";
import { readPages } from "./pages.ts";

/** Five thousand users, their roles, groups and policies, and more. */
const MOST_PAGES = 1000;
const PAGE = 100;
/** Of what is small. */
const LARGE_PAGE = 1000;

export type AuthorizationDetails = Pick<
  GetAccountAuthorizationDetailsCommandOutput,
  "UserDetailList" | "GroupDetailList" | "RoleDetailList" | "Policies"
>;

function read<T>(
  aws: Connection,
  name: string,
  send: (client: IAMClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const call = { service: "iam", name: `iam:${name}`, kind: "bulk read" } as const;
  return aws.call(call, (signal) => send(iamClient(aws, "bulk read"), signal));
}

/**
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 *
 * @param keep returns what to keep of a page: of thousands of users, AWS's answers are many times as large
 */
export async function getAuthorizationDetails<T>(
  aws: Connection,
  keep: (page: AuthorizationDetails) => T,
): Promise<T[]> {
  return await readPages(async (Marker) => {
    const command = new GetAccountAuthorizationDetailsCommand({ Marker, MaxItems: PAGE });
    const answer = await read(aws, "GetAccountAuthorizationDetails", (client, abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return { items: [keep(answer)], marker: markerOf(answer) };
  }, MOST_PAGES);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html */
export async function listVirtualMfaDevices(aws: Connection): Promise<VirtualMFADevice[]> {
  return await readPages(async (Marker) => {
    const command = new ListVirtualMFADevicesCommand({ Marker, MaxItems: LARGE_PAGE });
    const answer = await read(aws, "ListVirtualMFADevices", (client, abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return { items: answer.VirtualMFADevices ?? [], marker: markerOf(answer) };
  }, MOST_PAGES);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html */
export async function getAccountSummary(aws: Connection): Promise<Record<string, number>> {
  const answer = await read(aws, "GetAccountSummary", (client, abortSignal) =>
    client.send(new GetAccountSummaryCommand({}), { abortSignal }),
  );
  return { ...answer.SummaryMap };
}

/** undefined if the account has none. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html */
export async function getPasswordPolicy(aws: Connection): Promise<PasswordPolicy | undefined> {
  const send = (client: IAMClient, abortSignal: AbortSignal) =>
    orMissing(client.send(new GetAccountPasswordPolicyCommand({}), { abortSignal }));
  return (await read(aws, "GetAccountPasswordPolicy", send))?.PasswordPolicy;
}

/**
 * Whether a user must set a new password at the next sign-in; undefined for a user without a password.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html
 */
export async function getLoginProfile(
  aws: Connection,
  UserName: string,
): Promise<{ resetRequired: boolean } | undefined> {
  const send = (client: IAMClient, abortSignal: AbortSignal) =>
    orMissing(client.send(new GetLoginProfileCommand({ UserName }), { abortSignal }));
  const answer = await read(aws, "GetLoginProfile", send);
  return answer && { resetRequired: answer.LoginProfile?.PasswordResetRequired === true };
}

export interface ListedKey {
  readonly id: string;
  readonly active: boolean;
  readonly created: Date | undefined;
  /** undefined for a key that was not used, or not since 2015. */
  readonly lastUsed: Date | undefined;
  /** As in `s3`; `N/A` for a key that was not used. */
  readonly lastUsedService: string | undefined;
  readonly lastUsedRegion: string | undefined;
}

/**
 * A user's access keys, with a call about each.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
 */
export async function listAccessKeys(aws: Connection, UserName: string): Promise<ListedKey[]> {
  const keys = await readPages(async (Marker) => {
    const answer = await read(aws, "ListAccessKeys", (client, abortSignal) =>
      client.send(new ListAccessKeysCommand({ UserName, Marker }), { abortSignal }),
    );
    return { items: answer.AccessKeyMetadata ?? [], marker: markerOf(answer) };
  });
  return await Promise.all(
    keys.map(async ({ AccessKeyId, Status, CreateDate }) => {
      const { AccessKeyLastUsed: used } = await read(aws, "GetAccessKeyLastUsed", (client, abortSignal) =>
        client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }), { abortSignal }),
      );
      return {
        ...{ id: AccessKeyId ?? "", active: Status === "Active", created: CreateDate },
        ...{ lastUsed: used?.LastUsedDate, lastUsedService: used?.ServiceName, lastUsedRegion: used?.Region },
      };
    }),
  );
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchEntityException") return undefined;
    throw error;
  }
}

/** Asks AWS for a new report, and says whether one is there. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html */
export async function generateCredentialReport(aws: Connection): Promise<boolean> {
  const answer = await read(aws, "GenerateCredentialReport", (client, abortSignal) =>
    client.send(new GenerateCredentialReportCommand({}), { abortSignal }),
  );
  return answer.State === "COMPLETE";
}

/**
 * The report, or undefined while AWS makes it, and once it is four hours old.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html
 */
export async function getCredentialReport(aws: Connection): Promise<{ text: string; generated: Date } | undefined> {
  const answer = await read(aws, "GetCredentialReport", async (client, abortSignal) => {
    try {
      return await client.send(new GetCredentialReportCommand({}), { abortSignal });
    } catch (error) {
      if (
        error instanceof Error &&
        /^(CredentialReport(NotPresent|Expired|NotReady)Exception|Report(NotPresent|Expired|InProgress))$/.test(
          error.name,
        )
      )
        return undefined;
      throw error;
    }
  });
  if (answer?.Content === undefined || answer.GeneratedTime === undefined) return undefined;
  return { text: Buffer.from(answer.Content).toString("utf8"), generated: answer.GeneratedTime };
}
