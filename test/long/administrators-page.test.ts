// The commands of docs/administrators.md, typed one after the other in the sandbox, as the page says.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, program } from "../helpers/world.ts";

/** CloudShell acts as the user who is signed in: here that is ada, an administrator outside the group. */
const inCloudShell = [
  "export AWS_PROFILE=ada-mfa",
  "for user in ben cleo ivy; do aws iam add-user-to-group --group-name RequireMFA --user-name $user; done",
].join("\n");
const left = "echo left: $(aws iam get-group --group-name RequireMFA --query 'Users[].UserName' --output text)";

test.skipIf(!isThere("aws", "--version"))("every command of the page works in the sandbox", async () => {
  const page = readFileSync(resolve(program, "../../docs/administrators.md"), "utf8");
  const [start, ...blocks] = [...page.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, text = ""]) => text);
  expect(start).toBe("fob sandbox -- sh");
  expect(blocks.length).toBeGreaterThan(4);
  const world = await makeWorld();
  const first = blocks.findIndex((block) => block.startsWith("aws "));
  const [inShell, inBrowser] = [blocks.slice(0, first), blocks.slice(first)];
  expect(inBrowser).toHaveLength(3);
  const script = ["set -e", ...inShell, inCloudShell, ...inBrowser.flatMap((block) => [block, left]), "echo all"];
  const run = await world.fob(["sandbox", "--", "sh", "-c", script.join("\n")], {
    env: withFob(world.env),
    cwd: world.home,
  });
  expect(run).toMatchObject({ status: 0 });
  // The last block prints who is left: an empty line.
  expect(run.stdout).toMatch(/left: cleo ivy\nleft:\n\s*left:\nall\n$/);
  expect(readFileSync(join(world.home, "plan.json"), "utf8")).toContain('"batches"');
});
