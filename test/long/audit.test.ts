// `fob audit`: on the sandbox's accounts, in every format, with the exit codes that a pipeline reads.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { type Audit, checks } from "../../src/audit/audit.ts";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, program } from "../helpers/world.ts";

const hasAws = isThere("aws", "--version");

/** Runs a script in a sandbox, with a session of the administrator ada. */
async function inSandbox(script: string, ...options: string[]) {
  const world = await makeWorld();
  const login = "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99";
  return await world.fob(["sandbox", ...options, "--", "sh", "-c", `${login}\n${script}`], {
    env: withFob(world.env),
    cwd: world.home,
  });
}

test("the team before and after the rollout: what does not hold, and exit 3", async () => {
  const { status, stdout, stderr } = await inSandbox("fob audit --profile ada --json");
  expect(stderr).toContain("fob: as arn:aws:iam::123456789012:user/ada in 123456789012");
  expect(status).toBe(3);
  const audit = JSON.parse(stdout) as Audit;
  expect(audit).toMatchObject({ version: 1, account: "123456789012", summary: { unknown: 0 } });
  const subjectsOf = (id: string, { checks }: Audit = audit) =>
    checks.find((check) => check.id === id)?.subjects.map(({ name }) => name);
  expect(subjectsOf("every-active-user-has-mfa")).toEqual(["dan", "erin", "hal", "ci-deploy"]);
  expect(subjectsOf("security-key-only-with-key")).toEqual(["finn"]);
  for (const id of ["break-glass-strong", "break-glass-keys-inactive", "break-glass-tested"])
    expect(subjectsOf(id)).toEqual(["old-break-glass"]);
  // The healthy one signed in 30 days ago, for the test.
  expect(subjectsOf("break-glass-unused")).toEqual([]);
  expect(subjectsOf("enforced-for-every-user")).toContain("ben");
  // Its rule is about console users.
  expect(subjectsOf("config-rule-compliant")).toEqual(["dan", "erin", "hal"]);
  const enforced = await inSandbox("fob audit --profile ada --json", "--scenario", "team-enforced");
  const after = JSON.parse(enforced.stdout) as Audit;
  expect(subjectsOf("enforced-for-every-user", after)).not.toContain("ben");
  expect(subjectsOf("enforced-without-device", after)).toEqual(["dan"]);
});

test("the table begins with what matters most, and says what to do next", async () => {
  const { stdout } = await inSandbox("fob audit --profile ada");
  expect(stdout).toMatch(/^Account 123456789012, credential report \d+ min old\n\d+ of \d+ checks hold, /);
  expect(stdout).toContain("\nBegin with:\n  1. every-active-user-has-mfa: 4 of 13 users\n");
  expect(stdout).toContain("dan: a console password and an active access key, and no MFA device\n");
  expect(stdout).toContain("next: fob rollout plan --profile ada-mfa --out plan.json\n");
});

test("the HTML report is one page with every user and every check, and exit 3", async () => {
  const { status, stdout } = await inSandbox("fob audit --profile ada --format html", "--scenario", "team-enforced");
  expect(status).toBe(3);
  expect(stdout).toMatch(/^<!doctype html>\n<html lang="en">\n/);
  expect(stdout).toMatch(/<th scope="row">ben<\/th><td><b class="pass">enforced<\/b>/);
  expect(stdout).toMatch(/<th scope="row">ada<\/th><td><b class="fail">open<\/b> <small>MFA is not enforced: /);
  expect(stdout).toMatch(
    /<th scope="row">ci-deploy<\/th><td><b class="quiet">exempt<\/b> <small>automation: an access key, no password and no MFA device<\/small>/,
  );
  expect(stdout).toContain('<th scope="row">ivy <small>path /eng/</small></th>');
  for (const { id } of checks) expect(stdout).toContain(`id="check-${id}"`);
});

test("the commands of the page work, and say by their exit code that not all holds", async () => {
  const page = readFileSync(resolve(program, "../../docs/audit.md"), "utf8");
  const commands = /^```sh\n(.*?)\n```$/ms.exec(page)?.[1]?.split("\n") ?? [];
  expect(commands.length).toBeGreaterThan(2);
  const { stdout, stderr } = await inSandbox(commands.map((line) => `${line} >/dev/null; echo "$?"`).join("\n"));
  expect(stderr).not.toMatch(/error/);
  expect(stdout).toBe("3\n".repeat(commands.length));
});

test("--fail-on names a severity", async () => {
  const script = `
    fob audit --profile ada >/dev/null 2>&1; echo $?
    fob audit --profile ada --fail-on worst 2>&1 >/dev/null | head -1
  `;
  const { stdout } = await inSandbox(script);
  expect(stdout).toBe('3\nfob: error: invalid --fail-on "worst"\n');
});

