// Makes the calls of IAM that a rollout's plan needs, with nothing but the SDK, and tells over IPC what that used of the
// processor. The users to ask about one by one come over IPC.
import { once } from "node:events";
import {
  GenerateCredentialReportCommand,
  GetAccountPasswordPolicyCommand,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  GetLoginProfileCommand,
  IAMClient,
  ListAccountAliasesCommand,
  ListMFADevicesCommand,
  paginateGetAccountAuthorizationDetails,
  paginateListVirtualMFADevices,
} from "@aws-sdk/client-iam";
import { withoutNotice } from "../../src/aws/notice.ts";

const [endpoint = "", accessKeyId = "", secretAccessKey = ""] = process.argv.slice(2);
const credentials = { accessKeyId, secretAccessKey };
const client = withoutNotice(() => new IAMClient({ endpoint, region: "eu-central-1", credentials }));
const [asked] = (await once(process, "message")) as [{ devices: string[]; passwords: string[] }];

const readAll = async (pages: AsyncGenerator): Promise<void> => {
  while (!(await pages.next()).done);
};

/** Eight at the same time, as fob does. */
const forEach = async (names: readonly string[], ask: (UserName: string) => Promise<unknown>): Promise<void> => {
  const rest = names.values();
  const askNext = async (): Promise<void> => {
    for (const name of rest) await ask(name);
  };
  await Promise.all(Array.from({ length: 8 }, askNext));
};

await Promise.all([
  client.send(new GetAccountSummaryCommand({})),
  client
    .send(new GenerateCredentialReportCommand({}))
    .then(() => client.send(new GenerateCredentialReportCommand({})))
    .then(() => client.send(new GetCredentialReportCommand({}))),
  readAll(paginateGetAccountAuthorizationDetails({ client, pageSize: 100 }, {})),
  readAll(paginateListVirtualMFADevices({ client, pageSize: 1000 }, {})),
  client.send(new ListAccountAliasesCommand({})),
  client.send(new GetAccountPasswordPolicyCommand({})).catch(() => undefined),
]);
await forEach(asked.devices, (UserName) => client.send(new ListMFADevicesCommand({ UserName })));
await forEach(asked.passwords, (UserName) =>
  client.send(new GetLoginProfileCommand({ UserName })).catch(() => undefined),
);
const { user, system } = process.cpuUsage();
process.send?.({ cpuMs: (user + system) / 1000 }, () => process.exit());
