// Tests that policies/ has the output of `fob policy show`. After an intended change:
// npx vitest run test/policy/policies.test.ts --update
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { execute, node, program } from "../helpers/world.ts";

const show = (...args: readonly string[]) =>
  execute(node, [program, "policy", "show", ...args], { env: { PATH: process.env.PATH } });

const files: Readonly<Record<string, readonly string[]>> = {
  "enforce-mfa-policy.json": [],
  "enforce-mfa-policy.no-password-change.json": ["--no-password-change"],
  "enforce-mfa-policy.max-age-12h.json": ["--max-age", "12h"],
  "enforce-mfa-policy.via-aws-service.json": ["--via-aws-service"],
  "self-manage-mfa-policy.json": ["--self-manage"],
  "self-manage-mfa-policy.with-access-keys.json": ["--self-manage", "--with-access-keys"],
  "self-manage-mfa-policy.aws-cn.json": ["--self-manage", "--partition", "aws-cn"],
  "self-manage-mfa-policy.aws-us-gov.json": ["--self-manage", "--partition", "aws-us-gov"],
};
const folder = new URL("../../policies/", import.meta.url);

test.each(Object.entries(files))("%s is the output with %j", async (file, args) => {
  const { status, stdout, stderr } = await show(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  await expect(stdout).toMatchFileSnapshot(new URL(file, folder).pathname);
});

test("the folder has no other files", () => {
  expect(readdirSync(folder).sort()).toEqual([...Object.keys(files), "README.md"].sort());
});

interface Document {
  Version: string;
  Statement: { Sid: string; NotAction?: string[]; Action?: string[]; Resource: string | string[]; Condition: object }[];
}
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Document;

test("--no-password-change prints the policy exactly as AWS and others publish it", () => {
  expect(read("enforce-mfa-policy.no-password-change.json")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "DenyAllWithoutMFA",
        Effect: "Deny",
        NotAction: [
          "iam:CreateVirtualMFADevice",
          "iam:EnableMFADevice",
          "iam:GetUser",
          "iam:ListMFADevices",
          "iam:ListVirtualMFADevices",
          "iam:ResyncMFADevice",
          "sts:GetSessionToken",
        ],
        Resource: "*",
        Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
      },
    ],
  });
});

test("by default the policy also exempts changing the password and viewing a device, and nothing else", () => {
  const without = read("enforce-mfa-policy.no-password-change.json").Statement[0]?.NotAction ?? [];
  expect(read("enforce-mfa-policy.json").Statement[0]?.NotAction?.filter((name) => !without.includes(name))).toEqual([
    "iam:ChangePassword",
    "iam:GetAccountPasswordPolicy",
    "iam:GetMFADevice",
  ]);
});

test("--with-access-keys adds one statement, for the user's own keys and only with MFA", () => {
  const added = read("self-manage-mfa-policy.with-access-keys.json").Statement;
  expect(added.slice(0, -1)).toEqual(read("self-manage-mfa-policy.json").Statement);
  expect(added.at(-1)).toEqual({
    Sid: "AllowManageOwnAccessKeysWithMFA",
    Effect: "Allow",
    Action: [
      "iam:CreateAccessKey",
      "iam:DeleteAccessKey",
      "iam:GetAccessKeyLastUsed",
      "iam:ListAccessKeys",
      "iam:UpdateAccessKey",
    ],
    Resource: ["", "*/"].map((path) => `arn:aws:iam::*:user/${path}\${aws:username}`),
    Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
  });
});

test("what AWS advises about the password, and the reason for the default, are in the explanation and the help", async () => {
  const advice = /AWS advises against .*--no-password-change/s;
  const explained = (await show("--explain")).stdout;
  expect(explained.split("\n").find((line) => line.includes("iam:ChangePassword"))).toMatch(advice);
  expect((await show("--explain", "--no-password-change")).stdout).not.toContain("advises");
  expect((await show("--help")).stdout).toMatch(advice);
});

test("the age has its own statement", () => {
  const [first, second, ...more] = read("enforce-mfa-policy.max-age-12h.json").Statement;
  expect(more).toEqual([]);
  expect(first?.Condition).toEqual({ BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } });
  expect(second?.Condition).toEqual({ NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "43200" } });
  expect(second?.NotAction).toEqual(first?.NotAction);
});

test.each([
  [["--explain"], "enforce-mfa-policy.json"],
  [["--explain", "--no-password-change", "--via-aws-service"], "enforce-mfa-policy.no-password-change.json"],
  [["--explain", "--max-age", "12h"], "enforce-mfa-policy.max-age-12h.json"],
  [["--explain", "--self-manage"], "self-manage-mfa-policy.json"],
  [["--explain", "--self-manage", "--with-access-keys"], "self-manage-mfa-policy.with-access-keys.json"],
])("%j explains every statement and action of %s", async (args, file) => {
  const explained = JSON.parse((await show(...args, "--json")).stdout) as {
    sid: string;
    why: string;
    actions: { action: string; why: string }[];
  }[];
  const { Statement } = read(file);
  expect(explained.map(({ sid }) => sid)).toEqual(Statement.map(({ Sid }) => Sid));
  const actions = explained.flatMap((statement) => statement.actions);
  const named = Statement.flatMap((statement) => statement.Action ?? statement.NotAction ?? []);
  expect(actions.map(({ action }) => action)).toEqual([...new Set(named)]);
  for (const { why } of [...explained, ...actions]) expect(why).toMatch(/^[A-Za-z].{20,}[^.]$/s);
  const { stdout } = await show(...args);
  for (const { why } of [...explained, ...actions]) expect(stdout).toContain(why);
});

test.each([
  [["--partition", "aws-mars"], 'unknown partition "aws-mars"'],
  [["--max-age", "soon"], 'invalid --max-age "soon": expected a duration'],
  [["--max-age", "0"], "a maximum age of 0 s has no use: every session is longer"],
  [["--max-age", "14m"], "every session is longer"],
  [["--max-age", "36h"], "AWS ends every session after 36 h"],
  [["--self-manage", "--max-age", "12h"], "cannot be used with --self-manage"],
  [["--with-access-keys"], "--with-access-keys can only be used with --self-manage"],
])("rejects %j: %s", async (args, message) => {
  const { status, stdout, stderr } = await show(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
});
