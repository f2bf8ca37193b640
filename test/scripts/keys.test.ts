// Long-term keys leave the plaintext file, and everything works as before.
import { appendFileSync, chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { isWindows, skipOnWindows } from "../helpers/windows.ts";
import { makeWorld, node, program, type World } from "../helpers/world.ts";

/** A world with a keychain of its own, which is a file. */
async function makeWorldWithKeychain(): Promise<World & { readonly keychain: string }> {
  const world = await makeWorld();
  const keychain = join(world.home, "keychain");
  world.env.FOB_KEYCHAIN = keychain;
  mayHoldSecrets(keychain);
  return { ...world, keychain };
}

const secretsIn = (path: string): Record<string, string> =>
  existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, string>) : {};

test("keys import moves the key, and login, exec and credential-process take it from the keychain", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  appendFileSync(world.credentialsPath, "# mine\r\n\n[other]\nkey=value ; odd\n");
  const { status, stderr } = await world.fob(["keys", "import", "work"]);
  expect(status).toBe(0);
  expect(stderr).toContain('of "work" to the keychain file');
  expect(world.credentials()).not.toContain(secretAccessKey);
  expect(world.credentials()).toContain("# mine\r\n\n[other]\nkey=value ; odd\n");
  expect(world.config()).toContain(`fob_access_key_id = ${accessKeyId}\n`);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  if (!isWindows) expect(statSync(world.keychain).mode & 0o777).toBe(0o600);

  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  const served = await world.fob(["credential-process", "work"]);
  expect(JSON.parse(served.stdout)).toHaveProperty("SessionToken");
  expect((await world.fob(["exec", "work", "--", node, "--version"])).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a role and fob refresh take the key of their source from the keychain", async () => {
  const world = await makeWorldWithKeychain();
  await world.fob(["keys", "import", "work"]);
  const allow = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: world.sandbox.account } };
  const trust = { Version: "2012-10-17", Statement: [allow] };
  const { arn } = world.sandbox.addRole({ name: "deploy", trust, policies: [], maxSessionSeconds: 7200 });
  const role = `\n[profile deploy]\nrole_arn = ${arn}\nsource_profile = work\nduration_seconds = 7200\n`;
  appendFileSync(world.configPath, role);
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  const hour = await world.fob(["credential-process", "deploy"]);
  expect(JSON.parse(hour.stdout)).toHaveProperty("SessionToken");
  // More than an hour AWS gives to the long-term key alone.
  const longer = world.fobOnTerminal(["exec", "deploy", "--", node, "--version"]);
  await longer.shows("Code for");
  longer.type(`${world.device.code()}\r`);
  expect((await longer.ended).status).toBe(0);

  endsIn(world, 1800);
  const before = readFileSync(sessionFile(world), "utf8");
  const run = world.fobOnTerminal(["refresh", "work"]);
  await run.shows("Code for");
  run.type(`${world.device.code(Date.now() + 30_000)}\r`);
  expect((await run.ended).status).toBe(0);
  expect(readFileSync(sessionFile(world), "utf8")).not.toBe(before);
  expect(world.calls("GetSessionToken")).toBe(2);
});

test("a session stays when its key moves", async () => {
  const world = await makeWorldWithKeychain();
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["keys", "import", "work"]);
  expect((await world.fob(["login", "work", "--no-input"])).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("the backup is the file as it was, for the user alone, and the user is told that it holds the secret", async () => {
  const world = await makeWorldWithKeychain();
  const before = world.credentials();
  const { stderr } = await world.fob(["keys", "import", "work", "--backup"]);
  const folder = join(world.home, ".aws");
  const copy = join(folder, readdirSync(folder).find((name) => name.startsWith("credentials.fob-backup-")) ?? "");
  mayHoldSecrets(copy);
  expect(readFileSync(copy, "utf8")).toBe(before);
  if (!isWindows) expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(stderr).toContain("still holds the secret");
});

test("on a terminal keys import offers a backup", async () => {
  const world = await makeWorldWithKeychain();
  const run = world.fobOnTerminal(["keys", "import", "work"]);
  await run.shows("Keep a backup");
  run.type("\r");
  expect((await run.ended).status).toBe(0);
  expect(readdirSync(join(world.home, ".aws")).filter((name) => name.includes("backup"))).toEqual([]);
});

test("keys add asks on the terminal, and does not show the secret", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  writeFileSync(world.credentialsPath, "");
  const run = world.fobOnTerminal(["keys", "add", "work"]);
  await run.shows("Access key ID for work:");
  run.type(`${accessKeyId}\r`);
  await run.shows("Secret access key (not shown):");
  // A slip, and a backspace.
  run.type(`${secretAccessKey}x\u007f\r`);
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen).not.toContain(secretAccessKey);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
});

