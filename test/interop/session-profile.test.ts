// A session profile as programs of others use it.
import { appendFileSync } from "node:fs";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { fromIni } from "@aws-sdk/credential-providers";
import { describe, expect, test } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";
import { programs, run, runOnTerminal } from "./programs.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** A user whose access key alone may do nothing, logged in. */
async function enforced(): Promise<World> {
  const world = await makeWorld({ policies: [everything, enforceMfaPolicy()] });
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

for (const program of programs) {
  describe(program.name, () => {
    const it = test.skipIf(!program.isThere);

    it("takes the session, without a terminal", async ({ task }) => {
      const world = await enforced();
      const { stdout, stderr } = await run(program, world);
      expect(stderr).toBe("");
      expect(stdout).toContain(world.user.arn);
      const { accessKeyId = "", userAgent = "" } = world.sandbox.requests.at(-1) ?? {};
      expect(accessKeyId).toMatch(/^ASIA/);
      task.meta.userAgent = userAgent;
    });

    it("takes the session, on a terminal", async () => {
      const world = await enforced();
      expect((await runOnTerminal(program, world).ended).screen).toContain(world.user.arn);
      expect(world.sandbox.requests.at(-1)?.accessKeyId).toMatch(/^ASIA/);
    });
  });
}

describe("SDK for JavaScript", () => {
  test("may do with the session profile what it may not do with its source", async () => {
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
});

describe("aws command", () => {
  test.skipIf(!isThere("aws", "--version"))("the same, with a region of its own finding", async () => {
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
});

describe("boto3", () => {
  test.skipIf(!isThere("python3", "-c", "import boto3"))(
    "takes the session also where an old tool has left aws_security_token",
    async () => {
      const world = await makeWorld({ policies: [everything, enforceMfaPolicy()] });
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
});
