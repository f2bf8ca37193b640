// Holds `fob policy lint` and `fob policy simulate --require` together: what fails there has an error here, and vice versa.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allowAllPolicy, enforceMfaPolicy, listExemptions, selfManagePolicy } from "../../src/policy/enforcement.ts";
import type { PolicyDocument } from "../../src/policy/engine/evaluate.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { makeExampleUser, mergeContexts } from "../../src/policy/engine/subject.ts";
import { type Finding, lint } from "../../src/policy/lint/lint.ts";
import { rules as allRules, type Rule } from "../../src/policy/lint/rules.ts";
import { prove } from "../../src/policy/proof.ts";
import { judgeRequirement, type Requirement, requirements } from "../../src/policy/verdicts.ts";
import { numRunsOf } from "../helpers/broad.ts";

type Statements = readonly object[];
const policy = (...statements: Statements): PolicyDocument =>
  ({ Version: "2012-10-17", Statement: statements }) as PolicyDocument;

/** What `--require` finds missing in policies, as the command does. */
function findFailing(policies: readonly PolicyDocument[]): readonly Requirement[] {
  const user = makeExampleUser(policies);
  const context = mergeContexts(user.context, { "aws:ViaAWSService": "false" });
  const proof = prove(policies, {}, { user: user.arn, context, isExample: true });
  return requirements.filter((name) => !judgeRequirement(proof, name).holds);
}

const findErrors = (document: PolicyDocument, as?: "enforcement"): readonly Finding[] =>
  lint(readJson(JSON.stringify(document)), { as }).filter(({ level }) => level === "error");

const broken = new Map(allRules.map((rule: Rule) => [rule.id, rule.breaks]));

/** Rules whose errors say that a policy fails, but that also find other mistakes. */
const explaining = ["denies-with-mfa", "missing-mfa-condition", "age-unusable", "condition-never-holds"];
const typos = ["misspelled-action", "misspelled-condition-key"];

/** Compares lint and simulate; throws if they disagree. */
function compare(document: PolicyDocument): { readonly failing: readonly Requirement[]; readonly rules: string[] } {
  const failing = findFailing([allowAllPolicy, document]);
  // Another policy may allow it, so lint does not look at what this one leaves to others.
  expect(findFailing([selfManagePolicy(), document])).toEqual(failing);
  const alone = findFailing([document]);
  const errors = findErrors(document, "enforcement");
  const rules = [...new Set(errors.map(({ rule }) => rule))];
  for (const name of requirements) {
    const breaking = errors.filter(({ rule }) => broken.get(rule) === name);
    const found = { name, rules, failing, document };
    if (failing.includes(name)) {
      const reasons = [...breaking.map(({ rule }) => rule), ...rules.filter((rule) => explaining.includes(rule))];
      expect({ ...found, reasons: reasons.length + rules.filter((rule) => typos.includes(rule)).length }).not.toEqual({
        ...found,
        reasons: 0,
      });
    }
    if (breaking.length > 0) {
      const fails = failing.includes(name) || (alone.includes(name) && rules.includes("enrollment-needs-mfa"));
      expect({ ...found, breaking, fails }).toEqual({ ...found, breaking, fails: true });
    }
  }
  return { failing, rules };
}

