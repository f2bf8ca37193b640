// `fob setup`: guided, with everything asked and said before it is done.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { base32Decode, codeOfStep, timeStep } from "../../src/sandbox/totp.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { fast, makeWorld, type OnTerminal, type RunOptions, type World } from "../helpers/world.ts";

/** What a user under the enforcement policy has. */
const enforced = [enforceMfaPolicy({}), selfManagePolicy({})];

interface Dan extends World {
  /** Of a user without a device. */
  readonly accessKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly keychain: string;
}

/** A home with nothing in it, and a user who has an access key and no device. */
async function makeDan(policies: readonly object[] = enforced): Promise<Dan> {
  const world = await makeWorld();
  rmSync(join(world.home, ".aws"), { recursive: true });
  const { accessKey } = world.sandbox.addUser({ name: "dan", policies });
  const keychain = join(world.home, "keychain");
  world.env.FOB_KEYCHAIN = keychain;
  world.env.SHELL = "/bin/bash";
  mayHoldSecrets(keychain);
  return { ...world, accessKey, keychain };
}

const shown: RunOptions = { env: { NODE_OPTIONS: fast }, shows: ["device seed", "code"] };

/** Answers questions one after the other. */
async function answer(
  run: OnTerminal,
  answers: readonly (readonly [question: string | RegExp, text: string])[],
): Promise<void> {
  for (const [question, text] of answers) {
    await run.shows(question);
    run.type(`${text}\r`);
  }
}

/** Enrolls the device whose key the terminal shows. @returns its codes from now on */
async function enroll(run: OnTerminal): Promise<(ahead: number) => string> {
  await run.shows("authenticator app, for");
  await run.shows("Code for");
  const [, key = ""] = /^ {2}((?:[A-Z2-7]{1,4} ?){8,})$/m.exec(run.screen()) ?? [];
  const seed = base32Decode(key);
  const present = timeStep(Date.now());
  const code = (ahead: number): string => codeOfStep(seed, present + ahead);
  run.type(`${code(-1)}\r`);
  await run.shows("(the next one):");
  run.type(`${code(0)}\r`);
  return code;
}

test("from an empty home: key, device, config, shell and a session; the next run finds nothing to do", async () => {
  const dan = await makeDan();
  const { accessKeyId, secretAccessKey } = dan.accessKey;
  const run = dan.fobOnTerminal(["setup"], shown);
  await answer(run, [
    ["Name of the new profile (Enter: work):", ""],
    ["Region, like eu-central-1", "eu-central-1"],
    ["Access key ID for work", accessKeyId],
    ["Secret access key (not shown):", secretAccessKey],
  ]);
  await run.shows('the access key is of the user "dan"');
  await answer(run, [
    ["Where should the secret access key be kept?", ""],
    ["dan has no MFA device. Enroll an authenticator app?", ""],
    ["Name of the session profile, which programs use (Enter: work-mfa):", ""],
    ["keys in the credentials file", ""],
    ["Set up bash: add a line to .bashrc", ""],
  ]);
  await run.shows("this will be done:");
  await run.shows("Do it?");
  expect(readdirSync(dan.home)).toEqual([]);
  run.type("\r");
  const code = await enroll(run);
  await answer(run, [
    ["Log in with it now?", ""],
    [/Code for dan @/, code(1)],
    ["AWS knows you as dan", ""],
  ]);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 0 });
  expect(screen).toContain("every morning, in a new shell: mfa work");
  expect(screen).not.toContain(secretAccessKey);
  expect(dan.config()).toMatch(
    new RegExp(
      `^\\[profile work\\]\nfob_access_key_id = ${accessKeyId}\nregion = eu-central-1\nmfa_serial = .*mfa/dan\n`,
    ),
  );
  expect(JSON.parse(readFileSync(dan.keychain, "utf8"))).toEqual({ [accessKeyId]: secretAccessKey });
  expect(dan.credentials()).toMatch(/^\[work-mfa\]\naws_access_key_id = ASIA/);
  expect(readFileSync(join(dan.home, ".bashrc"), "utf8")).toBe(". ~/.fob.bash\n");
  expect(readFileSync(join(dan.home, ".fob.bash"), "utf8")).toContain("# From: fob shell-init bash");

  const again = dan.fobOnTerminal(["setup", "work"], shown);
  expect(await again.ended).toMatchObject({ status: 0 });
  expect((await again.ended).screen).toContain("everything is set up already");
});
