// `fob rollout status` and `undo` where the group has members whom the journal of this computer does not have, and the
// commands that status prints, typed with the real aws command.
import { describe, expect, test } from "vitest";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld } from "../helpers/world.ts";

/** Runs a script as the administrator ada, in the sandbox whose group has ben, cleo, dan and old-break-glass. */
async function inSandbox(script: readonly string[]) {
  const at = await makeWorld();
  const login = "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99";
  const args = ["sandbox", "--scenario", "team-enforced", "--", "sh", "-c", [login, ...script].join("\n")];
  return at.fob(args, { env: withFob(at.env), cwd: at.home });
}

/** Splits what a script has printed at lines of three dashes. */
const partsOf = (stdout: string): string[] => stdout.split("---\n");

describe.skipIf(!isThere("aws", "--version"))("with the aws command", () => {
  test("what is wrong is told with its command, and the commands take out, deactivate and delete", async () => {
    const take = (what: string): string => `node -p 'const s = JSON.parse(fs.readFileSync("status.json")); ${what}'`;
    const { status, stdout, stderr } = await inSandbox([
      'ask() { aws --profile ada-mfa iam "$@" >made.json || exit 9; }',
      // A user with everything that a user can have.
      'ask put-user-policy --user-name hal --policy-name own --policy-document \'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}\'',
      "ask attach-user-policy --user-name hal --policy-arn arn:aws:iam::123456789012:policy/everyday-work",
      "ask add-user-to-group --user-name ci-deploy --group-name RequireMFA",
      "fob rollout status --profile ada --json >status.json; echo $?",
      "cat status.json; echo ---",
      "fob rollout status --profile ada; echo ---",
      `${take('s.cleanup.flatMap(({ commands }) => commands).join("\\n")')} >commands`,
      `${take('s.drift.map(({ command }) => command).join("\\n")')} >>commands`,
      "sh -e commands >/dev/null || exit 8",
      "fob rollout status --profile ada --json",
    ]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const [before = "", text = "", after = ""] = partsOf(stdout);
    expect(before).toMatch(/^3\n/);
    const found = JSON.parse(before.slice(2)) as RolloutStatus;
    expect(found.drift.map(({ what, subject }) => [what, subject])).toEqual([
      ["automation-enforced", "ci-deploy"],
      ["break-glass-enforced", "old-break-glass"],
    ]);
    expect(found.next).toEqual(["ivy"]);
    expect(found.waiting.filter(({ state }) => state === "enforced").map(({ user }) => user)).toEqual(["dan"]);
    expect(found.send.map(({ to }) => to)).toEqual([["dan"], ["erin"]]);
    const [first, second] = found.cleanup;
    for (const key of [first, second]) expect(key?.what).toMatch(/^access key AKIA\w+, last used \d{4}-\d\d-\d\d$/);
    expect(first?.what).not.toBe(second?.what);
    expect(text).toContain(
      "Send this to dan:\n  AWS account 123456789012 requires MFA, and your user has no MFA device.",
    );
    expect(text).toMatch(/ {4}aws iam delete-user --user-name hal --profile ada-mfa\n/);
    expect(JSON.parse(after)).toMatchObject({ drift: [], cleanup: [], enforced: ["ben", "cleo", "dan"] });
    expect(after).not.toContain('"hal"');
  });
});

test("undo without a journal names the members, and prints the commands that take them out", async () => {
  const { status, stdout, stderr } = await inSandbox([
    "fob rollout undo --all --yes --json --profile ada",
    "echo $?; fob rollout undo --user ben --yes --profile ada; echo $?",
    "fob rollout undo --user ivi --yes --profile ada; echo $?",
  ]);
  const members = ["ben", "cleo", "dan", "old-break-glass"];
  expect(status).toBe(0);
  expect(JSON.parse(stdout.replace(/\d\n\d\n\d\n$/, ""))).toEqual({
    ...{ version: 1, account: "123456789012", undone: [] },
    groups: [{ group: "RequireMFA", before: members, after: members }],
  });
  expect(stdout).toMatch(/}\n3\n3\n0\n$/);
  for (const member of members) {
    expect(stderr).toContain(`fob: error: ${member} is in group RequireMFA, and the journal on this computer does not`);
    const line = `aws iam remove-user-from-group --user-name ${member} --group-name RequireMFA --profile ada-mfa\n`;
    expect(stderr).toContain(`fob: hint: to take ${member} out, also from CloudShell: ${line}`);
  }
});