const needed = listExemptions().map(({ action }) => action);
const without = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const [given] = [enforceMfaPolicy().Statement].flat();
const enforce = { ...given, Sid: undefined };
const bool = { Bool: { "aws:MultiFactorAuthPresent": "false" } };
const isNull = { Null: { "aws:MultiFactorAuthPresent": "true" } };
const exempting = (...more: readonly string[]) => ({ ...enforce, NotAction: [...needed, ...more] });
const lacking = (...less: readonly string[]) => ({
  ...enforce,
  NotAction: needed.filter((name) => !less.includes(name)),
});
const deny = (Action: string | readonly string[], more: object = {}) => ({
  ...{ Effect: "Deny", Action, Resource: "*" },
  ...more,
});
const old = { NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" } };
const iam = (name: string): string => `arn:aws:iam::123456789012:${name}`;
const own = `arn:aws:iam::*:user/\${aws:username}`;

/** Policies as people write them -> what fails, and the rules of lint's errors. */
const variants: Readonly<Record<string, readonly [Statements, failing: string, rules: string]>> = {
  "fob's own": [[enforce], "", ""],
  "a Deny of IAM beside it": [[enforce, deny("iam:*")], "enrollable", "enrollment-denied"],
  "a Deny of enrollment beside it": [
    [enforce, deny(["iam:EnableMFADevice", "iam:CreateVirtualMFADevice"])],
    "enrollable",
    "enrollment-denied",
  ],
  "a Deny of EnableMFADevice only": [[enforce, deny("iam:EnableMFADevice")], "enrollable", "enrollment-denied"],
  "a Deny of authenticator apps": [[enforce, deny("iam:CreateVirtualMFADevice")], "", ""],
  "a Deny of IAM for a region": [
    [enforce, deny("iam:*", { Condition: { StringNotEquals: { "aws:RequestedRegion": "eu-central-1" } } })],
    "enrollable",
    "enrollment-denied",
  ],
  "a Deny of all but IAM for a region": [
    [
      enforce,
      {
        ...{ Effect: "Deny", NotAction: ["iam:*", "sts:*"], Resource: "*" },
        Condition: { StringNotEquals: { "aws:RequestedRegion": "eu-central-1" } },
      },
    ],
    "",
    "",
  ],
  "a Deny of all but S3": [
    [enforce, { Effect: "Deny", NotAction: ["s3:*"], Resource: "*" }],
    "enrollable",
    "enrollment-denied",
  ],
  "a Deny of everything": [[enforce, deny("*")], "enforced enrollable", "always-denied enrollment-denied"],
  "a Deny outside of the office": [
    [enforce, deny("*", { Condition: { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } } })],
    "enforced enrollable",
    "always-denied enrollment-denied",
  ],
  "a Deny of changes to one user": [
    [enforce, deny("iam:*", { Resource: iam("user/root-copy") })],
    "enrollable",
    "enrollment-denied",
  ],
  "a Deny of changes to one device": [[enforce, deny("iam:*", { Resource: iam("mfa/bob") })], "", ""],
  "a Deny of changes to other users": [
    [enforce, { Effect: "Deny", Action: "iam:*", NotResource: [own, "arn:aws:iam::*:mfa/*"] }],
    "",
    "",
  ],
  "a Deny that another one completes": [
    [exempting("s3:*", "iam:CreateUser"), deny(["s3:*", "iam:Create*r"], { Condition: without })],
    "",
    "",
  ],
  "a Deny that another one completes in part": [
    [exempting("s3:*", "iam:CreateUser"), deny("s3:*", { Condition: without })],
    "enforced",
    "dangerous-exemption",
  ],
  "a Deny that another one always completes": [[exempting("organizations:*"), deny("organizations:*")], "", ""],
  "a Deny for one kind of resource, and one for the rest": [
    [
      { ...enforce, Resource: "arn:aws:s3:::*" },
      { ...enforce, Resource: undefined, NotResource: "arn:aws:s3:::*" },
    ],
    "",
    "",
  ],
  "a NotResource whose rest another one denies": [
    [{ ...enforce, Resource: undefined, NotResource: "arn:aws:s3:::*" }, deny("s3:*", { Condition: without })],
    "enforced",
    "narrow-resource",
  ],
  "a NotResource whose rest another one denies for all actions": [
    [
      { ...enforce, Resource: undefined, NotResource: "arn:aws:s3:::*" },
      deny("*", { Resource: "arn:aws:s3:::*", Condition: without }),
    ],
    "",
    "",
  ],
  "Bool and Null with different exemptions": [
    [
      { ...exempting("iam:DeleteVirtualMFADevice"), Condition: bool },
      { ...enforce, Condition: isNull },
    ],
    "",
    "",
  ],
  "Bool, and Null for IAM only": [
    [{ ...enforce, Condition: bool }, deny("iam:Put*", { Condition: isNull })],
    "enforced",
    "bool-instead-of-boolifexists",
  ],
  "AWS's example without iam:GetUser": [[lacking("iam:GetUser")], "enrollable", "missing-exemption"],
  "no iam:ListVirtualMFADevices": [[lacking("iam:ListVirtualMFADevices")], "enrollable", "missing-exemption"],
  "only passkeys": [[lacking("iam:CreateVirtualMFADevice", "iam:ListVirtualMFADevices")], "", ""],
  "only passkeys, by two statements": [
    [lacking("iam:ListVirtualMFADevices"), deny("iam:CreateVirtualMFADevice", { Condition: without })],
    "",
    "",
  ],
  "no views for access keys": [
    [
      { ...enforce, Condition: bool },
      { ...lacking("iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"), Condition: isNull },
    ],
    "",
    "",
  ],
  "an exception for user names": [
    [{ ...enforce, Condition: { ...without, StringNotLike: { "aws:username": ["b*", "ci-*"] } } }],
    "enforced",
    "extra-condition",
  ],
  "an exception for a user, and a Deny without it": [
    [{ ...exempting("s3:*"), Condition: { ...without, StringNotEquals: { "aws:username": "bob" } } }, enforce],
    "",
    "",
  ],
  "an exception for the office": [
    [{ ...enforce, Condition: { ...without, NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } } }],
    "enforced",
    "extra-condition",
  ],
  "only direct requests, but not to EC2": [
    [{ ...enforce, Condition: { ...without, Bool: { "aws:ViaAWSService": "false" } } }],
    "enforced",
    "extra-condition",
  ],
  "only direct requests": [
    [{ ...enforce, Condition: { BoolIfExists: { ...without.BoolIfExists, "aws:ViaAWSService": "false" } } }],
    "",
    "",
  ],
  "a Deny of requests without TLS": [
    [enforce, deny("*", { Condition: { Bool: { "aws:SecureTransport": "false" } } })],
    "",
    "",
  ],
  "MFA only with TLS": [
    [{ ...enforce, Condition: { ...without, Bool: { "aws:SecureTransport": "true" } } }],
    "enforced",
    "extra-condition",
  ],
  "a Deny that leaves out AWS services": [
    [{ ...enforce, Condition: { BoolIfExists: { ...without.BoolIfExists, "aws:PrincipalIsAWSService": "false" } } }],
    "",
    "",
  ],
  "an Allow that a condition limits to a user": [
    [
      enforce,
      { Effect: "Allow", Action: "iam:*", Resource: "*", Condition: { StringEquals: { "aws:username": "al" } } },
    ],
    "",
    "",
  ],
  "a Deny of enrollment for a user": [
    [enforce, deny("iam:*", { Condition: { StringEquals: { "aws:username": "bob" } } })],
    "enrollable",
    "enrollment-denied",
  ],
  "a Deny of enrollment with MFA for a user": [
    [
      enforce,
      deny("iam:*", {
        Condition: { StringEquals: { "aws:username": "bob" }, Bool: { "aws:MultiFactorAuthPresent": "true" } },
      }),
    ],
    "",
    "denies-with-mfa",
  ],
  "a Deny of old codes that exempts more": [[enforce, { ...exempting("s3:*"), Condition: old }], "", ""],
  "a Deny of old codes that exempts less": [
    [enforce, { ...lacking("iam:EnableMFADevice"), Condition: { NumericGreaterThan: old.NumericGreaterThanIfExists } }],
    "",
    "",
  ],
  "named users, as a pattern": [
    [enforce, deny("iam:EnableMFADevice", { Resource: iam("user/b*"), Condition: without })],
    "enrollable",
    "named-users",
  ],
  "all but named users, as a pattern": [
    [
      enforce,
      { ...{ Effect: "Deny", Action: "iam:EnableMFADevice", NotResource: iam("user/a*") }, Condition: without },
    ],
    "enrollable",
    "named-users",
  ],
  "the console's list on devices of one's own name": [
    [
      enforce,
      {
        ...{ Effect: "Deny", Action: ["iam:CreateVirtualMFADevice", "iam:ListVirtualMFADevices"] },
        ...{ NotResource: `arn:aws:iam::*:mfa/\${aws:username}`, Condition: without },
      },
    ],
    "enrollable",
    "action-instead-of-notaction",
  ],
  "a Deny of EC2 only": [[deny("ec2:*", { Condition: without })], "enforced", "no-enforcement"],
  "an Allow only": [[{ Effect: "Allow", Action: "s3:*", Resource: "*" }], "enforced", "no-enforcement"],
  "an Allow only with MFA": [
    [{ Effect: "Allow", Action: "s3:*", Resource: "*", Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } }],
    "enforced",
    "no-enforcement",
  ],
  "exemptions on some resources": [
    [{ ...enforce, Resource: "arn:aws:s3:::*", NotAction: ["s3:ListBucket"] }],
    "enforced",
    "extra-exemption narrow-resource",
  ],
  "a condition on MFA that is turned around": [
    [{ ...lacking("iam:EnableMFADevice"), Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } }],
    "enforced",
    "denies-with-mfa",
  ],
};

