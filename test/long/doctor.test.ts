// `fob doctor`: each check finds its problem, and is quiet where all is well.
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { keysOf, makeWorld, type Result, type RunOptions, type World, withClock } from "../helpers/world.ts";

interface Report {
  readonly summary: { readonly ok: number; readonly found: number; readonly unknown: number };
  readonly checks: readonly {
    readonly id: string;
    readonly result: string;
    readonly findings: readonly {
      readonly level: string;
      readonly message: string;
      readonly why: string;
      readonly fix: string;
      readonly subject?: string;
      readonly line?: number;
    }[];
    readonly unknown: readonly string[];
  }[];
}

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** A world in which all is fine: the `aws` on its PATH is new. */
async function makeHealthyWorld(options: Parameters<typeof makeWorld>[0] = {}): Promise<World> {
  const world = await makeWorld(options);
  addAws(world, "aws-cli/2.36.7 Python/3.13.1 Linux/6.1");
  return world;
}

/** Puts a command `aws` on the PATH that prints this as its version. */
function addAws(world: World, version: string): void {
  const bin = join(world.home, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "aws"), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
  world.env.PATH = [bin, ...(world.env.PATH ?? "").split(":").filter((each) => each !== bin)].join(":");
}

async function examine(
  world: World,
  args: readonly string[] = [],
  run: RunOptions = {},
): Promise<Result & { report: Report }> {
  const result = await world.fob(["doctor", "--json", ...args], run);
  return { ...result, report: JSON.parse(result.stdout) as Report };
}

const check = ({ checks }: Report, id: string) => {
  const found = checks.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
};

const addCredentials = (world: World, text: string): void => appendFileSync(world.credentialsPath, text);
const addConfig = (world: World, text: string): void => appendFileSync(world.configPath, text);

const temporary = (profile: string, more = ""): string =>
  `[${profile}]\naws_access_key_id = ASIAQQQQQQQQQQQQQQQQ\naws_secret_access_key = x\naws_session_token = token\n${more}`;

test("all is fine in a new home, and after a login", async () => {
  const world = await makeHealthyWorld();
  const before = await examine(world);
  expect(before.report.checks.filter(({ result }) => !["ok", "noted"].includes(result))).toEqual([]);
  expect(before.status).toBe(0);
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["credential-process", "--install", "work"]);
  const after = await examine(world);
  expect(after.report.checks.filter(({ result }) => !["ok", "noted"].includes(result))).toEqual([]);
  expect(after.status).toBe(0);
});

test("says what, why and the command, and exits with 3", async () => {
  const world = await makeHealthyWorld();
  chmodSync(world.credentialsPath, 0o644);
  const { status, stdout, stderr } = await world.fob(["doctor"]);
  expect(status).toBe(3);
  expect(stdout).toContain(
    `error file-access others may use the credentials file "${world.credentialsPath}" (mode 644)\n`,
  );
  expect(stdout).toContain("    other users of this computer could take your credentials");
  expect(stdout).toContain(`    chmod 600 ${world.credentialsPath}\n`);
  expect(stdout).toMatch(/^Fine: .*duplicate-section/m);
  expect(stderr).toContain("1 found a problem");
  expect(stderr).toContain("fob doctor --fix\n");
  chmodSync(world.credentialsPath, 0o600);
});

