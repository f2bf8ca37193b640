// Role profiles as programs of others use them, of a role that requires MFA: they assume it themselves by means
// of `source_profile = work-mfa`, or have fob do it.
import { appendFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { keyIdOf } from "../helpers/sessions.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, type World } from "../helpers/world.ts";
import { envOf, type Program, programs, run, runOnTerminal } from "./programs.ts";

const region = "region = eu-central-1\n";
const theRole = "assumed-role/prod/";

/** With the profiles `prod`, of a role, and `prod-fob`, for which fob gets that role's credentials. */
async function withRole({ hasSerial = false, isInstalled = false } = {}): Promise<World> {
  const world = await makeWorld();
  const statement = {
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${world.sandbox.account}:root` },
    Action: "sts:AssumeRole",
    Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
  };
  const trust = { Version: "2012-10-17", Statement: [statement] };
  const { arn } = world.sandbox.addRole({ name: "prod", trust, policies: [] });
  const serial = hasSerial ? `mfa_serial = ${world.device.serialNumber}\n` : "";
  const profiles = [
    `[profile prod]\nrole_arn = ${arn}\nsource_profile = work-mfa\n${serial}${region}`,
    `[profile prod-fob]\ncredential_process = fob credential-process prod\n${region}`,
  ];
  appendFileSync(world.configPath, profiles.join(""));
  if (isInstalled) await world.fob(["credential-process", "--install", "work"]);
  return world;
}

async function loggedIn(options?: Parameters<typeof withRole>[0]): Promise<World> {
  const world = await withRole(options);
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

const runAs = (profile: string, program: Program, world: World) => run(program, world, envOf(world, program, profile));

for (const program of programs) {
  describe(program.name, () => {
    const it = test.skipIf(!program.isThere);

    it.each([
      ["the keys", false],
      ["the credential_process", true],
    ])("takes the role by %s of its source_profile", async (_, isInstalled) => {
      const world = await loggedIn({ isInstalled });
      const { stdout, stderr } = await runAs("prod", program, world);
      cached(world);
      expect(stderr).toBe("");
      expect(stdout).toContain(theRole);
      const asked = world.sandbox.requests.find(({ action }) => action === "AssumeRole");
      expect(asked?.accessKeyId).toBe(keyIdOf(world));
    });

    it("makes fob ask on the terminal for the session that its role needs", async () => {
      const world = await withRole({ isInstalled: true });
      const started = runOnTerminal(program, world, envOf(world, program, "prod"));
      await started.shows("Code for");
      started.type(`${world.device.code()}\r`);
      expect((await started.ended).screen).toContain(theRole);
      cached(world);
      expect(world.calls("GetSessionToken")).toBe(1);
    });

    it("gets the role from fob, also where its profile has an mfa_serial left", async () => {
      const world = await loggedIn({ hasSerial: true });
      const { stdout, stderr } = await run(program, world, withFob(envOf(world, program, "prod-fob")));
      expect(stderr).toBe("");
      expect(stdout).toContain(theRole);
      expect(cached(world)).toEqual([]);
    });

    const { atSerial } = program;
    it(`${atSerial === undefined ? "takes no notice of" : "fails by"} an mfa_serial left in its role profile`, async () => {
      const world = await loggedIn({ hasSerial: true });
      const { status, stdout, stderr } = await runAs("prod", program, world);
      if (atSerial === undefined) {
        expect(stdout).toContain(theRole);
      } else {
        expect(status).not.toBe(0);
        expect(stderr).toContain(atSerial);
        expect(world.calls("AssumeRole")).toBe(0);
      }
    });
  });
}

describe("aws command", () => {
  const aws = programs.find(({ name }) => name === "aws command");

  test.skipIf(!aws?.isThere)("keeps the role's credentials in a file, where fob logout leaves them", async () => {
    const world = await loggedIn();
    if (aws) await runAs("prod", aws, world);
    await world.fob(["logout", "work"]);
    expect(cached(world)).toHaveLength(1);
  });
});

/** The aws command keeps roles' credentials there. */
function cached({ home }: World): string[] {
  const folder = join(home, ".aws/cli/cache");
  const files = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of files) mayHoldSecrets(join(folder, file));
  return files;
}
