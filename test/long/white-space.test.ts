// White space beyond ASCII, as it comes into the AWS files with a pasted line: programs trim it.
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld } from "../helpers/world.ts";

const wide = ["\u00a0", "\u3000", "\u2003"];
const hasAws = isThere("aws", "--version");

test.each(wide)("a source that is written with it is read (%j)", async (space) => {
  const world = await makeWorld();
  const spaced = (text: string) =>
    `${space}\n${text.replaceAll(" = ", `${space}=${space}`).replaceAll("\n", `${space}\n`)}`;
  writeFileSync(world.credentialsPath, spaced(world.credentials()));
  writeFileSync(world.configPath, spaced(world.config()));
  const { status, stdout } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
});

test.each(wide)("in a section of fob's own no key is written twice, and aws reads it (%j)", async (space) => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const file = world.credentials();
  const [before = "", whole = ""] = file.split("[work-mfa]");
  // So that there is something to write.
  const own = whole.replace(/x_security_token_expires.*\n/, "");
  const indented = own.replace(/^(?=.)/gm, space);
  for (const text of [
    own.replaceAll(" =", `${space}=`),
    own.replaceAll("= ", `=${space}`),
    own.replaceAll("\n", `${space}\n`),
    indented,
  ]) {
    writeFileSync(world.credentialsPath, `${before}[work-mfa]${text}`);
    expect((await world.fob(["login", "work"])).status).toBe(0);
    expect(world.credentials().match(/aws_session_token/g)).toHaveLength(1);
    expect(world.credentials()).toBe(file);
  }
  if (!hasAws) return;
  const shown = await execute("aws", ["configure", "get", "aws_access_key_id", "--profile", "work-mfa"], {
    env: world.env,
  });
  expect(shown.stdout).toMatch(/^ASIA/);
});

test.each([
  ["before a key", "\n\ufeffoutput = json\n"],
  ["alone on a line", "\n\ufeff\n"],
  ["behind a value", "\noutput = json\ufeff\n"],
])("U+FEFF, which aws does not trim, is named beside the session: %s", async (_, text) => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, `${world.credentials().trimEnd()}${text}`);
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect([status, stderr]).toEqual([0, expect.stringContaining('"work-mfa" is valid until')]);
  expect(stderr).toMatch(/fob: warning: aws .*line 4 has an invisible character \(U\+FEFF\)/);
});
