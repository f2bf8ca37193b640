// A user without a device, who scans the key of a new one from the terminal.
import { writeFileSync } from "node:fs";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { base32Decode, codeOfStep, timeStep } from "../../src/sandbox/totp.ts";
import { fast, keysOf, makeWorld, type OnTerminal, type RunOptions, type World } from "./world.ts";

/** What a user under the enforcement policy has. */
export const enforced = [enforceMfaPolicy({}), selfManagePolicy({})];

/** A world whose profile `work` is of a user without a device. */
export async function worldWithoutDevice(policies: readonly object[] = enforced): Promise<World> {
  const world = await makeWorld({ config: "# mine\n[profile work]\nregion = eu-central-1\n" });
  const user = world.sandbox.addUser({ name: "dan", policies });
  writeFileSync(world.credentialsPath, keysOf("work", user.accessKey), { mode: 0o600 });
  return world;
}

export const shown: RunOptions = { env: { NODE_OPTIONS: fast }, shows: ["device seed", "code"] };

export type Answers = readonly (readonly [question: string | RegExp, text: string])[];

/** Answers questions one after the other. */
export async function answer(run: OnTerminal, answers: Answers): Promise<void> {
  for (const [question, text] of answers) {
    await run.shows(question);
    run.type(`${text}\r`);
  }
}

/** The codes of the device whose key a terminal shows, from now on. */
export async function scan(run: OnTerminal): Promise<(ahead: number) => string> {
  await run.shows("authenticator app, for");
  await run.shows("Code for");
  return readCodes(run);
}

/** A line with the key of a new device. */
export const keyLine = /^ {2}((?:[A-Z2-7]{1,4} ?){8,})$/gm;

/** The codes of the device whose key a terminal shows last. */
export function readCodes(run: OnTerminal): (ahead: number) => string {
  const key = [...run.screen().matchAll(keyLine)].at(-1)?.[1] ?? "";
  const seed = base32Decode(key);
  return (ahead) => codeOfStep(seed, timeStep(Date.now()) + ahead);
}

/** Types two codes. */
export async function typeCodes(run: OnTerminal, first: string, second: string): Promise<void> {
  run.type(`${first}\r`);
  await run.shows("(the next one):");
  run.type(`${second}\r`);
}
