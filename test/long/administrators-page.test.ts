// The commands of docs/administrators.md, typed one after the other in the sandbox, as the page says.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, program } from "../helpers/world.ts";

test("every command of the page works in the sandbox", async () => {
  const page = readFileSync(resolve(program, "../../docs/administrators.md"), "utf8");
  const [start, ...blocks] = [...page.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, text = ""]) => text);
  expect(start).toBe("fob sandbox -- sh");
  expect(blocks.length).toBeGreaterThan(4);
  const world = await makeWorld();
  const script = ["set -e", ...blocks, "echo all"].join("\n");
  const run = await world.fob(["sandbox", "--", "sh", "-c", script], { env: withFob(world.env), cwd: world.home });
  expect(run).toMatchObject({ status: 0 });
  expect(run.stdout).toMatch(/all\n$/);
  expect(readFileSync(join(world.home, "plan.json"), "utf8")).toContain('"batches"');
});
