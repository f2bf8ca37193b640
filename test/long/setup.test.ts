// `fob setup`: guided, with everything asked and said before it is done.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { answer, enforced, scan, shown, typeCodes } from "../helpers/enroll.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { isThere } from "../helpers/needed.ts";
import { run, testIn, withFob } from "../helpers/shells.ts";
import { execute, keysOf, makeWorld, type World } from "../helpers/world.ts";

interface Dan extends World {
  /** Of a user without a device. */
  readonly accessKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly keychain: string;
}

/** A home with nothing in it, and a user who has an access key and no device. */
async function makeDan(policies: readonly object[] = enforced): Promise<Dan> {
  const world = await makeWorld();
  rmSync(join(world.home, ".aws"), { recursive: true });
  const { accessKey } = world.sandbox.addUser({ name: "dan", policies });
  const keychain = join(world.home, "keychain");
  world.env.FOB_KEYCHAIN = keychain;
  world.env.SHELL = "/bin/bash";
  mayHoldSecrets(keychain);
  return { ...world, accessKey, keychain };
}

test("from an empty home: key, device, config, shell and a session; the next run finds nothing to do", async () => {
  const dan = await makeDan();
  const { accessKeyId, secretAccessKey } = dan.accessKey;
  const guided = dan.fobOnTerminal(["setup"], shown);
  await answer(guided, [
    ["Name of the new profile (Enter: work):", ""],
    ["Region, like eu-central-1", "eu-central-1"],
    ["Access key ID for work", accessKeyId],
    ["Secret access key (not shown):", secretAccessKey],
  ]);
  await guided.shows('the access key is of the user "dan"');
  await answer(guided, [
    ["Where should the secret access key be kept?", ""],
    ["dan has no MFA device. Enroll an authenticator app?", ""],
    ["Name of the session profile, which programs use (Enter: work-mfa):", ""],
    ["keys in the credentials file", ""],
    ["Set up bash: add a line to .bashrc", ""],
  ]);
  await guided.shows("this will be done:");
  await guided.shows("Do it?");
  expect(readdirSync(dan.home)).toEqual([]);
  guided.type("\r");
  const code = await scan(guided);
  await typeCodes(guided, code(-1), code(0));
  await answer(guided, [
    ["Log in with it now?", ""],
    [/Code for dan @/, code(1)],
    ["AWS knows you as dan", ""],
  ]);
  const { status, screen } = await guided.ended;
  expect({ status, screen }).toMatchObject({ status: 0 });
  expect(screen).toContain("every morning, in a new shell: mfa work");
  expect(screen).not.toContain(secretAccessKey);
  expect(dan.config()).toMatch(
    new RegExp(
      `^\\[profile work\\]\nfob_access_key_id = ${accessKeyId}\nregion = eu-central-1\nmfa_serial = .*mfa/dan\n`,
    ),
  );
  expect(JSON.parse(readFileSync(dan.keychain, "utf8"))).toEqual({ [accessKeyId]: secretAccessKey });
  expect(dan.credentials()).toMatch(/^\[work-mfa\]\naws_access_key_id = ASIA/);
  expect(readFileSync(join(dan.home, ".bashrc"), "utf8")).toBe(". ~/.fob.bash\n");
  expect(readFileSync(join(dan.home, ".fob.bash"), "utf8")).toContain("# From: fob shell-init bash");

  const again = dan.fobOnTerminal(["setup", "work"], shown);
  expect(await again.ended).toMatchObject({ status: 0 });
  expect((await again.ended).screen).toContain("everything is set up already");
});

const team = {
  ...{ version: 1, account: "123456789012", profile: "work", region: "eu-central-1", duration: "8h" },
  roles: [{ profile: "prod", role_arn: "arn:aws:iam::210987654321:role/deploy", duration: "1h" }],
};

function writeTeam({ home }: World, more: object = {}): string {
  const path = join(home, "team.json");
  writeFileSync(path, JSON.stringify({ ...team, ...more }));
  return path;
}

