// Runs the commands of docs/enforce-mfa.md, one after the other, and checks their results.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { run, withFob } from "../helpers/shells.ts";
import { temporaryFolder } from "../helpers/world.ts";

test("the page proves that MFA is enforced, checks the cases, and leaves the files that it names", async () => {
  const page = readFileSync(new URL("../../docs/enforce-mfa.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
  expect(blocks.join("").match(/fob policy/g)).toHaveLength(9);
  const folder = temporaryFolder();
  const env = withFob({ PATH: process.env.PATH ?? "" });
  const { status, stdout, stderr } = await run("bash", `set -e\n${blocks.join("\n")}`, { env, cwd: folder });
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.not.stringContaining("error") as string });
  expect(stdout).toContain("\n+ MFA is enforced: ");
  expect(stdout).toContain("125 cases, 0 not as expected\n");
  expect(readdirSync(folder).sort()).toEqual([
    "enforce-mfa-policy.json",
    "expected.json",
    "require-mfa.tf",
    "self-manage-mfa-policy.json",
  ]);
});
