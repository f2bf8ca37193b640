// What the editor refuses to write is found before a code is asked for.
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { meanwhile } from "../helpers/meanwhile.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, keysOf, makeWorld, type World } from "../helpers/world.ts";

const credentials = (world: World, name: string): string =>
  world.credentials().replace("[work]", `[${name}]`) + world.credentials();

test.each(["dev #1", "a\tb", "dev ;x"])("a source whose name cannot be recorded costs no code: %j", async (name) => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, credentials(world, name).replace(/\[work\].*$/s, ""));
  const before = world.credentials();
  for (const to of [[], ["--to", "dev-mfa"]]) {
    const { status, stderr } = await world.fob(["login", name, ...to, "--code", world.device.code()]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/error: the profile name ".*" contains characters that some programs misread\n/);
  }
  expect(world.sandbox.requests).toEqual([]);
  expect(world.credentials()).toBe(before);
});

const hanging =
  "\n[work-mfa]\naws_access_key_id = ASIAOLD\nexpiration = 2020-01-01T00:00:00Z\n  output = json\noutput = text\n";

test("an edit after which aws could not read the file is refused before the code", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, hanging);
  const before = world.credentials();
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(status).toBe(1);
  expect(stderr).toContain(`line 8 of "${world.credentialsPath}" would lose its indent`);
  expect(world.sandbox.requests).toEqual([]);
  expect(world.credentials()).toBe(before);
  writeFileSync(world.credentialsPath, before.replace("output = text\n", ""));
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
});

const obstacles: Readonly<Record<string, readonly [string | Buffer, string, number]>> = {
  "a byte order mark": ["\ufeff$&", "begins with a byte order mark", 1],
  "bytes that are not UTF-8": [Buffer.from("$&\n[other]\n# caf\u00e9\n", "latin1"), "is not UTF-8", 6],
  "a section twice": ["$&\n[other]\n[other]\n", "begins the same section as line 5", 6],
  "a lone carriage return": ["$&\n[other]\nk = v\rx\n", "has a carriage return in the middle", 6],
  "a key twice": ["$&output = a\noutput = b\n", "repeats the key output", 5],
};

test.each(Object.entries(obstacles))(
  "%s is said beside the session, with line and fix",
  async (_, [text, why, line]) => {
    const world = await makeWorld();
    const spelled = Buffer.isBuffer(text) ? text.toString("latin1") : Buffer.from(text).toString("latin1");
    const broken = readFileSync(world.credentialsPath, "latin1").replace(/^.*$/s, spelled);
    writeFileSync(world.credentialsPath, broken, "latin1");
    const { status, stderr, stdout } = await world.fob(["login", "work", "--code", world.device.code()]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
    expect(stderr).toContain('"work-mfa" is valid until');
    expect(stderr).toContain(`warning: aws cannot read "${world.credentialsPath}": line ${line} ${why}`);
    expect(stderr).toMatch(new RegExp(`hint: .*vi} \\+${line} `));
    if (!isThere("aws", "--version")) return;
    const aws = await execute("aws", ["configure", "list", "--profile", "work"], { env: world.env });
    expect(aws.status).not.toBe(0);
  },
);

test("an answer of STS that holds a line end is an ordinary error, and nothing is written", async () => {
  const answers: Readonly<Record<string, string>> = {
    GetCallerIdentity: "<Arn>arn:aws:iam::123456789012:user/x</Arn><Account>123456789012</Account>",
    GetSessionToken:
      "<Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" +
      "<SessionToken>a&#10;b</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const action = /Action=(\w+)/.exec(body)?.[1] ?? "";
      response.setHeader("content-type", "text/xml");
      response.end(`<${action}Response><${action}Result>${answers[action]}</${action}Result></${action}Response>`);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const world = await makeWorld();
  const before = world.credentials();
  const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const config = world.config().replace(/\d{12}/, "123456789012");
  writeFileSync(world.configPath, config);
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(status).toBe(1);
  expect(stderr).toContain("STS answered with credentials that contain spaces or control characters");
  expect(stderr).not.toContain("internal error");
  expect(world.credentials()).toBe(before);
});

const precious = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "precious" };
const backups = (world: World): string[] =>
  readdirSync(dirname(world.credentialsPath)).filter((name) => name.includes("backup"));
const login = (world: World): string[] => ["login", "work", "--replace-long-term", "--code", world.device.code()];

test("however often the edit begins again there is one backup, of what was replaced", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, `\n${keysOf("work-mfa", precious)}`);
  const env = meanwhile("^linkSync .*/credentials ", 'if [ "$CALL" -le 3 ]; then echo "# $CALL" >> credentials; fi');
  const { status, stderr } = await world.fob(login(world), { env });
  expect(status).toBe(0);
  const [backup = "", ...others] = backups(world);
  expect(others).toEqual([]);
  expect(stderr).toContain(backup);
  const kept = readFileSync(join(dirname(world.credentialsPath), backup), "utf8");
  expect(kept).toContain("precious");
  expect(kept).toContain("# 3");
});

test("an edit that fails leaves no backup", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, `\n${keysOf("work-mfa", precious)}`);
  const env = meanwhile("^linkSync .*/credentials ", 'echo "# $CALL" >> credentials');
  const { status, stderr } = await world.fob(login(world), { env });
  expect(status).toBe(1);
  expect(stderr).toContain("keeps writing");
  expect(backups(world)).toEqual([]);
  expect(world.credentials()).toContain("precious");
});
