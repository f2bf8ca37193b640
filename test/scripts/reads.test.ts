// A command reads each file that matters to it once, and once more where it decides under a lock.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { sessionFile } from "../helpers/sessions.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const preload = resolve(import.meta.dirname, "../helpers/reads.cjs");

/** A world with a fresh session `work-mfa`, and 20 sessions of other profiles. */
async function makeBusyWorld(): Promise<World> {
  const world = await makeWorld();
  const { status } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(status).toBe(0);
  const [first = "", answer = "", about = ""] = readFileSync(sessionFile(world), "utf8").split("\n");
  for (let number = 0; number < 20; number++) {
    const profile = `other-${number}-mfa`;
    const known = JSON.parse(about) as { source: object };
    const other = { ...known, profile, source: { ...known.source, profile: `other-${number}` }, writtenTo: [] };
    const lines = [first.replace("work-mfa", profile), answer, JSON.stringify(other)];
    writeFileSync(sessionFile(world, profile), `${lines.join("\n")}\n`, { mode: 0o600 });
  }
  return world;
}

/** How often a command reads each file of the user's, by its name. */
async function countReads(world: World, args: readonly string[]): Promise<Record<string, number>> {
  const log = join(world.home, "reads.json");
  const env = { NODE_OPTIONS: `--require ${JSON.stringify(preload)}`, FOB_TEST_READS: log };
  const { status, stderr } = await world.fob(args, { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const counts = JSON.parse(readFileSync(log, "utf8")) as Record<string, number>;
  return Object.fromEntries(
    Object.entries(counts).flatMap(([path, count]) =>
      path.startsWith(join(world.home, ".aws")) ? [[path.slice(world.home.length + "/.aws/".length), count]] : [],
    ),
  );
}

test.each([
  ["env", "work", "--shell", "json"],
  ["env", "work-mfa", "--shell", "json"],
  ["exec", "work", "--", "true"],
  ["credential-process", "work"],
])("with 21 sessions stored, fob %s %s reads each file at most twice", async (...args) => {
  const world = await makeBusyWorld();
  const counts = await countReads(world, args);
  expect(counts).toMatchObject({ credentials: expect.any(Number) as number, config: expect.any(Number) as number });
  expect(Object.entries(counts).filter(([, count]) => count > 2)).toEqual([]);
  expect(Object.keys(counts).filter((file) => file.includes("other-"))).toEqual([]);
});

test("fob status reads each file once", async () => {
  const world = await makeBusyWorld();
  const counts = await countReads(world, ["status"]);
  const sessions = readdirSync(join(world.home, ".aws/fob/sessions")).filter((name) => !name.startsWith("."));
  expect(sessions).toHaveLength(21);
  const expected = ["credentials", "config", ...sessions.map((name) => `fob/sessions/${name}`)];
  expect(counts).toEqual(Object.fromEntries(expected.map((file) => [file, 1])));
});
