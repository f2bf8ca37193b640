// Faults of operations: what the client meets, for how many requests, and whether the operation was done.
import { CreateUserCommand, GetUserCommand, IAMClient, ListUsersCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test } from "vitest";
import { isAbout, readFault } from "../../src/sandbox/faults.ts";
import { startSandbox } from "../../src/sandbox/server.ts";

const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };

async function start() {
  const sandbox = await startSandbox();
  const { accessKey: credentials } = sandbox.addUser({ name: "ada", policies: [everything] });
  const config = { endpoint: sandbox.url, region: "eu-central-1", credentials };
  const clients = (maxAttempts: number) => ({
    iam: new IAMClient({ ...config, maxAttempts }),
    sts: new STSClient({ ...config, maxAttempts }),
    s3: new S3Client({ ...config, maxAttempts }),
  });
  onTestFinished(() => sandbox.close());
  const named = async ({ iam } = clients(1)) =>
    (await iam.send(new ListUsersCommand({}))).Users?.map((user) => user.UserName);
  return { sandbox, once: clients(1), retrying: clients(3), named };
}

test.each([
  ["throttle", "Throttling", 400],
  ["error", "ServiceFailureException", 500],
] as const)("%s: AWS's error, for as many requests as it was switched on for", async (kind, code, status) => {
  const { sandbox, once, retrying, named } = await start();
  sandbox.addFault({ operation: "iam:ListUsers", kind, times: 3 });
  await expect(named(once)).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: status } });
  await expect(once.sts.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({ Account: "123456789012" });
  // The SDK repeats it twice.
  expect(await named(retrying)).toEqual(["ada"]);
  expect(sandbox.requests.filter(({ action }) => action === "ListUsers")).toHaveLength(4);
});

test("each service has its own errors", async () => {
  const { sandbox, once } = await start();
  sandbox.addFault({ operation: "*", kind: "throttle", times: 2 });
  const buckets = () => once.s3.send(new ListBucketsCommand({}));
  const identity = () => once.sts.send(new GetCallerIdentityCommand({}));
  await expect(buckets()).rejects.toMatchObject({ name: "SlowDown" });
  await expect(identity()).rejects.toMatchObject({ name: "Throttling" });
  sandbox.addFault({ operation: "*", kind: "error", times: 2 });
  await expect(buckets()).rejects.toMatchObject({ name: "InternalError" });
  await expect(identity()).rejects.toMatchObject({ name: "InternalFailure" });
});

test("a dropped connection: nothing is done; a dropped answer: it is done", async () => {
  const { sandbox, once, named } = await start();
  const create = (UserName: string) => once.iam.send(new CreateUserCommand({ UserName }));
  sandbox.addFault({ operation: "iam:CreateUser", kind: "drop", times: 1 });
  await expect(create("kim")).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(await named()).toEqual(["ada"]);
  sandbox.addFault({ operation: "iam:CreateUser", kind: "drop-answer", times: 1 });
  await expect(create("kim")).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(await named()).toEqual(["ada", "kim"]);
});

test("a delayed answer comes after others that were asked for later", async () => {
  const { sandbox, once } = await start();
  sandbox.addFault({ operation: "iam:ListUsers", kind: "delay", ms: 300, times: 1 });
  const order: string[] = [];
  await Promise.all([
    once.iam.send(new ListUsersCommand({})).then(() => order.push("delayed")),
    once.sts.send(new GetCallerIdentityCommand({})).then(() => order.push("other")),
  ]);
  expect(order).toEqual(["other", "delayed"]);
});

test("stale reads: List and Get are as of some seconds ago, for callers as they were then", async () => {
  const { sandbox, once, named } = await start();
  const began = Date.now();
  sandbox.setClock(began);
  sandbox.addFault({ operation: "iam:*", kind: "stale", ms: 5000 });
  await once.iam.send(new CreateUserCommand({ UserName: "kim" }));
  sandbox.setClock(began + 3000);
  await once.iam.send(new CreateUserCommand({ UserName: "lee" }));
  expect(await named()).toEqual(["ada"]);
  await expect(once.iam.send(new GetUserCommand({ UserName: "kim" }))).rejects.toMatchObject({
    name: "NoSuchEntityException",
  });
  // What changes something is not stale.
  await expect(once.iam.send(new CreateUserCommand({ UserName: "kim" }))).rejects.toMatchObject({
    name: "EntityAlreadyExistsException",
  });
  sandbox.setClock(began + 5000);
  expect(await named()).toEqual(["ada", "kim"]);
  sandbox.setClock(began + 8000);
  expect(await named()).toEqual(["ada", "kim", "lee"]);
});

test("a user whom reads do not see yet is not known to them", async () => {
  const { sandbox, once } = await start();
  sandbox.addFault({ operation: "iam:*", kind: "stale", ms: 60_000 });
  await once.iam.send(new CreateUserCommand({ UserName: "kim" }));
  const { accessKey: credentials } = sandbox.addUser({ name: "lee", policies: [everything] });
  const iam = new IAMClient({ endpoint: sandbox.url, region: "eu-central-1", credentials, maxAttempts: 1 });
  await expect(iam.send(new ListUsersCommand({}))).rejects.toMatchObject({ name: "InvalidClientTokenId" });
});

test("patterns of operations, and faults that are not accepted", () => {
  const operations = ["iam:ListUsers", "IAM:listusers", "iam:List*", "*:ListUsers", "*"];
  expect(operations.filter((pattern) => isAbout(pattern, "iam:ListUsers"))).toEqual(operations);
  expect(["iam:List", "sts:*", "ListUsers"].filter((pattern) => isAbout(pattern, "iam:ListUsers"))).toEqual([]);
  for (const [fault, message] of [
    [{ operation: "iam:*", kind: "delay" }, "delay needs ms"],
    [{ operation: "iam:*", kind: "drop", ms: 5 }, "drop has no ms"],
    [{ operation: "iam:*", kind: "slow" }, "the fault.kind must be one of"],
    [{ operation: "iam:*", kind: "drop", times: 0 }, "the fault.times must be at least 1"],
    [{ operation: "a b", kind: "drop" }, "the fault.operation must be an operation like iam:ListUsers"],
  ] as const) {
    expect(() => readFault(fault)).toThrow(message);
  }
});

test("faults cannot be switched on without the token", async () => {
  const sandbox = await startSandbox({ controlToken: "secret token of the test" });
  onTestFinished(() => sandbox.close());
  const ask = async (authorization?: string) =>
    (await fetch(`${sandbox.url}/faults`, { headers: authorization === undefined ? {} : { authorization } })).status;
  expect([await ask(), await ask("Bearer secret"), await ask("Bearer secret token of the test")]).toEqual([
    403, 403, 200,
  ]);
});