test.each([
  ["two lines", (id: string, secret: string) => `${id}\n${secret}\n`],
  [
    "the console's file",
    (id: string, secret: string) => `\uFEFFAccess key ID,Secret access key\r\n${id},${secret}\r\n`,
  ],
  [
    "the console's file of a new user",
    (id: string, secret: string) =>
      `User name,Password,Access key ID,Secret access key,Console login link\nben,"a,b ""c",${id},${secret},https://x\n`,
  ],
  [
    "JSON of the aws command",
    (id: string, secret: string) => JSON.stringify({ AccessKey: { AccessKeyId: id, SecretAccessKey: secret } }),
  ],
])("keys add --stdin reads %s", async (_, format) => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const input = format(accessKeyId, secretAccessKey);
  expect((await world.fob(["keys", "add", "new", "--stdin"], { input })).status).toBe(0);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  expect(world.config()).toContain(`[profile new]\nfob_access_key_id = ${accessKeyId}\n`);
});

test("what is no access key is refused, and nothing is kept", async () => {
  const world = await makeWorldWithKeychain();
  const before = world.config();
  for (const input of ["", "one\n", `${world.user.accessKey.accessKeyId}\nshort\n`]) {
    expect((await world.fob(["keys", "add", "new", "--stdin"], { input })).status).toBe(1);
  }
  expect(secretsIn(world.keychain)).toEqual({});
  expect(world.config()).toBe(before);
});

test("of two keys in a file none is chosen, and temporary keys are refused", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const row = `${accessKeyId},${secretAccessKey}\n`;
  const add = (input: string) => world.fob(["keys", "add", "new", "--stdin"], { input });
  expect((await add(`Access key ID,Secret access key\n${row}${row}`)).stderr).toContain("stdin has 2 access keys");
  expect((await add(`ASIA${accessKeyId.slice(4)}\n${secretAccessKey}\n`)).stderr).toContain("a temporary access key");
  expect(secretsIn(world.keychain)).toEqual({});
});

test("a secret in the keychain is replaced only by one that AWS knows", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const wrong = `${secretAccessKey.slice(0, -1)}${secretAccessKey.endsWith("Z") ? "Y" : "Z"}`;
  const add = (secret: string) =>
    world.fob(["keys", "add", "new", "--stdin"], { input: `${accessKeyId}\n${secret}\n` });
  expect((await add(secretAccessKey)).status).toBe(0);
  const { status, stderr } = await add(wrong);
  expect(status).toBe(1);
  expect(stderr).toContain("has another secret of");
  expect(stderr).toContain("hint: enter the right one: fob keys add new --stdin");
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  // Of a file too, which keeps its wrong one then.
  const before = world.credentials().replace(secretAccessKey, wrong);
  writeFileSync(world.credentialsPath, before);
  expect((await world.fob(["keys", "import", "work"])).status).toBe(1);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
  expect(world.credentials()).toBe(before);
  writeFileSync(world.keychain, JSON.stringify({ [accessKeyId]: wrong }));
  expect((await add(secretAccessKey)).status).toBe(0);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
});

test.skipIf(process.getuid?.() !== 0)(
  "a file that fob may not change stops an import before the secret moves",
  async () => {
    const world = await makeWorldWithKeychain();
    chownSync(world.credentialsPath, 12_345, 0);
    const before = world.config();
    const { status, stderr } = await world.fob(["keys", "import", "work"]);
    expect(status).toBe(1);
    expect(stderr).toContain("belongs to another user (uid 12345)");
    expect(secretsIn(world.keychain)).toEqual({});
    expect(world.config()).toBe(before);
  },
);

test("role profiles that lose their key with an import are named, with the command that helps", async () => {
  const world = await makeWorldWithKeychain();
  appendFileSync(
    world.configPath,
    "\n[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = work\n",
  );
  const { stderr } = await world.fob(["keys", "import", "work"]);
  expect(stderr).toContain('no longer find an access key for the role profile "deploy"');
  expect(stderr).toContain("aws configure set source_profile work-mfa --profile deploy");
});

test("a profile that names its key in the credentials file counts too", async () => {
  const world = await makeWorldWithKeychain();
  await world.fob(["keys", "import", "work"]);
  const { accessKeyId } = world.user.accessKey;
  appendFileSync(world.credentialsPath, `\n[b]\nfob_access_key_id = ${accessKeyId}\n`);
  await world.fob(["keys", "remove", "work", "--yes"]);
  expect(secretsIn(world.keychain)).toHaveProperty(accessKeyId);
});

