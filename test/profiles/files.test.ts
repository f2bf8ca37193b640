import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FobError } from "../../src/errors.ts";
import { getCommand, getEndpointUrl, getProperty, readAwsFiles } from "../../src/profiles/files.ts";
import { getAwsFilePaths } from "../../src/profiles/paths.ts";
import { editProfile, removeFromProfile } from "../../src/profiles/write.ts";

let home: string;
let paths: ReturnType<typeof getAwsFilePaths>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "fob-profiles-"));
  paths = { credentials: join(home, "credentials"), config: join(home, "config") };
});
afterEach(() => rmSync(home, { recursive: true }));

const lock = { signal: new AbortController().signal };

function filesOf(config: string, credentials = ""): ReturnType<typeof readAwsFiles> {
  writeFileSync(paths.config, config);
  writeFileSync(paths.credentials, credentials);
  return readAwsFiles(paths);
}

function errorOf(step: () => unknown): FobError {
  try {
    step();
  } catch (error) {
    if (error instanceof FobError) return error;
  }
  throw new Error("no FobError");
}

test("the files are where the environment says, else below ~/.aws", () => {
  const env = { AWS_SHARED_CREDENTIALS_FILE: "~/keys", AWS_CONFIG_FILE: "" };
  expect(getAwsFilePaths(env, "/home/u")).toEqual({ credentials: "/home/u/keys", config: "/home/u/.aws/config" });
  expect(getAwsFilePaths({ AWS_CONFIG_FILE: "/etc/~x" }, "/home/u").config).toBe("/etc/~x");
});

test("a file that is not there has no profiles", () => {
  const { credentials, config } = readAwsFiles(paths);
  expect([credentials.profiles(), config.profiles(), credentials.has("x"), config.properties("x")]).toEqual([
    [],
    [],
    false,
    undefined,
  ]);
});

test("a property of the credentials file comes before one of the config, an empty one after", () => {
  const files = filesOf("[profile a]\nregion = eu\noutput = json # c\n", "[a]\nregion = us\noutput =\n");
  expect(getProperty(files, "a", "region")).toBe("us");
  expect(getProperty(files, "a", "output")).toBe("json");
  expect(getProperty(files, "a", "mfa_serial")).toBeUndefined();
});

test("a command keeps what looks like a comment: that is the shell's to judge", () => {
  const files = filesOf("[profile a]\nmfa_process = pass otp 'my #1 key' ; true\n");
  expect(getCommand(files, "a", "mfa_process")).toBe("pass otp 'my #1 key' ; true");
});

test("profiles with a key are found wherever the key is in its section, in any case", () => {
  const files = filesOf(
    "",
    "[a]\nx = 1\n[b]\n  Expiration: 2\n[c]\n# expiration = 3\n[d]\nexpiration=4\nexpiration_x = 5\n",
  );
  expect(files.credentials.profilesWith(["expiration", "x_security_token_expires"])).toEqual(["b", "d"]);
});

test("a service's own endpoint comes before the profile's", () => {
  const files = filesOf(
    `[profile a]
services = local
endpoint_url = http://127.0.0.1:1
[services local]
sts =
  endpoint_url = http://127.0.0.1:2
s3 =
  addressing_style = path
[profile b]
services = missing
`,
  );
  expect(getEndpointUrl(files, "a", "sts")).toBe("http://127.0.0.1:2");
  expect(getEndpointUrl(files, "a", "s3")).toBe("http://127.0.0.1:1");
  expect(getEndpointUrl(files, "a", "iam")).toBe("http://127.0.0.1:1");
  expect(getEndpointUrl(files, "b", "sts")).toBeUndefined();
});

test("an unparsable file is no empty one: reading says where it goes wrong, writing leaves it alone", async () => {
  const text = "[a]\nx = 1\noops\n";
  const error = errorOf(() => filesOf(text));
  expect(error.message).toBe(
    `line 3 of "${paths.config}" is neither a [section] nor "key = value", so fob does not change the file`,
  );
  expect(error.hints).toEqual([`open it there: \${EDITOR:-vi} +3 ${paths.config}`]);
  await expect(editProfile(paths, "config", "a", () => ({ region: "eu" }), lock)).rejects.toThrow(error.message);
  await expect(removeFromProfile(paths, "config", "a", () => ["x"], lock)).rejects.toThrow(error.message);
  expect([readFileSync(paths.config, "utf8"), readdirSync(home).sort()]).toEqual([text, ["config", "credentials"]]);
});

test("a profile that stands twice is an error, any other profile of the file is not", async () => {
  const text = "[a]\nx = 1\n[b]\nx = 2\n[a]\nx = 3\n";
  const { credentials } = filesOf("", text);
  const error = errorOf(() => credentials.properties("a"));
  expect(error.message).toBe(
    `"${paths.credentials}" has the profile "a" more than once, on lines 1 and 5; programs read different ones`,
  );
  expect(error.hints).toEqual([`keep one of them: \${EDITOR:-vi} +5 ${paths.credentials}`]);
  expect(credentials.properties("b")?.get("x")?.value).toBe("2");
  await expect(editProfile(paths, "credentials", "a", () => ({ x: "4" }), lock)).rejects.toThrow(error.message);
  expect(readFileSync(paths.credentials, "utf8")).toBe(text);
});

test("a session is written to the file and taken away again, to the byte", async () => {
  const text = "[work]\r\nnote = \xff caf\xe9\r\n";
  writeFileSync(paths.credentials, text, { encoding: "latin1", mode: 0o600 });
  const change = { aws_access_key_id: "ASIA1", aws_session_token: "t==" };
  expect(await editProfile(paths, "credentials", "work-mfa", () => change, lock)).toEqual({ changed: true });
  expect(readFileSync(paths.credentials, "latin1")).toBe(
    `${text}\r\n[work-mfa]\r\naws_access_key_id = ASIA1\r\naws_session_token = t==\r\n`,
  );
  await removeFromProfile(paths, "credentials", "work-mfa", () => Object.keys(change), lock);
  expect(readFileSync(paths.credentials, "latin1")).toBe(text);
});
