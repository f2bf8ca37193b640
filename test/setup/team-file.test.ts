// The team file is data from outside: what is not in the schema is refused, with the line and the nearest name.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { FobError } from "../../src/errors.ts";
import { readTeamFile } from "../../src/setup/team-file.ts";
import { temporaryFolder } from "../helpers/world.ts";

const role = { profile: "prod", role_arn: "arn:aws:iam::210987654321:role/eng/deploy", duration: "1h" };
const whole = {
  ...{ version: 1, account: "123456789012", profile: "work", session: "day", region: "eu-central-1" },
  ...{
    duration: "8h",
    mode: "process",
    roles: [role, { profile: "audit", role_arn: "arn:aws:iam::123456789012:role/a" }],
  },
};

function write(content: unknown): string {
  const path = join(temporaryFolder(), "team.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 1));
  return path;
}

function problemOf(path: string): string {
  try {
    readTeamFile(path);
  } catch (error) {
    if (error instanceof FobError) return [error.message, ...error.hints].join("\n");
    throw error;
  }
  return "";
}

test("a whole file, and the smallest one", () => {
  expect(readTeamFile(write(whole))).toMatchObject({
    ...{ account: "123456789012", profile: "work", session: "day", duration: "8h", mode: "process" },
    roles: [
      { profile: "prod", roleArn: role.role_arn, duration: 3600 },
      { profile: "audit", duration: undefined },
    ],
  });
  const smallest = { version: 1, account: "123456789012", profile: "work" };
  expect(readTeamFile(write(smallest))).toMatchObject({ region: undefined, mode: undefined, roles: [] });
});

const refused: readonly (readonly [content: unknown, problem: string])[] = [
  [{ ...whole, regoin: "eu-central-1" }, 'did you mean "region"'],
  [{ ...whole, credential_process: "sh -c evil" }, "choose one of: version, account, profile"],
  [{ ...whole, roles: [{ ...role, external_id: "x" }] }, "choose one of: profile, role_arn, region, duration"],
  [{ ...whole, roles: [{ ...role, role_arm: "x" }] }, 'did you mean "role_arn"'],
  [{ ...whole, version: 2 }, '"version" must be 1'],
  [{ ...whole, account: undefined }, "has no account"],
  [{ ...whole, account: 123_456_789_012 }, "an account ID in quotes"],
  [{ ...whole, account: "12345" }, 'like "123456789012"'],
  [{ ...whole, profile: "wo rk" }, "letters, digits and . _ -"],
  [{ ...whole, profile: "work\n[default]" }, "letters, digits and . _ -"],
  [{ ...whole, profile: "--force" }, "letters, digits and . _ -"],
  [{ ...whole, profile: "__proto__" }, "letters, digits and . _ -"],
  [{ ...whole, session: "wörk" }, "letters, digits and . _ -"],
  [{ ...whole, region: "eu-central-1.evil.example" }, "like eu-central-1"],
  [{ ...whole, duration: "48h" }, "15 min to 36 h"],
  [{ ...whole, duration: 3600 }, "in quotes"],
  [{ ...whole, mode: "daemon" }, '"keys" or "process"'],
  [{ ...whole, roles: "prod" }, "is not a list"],
  [{ ...whole, roles: ["prod"] }, "must be an object"],
  [{ ...whole, roles: [{ ...role, duration: "13h" }] }, "15 min to 12 h"],
  [{ ...whole, roles: [{ ...role, role_arn: "arn:aws:iam::1:role/x" }] }, "the ARN of a role"],
  [
    { ...whole, roles: [{ ...role, role_arn: "arn:aws:iam::210987654321:role/x\ncredential_process = x" }] },
    "the ARN of a role",
  ],
  [{ ...whole, roles: [{ ...role, region: "cn-north-1" }] }, "is in the partition aws-cn"],
  [{ ...whole, roles: [role, role] }, 'two profiles named "prod"'],
  [{ ...whole, roles: [{ ...role, profile: "work" }] }, 'two profiles named "work"'],
  [{ ...whole, session: undefined, roles: [{ ...role, profile: "work-mfa" }] }, 'two profiles named "work-mfa"'],
  [{ ...whole, roles: Array.from({ length: 201 }, () => role) }, "at most 200"],
  ["", "the file is empty"],
  ["[]", "is not a JSON object"],
  ['{"version": 1, "version": 1}', "line 1"],
  ["[".repeat(10_000), "nested deeper"],
  ["x".repeat(70_000), "too large"],
];

test.each(refused.map(([content, problem]) => ({ content, problem })))("refused: $problem", ({ content, problem }) => {
  expect(problemOf(write(content))).toContain(problem);
});

test("what looks like a secret is not repeated, and control characters are made visible", () => {
  const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  expect(problemOf(write({ ...whole, region: secret }))).not.toContain(secret);
  expect(problemOf(write({ ...whole, "\u001b[2J": "x" }))).not.toContain("\u001b");
});

test("the line that is wrong is named", () => {
  expect(problemOf(write('{\n "version": 1,\n "account": "123456789012",\n "profil": "work"\n}'))).toContain(
    "line 4 of the team file",
  );
});

test.each(["https://example.com/team.json", "file:///etc/team.json", "s3://bucket/team.json"])("no URL: %s", (url) => {
  expect(problemOf(url)).toContain("takes a local file");
});

test("no folder, and no file that is not there", () => {
  const folder = join(temporaryFolder(), "team.json");
  mkdirSync(folder);
  expect(problemOf(folder)).toContain("is not a regular file");
  expect(problemOf(join(folder, "no.json"))).toContain("no such file");
});

const names = fc.oneof(fc.constantFrom("session", "region", "duration", "mode", "roles"), fc.string());

propertyTest.prop([fc.dictionary(names, fc.jsonValue())])("any settings are refused in words, or good", (settings) => {
  const problem = problemOf(write({ version: 1, account: "123456789012", profile: "work", ...settings }));
  expect(problem === "" || problem.includes("team file")).toBe(true);
});
