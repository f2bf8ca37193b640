// Reports as SARIF 2.1.0, read by its reference implementation with the official JSON schema.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { applyAccepted, readAccepted } from "../../src/audit/accepted.ts";
import { compareWithBaseline, readBaseline } from "../../src/audit/baseline.ts";
import { formatAuditSarif, formatAuditsSarif } from "../../src/cli/commands/audit/sarif.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { lint } from "../../src/policy/lint/lint.ts";
import { rules as lintRules } from "../../src/policy/lint/rules.ts";
import { formatSarif } from "../../src/sarif.ts";
import { arnOf, makeAudit, subject } from "../audit/account.ts";
import { isThere } from "../helpers/needed.ts";

const validator = join(import.meta.dirname, "sarif/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");

/** Fails on what the schema does not allow, and warns of what the standard advises against. */
function validate(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "fob-sarif-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "report.sarif");
  writeFileSync(file, text);
  // It needs no library for the languages of the world.
  const env = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" };
  const { status, stdout } = spawnSync(validator, ["validate", file], { encoding: "utf8", env });
  return { status, problems: stdout.split("\n").filter((line) => / (error|warning) /.test(line)) };
}

const hostile = ["<b>", '"', "]]>", "{0}", "\ud800", "\u001b[31m", "[x](https://example.com)", "a\nb"];
const old = { result: "fail", subjects: [...hostile, "cleo"].map((name) => subject(name, name)) } as const;
const audit = makeAudit({
  "old-access-keys": { ...old, unknownSubjects: [subject("dan")] },
  "root-mfa": { result: "fail", reason: "the root user has no MFA device" },
  "policy-sound": { result: "unknown", reason: "no permission" },
});

test.skipIf(!isThere(validator, "--version"))("the reference implementation of SARIF accepts every report", () => {
  const before = readBaseline(makeAudit({ "old-access-keys": { result: "fail", subjects: [subject("cleo")] } }));
  const risk = { check: "old-access-keys", arn: arnOf("cleo"), person: "Ada", reason: "soon", until: "2026-12-31" };
  const risks = readAccepted({ version: 1, accepted: [risk] }, false);
  const noted = applyAccepted(compareWithBaseline(audit, before.get(audit.account)), risks, Date.UTC(2026, 10, 27));
  const inactive = [{ name: "old", account: "210987654321", state: "SUSPENDED" }];
  const unread = { name: "prod", account: null, audit: { unknown: "no session {0}" } };
  const many = formatAuditsSarif({
    accounts: [{ name: "dev", account: audit.account, audit: { value: audit } }, unread],
    inactive,
  });
  const Condition = { Bool: { "aws:MultiFactorAuthPresent": "false" } };
  const weak = { Version: "2012-10-17", Statement: { Effect: "Deny", NotAction: "iam:*", Resource: "*", Condition } };
  const findings = lint(readJson(JSON.stringify(weak))).map((each) => ({ file: "a b/ü.json", ...each }));
  expect(findings.length).toBeGreaterThan(0);
  const options = { version: "1.0.0", homepage: "https://example.com/fob", rules: lintRules, help: "", folder: "/" };
  for (const text of [formatAuditSarif(audit), formatAuditSarif(noted.audit), many, formatSarif(findings, options)])
    expect(validate(text)).toEqual({ status: 0, problems: [] });
  const wrong = formatAuditSarif(audit).replace('"ruleIndex"', '"ruleNumber"');
  expect(validate(wrong).problems.join("\n")).toContain("does not define a property 'ruleNumber'");
});
