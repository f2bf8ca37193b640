// `fob setup` takes over what users of aws-mfa, aws-vault and `aws configure mfa-login` have.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Answers, answer } from "../helpers/enroll.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, keysOf, makeWorld, type OnTerminal, type World } from "../helpers/world.ts";

async function makeWorldWithKeychain(): Promise<World & { readonly keychain: string }> {
  const world = await makeWorld();
  const keychain = join(world.home, "keychain");
  Object.assign(world.env, { FOB_KEYCHAIN: keychain, SHELL: "/bin/tcsh" });
  mayHoldSecrets(keychain);
  return { ...world, keychain };
}

const secretsIn = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** Answers everything up to the code. @returns the screen of a login with MFA */
async function setUp(world: World, run: OnTerminal, answers: Answers): Promise<string> {
  await answer(run, [...answers, ["Do it?", "y"], ["Log in now?", "y"], ["Code for", world.device.code()]]);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({
    status: 0,
    screen: expect.stringContaining("with MFA, through") as string,
  });
  return screen;
}

const down = "\u001b[B";

/** A session of another tool, without an expiration. */
const oldSession = (profile: string): string =>
  `\n${keysOf(profile, { accessKeyId: "ASIAIOSFODNN7EXAMPLE", secretAccessKey: "x".repeat(40) })}aws_session_token = old\n`;

const role = (name: string, by: string, serial: string): string =>
  `\n[profile ${name}]\nrole_arn = arn:aws:iam::123456789012:role/${name}\nsource_profile = ${by}\nmfa_serial = ${serial}\n`;

test("aws-mfa: the key of work-long-term moves to the keychain, work stays the session, and roles ask for no code", async () => {
  const world = await makeWorldWithKeychain();
  const { serialNumber } = world.device;
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const ofSession = `${oldSession("work")}aws_security_token = old\nassumed_role = False\nexpiration = 2020-01-01 00:00:00\n`;
  writeFileSync(
    world.credentialsPath,
    `${keysOf("work-long-term", world.user.accessKey)}aws_mfa_device = ${serialNumber}\n${ofSession}`,
  );
  writeFileSync(
    world.configPath,
    `# mine\n[profile work-long-term]\nregion = eu-central-1\n${role("prod", "work", serialNumber)}`,
  );
  const run = world.fobOnTerminal(["setup", "work"]);
  const screen = await setUp(world, run, [
    ["Move it to the keychain file", "y"],
    ["Name of the session profile, which programs use (Enter: work):", ""],
    ["Change these role profiles?", ""],
  ]);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  expect(world.config()).not.toContain("mfa_serial");
  expect(world.config()).toContain("# mine\n[profile work-long-term]\nregion = eu-central-1\n");
  expect(world.credentials()).not.toContain(secretAccessKey);
  expect(world.credentials()).not.toContain("aws_security_token");
  // The copy of the config as it was.
  const [, copy = ""] = /the config as it was is in "(.*)"/.exec(screen) ?? [];
  expect(readFileSync(copy, "utf8")).toContain(`mfa_serial = ${serialNumber}`);
});

test.skipIf(!isThere("aws-vault", "--version"))(
  "aws-vault: its program gives the key, and what only aws-vault reads becomes what every program reads",
  async () => {
    const world = await makeWorldWithKeychain();
    const { serialNumber } = world.device;
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    writeFileSync(world.credentialsPath, "");
    writeFileSync(
      world.configPath,
      `[profile base]\nregion = eu-west-1\n\n[profile work]\ninclude_profile = base\nmfa_serial = ${serialNumber}\n\n` +
        `[profile dev]\nsource_profile = work\n${role("prod", "work", serialNumber)}`,
    );
    const files = {
      AWS_VAULT_BACKEND: "file",
      AWS_VAULT_FILE_DIR: join(world.home, "vault"),
      AWS_VAULT_FILE_PASSPHRASE: "open",
    };
    const key = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const added = await execute("aws-vault", ["add", "--env", "work"], { env: { ...world.env, ...files, ...key } });
    expect(added).toMatchObject({ status: 0 });
    // It refuses to run in a shell of its own.
    const env = { ...files, AWS_VAULT: "work" };
    const run = world.fobOnTerminal(["setup"], { env });
    const screen = await setUp(world, run, [
      ["work (aws-vault may have its access key)", ""],
      ["Take the access key of work from aws-vault?", ""],
      ["Where should the secret access key be kept?", ""],
      ["Which profile should hold the session, for programs to use?", down],
      ["How should programs get the session?", ""],
      ["Change these role profiles?", ""],
    ]);
    expect(screen).toContain(
      'let the role profile "prod" use the session: source_profile = dev (it was "work"), no mfa_serial',
    );
    expect(screen).toContain("hint: delete it once you have logged in: aws-vault remove work");
    expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
    expect(world.config()).toContain(
      `mfa_serial = ${serialNumber}\nfob_access_key_id = ${accessKeyId}\nregion = eu-west-1\n`,
    );
    expect(world.config()).toContain("[profile dev]\nfob_source_profile = work\n");
    expect(world.config()).toContain("role/prod\nsource_profile = dev\n");
    expect(world.credentials()).toMatch(/^\[dev\]\naws_access_key_id = ASIA/);
  },
);

test("aws-vault without its program: fob says what it cannot read, and asks for the key", async () => {
  const world = await makeWorldWithKeychain();
  writeFileSync(world.credentialsPath, "");
  const folders = (world.env.PATH ?? "").split(":").filter((folder) => !existsSync(join(folder, "aws-vault")));
  const run = world.fobOnTerminal(["setup", "work"], { env: { PATH: folders.join(":") } });
  await run.shows("only its own program can read it, and that is not on your PATH");
  await run.shows("Access key ID for work");
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("aws configure mfa-login: its profile can hold the session, and the first login replaces what is there", async () => {
  const world = await makeWorldWithKeychain();
  appendFileSync(world.credentialsPath, oldSession("123456789012-phone"));
  const run = world.fobOnTerminal(["setup", "work"]);
  await setUp(world, run, [
    ["Move it to the keychain file", "n"],
    ["Which profile should hold the session, for programs to use?", down],
  ]);
  expect(world.credentials()).not.toContain("aws_session_token = old");
  expect(world.config()).toContain("[profile 123456789012-phone]\nfob_source_profile = work\n");
  expect((await world.fob(["login", "work", "--no-input"])).stdout).toBe("123456789012-phone\n");
});
