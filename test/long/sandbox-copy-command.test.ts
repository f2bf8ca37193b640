// `fob sandbox --from-account`: a copy of an account, here of one in a local AWS.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { snapshotActions } from "../../src/iam/read.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, temporaryFolder } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };

/** A home whose profile `work` is an administrator's, in an account with three more users; and a file to save to. */
async function makeHome(policies: readonly object[] = [everything]) {
  const world = await makeWorld({ policies });
  const { arn } = world.sandbox.addManagedPolicy("enforce-mfa", enforceMfaPolicy());
  world.sandbox.addGroup({ name: "RequireMFA", attached: [arn], policies: [selfManagePolicy()] });
  world.sandbox.addUser({ name: "ivy", path: "/eng/", policies: [everything], groups: ["RequireMFA"] });
  world.sandbox.addVirtualDevice("ivy", "ivy-phone");
  world.sandbox.addUser({ name: "finn", policies: [everything] });
  world.sandbox.addFidoDevice("finn");
  const folder = temporaryFolder();
  const file = join(temporaryFolder(), "copy.json");
  mayHoldSecrets(file);
  const env = withFob({ ...world.env, TMPDIR: folder, SHELL: "/bin/bash" });
  await world.fob(["login", "work", "--code", world.device.code()], { env });
  const fob = (...args: string[]) => world.fob(["sandbox", ...args], { env, shows: ["code"] });
  return { world, folder, file, fob };
}

test("users of the copy do what they may do in the account, with keys and devices of the same kind", async () => {
  const { world, file, fob, folder } = await makeHome();
  const inside = `fob sandbox code ivy | fob login ivy --code-stdin
    grep '^\\[' $AWS_CONFIG_FILE; grep mfa_serial $AWS_CONFIG_FILE; echo $AWS_ENDPOINT_URL`;
  const copy = await fob("--from-account", "--profile", "work", "--save", file, "--", "sh", "-c", inside);
  expect(copy.status).toBe(0);
  expect(copy.stderr).toContain(`fob: as ${world.user.arn} in 123456789012\n`);
  expect(copy.stderr).not.toContain("unknown");
  const { name } = world.user;
  expect(copy.stdout.split("\n").slice(0, 6)).toEqual([
    "ivy-mfa",
    ...[name, "ivy", "finn", "ivy-mfa"].map((profile) => `[profile ${profile}]`),
    `mfa_serial = ${world.device.serialNumber}`,
  ]);
  expect(copy.stdout).toContain("mfa_serial = arn:aws:iam::123456789012:mfa/ivy-phone\n");
  expect(copy.stdout).not.toContain(world.sandbox.url);
  // The account is only read, once: the copy is used again without it.
  const actions = new Set(world.sandbox.requests.map(({ action }) => action));
  expect([...actions].filter((action) => !/^(Get|List|GenerateCredentialReport)/.test(action))).toEqual([]);
  const before = world.sandbox.requests.length;
  const simulate = (user: string) =>
    `fob policy simulate --account --profile ${name} --user ${user} --require enforced >/dev/null; echo ${user}: $?`;
  const login = `fob sandbox code ${name} | fob login ${name} --code-stdin >/dev/null`;
  const again = await fob("--load", file, "--", "sh", "-c", [login, ...["ivy", "finn"].map(simulate)].join("; "));
  expect(again.stdout).toBe("ivy: 0\nfinn: 3\n");
  expect(world.sandbox.requests).toHaveLength(before);
  expect(readdirSync(folder)).toEqual([]);
  for (const [secret] of world.sandbox.secrets()) expect(readFileSync(file, "utf8")).not.toContain(secret);
});

test("what the caller may not read is said, and the users have none of it", async () => {
  const actions = ["iam:GenerateCredentialReport", "iam:ListAccessKeys", "iam:ListAccountAliases"];
  const deny = { Effect: "Deny", Action: actions, Resource: "*" };
  const { file, fob } = await makeHome([everything, { Version: "2012-10-17", Statement: deny }]);
  const copy = await fob("--from-account", "--profile", "work", "--save", file, "--", "fob", "sandbox", "code", "ivy");
  expect(copy.status).toBe(0);
  expect(copy.stdout).toMatch(/^\d{6}\n$/);
  const lines = copy.stderr.split("\n").filter((line) => line.startsWith("fob: warning: unknown: "));
  expect(lines).toEqual([
    expect.stringContaining("the account's alias (") as string,
    expect.stringContaining("the root user's keys and MFA device (") as string,
    expect.stringMatching(/: access keys of .*not authorized.*, so they have none in the sandbox$/) as string,
  ]);
  const again = await fob("--load", file, "--", "true");
  expect(again.stderr.split("\n").filter((line) => line.startsWith("fob: warning: "))).toEqual(lines);
});

test("without the permission to read the account nothing starts; --print-policy prints what is needed", async () => {
  const { world, folder, fob } = await makeHome([
    { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "iam:List*", Resource: "*" } },
  ]);
  const before = world.sandbox.requests.length;
  const printed = await fob("--from-account", "--print-policy");
  const policy = JSON.parse(printed.stdout) as { Statement: { Action: string[] }[] };
  expect(policy.Statement[0]?.Action).toEqual([...snapshotActions].sort());
  // Of users who are not in the credential report yet.
  expect(policy.Statement[0]?.Action).toContain("iam:ListAccessKeys");
  expect(world.sandbox.requests).toHaveLength(before);
  const denied = await fob("--from-account", "--profile", "work", "--", "touch", join(folder, "ran"));
  expect(denied.status).toBe(1);
  expect(denied.stderr).toContain("iam:GetAccountAuthorizationDetails");
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  [["--from-account", "--load", "a.json"], "--from-account and --load cannot be used together", "use one or the other"],
  [["--profile", "work"], "--profile requires --from-account", "fob sandbox --help"],
  [["--print-policy"], "--print-policy requires --from-account", "fob sandbox --help"],
])("wrong usage: fob sandbox %j", async (args, error, hint) => {
  const { fob } = await makeHome();
  const { status, stderr } = await fob(...args, "--", "true");
  expect(status).toBe(2);
  expect(stderr).toContain(`fob: error: ${error}\nfob: hint: ${hint}\n`);
});