test("a secret that no profile names any more is deleted by the ID of its key", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const other = "AKIAEXAMPLEEXAMPLE00";
  await world.fob(["keys", "add", "new", "--stdin"], { input: `${other}\nexample/example/example/example/example/\n` });
  const { stderr } = await world.fob(["keys", "add", "new", "--stdin"], {
    input: `${accessKeyId}\n${secretAccessKey}\n`,
  });
  expect(stderr).toContain(`fob keys remove ${other}`);
  expect((await world.fob(["keys", "remove", accessKeyId, "--yes"])).stderr).toContain('the profile "new" uses');
  expect((await world.fob(["keys", "remove", other, "--yes"])).status).toBe(0);
  expect(secretsIn(world.keychain)).toEqual({ [accessKeyId]: secretAccessKey });
});

test("a profile whose key is in the AWS files is imported, not added to", async () => {
  const world = await makeWorldWithKeychain();
  const { status, stderr } = await world.fob(["keys", "add", "work", "--stdin"], { input: "" });
  expect(status).toBe(1);
  expect(stderr).toContain("fob keys import work");
});

test("without a keychain the key stays where it is, and login works", async () => {
  const world = await makeWorld();
  const before = world.credentials();
  const { status, stderr } = await world.fob(["keys", "import", "work"], { env: { DBUS_SESSION_BUS_ADDRESS: "" } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/fob: error: (there is no keychain here|the keychain cannot be used)/);
  expect(world.credentials()).toBe(before);
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
});

test("a secret that has gone from the keychain is said, with the command that enters it again", async () => {
  const world = await makeWorldWithKeychain();
  await world.fob(["keys", "import", "work"]);
  writeFileSync(world.keychain, "{}");
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(status).toBe(1);
  expect(stderr).toContain("hint: enter the access key again: fob keys add work");
});

test("no session is written over a profile whose key is in the keychain", async () => {
  const world = await makeWorldWithKeychain();
  const input = "AKIAEXAMPLEEXAMPLE00\nexample/example/example/example/example/\n";
  await world.fob(["keys", "add", "safe", "--stdin"], { input });
  const to = ["login", "work", "--to", "safe", "--replace-long-term", "--code", world.device.code()];
  const { status, stderr } = await world.fob(to);
  expect(status).toBe(1);
  expect(stderr).toContain("has its long-term credentials in the keychain");
});

test("keys remove deletes the key after the profile's name is typed, but not one that another profile uses", async () => {
  const world = await makeWorldWithKeychain();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  await world.fob(["keys", "import", "work"]);
  await world.fob(["keys", "add", "twin", "--stdin"], { input: `${accessKeyId}\n${secretAccessKey}\n` });
  expect((await world.fob(["keys", "remove", "twin"])).status).toBe(4);
  const twin = await world.fob(["keys", "remove", "twin", "--yes"]);
  expect(twin.status).toBe(0);
  expect(twin.stderr).toMatch(/the keychain keeps AKIA\S+, which "work" uses/);
  expect(twin.stderr).not.toContain("delete-access-key");
  expect(secretsIn(world.keychain)).toHaveProperty(accessKeyId);
  // Also if it has a session, which programs would use.
  appendFileSync(world.configPath, `\n[profile third]\nfob_access_key_id = ${accessKeyId}\n`);
  appendFileSync(world.credentialsPath, "\n[third]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_session_token = x\n");
  await world.fob(["keys", "remove", "work", "--yes"]);
  expect(secretsIn(world.keychain)).toHaveProperty(accessKeyId);
  writeFileSync(world.credentialsPath, "");
  writeFileSync(world.configPath, `[profile work]\nfob_access_key_id = ${accessKeyId}\n`);
  const run = world.fobOnTerminal(["keys", "remove", "work"]);
  await run.shows("Type the profile's name");
  run.type("work\r");
  expect((await run.ended).status).toBe(0);
  expect(secretsIn(world.keychain)).toEqual({});
  expect(world.config()).not.toContain("fob_access_key_id");
});

test("a sandbox has a keychain of its own, which goes with it", async () => {
  const world = await makeWorld();
  skipOnWindows("sh");
  const script = 'echo "$FOB_KEYCHAIN"; fob keys import ben && cut -c1-6 "$FOB_KEYCHAIN" | tail -n 2';
  const fob = `fob() { "${node}" "${program}" "$@"; }; ${script}`;
  const { status, stdout, stderr } = await world.fob(["sandbox", "--", "sh", "-c", fob], {
    env: { FOB_KEYCHAIN: "of-the-user" },
  });
  expect(stderr).toContain("moved the access key");
  expect(status).toBe(0);
  const [path = ""] = stdout.split("\n");
  expect(path).toMatch(/fob-sandbox-.*keychain$/);
  expect(existsSync(path)).toBe(false);
});