describe("lint and simulate agree on", () => {
  test.each(Object.entries(variants))("%s", (_, [statements, failing, rules]) => {
    const found = compare(policy(...statements));
    expect([found.failing.join(" "), found.rules.join(" ")]).toEqual([failing, rules]);
  });

  const shapes = JSON.parse(
    readFileSync(new URL("../policy/policy-shapes.json", import.meta.url), "utf8"),
  ) as readonly {
    readonly name: string;
    readonly policy: PolicyDocument;
  }[];
  // With placeholders it is no valid policy yet.
  test.each(shapes.filter(({ name }) => name !== "cfnsub"))("$name", (shape) => {
    compare(shape.policy);
  });
});

test("lint and simulate agree on any policy", { timeout: 120_000 }, () => {
  const some = (...items: readonly string[]) => fc.subarray([...items], { minLength: 1, maxLength: 3 });
  const actions = some(
    ...["*", "iam:*", "iam:*MFADevice", "iam:Get*", "iam:List*", "s3:*", "s3:Get*", "*:Get*", "ec2:Run*"],
    ...["iam:CreateUser", "iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice", "iam:GetUser", ...needed],
  );
  const lists = fc.oneof(
    actions,
    fc.constant(needed),
    fc.subarray([...needed], { minLength: needed.length - 2 }),
    actions.map((more) => [...needed, ...more]),
  );
  const resources = fc.oneof(
    { weight: 3, arbitrary: fc.constant(["*"]) },
    some("arn:aws:s3:::*", "arn:aws:s3:::a", own, iam("user/bob"), iam("user/a*"), iam("mfa/*"), iam("mfa/alice")),
  );
  const username = { "aws:username": ["alice", "b*"] };
  const conditions = fc.constantFrom<object | undefined>(
    ...[undefined, without, without, without, bool, isNull, old, { ...without, ...old }],
    ...[{ ...without, StringNotLike: username }, { ...bool, StringLike: username }, { StringLike: username }],
    ...[{ Bool: { "aws:MultiFactorAuthPresent": "true" } }, { Null: { "aws:MultiFactorAuthPresent": "false" } }],
    ...[
      { ...without, Bool: { "aws:ViaAWSService": "false" } },
      { ...without, StringEquals: { "aws:PrincipalTag/x": "1" } },
    ],
    ...[{ NumericGreaterThan: { "aws:MultiFactorAuthAge": "12" } }, { ...without, Null: { "aws:username": "false" } }],
  );
  const statement = fc
    .tuple(fc.constantFrom("Deny", "Deny", "Deny", "Allow"), fc.boolean(), lists, fc.boolean(), resources, conditions)
    .map(([Effect, isNotAction, names, isNotResource, on, Condition]) => ({
      Effect,
      [isNotAction ? "NotAction" : "Action"]: names,
      [isNotResource && on[0] !== "*" ? "NotResource" : "Resource"]: on,
      ...(Condition && { Condition }),
    }));
  const counts = { enforced: 0, enrollable: 0 };
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 3 }), fc.boolean(), (statements, isEnforced) => {
      const document = policy(...(isEnforced ? [enforce, ...statements] : statements));
      const { failing } = compare(document);
      for (const name of requirements) if (!failing.includes(name)) counts[name]++;
    }),
    { numRuns: numRunsOf(2_000) },
  );
  expect(Math.min(counts.enforced, counts.enrollable)).toBeGreaterThan(20);
});
