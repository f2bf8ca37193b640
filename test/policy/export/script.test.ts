// Runs the script of `fob policy export --format sh` with an `aws` that answers as a file says. What the real `aws`
// command makes of the queries is tested in test/long/policy-script.test.ts.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { succeeds } from "../../helpers/needed.ts";
import { execute, node, program, temporaryFolder } from "../../helpers/world.ts";

/** Writes its arguments to `calls`, and prints the file named after the operation or the query; without one, nothing. */
const aws = String.raw`#!/bin/sh
case "$*" in
  "iam list-policies "*enforce-mfa-policy*) operation=list-policies-enforce ;;
  *"!="*) operation=others ;;
  *"length(Attached"*) operation=attached ;;
  *) operation=$2 ;;
esac
printf '%s\n' "$2" >> "$ANSWERS/calls"
if [ -e "$ANSWERS/$operation" ]; then cat "$ANSWERS/$operation"; fi
if [ -e "$ANSWERS/$2-fails" ]; then exit 254; fi
`;

let script = "";
beforeAll(async () => {
  ({ stdout: script } = await execute(node, [program, "policy", "export", "--format", "sh"], {
    env: { PATH: process.env.PATH },
  }));
});

/** Runs a shell's command with the script in the file `$0`. */
async function runScript(answers: Readonly<Record<string, string>> = {}, command = 'sh "$0"', after = "") {
  const folder = temporaryFolder();
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "aws"), aws);
  chmodSync(join(bin, "aws"), 0o755);
  for (const [name, answer] of Object.entries(answers)) writeFileSync(join(folder, name), answer);
  const file = join(folder, "require-mfa.sh");
  writeFileSync(file, script + after);
  const result = await execute("sh", ["-c", command, file], {
    env: { PATH: `${bin}:${process.env.PATH ?? ""}`, HOME: folder, ANSWERS: folder },
  });
  const calls = existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];
  return { ...result, changes: calls.filter((call) => /^(create|attach|put|delete|update)/.test(call)) };
}

const created = [
  ...["create-policy", "create-policy", "create-group", "attach-group-policy", "attach-group-policy"],
  "put-config-rule",
];
const arn = (name: string): string => `arn:aws:iam::111122223333:policy/${name}\n`;
const existing = {
  "list-policies": arn("self-manage-mfa-policy"),
  "list-policies-enforce": arn("enforce-mfa-policy"),
  "get-policy": "v2\n",
  "get-policy-version": "true\n",
  "list-groups": "arn:aws:iam::111122223333:group/RequireMFA\n",
  attached: '"2"\n',
  "get-group": '"3"\n',
  "describe-config-rules": "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS\n",
};

const shells = ["sh", "dash", "bash", "bash --posix", "zsh", "ksh", "mksh", "busybox sh"].filter((shell) =>
  succeeds("sh", "-c", `${shell} -c :`),
);

test.each(shells)("%s creates everything", async (shell) => {
  const { status, stderr, stdout, changes } = await runScript({ "create-policy": arn("new") }, `${shell} "$0"`);
  expect({ status, stderr, changes }).toEqual({ status: 0, stderr: "", changes: created });
  expect(stdout.match(/^created: /gm)).toHaveLength(4);
});

test("run again, it keeps what is there and changes nothing", async () => {
  const { status, stderr, stdout, changes } = await runScript(existing);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.match(/^kept: /gm)).toHaveLength(4);
  // Attaching what is attached changes nothing.
  expect(changes).toEqual(["attach-group-policy", "attach-group-policy"]);
});

test("creates what is missing", async () => {
  const missing = { "list-policies-enforce": "", "create-policy": arn("new"), "get-group": '"0"\n', attached: '"1"\n' };
  const { status, changes } = await runScript({ ...existing, ...missing });
  expect({ status, changes }).toEqual({
    status: 0,
    changes: ["create-policy", "attach-group-policy", "attach-group-policy"],
  });
});

test.each([
  [
    "a policy with another document",
    { "get-policy-version": "false\n" },
    /^stopped: the policy self-manage-mfa-policy exists.*\naws iam get-policy-version --policy-arn arn:\S+ --version-id v2 /,
  ],
  [
    "a group with another policy",
    { others: arn("theirs") },
    /^stopped: the group RequireMFA exists with other policies\./,
  ],
  [
    "a group with an inline policy",
    { "list-group-policies": "theirs\n" },
    /^stopped: the group RequireMFA exists with other policies\./,
  ],
  ["a group with members and without a policy", { attached: '"1"\n' }, /^stopped: the group RequireMFA has members/],
])("%s stops it before it changes anything", async (_, answers, message) => {
  const { status, stderr, changes } = await runScript({ ...existing, ...answers });
  expect({ status, changes }).toEqual({ status: 1, changes: [] });
  expect(stderr).toMatch(message);
});

test.each(["get-caller-identity", "list-policies", "get-policy", "get-policy-version", "list-groups", "get-group"])(
  "an error of %s stops it before it changes anything",
  async (operation) => {
    const { status, changes } = await runScript({ ...existing, [`${operation}-fails`]: "" });
    expect({ failed: status !== 0, changes }).toEqual({ failed: true, changes: [] });
  },
);

test("another rule of that name stays, and without a recorder the script says what is missing", async () => {
  const { status, stderr, changes } = await runScript({ ...existing, "describe-config-rules": "None\n" });
  expect({ status, put: changes.includes("put-config-rule") }).toEqual({ status: 1, put: false });
  expect(stderr).toMatch(/^stopped: the rule mfa-enabled-for-iam-console-access exists and is another one/);

  const without = await runScript({ ...existing, "describe-config-rules": "", "put-config-rule-fails": "" });
  expect(without.status).toBe(1);
  expect(without.stderr).toMatch(/need a configuration recorder in us-east-1/);
});

test.each(["bash --norc -i", "sh -i"])("pasted into %s, it leaves the shell open as it was", async (shell) => {
  const answers = { ...existing, "get-policy-version": "false\n" };
  const after = 'echo "status $?, region $AWS_REGION, options $-"\n';
  const { stdout, changes } = await runScript(answers, `${shell} < "$0"`, after);
  expect(stdout).toMatch(/^status 1, region , options [^eu]*$/m);
  expect(changes).toEqual([]);
});
