// A session profile as programs that nobody here wrote use it.
import { execFileSync } from "node:child_process";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { fromIni } from "@aws-sdk/credential-providers";
import { expect, test } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** A user whose access key alone may do nothing, logged in. */
async function enforced(): Promise<World> {
  const world = await makeWorld({ policies: [everything, enforceMfaPolicy] });
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

const has = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

test("the SDK for JavaScript", async () => {
  const world = await enforced();
  const list = async (profile: string): Promise<unknown> => {
    const files = { filepath: world.credentialsPath, configFilepath: world.configPath, ignoreCache: true };
    const credentials = fromIni({ profile, ...files });
    const client = new S3Client({
      credentials,
      endpoint: world.sandbox.url,
      forcePathStyle: true,
      region: "eu-central-1",
    });
    return (await client.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name);
  };
  await expect(list("work")).rejects.toThrow("explicit deny");
  expect(await list("work-mfa")).toEqual(["invoices", "team-photos"]);
});

test.skipIf(!has("aws", "--version"))("the aws command, with a region of its own finding", async () => {
  const world = await enforced();
  const env = { ...world.env, AWS_EC2_METADATA_DISABLED: "true" };
  const aws = (...args: string[]) => execute("aws", args, { env });
  expect((await aws("s3api", "list-buckets", "--profile", "work")).stderr).toContain("explicit deny");
  const { stdout } = await aws(
    "s3api",
    "list-buckets",
    "--profile",
    "work-mfa",
    "--query",
    "Buckets[].Name",
    "--output",
    "text",
  );
  expect(stdout.trim().split(/\s+/)).toEqual(["invoices", "team-photos"]);
  expect((await aws("configure", "get", "region", "--profile", "work-mfa")).stdout.trim()).toBe("eu-central-1");
});

test.skipIf(!has("python3", "-c", "import boto3"))(
  "boto3, also where an old tool has left aws_security_token",
  async () => {
    const world = await makeWorld({ policies: [everything, enforceMfaPolicy] });
    const { appendFileSync } = await import("node:fs");
    appendFileSync(world.credentialsPath, "\n[ work-mfa ]\naws_security_token = stale\n");
    await world.fob(["login", "work", "--code", world.device.code()]);
    const script = `import boto3; print(len(boto3.Session(profile_name="work-mfa").client("s3").list_buckets()["Buckets"]))`;
    const { stdout, stderr } = await execute("python3", ["-c", script], {
      env: { ...world.env, AWS_EC2_METADATA_DISABLED: "true" },
    });
    expect(stderr).toBe("");
    expect(stdout).toBe("2\n");
  },
);
