// What other programs do to the AWS files while fob is about to replace one of them.
import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "vitest";
import { makeWorld, type World } from "./world.ts";

/** In the environment of a program: a shell command runs in `~/.aws` in front of each file-system call that matches. */
export const meanwhile = (at: string, command: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${resolve(import.meta.dirname, "meanwhile.cjs")}`,
  MEANWHILE_AT: at,
  MEANWHILE: `cd "$HOME/.aws" && { ${command}; }`,
});

/** In front of the first of those calls only. */
export const once = (command: string): string => `if [ $CALL = 1 ]; then ${command}; fi`;

type AwsFile = "credentials" | "config";

/** The calls between reading a file and renaming the new one to its name; the file is looked at again on the way. */
const calls = {
  "before fob looks again": (file: AwsFile) => `^openSync .*/[.]${file}[.]fob-\\w+[.]tmp wx$`,
  "after fob has looked again": (file: AwsFile) => `^linkSync .*/${file} `,
  "in front of fob's rename": (file: AwsFile) => `^renameSync .*[.]tmp .*/${file}$`,
};

export type Moment = keyof typeof calls;
export const moments = Object.keys(calls) as Moment[];

/** A login during which another program writes to an AWS file, at the worst moment: all of theirs stays, and fob's is there. */
export async function expectNothingLost(
  file: AwsFile,
  moment: Moment,
  command: string,
  theirs: string,
): Promise<World> {
  const world = await makeWorld();
  const mine = "\n# mine\n[profile kept]\naws_access_key_id = kept";
  for (const path of [world.credentialsPath, world.configPath]) appendFileSync(path, mine);
  const env = meanwhile(calls[moment](file), once(command));
  const login = ["login", "work", "--code", world.device.code()];
  const { status, stderr } = await world.fob(login, { env: { ...env, AWS_EC2_METADATA_DISABLED: "true" } });
  expect(stderr).toContain('"work-mfa" is valid until');
  expect(status).toBe(0);

  const [credentials, config] = [world.credentials(), world.config()];
  expect(file === "config" ? config : credentials).toContain(theirs);
  for (const text of [credentials, config]) expect(text).toContain(mine);
  expect(credentials).toContain(`aws_secret_access_key = ${world.user.accessKey.secretAccessKey}\n`);
  expect(credentials).toMatch(/\n\[work-mfa\]\naws_access_key_id = ASIA/);
  expect(config).toContain("\n[profile work-mfa]\nregion = eu-central-1\n");
  expect(world.calls("GetSessionToken")).toBe(1);
  return world;
}