/** What is done to a world, and what a check then says of it. */
const problems: readonly (readonly [
  id: string,
  what: string,
  damage: (world: World) => void,
  message: RegExp,
  fix: RegExp,
])[] = [
  [
    "file-access",
    "a backup that others can read",
    (world) => {
      writeFileSync(`${world.credentialsPath}.fob-backup-0123abcd`, "", { mode: 0o644 });
      chmodSync(`${world.credentialsPath}.fob-backup-0123abcd`, 0o644);
    },
    /others may use a backup ".*backup-0123abcd" \(mode 644\)/,
    /^chmod 600 /,
  ],
  [
    "stale-token",
    "a temporary key without its token",
    (world) => addCredentials(world, "[half]\naws_access_key_id = ASIAQQQQQQQQQQQQQQQQ\naws_secret_access_key = x\n"),
    /has a temporary access key without aws_session_token/,
    /remove the key, and log in again/,
  ],
  [
    "temporary-source",
    "a session in the place of the key of a profile with a device",
    (world) => {
      addCredentials(world, temporary("mine", "expiration = 2099-01-01T00:00:00Z\n"));
      addConfig(world, "[profile mine]\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n");
    },
    /is a source profile, but has temporary credentials/,
    /aws configure --profile mine/,
  ],
  [
    "file-access",
    "a config that others can write",
    (world) => chmodSync(world.configPath, 0o666),
    /the config file ".*" others can write/,
    /^chmod go-w /,
  ],
  [
    "readable-files",
    "a byte order mark",
    (world) => writeFileSync(world.configPath, `\ufeff${world.config()}`),
    /aws cannot read ".*config": line 1 begins with a byte order mark/,
    /\+1 /,
  ],
  [
    "readable-files",
    "bytes that are not UTF-8",
    (world) => appendFileSync(world.configPath, Buffer.from("# caf\xe9\n", "latin1")),
    /aws cannot read ".*config": line 4 is not UTF-8/,
    /\+4 /,
  ],
  [
    "readable-files",
    "a file that does not parse",
    (world) => addConfig(world, "[profile broken\n"),
    /line 4 of ".*config" has a "\[" without a "\]"/,
    /\+4 /,
  ],
  [
    "duplicate-section",
    "a profile twice",
    (world) => addConfig(world, "[profile a]\nregion = eu-central-1\n[profile a]\n"),
    /more than once, on lines 4 and 6/,
    /merge the sections: .*\+6 /,
  ],
  [
    "duplicate-section",
    "another section twice",
    (world) => addConfig(world, "[sso-session a]\n[sso-session a]\n"),
    /line 5 begins the same section as line 4/,
    /merge the two sections: .*\+5 /,
  ],
  [
    "shadowed-process",
    "static keys beside a credential_process",
    (world) => {
      addCredentials(world, temporary("tool"));
      addConfig(world, "[profile tool]\ncredential_process = some-tool\n");
    },
    /has temporary credentials beside its credential_process/,
    /remove the keys, or credential_process: .*\+5 /,
  ],
  [
    "stale-token",
    "an old aws_security_token",
    (world) => addCredentials(world, temporary("tool", "aws_security_token = older\n")),
    /line 8 of ".*" is the token of an older session/,
    /aws configure set aws_security_token '' --profile tool/,
  ],
  [
    "stale-token",
    "a token beside a long-term key",
    (world) => addCredentials(world, "aws_session_token = older\n"),
    /line 4 of ".*" is the token of an older session/,
    /aws configure set aws_session_token '' --profile work/,
  ],
  [
    "source-without-role",
    "source_profile alone",
    (world) => addConfig(world, "[profile a]\nsource_profile = work\n"),
    /has source_profile, but no role_arn/,
    /rename it to fob_source_profile, or remove it: .*\+5 /,
  ],
  [
    "role-serial",
    "mfa_serial on a role of a session",
    (world) => {
      addCredentials(world, temporary("tool"));
      addConfig(
        world,
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = tool\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n",
      );
    },
    /the role profile "role" will ask for another code/,
    /remove this line in/,
  ],
  [
    "temporary-source",
    "temporary keys in a source profile",
    (world) => {
      addCredentials(world, temporary("me"));
      addConfig(world, "[profile me-session]\nfob_source_profile = me\n");
    },
    /is a source profile, but has temporary credentials/,
    /aws configure --profile me$/,
  ],
  [
    "expired-session",
    "an expired session of another tool",
    (world) => addCredentials(world, temporary("tool", "expiration = 2020-01-01 00:00:00\n")),
    /has a session from another tool, which has expired/,
    /fob doctor --fix/,
  ],
  [
    "versions",
    "an aws that is too old for a profile",
    (world) => {
      addAws(world, "aws-cli/2.31.9 Python/3.13.1 Linux/6.1");
      addConfig(world, "[profile browser]\nlogin_session = arn:aws:iam::123456789012:user/a\n");
    },
    /signs in with aws login, which aws 2\.31 does not have/,
    /install aws 2\.32 or later/,
  ],
  [
    "versions",
    "version 1 of aws, which has no aws sso login",
    (world) => {
      addAws(world, "aws-cli/1.46.0 Python/3.13.1 Linux/6.1 botocore/1.44.0");
      addConfig(world, "[profile sso]\nsso_session = a\n");
    },
    /signs in with aws sso login, which aws 1\.46 does not have/,
    /install aws 2\.0 or later/,
  ],
];

