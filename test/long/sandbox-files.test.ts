// The files of `fob sandbox`: an account that is saved comes back, and a file that is none is refused before anything starts.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateUserCommand, IAMClient } from "@aws-sdk/client-iam";
import { fromIni } from "@aws-sdk/credential-providers";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, onTerminal, program, temporaryFolder } from "../helpers/world.ts";

/** A home, a folder for the sandboxes' own files, and a path for a file to save to. */
async function makeHome() {
  const world = await makeWorld();
  const folder = temporaryFolder();
  const file = join(temporaryFolder(), "mine.json");
  mayHoldSecrets(file);
  const env = withFob({ ...world.env, TMPDIR: folder, SHELL: "/bin/bash" });
  const fob = (...args: string[]) => world.fob(args, { env });
  return { world, folder, file, env, fob };
}

/** Makes a call as `ada` to the sandbox whose variables this line has. */
async function callAs(line: string, call: (iam: IAMClient) => Promise<unknown>): Promise<void> {
  const [endpoint = "", filepath = "", configFilepath = ""] = line.split(" ");
  const credentials = fromIni({ profile: "ada", filepath, configFilepath, ignoreCache: true });
  const iam = new IAMClient({ endpoint, region: "us-east-1", credentials });
  await call(iam);
  iam.destroy();
}

const variables = "$AWS_ENDPOINT_URL $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE";

test("a saved sandbox comes back with its changes, keys and devices; its sessions are gone", async () => {
  const { env, file, folder, fob } = await makeHome();
  const copies = temporaryFolder();
  const copy = (name: string): string => {
    mayHoldSecrets(join(copies, name));
    return `cp $AWS_SHARED_CREDENTIALS_FILE ${join(copies, name)}`;
  };
  const script = `${copy("first")}; fob sandbox code ben | fob login ben --code-stdin; echo "${variables}"; read line`;
  const first = onTerminal(program, ["sandbox", "--save", file, "--", "bash", "-c", script], { env });
  const line = /^http\S+ \S+ \S+$/m;
  await first.shows(line);
  await callAs(line.exec(first.screen())?.[0] ?? "", async (iam) => {
    await iam.send(new CreateUserCommand({ UserName: "kim", Path: "/eng/" }));
  });
  first.type("\r");
  expect((await first.ended).status).toBe(0);
  expect(first.screen()).toContain(`fob: saved the account to "${file}"; fob sandbox --load ${file} starts with it`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual([]);

  const again = `${copy("second")}; fob status; fob sandbox code ben | fob login ben --code-stdin; fob sandbox code kim`;
  const second = await fob("sandbox", "--load", file, "--", "sh", "-c", again);
  const read = (name: string): string => readFileSync(join(copies, name), "utf8");
  expect(read("second")).toBe(read("first"));
  expect(second.stdout).toBe("ben-mfa\n");
  expect(second.stderr).toMatch(/no sessions.*"kim" has no device that shows codes/s);
});

test.each(["\u0003", "SIGTERM", "SIGHUP"] as const)(
  "%j saves too, and an account that was loaded can be replaced",
  async (end) => {
    const { env, file, folder } = await makeHome();
    for (const args of [
      ["--scenario", "empty"],
      ["--load", file],
    ]) {
      const sandbox = onTerminal(program, ["sandbox", ...args, "--save", file], { env });
      await sandbox.shows(/^export FOB_SANDBOX=.*\n/m);
      if (end === "\u0003") sandbox.type(end);
      else sandbox.kill(end);
      expect((await sandbox.ended).status).toBe(130);
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ version: 1, users: [] });
      expect(readdirSync(folder)).toEqual([]);
    }
  },
);

test("a file that a person wrote: what it leaves out is generated", async () => {
  const { fob, file } = await makeHome();
  const kim = {
    name: "kim",
    inlinePolicies: [{ name: "all", document: { Statement: { Effect: "Allow", Action: "*", Resource: "*" } } }],
    accessKeys: { value: [{}] },
    devices: { value: [{ serialNumber: "arn:aws:iam::210987654321:mfa/kim", kind: "virtual" }] },
  };
  writeFileSync(file, JSON.stringify({ version: 1, account: "210987654321", users: [kim] }));
  const script = "fob sandbox code kim | fob login kim --code-stdin; fob status --json";
  const { status, stdout } = await fob("sandbox", "--scenario", file, "--", "sh", "-c", script);
  expect(status).toBe(0);
  expect(stdout).toContain('"210987654321"');
});

const named = "name a file that fob sandbox --save has written";
const hint = "load another file, or correct this one";

test.each([
  ["", "is not JSON: the file is empty (line 1, column 1)", hint],
  ['{"version": 1, "users": [{"name": "kim"', "is not JSON: close brace expected (line 1, column 40)", hint],
  ["[1, 2]", "is not an account for fob sandbox", named],
])("a file that cannot be loaded: %j", async (text, problem, advice) => {
  const { fob, file, folder } = await makeHome();
  writeFileSync(file, text);
  for (const option of ["--load", "--scenario"]) {
    const { status, stdout, stderr } = await fob("sandbox", option, file, "--", "true");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toBe(`fob: error: "${file}" ${problem}\nfob: hint: ${advice}\n`);
  }
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  [
    '{"version": 2, "users": []}',
    "it has version 2 of the format, and this fob reads version 1",
    "load it with the fob that wrote it",
  ],
  ['{"version": 1, "users": [{"name": "kim", "devises": 1}]}', 'users[0] has an unknown member "devises"', hint],
  ['{"version": 1, "users": [{"name": "kim", "groups": ["x"]}]}', 'users[0]: group "x" not found', hint],
])("a file with something wrong in it: %s", async (text, problem, advice) => {
  const { fob, file, folder } = await makeHome();
  writeFileSync(file, text);
  const { status, stderr } = await fob("sandbox", "--load", file, "--", "true");
  expect(status).toBe(1);
  expect(stderr).toBe(`fob: error: cannot load "${file}": ${problem}\nfob: hint: ${advice}\n`);
  expect(readdirSync(folder)).toEqual([]);
});

test("--save does not replace a file of something else, and says so before anything starts", async () => {
  const { fob, file, folder } = await makeHome();
  const marker = join(folder, "ran");
  for (const [text, problem] of [
    ["notes", "is not JSON"],
    ["{}", "is not an account for fob sandbox"],
  ] as const) {
    writeFileSync(file, text);
    const { status, stderr } = await fob("sandbox", "--save", file, "--", "touch", marker);
    expect(status).toBe(1);
    expect(stderr).toContain(problem);
    expect(readFileSync(file, "utf8")).toBe(text);
  }
  expect(existsSync(marker)).toBe(false);
});

test.each([
  [["--load", "none.json"], 1, 'no file "none.json"', named],
  [["--scenario", "./none.json"], 1, 'no file "./none.json"', named],
  [
    ["--load", "a.json", "--scenario", "team"],
    2,
    "--load and --scenario cannot be used together",
    "use one or the other",
  ],
  [["--save", "/no/such/folder/a.json"], 1, 'no folder "/no/such/folder"', "make it: mkdir -p /no/such/folder"],
])("fob sandbox %j", async (args, status, error, advice) => {
  const { fob } = await makeHome();
  const result = await fob("sandbox", ...args, "--", "true");
  expect(result.status).toBe(status);
  expect(result.stderr).toBe(`fob: error: ${error}\nfob: hint: ${advice}\n`);
});
