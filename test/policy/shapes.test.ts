// Policies as other people write them, each with a typical problem: what lint finds, and what the proof says of them.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { enforceMfaPolicy, listExemptions } from "../../src/policy/enforcement.ts";
import type { PolicyStatement } from "../../src/policy/engine/document.ts";
import type { PolicyDocument } from "../../src/policy/engine/evaluate.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { makeExampleUser, mergeContexts } from "../../src/policy/engine/subject.ts";
import { findActions } from "../../src/policy/lint/known.ts";
import { lint } from "../../src/policy/lint/lint.ts";
import { prove } from "../../src/policy/proof.ts";
import { judgeProof, judgeRequirement, requirements } from "../../src/policy/verdicts.ts";

interface Shape {
  readonly name: string;
  readonly policy: PolicyDocument;
  /** In words. */
  readonly expect: string;
}

const shapes = JSON.parse(readFileSync(new URL("policy-shapes.json", import.meta.url), "utf8")) as Shape[];

interface Expected {
  /** Of lint, each once. */
  readonly rules: readonly string[];
  /** Of --require. */
  readonly holds: readonly string[];
  /** In a verdict. */
  readonly says?: string;
}

const expected: Readonly<Record<string, Expected>> = {
  green_notres_s3: {
    rules: ["narrow-resource"],
    holds: ["enrollable"],
    says: "every action works without MFA on arn:aws:s3:::*",
  },
  green_policyversion: { rules: ["dangerous-exemption"], holds: ["enrollable"], says: "iam:PassRole" },
  green_other_services: { rules: ["wildcard-exemption"], holds: ["enrollable"], says: "secretsmanager:*" },
  allow_bie: { rules: ["allow-without-mfa"], holds: [] },
  allow_bie_all: { rules: ["allow-without-mfa"], holds: [] },
  allow_null: { rules: ["allow-without-mfa"], holds: [] },
  allow_ageie: { rules: ["allow-without-mfa"], holds: [] },
  allow_notfalse: { rules: ["allow-without-mfa"], holds: [] },
  bob: { rules: ["named-users"], holds: ["enforced"], says: "no other policy can allow" },
  deny_bob: { rules: ["named-users"], holds: ["enforced"] },
  "fix-widens-1": { rules: ["wrong-resource"], holds: [] },
  "fix-widens-2": { rules: ["wrong-resource"], holds: [] },
  username_except: {
    rules: ["extra-condition"],
    holds: ["enrollable"],
    says: "for others that depends on aws:username",
  },
  age_ms: {
    rules: ["age-never-reached"],
    holds: ["enforced"],
    says: "has no effect: AWS ends every session after at most 36 h",
  },
  age_hours: {
    rules: ["age-unusable"],
    holds: [],
    says: "denies almost every request; the limit is in seconds: 12 h is 43200",
  },
  or: { rules: ["age-never-counts"], holds: ["enforced"], says: "never takes effect" },
  enrolAllowNeedsMfa: { rules: ["enrollment-needs-mfa"], holds: ["enforced"] },
  "deny-iam": {
    rules: ["action-instead-of-notaction", "partial-enforcement"],
    holds: [],
    says: "only this is denied: iam:*",
  },
  // With placeholders it is no valid policy yet.
  cfnsub: { rules: ["left-over-template", "wrong-iam-arn"], holds: [] },
  dellogin: { rules: ["dangerous-exemption"], holds: [], says: "removes the console password of a user" },
};

test("every shape has its values", () => {
  expect(Object.keys(expected)).toEqual(shapes.map(({ name }) => name));
});

/** Whether lint finds an exemption that lets requests without MFA through. */
const hasOpenExemption = (policy: PolicyDocument): boolean =>
  lint(readJson(JSON.stringify(policy))).some(({ rule, level }) => level === "error" && rule.endsWith("-exemption"));

const deny = [enforceMfaPolicy().Statement].flat()[0];
const denyWith = (extra: string): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "*", Resource: "*" },
    { ...deny, NotAction: [...listExemptions().map(({ action }) => action), extra] } as PolicyStatement,
  ],
});
const names = ["iam:*", "sts:*"].flatMap((text) => findActions(text).map(({ name }) => name));
const patterns = [
  "iam:Get*",
  "iam:List*",
  "iam:Generate*",
  "iam:Simulate*",
  "iam:*MFADevices",
  "iam:List*MFA*",
  "sts:Get*",
];
const elsewhere = ["secretsmanager:GetSecretValue", "ssm:GetParameter", "s3:GetObject", "lambda:InvokeFunction"];

test.each([...names, ...patterns, ...elsewhere, "secretsmanager:*", "kms:*", "foo:*", "foo:Bar", "iam:FooQuxBaz"])(
  "lint and simulate agree on %s",
  (extra) => {
    const policy = denyWith(extra);
    const user = makeExampleUser([policy]);
    const proof = prove([policy], {}, { user: user.arn, context: user.context });
    expect(hasOpenExemption(policy)).toBe(!judgeRequirement(proof, "enforced").holds);
  },
);

test.each(shapes)("lint has an error if simulate says that MFA is not enforced by $name", ({ name, policy }) => {
  if (name === "cfnsub") return;
  const user = makeExampleUser([policy]);
  const proof = prove([policy], {}, { user: user.arn, context: user.context, isExample: true });
  const holds = judgeRequirement(proof, "enforced").holds;
  if (!holds) {
    expect(lint(readJson(JSON.stringify(policy))).map(({ level }) => level)).toContain("error");
  }
});

test.each(shapes)("$name: $expect", ({ name, policy }) => {
  const { rules, holds, says = "" } = expected[name] ?? { rules: [], holds: [] };
  const findings = lint(readJson(JSON.stringify(policy)));
  expect([...new Set(findings.map(({ rule }) => rule))]).toEqual(rules);
  if (name === "cfnsub") return;
  const user = makeExampleUser([policy]);
  const context = mergeContexts(user.context, { "aws:ViaAWSService": "false" });
  const proof = prove([policy], {}, { user: user.arn, context, isExample: true });
  expect(requirements.filter((each) => judgeRequirement(proof, each).holds)).toEqual(holds);
  expect(
    judgeProof(proof)
      .map(({ text }) => text)
      .join("\n"),
  ).toContain(says);
});