test("a team file makes names, region, session and roles no questions; a key of another account changes nothing", async () => {
  const world = await makeDan();
  const csv = join(world.home, "accessKeys.csv");
  const { accessKeyId, secretAccessKey } = world.accessKey;
  writeFileSync(csv, `\ufeffAccess key ID,Secret access key\r\n${accessKeyId},${secretAccessKey}\r\n`, { mode: 0o600 });
  mayHoldSecrets(csv);
  const other = writeTeam(world, { account: "999999999999" });
  const refused = await world.fobOnTerminal(["setup", "--from", other, "--key-file", csv], shown).ended;
  expect(refused.status).toBe(1);
  expect(refused.screen).toContain(
    "the access key is of the account 123456789012, and the team file is for 999999999999",
  );
  expect(existsSync(join(world.home, ".aws"))).toBe(false);

  const alone = world.fobOnTerminal(["setup", "work"], { env: { SHELL: "/bin/tcsh" } });
  await answer(alone, [
    ["Region, like", ""],
    ["Access key ID for work", ""],
    ["Name of the session profile", ""],
  ]);
  const skipped = await alone.ended;
  expect(skipped.screen).toContain("there is no access key yet; once you have one: fob setup work");
  expect(skipped.screen).not.toContain("every morning");

  const without = world.fobOnTerminal(["setup", "--from", writeTeam(world)], shown);
  await answer(without, [["Access key ID for work", ""]]);
  expect((await without.ended).status).toBe(1);
  expect((await without.ended).screen).toContain(
    "without an access key the account of the team file cannot be checked",
  );
  expect(existsSync(join(world.home, ".aws"))).toBe(false);

  const guided = world.fobOnTerminal(["setup", "--from", writeTeam(world), "--key-file", csv], shown);
  await answer(guided, [
    ["Where should the secret access key be kept?", ""],
    ["dan has no MFA device. Enroll an authenticator app?", "n"],
    ["How should programs get the session?", ""],
    ["Set up bash", "n"],
    ["Do it?", ""],
  ]);
  const { status, screen } = await guided.ended;
  expect({ status, screen }).toMatchObject({ status: 0 });
  expect(screen).toContain("still holds the secret access key");
  expect(world.config()).toBe(
    `[profile work]\nfob_access_key_id = ${accessKeyId}\nregion = eu-central-1\nfob_duration = 8h\n\n` +
      `[profile prod]\nrole_arn = ${team.roles[0]?.role_arn}\nsource_profile = work-mfa\nduration_seconds = 3600\n`,
  );
  expect(existsSync(join(world.home, ".bashrc"))).toBe(false);
});

test("a role of the team file takes the place of no key and of no session", async () => {
  const world = await makeWorld();
  const [role] = team.roles;
  const print = (profile: string, ...more: string[]) =>
    world.fob(["setup", ...more, "--from", writeTeam(world, { roles: [{ ...role, profile }] }), "--print-only"]);
  const key = `\n[profile ben]\nfob_access_key_id = ${world.user.accessKey.accessKeyId}\n`;
  writeFileSync(world.configPath, `${world.config()}${key}`);
  expect((await print("ben")).stderr).toContain("your profile of that name has fob_access_key_id; nothing is changed");
  expect((await print("other-mfa", "other")).stderr).toContain("holds your session; nothing is changed");
});

test("a key in a file of other profiles too: the file is not to be deleted", async () => {
  const world = await makeDan();
  const file = join(world.home, "team-credentials");
  writeFileSync(file, keysOf("dan", world.accessKey), { mode: 0o600 });
  mayHoldSecrets(file);
  const guided = world.fobOnTerminal(["setup", "work", "--key-file", file], shown);
  await answer(guided, [
    ["Region, like", ""],
    ["Where should the secret access key be kept?", ""],
    ["Enroll an authenticator app?", "n"],
    ["Name of the session profile", ""],
    ["How should programs get the session?", ""],
    ["Set up bash", "n"],
    ["Do it?", ""],
  ]);
  const { status, screen } = await guided.ended;
  expect(status).toBe(0);
  expect(screen).toContain('remove the profile "dan" from it');
  expect(screen).not.toContain("rm ");
});

const onlyItsFile = { bash: ["-ic"], zsh: ["-ic"], fish: ["-c"] } as const;

