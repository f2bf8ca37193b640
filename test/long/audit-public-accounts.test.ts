// What the audit says of accounts that others describe in public: accounts/ has where they are from.
import { expect, onTestFinished, test } from "vitest";
import { auditAccount } from "../../src/audit/audit.ts";
import { loadAccount } from "../../src/sandbox/load-account.ts";
import { readSavedAccount } from "../../src/sandbox/saved-account.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { readAccountFile } from "../helpers/accounts.ts";
import { readSnapshot } from "../iam/read-account.ts";

/** Checks about the account's own users: by id, what came of each, and whom it names. */
async function auditOf(name: string): Promise<Record<string, string>> {
  const saved = readSavedAccount(readAccountFile(name));
  const sandbox = await startSandbox({ fill: (account) => void loadAccount(account, saved) });
  onTestFinished(() => sandbox.close());
  const snapshot = await readSnapshot(sandbox.url, sandbox.rootAccessKey);
  const around = { signInAlarms: new Map(), config: [], breakGlass: [], now: Date.now() };
  const { checks } = auditAccount(snapshot, { group: "RequireMFA", ...around });
  return Object.fromEntries(
    checks.map(({ id, result, subjects, reason }) => [
      id,
      `${result}: ${subjects.length === 0 ? reason : subjects.map((each) => `${each.name}: ${each.evidence}`).join("; ")}`,
    ]),
  );
}

const noBreakGlass = "fail: no user has the tag fob-role=break-glass";

test("AWS's example: a device is no enforcement, and a Deny without a condition on MFA is none", async () => {
  expect(await auditOf("aws-cli-example")).toMatchObject({
    "every-active-user-has-mfa":
      "fail: Bob: a console password, and no MFA device; Dana: a console password, and no MFA device",
    "no-active-key-without-mfa": "pass: 4 users",
    "enforced-for-every-user": [
      "fail: Alice: MFA is not enforced: nothing is denied",
      "Bob: MFA is not enforced: only this is denied: aws-portal:* and iam:*",
      "Charlie: MFA is not enforced: nothing is denied",
      "Dana: MFA is not enforced: nothing is denied",
    ].join("; "),
    "policy-sound": "fail: no policy of a user, a group or a role denies without MFA",
    "group-exact": "fail: RequireMFA: group RequireMFA does not exist",
    "break-glass-exists": noBreakGlass,
    "break-glass-tested": "pass: no break-glass user",
    "unused-credentials": "pass: 4 users",
    "old-access-keys": expect.stringMatching(
      /^fail: Charlie: an access key is 300 days old \(\d{4}-\d\d-\d\d\)$/,
    ) as string,
    "root-unused": expect.stringMatching(/^fail: the root user used an access key today/) as string,
  });
});

test("CloudGoat: where only users with keys are active, and none is denied, nothing is proven", async () => {
  const [manager, raynor] = ["manager_iam_privesc_by_key_rotation", "raynor-iam_privesc_by_rollback"];
  const evidence = "taken for an automation user; if it is one, tag it fob-role=automation";
  const noDevice = "an active access key, and no MFA device";
  expect(await auditOf("cloudgoat")).toMatchObject({
    "every-active-user-has-mfa": `fail: ${manager}: ${noDevice}; ${raynor}: ${noDevice}`,
    "no-active-key-without-mfa": `fail: ${manager}: ${noDevice}; ${raynor}: ${noDevice}`,
    "enforced-for-every-user": `unknown: ${manager}: ${evidence}; ${raynor}: ${evidence}`,
    "automation-not-enforced": "pass: 2 automation users",
    "unused-credentials": "pass: 4 users",
  });
});

test("AWS's boundaries: what a boundary allows works without MFA", async () => {
  const open =
    "MFA is not enforced: these are exempt, but users do not need them to set up MFA: cloudwatch:*, ec2:*, s3:*";
  expect(await auditOf("permissions-boundary")).toMatchObject({
    "every-active-user-has-mfa":
      "fail: Shirley: a console password, and no MFA device; Nikhil: a console password, and no MFA device",
    "enforced-for-every-user": `fail: Shirley: ${open}; Zhang: MFA is not enforced: nothing is denied; Nikhil: ${open}`,
    "enforced-without-device": "pass: 3 users",
    "policy-attached-to-group-only": "pass: 3 identities",
  });
});
