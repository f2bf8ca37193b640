// The built program and locks, where something happens in between.
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, node, program } from "../helpers/world.ts";

const preloaded = (name: string, env: Record<string, string>): Record<string, string> => ({
  NODE_OPTIONS: `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`,
  ...env,
});

test("who is stopped for a minute while it takes a lock takes it all the same, though its draft was swept away", async () => {
  const world = await makeWorld();
  const env = preloaded("meanwhile", {
    MEANWHILE_AT: "^linkSync .*/locks/session-work-mfa$",
    // The holder of the lock meanwhile sweeps what is older than a minute.
    MEANWHILE: `[ $CALL -gt 1 ] || { touch -d '2 minutes ago' "$HOME"/.aws/fob/locks/.*.tmp; ${node} ${program} logout work; }`,
  });
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(stderr).toContain('"work-mfa" is valid until');
  expect(status).toBe(0);
});

test("the lock of a killed process that cannot be removed is an error, and nothing hangs", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const folder = dirname(world.credentialsPath);
  const fault = { FAULT_HOME: world.home, FAULT_CALLS: "^renameSync$" };
  await world.fob(["logout", "work"], { env: preloaded("faults", { ...fault, FAULT: "kill" }) });
  expect(readdirSync(folder)).toContain(".credentials.fob.lock");
  const env = preloaded("faults", { ...fault, FAULT_CALLS: "^unlinkSync$", FAULT: "EPERM" });
  const { status, screen } = await world.fobOnTerminal(["logout", "work"], { env }).ended;
  // Until the lock can be taken, no process may sweep what the killed one has left.
  for (const name of readdirSync(folder)) if (name.endsWith(".tmp")) mayHoldSecrets(join(folder, name));
  expect(screen).toMatch(
    /fob: error: not allowed to read or write ".*\/session-work-mfa"\nhint: check the permissions: ls -la /,
  );
  expect(status).toBe(1);
});