test.each(problems)("%s finds %s", async (id, _, damage, message, fix) => {
  const world = await makeHealthyWorld();
  damage(world);
  const { report, status } = await examine(world);
  const { result, findings } = check(report, id);
  expect({ result, status }).toEqual({ result: "found", status: 3 });
  expect(findings.filter(({ level }) => level !== "note")).toMatchObject([
    { message: expect.stringMatching(message) as string, fix: expect.stringMatching(fix) as string },
  ]);
});

test.skipIf(process.getuid?.() !== 0)(
  "file-access finds a file of another user, and --fix leaves it (as root only)",
  async () => {
    const world = await makeHealthyWorld();
    const backup = `${world.credentialsPath}.fob-backup-0123abcd`;
    writeFileSync(backup, "", { mode: 0o644 });
    chownSync(backup, 12_345, 12_345);
    const { report, status } = await examine(world, ["--fix"]);
    expect(status).toBe(3);
    expect(check(report, "file-access").findings).toMatchObject([
      {
        message: `a backup "${backup}" belongs to another user (uid 12345)`,
        fix: expect.stringContaining("chown") as string,
      },
    ]);
    expect(statSync(backup)).toMatchObject({ uid: 12_345, mode: 0o100644 });
  },
);

test("a launcher that is not there is found for each profile that needs it, and written again", async () => {
  const world = await makeHealthyWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["credential-process", "--install", "work"]);
  rmSync(join(world.home, ".aws/fob/bin/fob-credential-process"));
  expect(check((await examine(world)).report, "launcher").findings).toMatchObject([
    { subject: "work-mfa", fix: "fob credential-process --install work-mfa" },
  ]);
  expect((await world.fob(["credential-process", "--install", "work-mfa"])).status).toBe(0);
  expect(check((await examine(world)).report, "launcher").result).toBe("ok");
});

test("AWS is asked about a session that does not say when it expires", async () => {
  const world = await makeHealthyWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const [, keys = ""] = /^\[work-mfa\]\n((?:aws_.*\n)+)/m.exec(world.credentials()) ?? [];
  addCredentials(world, `\n[other-tool]\n${keys}`);
  expect(check((await examine(world)).report, "expired-session").result).toBe("ok");
  addCredentials(world, `\n${temporary("dead")}`);
  expect(check((await examine(world)).report, "expired-session").findings).toMatchObject([
    { subject: "dead", message: "has a session from another tool, which AWS rejects" },
  ]);
});

test("a role profile whose source is gone, or has its key in the keychain, is found", async () => {
  const world = await makeHealthyWorld();
  const keychain = join(world.home, "keychain");
  mayHoldSecrets(keychain);
  world.env.FOB_KEYCHAIN = keychain;
  await world.fob(["keys", "import", "work"]);
  const role = (name: string, source: string): string =>
    `\n[profile ${name}]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = ${source}\n`;
  addConfig(world, role("of-key", "work") + role("of-session", "work-mfa") + role("of-none", "wrok"));
  expect(check((await examine(world)).report, "role-source").findings).toMatchObject([
    { subject: "of-key", level: "note", fix: "aws configure set source_profile work-mfa --profile of-key" },
    { subject: "of-none", level: "error", fix: "aws configure set source_profile work --profile of-none" },
  ]);
  // The session that there is, and not the one by the name.
  expect((await world.fob(["login", "work", "--to", "acme", "--code", world.device.code()])).status).toBe(0);
  addConfig(world, `mfa_serial = ${world.device.serialNumber}\n${role("of-acme", "acme")}`);
  const { findings } = check((await examine(world)).report, "role-source");
  expect(findings[0]?.fix).toBe("aws configure set source_profile acme --profile of-key");
  expect(findings).toHaveLength(3);
});

test("without an access key no check of keys and devices says that all is fine", async () => {
  const world = await makeHealthyWorld({ credentials: "", config: "" });
  const { report, status } = await examine(world);
  const ids = ["access-key", "key-age", "device", "settings"];
  for (const id of ids)
    expect(check(report, id)).toMatchObject({
      result: "unknown",
      unknown: ["no profile has an access key: fob setup"],
    });
  expect(status).toBe(3);
  // Who signs in in the browser needs none.
  addConfig(world, "[profile browser]\nsso_session = corp\nsso_account_id = 123456789012\n");
  const inBrowser = await examine(world);
  for (const id of ids) expect(check(inBrowser.report, id)).toMatchObject({ result: "noted" });
  expect(inBrowser.status).toBe(0);
});

