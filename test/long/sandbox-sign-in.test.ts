// `fob sandbox sign-in`: what users of the sandbox meet on the console's sign-in page.
import { IAM } from "@aws-sdk/client-iam";
import { fromIni } from "@aws-sdk/credential-providers";
import { expect, test } from "vitest";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, onTerminal, program, temporaryFolder } from "../helpers/world.ts";

/** Runs a script in a sandbox of its own. */
async function inSandbox(script: string, ...options: string[]) {
  const world = await makeWorld();
  const env = withFob({ ...world.env, TMPDIR: temporaryFolder() });
  return world.fob(["sandbox", ...options, "--", "sh", "-c", script], { env });
}

test("says whether it was with MFA, and changes a password that must be changed", async () => {
  const users = ["dan", "ben", "finn", "cleo", "erin", "ERIN"];
  const { status, stdout, stderr } = await inSandbox(users.map((user) => `fob sandbox sign-in ${user}`).join("\n"));
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [withMfa, without] = ["signed in with MFA\n", "signed in without MFA\n"];
  expect(stdout).toBe(`${without}${withMfa.repeat(3)}changed the password\n${without.repeat(2)}`);
});

test("says why the console does not let a user in", async () => {
  const script = ["ci-deploy", "ivyy"].map((user) => `fob sandbox sign-in ${user}; echo $?`).join("\n");
  const { stdout, stderr } = await inSandbox(`${script}\nfob sandbox signin ben; echo $?`);
  expect(stdout).toBe("1\n1\n2\n");
  expect(stderr).toBe(
    'fob: error: "ci-deploy" has no console password\n' +
      "fob: hint: users with one: ada, grace, ben, cleo, dan, erin, finn, gus, hal, ivy, break-glass, old-break-glass\n" +
      'fob: error: the sandbox has no user "ivyy"\nfob: hint: did you mean: fob sandbox sign-in ivy\n' +
      'fob: error: unknown command "sandbox signin"\nfob: hint: did you mean: fob sandbox sign-in ben\n',
  );
});

test("a policy that denies changing the password without MFA locks out a user with a first password", async () => {
  const world = await makeWorld();
  const env = withFob({ ...world.env, TMPDIR: temporaryFolder() });
  const script = `fob sandbox code ada | fob login ada --code-stdin
    fob policy show --no-password-change > "$FOB_HOME/strict.json"
    echo "$AWS_ENDPOINT_URL $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE"; cat "$FOB_HOME/strict.json"; echo ready
    read line; fob sandbox sign-in erin; echo "exit $?"`;
  const sandbox = onTerminal(program, ["sandbox", "--", "bash", "-c", script], { env });
  await sandbox.shows(/^ready$/m);
  const [, endpoint = "", filepath = "", configFilepath = ""] = /^(http\S+) (\S+) (\S+)$/m.exec(sandbox.screen()) ?? [];
  const [PolicyDocument = ""] = /^\{$.*^\}$/ms.exec(sandbox.screen().replaceAll("\r", "")) ?? [];
  const credentials = fromIni({ profile: "ada-mfa", filepath, configFilepath });
  const iam = new IAM({ endpoint, region: "us-east-1", credentials });
  await iam.putUserPolicy({ UserName: "erin", PolicyName: "strict", PolicyDocument });
  sandbox.type("\r");
  await sandbox.shows(/^exit 1$/m);
  const shown = sandbox.screen().replaceAll(/\s+/g, " ");
  expect(shown).toContain(
    'fob: error: "erin" must change the password first, and the console answers: Either user is not authorized to ' +
      "perform iam:ChangePassword or entered password does not comply with account password policy set by administrator",
  );
  expect(shown).toContain("fob policy simulate --account --user erin --action iam:ChangePassword");
  await sandbox.ended;
});