testIn(
  ["bash", "zsh", "fish"],
  "new shells have mfa, and programs ask fob, once setup has set up both",
  async (shell) => {
    const world = await makeWorld();
    world.env.SHELL = `/bin/${shell}`;
    const env = withFob(world.env);
    const guided = world.fobOnTerminal(["setup", "work"], {
      env: { ...env, FOB_KEYCHAIN: join(world.home, "keychain") },
    });
    await answer(guided, [
      ["Move it to the keychain file", "n"],
      ["Name of the session profile", ""],
      ["How should programs get the session?", "\u001b[B"],
      [`Set up ${shell}`, "y"],
      ["Do it?", "y"],
      ["Log in now?", "y"],
      ["Code for", world.device.code()],
    ]);
    expect(await guided.ended).toMatchObject({ status: 0 });
    expect(world.config()).toContain("credential_process = ");
    const inShell = (script: string) => execute(shell, [...onlyItsFile[shell], script], { env });
    expect((await inShell("type mfa")).stdout).toMatch(/function/);
    if (!isThere("aws", "--version")) return;
    const asked = await inShell("aws --profile work-mfa --region eu-central-1 sts get-caller-identity");
    expect(asked.stdout).toContain(`user/${world.user.name}`);
    // And once more: everything is there.
    expect((await world.fobOnTerminal(["setup", "work"], { env }).ended).screen).toContain("is set up already");
  },
);

test("a login that is cancelled or fails is the end of setup, with its exit code", async () => {
  const world = await makeWorld();
  world.env.SHELL = "/bin/tcsh";
  const guided = () => world.fobOnTerminal(["setup", "work"], { env: { FOB_KEYCHAIN: join(world.home, "keychain") } });
  const answers: Parameters<typeof answer>[1] = [
    ["Move it to the keychain file", "n"],
    ["Name of the session profile", ""],
    ["How should programs get the session?", ""],
  ];
  const first = guided();
  await answer(first, answers);
  await first.shows("Log in now?");
  first.type("\u0003");
  const { status, screen } = await first.ended;
  expect(status).toBe(130);
  expect(screen).toContain("log in later: fob login work");
  const second = guided();
  await answer(second, answers);
  await second.shows("Log in now?");
  world.sandbox.setAccessKeyStatus(world.user.accessKey.accessKeyId, "Inactive");
  second.type("y\r");
  const failed = await second.ended;
  expect(failed.status).toBe(1);
  expect(failed.screen).toContain("log in later: fob login work");
});

test.skipIf(!isThere("aws", "--version"))("what --print-only prints does the same", async () => {
  const world = await makeWorld();
  const { accessKeyId } = world.user.accessKey;
  world.env.FOB_KEYCHAIN = join(world.home, "keychain");
  world.env.SHELL = "/bin/bash";
  mayHoldSecrets(world.env.FOB_KEYCHAIN);
  writeFileSync(world.configPath, `[profile work]\nmfa_process = ${world.commandThatPrints(world.device.code())}\n`);
  const { status, stdout } = await world.fob(["setup", "work", "--from", writeTeam(world), "--print-only"]);
  expect(status).toBe(0);
  expect(world.calls("GetCallerIdentity")).toBe(0);
  expect(existsSync(world.env.FOB_KEYCHAIN)).toBe(false);
  const env = { ...withFob(world.env), AWS_EC2_METADATA_DISABLED: "true" };
  const done = await run("bash", `set -e\n${stdout}`, { env });
  expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining(world.user.arn) as string });
  expect(world.config()).toMatch(new RegExp(`^\\[profile work\\]\n[^[]*fob_access_key_id = ${accessKeyId}\n`));
  expect(world.config()).toMatch(
    /\[profile prod\]\nrole_arn = .*role\/deploy\nsource_profile = work-mfa\nduration_seconds = 3600\n/,
  );
  expect(readFileSync(join(world.home, ".bashrc"), "utf8")).toBe(". ~/.fob.bash\n");
});

test("without a terminal fob setup names the command lines that work", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["setup", "work", "--from", writeTeam(world)]);
  expect(status).toBe(4);
  expect(stderr).toMatch(/run it in a terminal: fob setup work --from \S+team.json\n/);
  expect(stderr).toMatch(/or see the commands: fob setup work --from \S+team.json --print-only\n/);
});
