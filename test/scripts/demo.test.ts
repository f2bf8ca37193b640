import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { execute, node, onTerminal, program, temporaryFolder } from "../helpers/world.ts";

/** A temporary folder for the demo, to see what it leaves behind. */
function world() {
  const folder = temporaryFolder();
  const env = { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder, TERM: "xterm", LANG: "C.UTF-8" };
  return { folder, env };
}

test("without a terminal, the demo provides the code itself and leaves nothing behind", async () => {
  const { folder, env } = world();
  const { status, stdout, stderr } = await execute(node, [program, "demo"], { env });
  expect(status).toBe(0);
  expect(stdout).toContain("AccessDenied: User: arn:aws:iam::123456789012:user/ada is not authorized");
  expect(stdout).toContain("aws_secret_access_key = ********\n");
  expect(stdout).toContain("invoices, team-photos\n");
  expect(stdout).toMatch(/^demo-mfa\tdemo\tvalid\t/m);
  expect((stdout + stderr).trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  expect(readdirSync(folder)).toEqual([]);
});

test("on a terminal, you type the code that the demo shows", async () => {
  const { folder, env } = world();
  const run = onTerminal(node, [program, "demo"], { env, shows: ["code"] });
  await run.shows("Code for");
  // The code stays valid after a typo.
  run.type("000000\r");
  await run.shows("AWS rejected that code");
  await run.shows("Code for");
  run.type(`${/authenticator shows (\d{6})/.exec(run.screen())?.[1] ?? ""}\r`);
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen).toContain("invoices, team-photos");
  expect(readdirSync(folder)).toEqual([]);
});

test("Ctrl-C in the demo leaves nothing behind", async () => {
  const { folder, env } = world();
  const run = onTerminal(node, [program, "demo"], { env, shows: ["code"] });
  await run.shows("Code for");
  run.type("\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  expect(screen.match(/cancelled/g)).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test("on SIGTERM, the demo ends the login and leaves nothing behind", async () => {
  const { folder, env } = world();
  const run = onTerminal(node, [program, "demo"], { env, shows: ["code"] });
  await run.shows("Code for");
  run.kill("SIGTERM");
  expect((await run.ended).status).toBe(130);
  expect(readdirSync(folder)).toEqual([]);
});