test("half a key elsewhere keeps no other key from being listed", async () => {
  const world = await makeHealthyWorld();
  addCredentials(world, "\n[zz]\naws_access_key_id = AKIAQQQQQQQQQQQQQQQQ\n");
  expect((await world.fob(["keys", "list"])).stdout).toContain("work");
  expect(check((await examine(world)).report, "endpoint").unknown).toEqual([
    'STS for "zz" was not reached: its settings cannot be used',
  ]);
});

test("what looks like a problem and is none", async () => {
  const world = await makeHealthyWorld();
  addCredentials(world, temporary("both", "aws_security_token = token\nexpiration = 2099-01-01T00:00:00Z\n"));
  addAws(world, "aws-cli/2.32.0 Python/3.13.1 Linux/6.1");
  addConfig(
    world,
    [
      "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = both",
      // The code is for the role: its source has the access key.
      "[profile role-of-key]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = work",
      "mfa_serial = arn:aws:iam::123456789012:mfa/a",
      "[profile tool]\ncredential_process = some-tool",
      "[profile browser]\nlogin_session = arn:aws:iam::123456789012:user/a\n",
    ].join("\n"),
  );
  const { report } = await examine(world);
  expect(report.checks.filter(({ result }) => !["ok", "noted"].includes(result))).toEqual([]);
});

describe("variables", () => {
  test.each([
    [{ AWS_ACCESS_KEY_ID: "AKIAQQQQQQQQQQQQQQQQ", AWS_SECRET_ACCESS_KEY: "x" }, /override AWS_PROFILE/],
    [{ AWS_SESSION_TOKEN: "x" }, /AWS_SESSION_TOKEN is set without AWS_ACCESS_KEY_ID/],
    [{ AWS_SECURITY_TOKEN: "x" }, /boto3 prefers/],
    [{ AWS_PROFILE: "work", AWS_DEFAULT_PROFILE: "other" }, /names another profile/],
    [{ AWS_WEB_IDENTITY_TOKEN_FILE: "/token" }, /before the profile/],
    [{ AWS_PROFILE: "wrok" }, /AWS_PROFILE is "wrok", and there is no such profile/],
  ] as const)("finds %j", async (env, message) => {
    const world = await makeHealthyWorld();
    const { result, findings } = check((await examine(world, [], { env })).report, "variables");
    expect(result).toBe("found");
    expect(findings).toContainEqual(expect.objectContaining({ message: expect.stringMatching(message) as string }));
  });

  test("notes what is used for every profile, and finds files that are not there", async () => {
    const world = await makeHealthyWorld();
    const env = { AWS_REGION: "us-west-2", AWS_CONFIG_FILE: world.configPath };
    const { findings, result } = check((await examine(world, [], { env })).report, "variables");
    expect(result).toBe("noted");
    expect(findings.map(({ message }) => message.split(" ")[0])).toEqual([
      ...["AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_REGION"],
    ]);
    const gone = { AWS_SHARED_CREDENTIALS_FILE: join(world.home, "gone") };
    expect(check((await examine(world, [], { env: gone })).report, "variables").findings).toContainEqual(
      expect.objectContaining({ level: "warning", message: expect.stringContaining("which does not exist") as string }),
    );
  });

  test("a profile that exists is fine; in a file that cannot be read it is not known", async () => {
    const world = await makeHealthyWorld();
    const env = { AWS_PROFILE: "work" };
    expect(check((await examine(world, [], { env })).report, "variables").result).toBe("noted");
    const withDevice = { AWS_MFA_SERIAL: world.device.serialNumber };
    expect(check((await examine(world, [], { env: withDevice })).report, "variables").result).toBe("noted");
    addConfig(world, "[profile broken\n");
    expect(check((await examine(world, [], { env })).report, "variables").result).toBe("unknown");
  });
});

