// What AWS quotes of a secret is not shown, and an access key that is none is not sent.
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { maskSecrets } from "../../src/aws/secrets.ts";
import { someOf } from "../helpers/broad.ts";
import { knowSecret } from "../helpers/secrets.ts";
import { keysOf, makeWorld } from "../helpers/world.ts";
import { failedLogin } from "./failing.ts";
import { type Exchange, refusal, startFront } from "./servers.ts";

const id = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

describe("an access key that cannot be one is an error of its own, and AWS is not asked", () => {
  const cases: [name: string, accessKeyId: string, secretAccessKey: string, problem: string, hint: string][] = [
    [
      "swapped",
      secret,
      id,
      "the access key ID and the secret access key of OWNER are swapped",
      "aws configure --profile work",
    ],
    [
      "the secret twice",
      secret,
      secret,
      "the access key ID of OWNER looks like a secret access key",
      "enter it again: aws configure --profile work",
    ],
    [
      "quotes around the id",
      `"${id}"`,
      secret,
      "the access key ID of OWNER has quotes around it",
      "enter it again without the quotes: aws configure --profile work",
    ],
    [
      "quotes around the secret",
      id,
      `'${secret}'`,
      "the secret access key of OWNER has quotes around it",
      "enter it again without the quotes: aws configure --profile work",
    ],
    [
      "a blank in the id",
      id.replace("7", " 7"),
      secret,
      "the access key ID of OWNER contains a space",
      "enter it again: aws configure --profile work",
    ],
    [
      "a blank in the secret",
      id,
      secret.replace("/", " /"),
      "the secret access key of OWNER contains a space",
      "enter it again: aws configure --profile work",
    ],
    [
      "a quote before the id alone",
      `"${id}`,
      secret,
      "the access key ID of OWNER has quotes around it",
      "enter it again without the quotes: aws configure --profile work",
    ],
    [
      "the id cut off",
      id.slice(0, 13),
      secret,
      "the access key ID of OWNER is cut off: it has 13 characters instead of 20",
      "enter it again: aws configure --profile work",
    ],
    [
      "the secret cut off",
      id,
      secret.slice(0, 39),
      "the secret access key of OWNER is cut off: it has 39 characters instead of 40",
      "enter it again: aws configure --profile work",
    ],
    [
      "the secret with more behind it",
      id,
      `${secret}x`,
      "the secret access key of OWNER is too long: it has 41 characters instead of 40",
      "enter it again: aws configure --profile work",
    ],
    [
      "a character that cannot be seen",
      `${id}\u200b`,
      secret,
      "the access key ID of OWNER contains a character that access keys never have",
      "enter it again: aws configure --profile work",
    ],
  ];

  test.each(cases)("%s, in the AWS files", async (_, accessKeyId, secretAccessKey, problem, hint) => {
    const world = await makeWorld();
    writeFileSync(world.credentialsPath, keysOf("work", { accessKeyId, secretAccessKey }));
    knowSecret("secret access key", secret);
    const { error, hints } = await failedLogin(world, { secrets: [secret, id] });
    expect({ error, hints }).toEqual({ error: problem.replace("OWNER", '"work"'), hints: [hint] });
    expect(world.sandbox.requests).toEqual([]);
  });

  test.each(someOf(cases, 2))("%s, in the environment", async (_, accessKeyId, secretAccessKey, problem) => {
    const world = await makeWorld();
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const { error } = await failedLogin(world, { env, args: ["--source-env"], secrets: [secret, id] });
    expect(error).toBe(problem.replace("OWNER", "the environment"));
    expect(world.sandbox.requests).toEqual([]);
  });

  test.each(someOf(cases, 2))("%s, from a credential_process", async (_, accessKeyId, secretAccessKey, problem) => {
    const world = await makeWorld({ credentials: "" });
    const answer = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
    const command = world.commandThatPrints(JSON.stringify(answer));
    writeFileSync(world.configPath, `${world.config()}credential_process = ${command}\n`);
    const { error } = await failedLogin(world, { secrets: [secret, id] });
    expect(error).toBe(problem.replace("OWNER", 'the credential_process of the profile "work"'));
    expect(world.sandbox.requests).toEqual([]);
  });

  test("a command that printed it is named by its place, and not repeated", async () => {
    const world = await makeWorld({ credentials: "" });
    const command = world.commandThatPrints(JSON.stringify({ Version: 1, AccessKeyId: secret, SecretAccessKey: id }));
    writeFileSync(world.configPath, `${world.config()}credential_process = TOKEN=hunter2hunter2 ${command}\n`);
    const { hints } = await failedLogin(world, { secrets: [secret, id, "hunter2"] });
    expect(hints).toEqual([`\${EDITOR:-vi} +4 ${world.configPath}`]);
  });

  test.each(["region", "mfa_serial", "fob_duration", "endpoint_url", "ca_bundle", "source_profile"])(
    "a secret or an id in %s is not repeated",
    async (key) => {
      for (const value of [secret, id]) {
        const world = await makeWorld();
        const wanted = key === "source_profile" ? "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/r\n" : "";
        writeFileSync(world.configPath, `${wanted || "[profile work]\n"}${key} = ${value}\n`);
        const env = { AWS_ENDPOINT_URL: key === "endpoint_url" ? undefined : world.sandbox.url };
        const name = wanted === "" ? "work" : "r";
        const command = wanted === "" ? ["login", name, "--code", "123456"] : ["env", name, "--shell", "bash"];
        const result = await world.fob([...command, "--no-input", "--debug"], { env });
        if (value === secret) expect(result.status).not.toBe(0);
        expect(result.stderr).not.toContain(secret);
        if (key !== "mfa_serial") expect(result.stderr).not.toContain(id);
      }
    },
  );

  test.each(["role_arn", "region", "duration_seconds", "role_session_name", "credential_source"])(
    "nor in %s of a role profile",
    async (key) => {
      const world = await makeWorld();
      const settings: Record<string, string> = {
        role_arn: "arn:aws:iam::123456789012:role/r",
        ...(key === "credential_source" ? {} : { source_profile: "work-mfa" }),
        [key]: key === "role_arn" ? `arn:aws:iam::1:role/${secret}` : secret,
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
      writeFileSync(world.configPath, `${world.config()}[profile r]\n${lines.join("")}`);
      const { status, stderr } = await world.fob(["env", "r", "--shell", "bash", "--no-input"]);
      expect(stderr).not.toContain(secret);
      if (key !== "role_session_name") expect([status, stderr]).toEqual([1, expect.stringContaining("******")]);
    },
  );

  test.each(["fob_source_profile", "source_profile"])("nor in %s of a session profile, by any command", async (key) => {
    for (const value of [secret, id]) {
      const world = await makeWorld();
      writeFileSync(world.configPath, `[profile work-mfa]\n${key} = ${value}\n`);
      const commands = [["status"], ["status", "--json"], ["status", "--check"], ["login", "--code", "123456"]];
      for (const [name = "", ...options] of [...commands, ["refresh"], ["credential-process"]]) {
        const { status, stdout, stderr } = await world.fob([name, "work-mfa", ...options, "--debug"]);
        expect(stdout + stderr).not.toContain(value);
        expect(stderr).toContain(`${key} of the profile "work-mfa" is "${value === secret ? "******" : "AKIA…"}`);
        expect(stderr).toContain(`fob: hint: \${EDITOR:-vi} +2 ${world.configPath}\n`);
        expect(status).toBe(1);
      }
      expect(world.sandbox.requests).toEqual([]);
    }
  });

  test("nor in fob_source_profile and source_profile of a role profile, by commands that look for its session", async () => {
    for (const key of ["fob_source_profile", "source_profile"]) {
      const world = await makeWorld();
      const lines = key === "source_profile" ? [] : ["source_profile = work-mfa"];
      const role = ["[profile r]", "role_arn = arn:aws:iam::123456789012:role/r", ...lines, `${key} = ${secret}`];
      writeFileSync(world.configPath, `${world.config()}${role.join("\n")}\n`);
      for (const args of [
        ["status", "r"],
        ["refresh", "r"],
        ["credential-process", "--install", "r"],
      ]) {
        const { stdout, stderr } = await world.fob([...args, "--debug"]);
        expect(stdout + stderr).not.toContain(secret);
      }
    }
  });

  test("a source that is there may have such a name", async () => {
    const name = "AKIAI44QH8DHBEXAMPLE";
    const world = await makeWorld();
    writeFileSync(world.credentialsPath, keysOf(name, world.user.accessKey), { mode: 0o600 });
    writeFileSync(world.configPath, `[profile x]\nregion = eu-central-1\nfob_source_profile = ${name}\n`);
    const login = ["login", "x", "--serial", world.device.serialNumber, "--code", world.device.code()];
    expect((await world.fob(login)).status).toBe(0);
  });

  test("a key that was put in one prompt late is what is wrong, and not the region", async () => {
    const world = await makeWorld();
    writeFileSync(world.credentialsPath, keysOf("work", { accessKeyId: "AKIAI44QH8DHBEXAMPLE", secretAccessKey: id }));
    writeFileSync(world.configPath, `[profile work]\nregion = ${secret}\n`);
    const { error, hints } = await failedLogin(world, { secrets: [secret, id] });
    expect(error).toBe('the secret access key of "work" looks like an access key ID');
    expect(hints).toEqual(["enter it again: aws configure --profile work"]);
  });

  test("keys of services that speak AWS's language have other forms", async () => {
    const world = await makeWorld();
    writeFileSync(world.credentialsPath, keysOf("work", { accessKeyId: "test", secretAccessKey: "test-secret" }));
    expect((await failedLogin(world)).error).toContain("AWS rejected the access key");
  });
});

describe("what AWS quotes of a secret is masked in errors, hints and with --debug", () => {
  /** What is sent nowhere, and what is: an answer that quotes it comes from a service that is not AWS. */
  const quoting: [name: string, (from: { secret: string; code: string }) => string, shown: string][] = [
    ["whole", (from) => `no '${from.secret}/20260101/us-east-1'`, "no '******/20260101/us-east-1'"],
    ["in parts", (from) => `no ${from.secret.slice(0, 9)} and ${from.secret.slice(-8)}`, "no ****** and ******"],
    ["in a URL", (from) => `no ${encodeURIComponent(from.secret)}`, "no ******"],
    ["the code", (from) => `no ${from.code || "******"}!`, "no ******!"],
    ["another one, which is not known here", () => `no ${secret}`, "no ******"],
  ];

  test.each(quoting)("%s", async (_, quote, shown) => {
    const world = await makeWorld();
    // With a slash, as half of all secrets are.
    const secretAccessKey = `${world.user.accessKey.secretAccessKey.slice(0, 20)}/${world.user.accessKey.secretAccessKey.slice(21)}`;
    writeFileSync(world.credentialsPath, keysOf("work", { ...world.user.accessKey, secretAccessKey }));
    const answer = ({ code }: Exchange) => refusal(400, "ValidationError", quote({ secret: secretAccessKey, code }));
    const front = await startFront({ reply: answer });
    knowSecret("secret access key", secret);
    const parts = [secretAccessKey.slice(0, 9), secretAccessKey.slice(-8), secret];
    const { error } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: front.url }, secrets: parts });
    expect(error).toBe(`AWS rejected the request: ${shown}`);
    expect(front.codes()).toHaveLength(1);
  });

  test.each([
    ["the start of wJalrXUtn only", [secret], "the start of ****** only"],
    ["wJalr is five characters", [secret], "wJalr is five characters"],
    ["123456 and 1234567", ["123456"], "****** and ******7"],
    ["AKIAIOSFODNN7EXAMPLE", [], "AKIA…MPLE"],
    ["arn:aws:iam::123456789012:user/path/alice", [secret], "arn:aws:iam::123456789012:user/path/alice"],
    ["sts:DecodeAuthorizationMessageForEverybody", [], "sts:DecodeAuthorizationMessageForEverybody"],
    ["da39a3ee5e6b4b0d3255bfef95601890afd80709", [], "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    ["nothing known", ["", "x"], "nothing known"],
    [`token ${"aB3".repeat(40)}`, [], "token ******"],
    [
      "arn:aws:iam::1:policy/Division7/TeamWithALongName/PolicyWithALongName",
      [],
      "arn:aws:iam::1:policy/Division7/TeamWithALongName/PolicyWithALongName",
    ],
  ])("%s", (text, secrets, masked) => {
    expect(maskSecrets(text, secrets)).toBe(masked);
  });
});
