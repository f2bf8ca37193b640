// What is in the AWS files in a form that programs do not read is named, with its line.
import { appendFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { execute, keysOf, makeWorld } from "../helpers/world.ts";

test.each(["accessKeyId", "export AWS_ACCESS_KEY_ID", "aws_access_key", "AWSAccessKeyId"])(
  "an access key under the name %s is pointed out",
  async (key) => {
    const world = await makeWorld();
    writeFileSync(world.credentialsPath, `[work]\n\n${key} = AKIAIOSFODNN7EXAMPLE\n`);
    const { status, stderr } = await world.fob(["login", "work"]);
    expect(status).toBe(1);
    expect(stderr).toContain(`programs do not read "${key.toLowerCase()}" on line 3 of "${world.credentialsPath}"\n`);
    expect(stderr).toContain(`hint: rename it to aws_access_key_id: \${EDITOR:-vi} +3 ${world.credentialsPath}\n`);
  },
);

test("a header in the other file's spelling is named", async () => {
  const world = await makeWorld();
  appendFileSync(world.configPath, "[plain]\nregion = eu-central-1\n");
  appendFileSync(
    world.credentialsPath,
    `[profile long]\n${keysOf("x", world.user.accessKey).split("\n").slice(1).join("\n")}`,
  );
  expect((await world.fob(["login", "plain"])).stderr).toContain(
    `no profile "plain": line 4 of "${world.configPath}" should be [profile plain]\n`,
  );
  expect((await world.fob(["login", "long"])).stderr).toContain(
    `no profile "long": line 4 of "${world.credentialsPath}" should be [long]\n`,
  );
});

test("a command that acts with credentials is not hinted as another identity", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  for (const args of [
    ["exec", "wrok", "--", "true"],
    ["env", "wrok", "--shell", "json"],
    ["credential-process", "wrok"],
    ["console", "wrok"],
  ]) {
    const { status, stderr } = await world.fob(args);
    expect(status).toBe(1);
    expect(stderr).toContain("fob: hint: did you mean: work\n");
    expect(stderr).not.toMatch(/fob (exec|env|credential-process|console) work/);
  }
  expect((await world.fob(["login", "wrok"])).stderr).toContain("fob: hint: did you mean: fob login work\n");
});

test("[profile default] comes before [default] in the config, as for the SDKs", async () => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, world.credentials().replace("[work]", "[default]"));
  const serial = `mfa_serial = ${world.device.serialNumber}\n`;
  writeFileSync(world.configPath, `[default]\nregion = xx-nowhere-1\n[profile default]\nregion = eu-west-1\n${serial}`);
  const { status, stderr } = await world.fob(["login", "--code", world.device.code()]);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(
    (await world.fob(["env", "--shell", "json"], { shows: ["secret access key", "session token"] })).stdout,
  ).toContain("eu-west-1");
});

test("where [default] comes after [profile default], login warns that aws reads the other one", async () => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, world.credentials().replace("[work]", "[default]"));
  const serial = `mfa_serial = ${world.device.serialNumber}\n`;
  writeFileSync(world.configPath, `[profile default]\nregion = eu-west-1\n${serial}[default]\nregion = us-east-2\n`);
  const { status, stderr } = await world.fob(["login", "--code", world.device.code()]);
  expect(status).toBe(0);
  expect(stderr).toContain(
    `warning: aws and the SDKs read different sections of "${world.configPath}": line 4 overrides line 1\n`,
  );
  expect(world.config()).toMatch(/\[profile default-mfa\]\nregion = eu-west-1\n/);
  if (!isThere("aws", "--version")) return;
  const aws = await execute("aws", ["configure", "get", "region"], { env: world.env });
  expect(aws.stdout).toBe("us-east-2\n");
});

test("a token that was wrapped goes whole", async () => {
  const world = await makeWorld();
  const wrapped = "aws_session_token = FwoGZXIvYXdzEJr//////////wEaD\n  AbCdEfGhIjKlMnOpQrStUv\n  WxYzAbCdEf==\n";
  appendFileSync(
    world.credentialsPath,
    `[work-mfa]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n${wrapped}expiration = 2020-01-01T00:00:00Z\noutput = json\n`,
  );
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  expect(world.credentials()).not.toMatch(/AbCdEfGh/i);
  expect(world.credentials()).toContain("output = json\n");
});

test("a block below one of fob's keys is no end of a token", async () => {
  const world = await makeWorld();
  const block = "  dynamodb =\n    endpoint_url = http://localhost:8000\n";
  appendFileSync(
    world.credentialsPath,
    `[work-mfa]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\nexpiration = 2020-01-01T00:00:00Z\n${block}`,
  );
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  expect(world.credentials()).toContain("dynamodb =\n");
});

test("a section twice is said also where another title has the same number", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "[Aa]\n[BB]\n[BB]\n");
  const { stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(stderr).toContain("begins the same section as line 5");
});