describe("what AWS says", () => {
  const results = ({ checks }: Report): Record<string, string> =>
    Object.fromEntries(checks.map(({ id, result }) => [id, result]));

  test("a clock that is off", async () => {
    const world = await makeHealthyWorld();
    const file = join(world.home, "clock");
    for (const [seconds, level, where] of [
      [120, "warning", "ahead of"],
      [-900, "error", "behind"],
    ] as const) {
      writeFileSync(file, String(seconds));
      const { report } = await examine(world, [], { env: { NODE_OPTIONS: withClock, CLOCK: file } });
      expect(check(report, "clock").findings).toMatchObject([
        { level, message: expect.stringMatching(`clock is \\S+ (min|s).* ${where} AWS's`) as string },
      ]);
    }
  });

  test("no way to STS: then the clock, the device and the key's age are not known", async () => {
    const world = await makeHealthyWorld();
    const { report, status } = await examine(world, [], { env: { AWS_ENDPOINT_URL: "http://127.0.0.1:1" } });
    expect(status).toBe(3);
    expect(check(report, "endpoint").findings).toMatchObject([
      { message: expect.stringContaining("connection refused") as string },
    ]);
    const unknown = { clock: "unknown", "access-key": "unknown", device: "unknown", "key-age": "unknown" };
    expect(results(report)).toMatchObject({ endpoint: "found", ...unknown });
  });

  test("a proxy that is not there, and certificates that are not", async () => {
    const world = await makeHealthyWorld();
    const byProxy = await examine(world, [], { env: { http_proxy: "http://127.0.0.1:1" } });
    expect(check(byProxy.report, "endpoint").findings).toMatchObject([
      { message: expect.stringContaining('the proxy "127.0.0.1:1"') as string },
    ]);
    const env = { AWS_ENDPOINT_URL: "https://127.0.0.1:1", AWS_CA_BUNDLE: "/no/such/ca.pem" };
    expect(check((await examine(world, [], { env })).report, "endpoint").findings).toMatchObject([
      { message: expect.stringContaining("/no/such/ca.pem") as string },
    ]);
  });

  test("without an access key, the way and the clock are checked all the same", async () => {
    const world = await makeHealthyWorld({ credentials: "", config: "" });
    const { report } = await examine(world);
    expect(results(report)).toMatchObject({ endpoint: "ok", clock: "ok" });
    expect(world.sandbox.requests.filter(({ action }) => action === "GetCallerIdentity")).toEqual([]);
  });

  test("an access key that AWS does not know, or one that is cut off", async () => {
    const world = await makeHealthyWorld();
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    world.sandbox.setAccessKeyStatus(accessKeyId, "Inactive");
    const disabled = await examine(world);
    expect(results(disabled.report)).toMatchObject({ "access-key": "found", device: "unknown", "key-age": "unknown" });
    const cut = keysOf("work", { accessKeyId, secretAccessKey: secretAccessKey.slice(0, 20) });
    writeFileSync(world.credentialsPath, cut, { mode: 0o600 });
    expect(check((await examine(world)).report, "access-key").findings).toMatchObject([
      {
        message: expect.stringContaining("is cut off") as string,
        fix: expect.stringContaining("aws configure") as string,
      },
    ]);
  });

  test("an old access key", async () => {
    let key = { accessKeyId: "", secretAccessKey: "" };
    const world = await makeHealthyWorld({
      fill(account) {
        const user = account.addUser({ name: "old" });
        account.attachPolicy("old", everything);
        key = account.addAccessKey(user, { createdMs: Date.now() - 91 * 86_400_000 });
      },
    });
    world.sandbox.addVirtualDevice("old");
    writeFileSync(world.credentialsPath, keysOf("old", key), { mode: 0o600 });
    const { report } = await examine(world);
    expect(check(report, "key-age").findings).toMatchObject([
      { subject: "old", message: expect.stringMatching(/^the access key AKIA….{4} is 91 days old$/) as string },
    ]);
  });

  test("an access key of the root user", async () => {
    let key = { accessKeyId: "", secretAccessKey: "" };
    const world = await makeHealthyWorld({
      fill(account) {
        key = account.addAccessKey(account.root);
      },
    });
    writeFileSync(world.credentialsPath, keysOf("root", key), { mode: 0o600 });
    expect(check((await examine(world)).report, "access-key").findings).toMatchObject([
      { level: "error", subject: "root", message: "has an access key of the root user" },
    ]);
  });

  test("beyond ten profiles AWS is not asked, and that does not count as a pass", async () => {
    const world = await makeHealthyWorld({ config: "" });
    const names = Array.from({ length: 11 }, (_, index) => `p${10 + index}`);
    const text = names.map((name) => keysOf(name, world.user.accessKey)).join("\n");
    writeFileSync(world.credentialsPath, text, { mode: 0o600 });
    const { report, status } = await examine(world);
    const unknown = ['AWS was not asked about 1 of the profiles, from "p20" on'];
    for (const id of ["settings", "access-key", "key-age", "device"]) {
      expect(check(report, id)).toMatchObject({ result: "unknown", unknown });
    }
    expect(status).toBe(3);
  });

  test("a keychain that cannot be read", async () => {
    const world = await makeHealthyWorld();
    world.env.FOB_KEYCHAIN = join(world.home, "keychain");
    mayHoldSecrets(world.env.FOB_KEYCHAIN);
    await world.fob(["keys", "import", "work"]);
    const { report } = await examine(world);
    expect(results(report)).toMatchObject({ "access-key": "ok", device: "ok", "key-age": "ok", keychain: "ok" });
    writeFileSync(world.env.FOB_KEYCHAIN, "locked", { mode: 0o600 });
    const locked = await examine(world);
    for (const id of ["access-key", "key-age", "device"]) {
      const unknown = [expect.stringMatching(/^"work": .* is not a keychain file; unset FOB_KEYCHAIN$/)];
      expect(check(locked.report, id)).toMatchObject({ result: "unknown", unknown });
    }
    expect(locked.status).toBe(3);
  });

  test("devices: none, a security key alone, another user's", async () => {
    const world = await makeHealthyWorld();
    const { accessKey } = world.sandbox.addUser({ name: "dan", policies: [everything] });
    const save = (config: string): void => {
      writeFileSync(world.credentialsPath, keysOf("dan", accessKey), { mode: 0o600 });
      writeFileSync(world.configPath, config, { mode: 0o600 });
    };
    const messages = async (): Promise<string[]> =>
      check((await examine(world)).report, "device").findings.map(({ message }) => message);
    save("");
    expect(await messages()).toEqual(["the user has no MFA device"]);
    const { serialNumber } = world.sandbox.addFidoDevice("dan");
    expect(await messages()).toEqual([expect.stringContaining("is a passkey or security key")]);
    save(`[profile dan]\nmfa_serial = ${serialNumber}\n`);
    expect(await messages()).toEqual([expect.stringContaining("is a passkey or security key")]);
    world.sandbox.addVirtualDevice("dan");
    save(`[profile dan]\nmfa_serial = ${world.device.serialNumber}\n`);
    expect(await messages()).toEqual([expect.stringContaining("the user has ")]);
    save("");
    expect(await messages()).toEqual([]);
  });

  test("where MFA is enforced, the key's age is not known before a login, and is after it", async () => {
    const enforcement = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          NotAction: ["iam:ListMFADevices", "sts:GetSessionToken"],
          Resource: "*",
          Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
        },
      ],
    };
    const world = await makeHealthyWorld({ policies: [everything, enforcement] });
    const before = await examine(world);
    expect({ ...results(before.report), status: before.status }).toMatchObject({
      "key-age": "unknown",
      device: "ok",
      status: 3,
    });
    await world.fob(["login", "work", "--code", world.device.code()]);
    const after = await examine(world);
    expect({ ...results(after.report), status: after.status }).toMatchObject({ "key-age": "ok", status: 0 });
  });

  test("settings that fob cannot use", async () => {
    const world = await makeHealthyWorld();
    writeFileSync(world.configPath, "[profile work]\nregion = nowhere\n", { mode: 0o600 });
    const { report } = await examine(world);
    expect(check(report, "settings").findings).toMatchObject([
      { subject: "work", message: expect.stringContaining("is not a region") as string },
    ]);
    expect(results(report)).toMatchObject({ "access-key": "unknown", endpoint: "unknown" });
  });

  test("a key in plaintext is a note", async () => {
    const world = await makeHealthyWorld();
    const { report, status } = await examine(world);
    expect(check(report, "keychain").findings).toMatchObject([{ level: "note", fix: "fob keys import work" }]);
    expect(status).toBe(0);
  });
});

