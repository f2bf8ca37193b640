// Reads snapshots of accounts in the local AWS, by the SDK for JavaScript.
import { type Connection, withAws } from "../../src/aws/connection.ts";
import { getAccountAlias, listMfaDevices } from "../../src/aws/iam.ts";
import * as accountCalls from "../../src/aws/iam-account.ts";
import { readNetworkSettings } from "../../src/aws/network.ts";
import { readAccount } from "../../src/iam/read.ts";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import type { AccessKey } from "../../src/sandbox/server.ts";

export const calls = { ...accountCalls, getAccountAlias, listMfaDevices };

/** Does some work with an access key. @param url of the local AWS, or of what is in front of it */
export function askAs<T>(url: string, credentials: AccessKey, work: (aws: Connection) => Promise<T>): Promise<T> {
  return withAws(
    {
      ...{ profile: "admin", credentials, region: "eu-central-1", usesGlobalSts: false, useFips: false },
      ...{ useDualstack: false, endpoints: { sts: url, iam: url, signin: url } },
      findEndpoint: () => url,
      ...{ network: readNetworkSettings({}, "/", undefined), formatLogin: () => "fob login admin" },
    },
    { signal: new AbortController().signal, debug: () => undefined, now: Date.now },
    work,
  );
}

/** Reads a snapshot with an access key. */
export function readSnapshot(url: string, credentials: AccessKey): Promise<AccountSnapshot> {
  const callerArn = "arn:aws:iam::123456789012:user/admin";
  return askAs(url, credentials, (aws) =>
    readAccount(aws, { callerArn, calls, now: Date.now, sleep: () => Promise.resolve() }),
  );
}