test("against a baseline and a list of accepted risks only the rest counts", async () => {
  const accepted = {
    ...{
      check: "two-active-keys",
      arn: "arn:aws:iam::123456789012:user/hal",
      person: "Grace\u001b[31m",
      reason: "|OPS-12",
    },
    until: "2999-12-31",
  };
  const script = `
    fob audit --profile ada --json > now.json 2>/dev/null
    fob audit --profile ada --baseline now.json 2>&1 >table | grep -v 'fob: as'; echo $?
    fob audit --profile ada --fail-on low --baseline now.json >/dev/null 2>&1; echo $?
    cat > accepted.json <<'END'
${JSON.stringify({ version: 1, accepted: [accepted, { ...accepted, check: "security-key-only-with-key" }] })}
END
    sed 's/"result": "fail"/"result": "pass"/' now.json > before.json
    fob audit --profile ada --baseline before.json --accepted accepted.json --json >all.json 2>warnings; echo $?
    for format in table csv markdown sarif; do
      fob audit --profile ada --accepted accepted.json --format $format 2>/dev/null
    done
    cat table warnings
    for file in accepted.json none.json table; do fob audit --profile ada --baseline $file 2>&1; echo $?; done
    sed 's/"account": "123456789012"/"account": "210987654321"/' now.json > other.json
    fob audit --profile ada --baseline other.json 2>&1; echo $?
  `;
  const { stdout } = await inSandbox(script);
  expect(stdout).toMatch(/^1\n0\n3\n/);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).toContain("2 active access keys (accepted by Grace\\x1b[31m until 2999-12-31: |OPS-12)\n");
  expect(stdout).toContain(",accepted,Grace\\x1b[31m,2999-12-31,|OPS-12\r\n");
  expect(stdout).toContain("until 2999-12-31: \\|OPS-12");
  expect(stdout).toContain('"justification": "accepted by Grace\\\\x1b[31m until 2999-12-31: |OPS-12"');
  expect(stdout).toContain(": 0 new, ");
  expect(stdout).toContain("Accepted, or in the baseline:");
  expect(stdout).toContain(
    "security-key-only-with-key of arn:aws:iam::123456789012:user/hal is accepted, but there is no such",
  );
  expect(stdout).toContain('"accepted.json" is not a baseline: ');
  expect(stdout).toContain('cannot read "none.json": ');
  expect(stdout).toContain('"table" is not JSON: ');
  expect(stdout).toMatch(
    /"other.json" has no audit of the account 123456789012; it has: 210987654321\nfob: hint: .*\n2\n$/,
  );
  expect(stdout.match(/^2$/gm)).toHaveLength(4);
});

test.skipIf(!hasAws)("what may not be read is unknown, and is no pass", async () => {
  const script = `
    aws iam put-user-policy --profile ada-mfa --user-name ada --policy-name no --policy-document \
      '{"Statement": {"Effect": "Deny", "Action": "iam:*CredentialReport", "Resource": "*"}}'
    fob audit --profile ada --json
    echo "exit $?" >&2
  `;
  const { stdout, stderr } = await inSandbox(script);
  expect(stderr).toContain("exit 3");
  const { checks: results, reportGenerated } = JSON.parse(stdout) as Audit;
  expect(reportGenerated).toBeNull();
  expect(results.find(({ id }) => id === "root-unused")).toMatchObject({ result: "unknown" });
  expect(results.find(({ id }) => id === "root-mfa")).not.toMatchObject({ result: "pass" });
});

test.skipIf(!hasAws)("a user's name becomes no formula of a spreadsheet, and no markup", async () => {
  const script = `
    aws iam create-user --profile ada-mfa --user-name '=cmd@x' >/dev/null
    aws iam create-access-key --profile ada-mfa --user-name '=cmd@x' >/dev/null
    fob audit --profile ada --format csv
    fob audit --profile ada --format markdown
  `;
  const { stdout } = await inSandbox(script);
  expect(stdout).toMatch(/^account,check,severity,result,name,arn,evidence,remedy\r\n/);
  expect(stdout).toContain(
    "123456789012,every-active-user-has-mfa,high,fail,'=cmd@x,arn:aws:iam::123456789012:user/=cmd@x,",
  );
  expect(stdout).toContain("# MFA audit of account 123456789012\n");
  expect(stdout).toContain("- =cmd\\@x: an active access key, and no MFA device\n");
});

test.skipIf(!hasAws)("--fresh sees what is newer than the credential report, and asks AWS's simulator", async () => {
  const script = `
    fob audit --profile ada >/dev/null 2>&1
    aws iam create-access-key --profile ada-mfa --user-name dan >/dev/null
    fob audit --profile ada --json >reported.json
    fob audit --profile ada --json --fresh
    cat reported.json
  `;
  const { stdout } = await inSandbox(script, "--scenario", "team-enforced");
  const [fresh, reported] = stdout.split(/(?<=^\}\n)/m).map((text) => JSON.parse(text) as Audit);
  const find = (audit: Audit | undefined, id: string) => audit?.checks.find((check) => check.id === id);
  const names = (audit: Audit | undefined) => find(audit, "two-active-keys")?.subjects.map(({ name }) => name);
  expect(names(reported)).toEqual(["hal"]);
  expect(names(fresh)).toEqual(["dan", "hal"]);
  expect(find(fresh, "two-active-keys")?.subjects[0]?.remedy).toMatch(
    /^aws iam update-access-key --profile ada-mfa --user-name dan --access-key-id AKIA\w+ --status Inactive$/,
  );
  expect(fresh?.confirmed).toMatch(/Z$/);
  expect(reported).not.toHaveProperty("confirmed");
  const enforced = find(fresh, "enforced-for-every-user");
  expect(enforced).toMatchObject({ result: "fail" });
  for (const { evidence } of enforced?.subjects ?? [])
    expect(evidence).toMatch(/; asked about \d requests without MFA, AWS's simulator allows \d, as fob does$/);
  expect(enforced?.unknownSubjects).toBeUndefined();
});