describe("what could not be looked at is not known", () => {
  test("profiles of a file that cannot be parsed", async () => {
    const world = await makeHealthyWorld();
    addConfig(world, "[profile broken\n");
    const { report, status } = await examine(world);
    expect(status).toBe(3);
    for (const id of ["duplicate-section", "shadowed-process", "stale-token", "role-serial", "expired-session"]) {
      expect(check(report, id)).toMatchObject({ result: "unknown", unknown: [expect.stringContaining("line 4")] });
    }
  });

  test("a profile that is there twice", async () => {
    const world = await makeHealthyWorld();
    addConfig(world, "[profile a]\nregion = eu-central-1\n[profile a]\n");
    const { report } = await examine(world);
    for (const id of ["readable-files", "shadowed-process", "source-without-role"]) {
      expect(check(report, id).result).toBe("unknown");
    }
  });

  test("an aws that does not run, or prints no version", async () => {
    const world = await makeHealthyWorld();
    addAws(world, "what?");
    expect(check((await examine(world)).report, "versions").result).toBe("unknown");
    writeFileSync(join(world.home, "bin/aws"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
    const { unknown } = check((await examine(world)).report, "versions");
    expect(unknown).toEqual(["aws --version failed with exit code 3"]);
  });
});

describe("--fix", () => {
  test("repairs what is harmless, says each, and leaves every other byte as it was", async () => {
    const world = await makeHealthyWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    await world.fob(["credential-process", "--install", "work"]);
    const launcher = join(world.home, ".aws/fob/bin/fob-credential-process");
    const script = readFileSync(launcher, "utf8");
    writeFileSync(launcher, script.replace(/^fob_node=.*$/m, "fob_node='/gone/node'"));
    const before = `# mine\n${world.credentials()}`;
    const later = "expiration = 2099-01-01T00:00:00Z\n";
    const old = temporary("old", "expiration = 2020-01-01T00:00:00Z\n");
    writeFileSync(
      world.credentialsPath,
      `${before}\n${old}\n${temporary("tool", `${later}aws_security_token = older\n`)}`,
    );
    chmodSync(world.credentialsPath, 0o644);
    chmodSync(join(world.home, ".aws/fob"), 0o755);

    const found = await examine(world);
    expect(check(found.report, "launcher").findings).toMatchObject([
      { message: 'starts "/gone/node", which no longer exists', fix: "fob doctor --fix" },
    ]);
    expect(found.status).toBe(3);
    const fixed = await examine(world, ["--fix"]);
    expect(fixed.stderr).toMatch(/changed the mode of ".*credentials" from 644 to 600\n/);
    expect(fixed.stderr).toMatch(/changed the mode of ".*fob" from 755 to 700\n/);
    expect(fixed.stderr).toMatch(/removed the expired session of "old" from ".*credentials"\n/);
    expect(fixed.stderr).toContain('removed aws_security_token of "tool"\n');
    expect(fixed.stderr).toMatch(/wrote the launcher again: ".*fob-credential-process"\n/);
    expect({ status: fixed.status, ...fixed.report.summary }).toMatchObject({ status: 0, found: 0, unknown: 0 });
    expect(world.credentials()).toBe(`${before}\n${temporary("tool", later)}`);
    expect(statSync(world.credentialsPath).mode & 0o777).toBe(0o600);
    expect(readFileSync(launcher, "utf8")).toBe(script);
    expect((await examine(world, ["--fix"])).stderr).toContain("there was nothing to fix without harm\n");
  });

  test("with a wrong clock no session is removed", async () => {
    const world = await makeHealthyWorld();
    const clock = join(world.home, "clock");
    writeFileSync(clock, String(86_400));
    const soon = new Date(Date.now() + 10 * 3_600_000).toISOString();
    addCredentials(world, temporary("tool", `expiration = ${soon}\n`));
    const before = world.credentials();
    const { stderr } = await examine(world, ["--fix"], { env: { NODE_OPTIONS: withClock, CLOCK: clock } });
    expect(stderr).toContain("kept expired sessions");
    expect(world.credentials()).toBe(before);
  });

  test("what is not harmless stays", async () => {
    const world = await makeHealthyWorld();
    addConfig(world, "[profile a]\nsource_profile = work\n");
    addCredentials(world, temporary("tool", "expiration = 2099-01-01T00:00:00Z\n"));
    const files = [world.config(), world.credentials()];
    const { status } = await examine(world, ["--fix"]);
    expect(status).toBe(3);
    expect([world.config(), world.credentials()]).toEqual(files);
    expect(existsSync(join(world.home, ".aws/fob"))).toBe(false);
  });
});
