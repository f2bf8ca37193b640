// Reads an account and plans a rollout, as `fob rollout plan` does, and tells over IPC what that used of the processor, and
// which users it asked AWS about one by one.
import { withAws } from "../../src/aws/connection.ts";
import { getAccountAlias, listMfaDevices } from "../../src/aws/iam.ts";
import * as accountCalls from "../../src/aws/iam-account.ts";
import { readNetworkSettings } from "../../src/aws/network.ts";
import { type AccountCalls, readAccount } from "../../src/iam/read.ts";
import { makePlan } from "../../src/rollout/plan.ts";

const asked = { devices: [] as string[], passwords: [] as string[] };
const calls: AccountCalls = {
  ...accountCalls,
  getAccountAlias,
  listMfaDevices: (aws, user = "") => {
    asked.devices.push(user);
    return listMfaDevices(aws, user);
  },
  getLoginProfile: (aws, user) => {
    asked.passwords.push(user);
    return accountCalls.getLoginProfile(aws, user);
  },
};

const [url = "", accessKeyId = "", secretAccessKey = ""] = process.argv.slice(2);
const snapshot = await withAws(
  {
    ...{ profile: "ada", credentials: { accessKeyId, secretAccessKey }, region: "eu-central-1", usesGlobalSts: false },
    ...{ useFips: false, useDualstack: false, endpoints: { sts: url, iam: url, signin: url } },
    ...{ network: readNetworkSettings({}, "/", undefined), formatLogin: () => "fob login ada" },
  },
  { signal: new AbortController().signal, debug: () => undefined, now: Date.now },
  (aws) =>
    readAccount(aws, {
      ...{
        callerArn: "arn:aws:iam::123456789012:user/ada",
        calls,
      },
      ...{ now: Date.now, sleep: (milliseconds) => new Promise((done) => void setTimeout(done, milliseconds)) },
    }),
);
const plan = makePlan(snapshot, {
  ...{ group: "RequireMFA", policy: { passwordChange: false, maxAgeSeconds: null, viaAwsService: false } },
  ...{ batchSize: 3, exclude: [], include: [], breakGlass: [], now: Date.now() },
});
const { user, system } = process.cpuUsage();
process.send?.({ cpuMs: (user + system) / 1000, users: plan.users.length, asked }, () => process.exit());
