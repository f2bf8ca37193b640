// Programs of others get the session from their environment, as fob exec and fob env put it there.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keyIdOf } from "../helpers/sessions.ts";
import { withFob } from "../helpers/shells.ts";
import { execute, keysOf, makeWorld, type Result, temporaryFolder, type World } from "../helpers/world.ts";
import { envOf, programs } from "./programs.ts";

/** A home folder whose AWS files know nothing of fob's profiles, but another user's key. */
function elsewhere({ sandbox }: World): string {
  const home = temporaryFolder();
  mkdirSync(join(home, ".aws"));
  const { accessKey } = sandbox.addUser({ name: "another-user", policies: [] });
  writeFileSync(join(home, ".aws/credentials"), keysOf("default", accessKey), { mode: 0o600 });
  return home;
}

const ways: readonly [string, (world: World, command: readonly string[], env: World["env"]) => Promise<Result>][] = [
  ["fob exec", (world, command, env) => world.fob(["exec", "work", "--", ...command], { env })],
  [
    "fob env",
    (_, command, env) =>
      execute("bash", ["-c", 'eval "$(fob env work --shell bash)"; exec "$@"', "bash", ...command], {
        env: withFob(env),
      }),
  ],
];

for (const program of programs) {
  describe(program.name, () => {
    // AWS_PROFILE is set before: with it, no program would get further in the other home folder.
    test.skipIf(!program.isThere).each(ways)("takes what %s exports, and needs no AWS file", async (_, way) => {
      const world = await makeWorld();
      await world.fob(["login", "work", "--code", world.device.code()]);
      const command = ["env", `HOME=${elsewhere(world)}`, ...program.command];
      const { stdout, stderr } = await way(world, command, envOf(world, program));
      expect(stderr).toBe("");
      expect(stdout).toContain(world.user.arn);
      expect(world.sandbox.requests.at(-1)).toMatchObject({
        action: "GetCallerIdentity",
        accessKeyId: keyIdOf(world),
      });
    });
  });
}
