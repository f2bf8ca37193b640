// Profiles for which AWS asks for MFA itself, in the browser: fob says so, and never asks for a long-term access key there.
import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

const identityCenter = '"dev" signs in through IAM Identity Center, which asks for MFA';
const kinds = [
  ["sso_session = corp", identityCenter, "aws sso login --profile dev"],
  ["sso_start_url = https://corp.awsapps.com/start", identityCenter, "aws sso login --profile dev"],
  [
    "login_session = arn:aws:iam::123456789012:user/ada",
    '"dev" signs in with aws login, which asks for MFA in the browser',
    "aws login --profile dev",
  ],
] as const;

const commands = [
  ["login"],
  ["exec"],
  ["env", "--shell", "bash"],
  ["console"],
  ["logout"],
  ["credential-process"],
] as const;

test.each(kinds)(
  "a profile with %s is told from one without a key, by every command that needs a source",
  async (line, text, hint) => {
    const world = await makeWorld({ config: `[profile dev]\n${line}\nregion = eu-central-1\n` });
    const before = world.config() + world.credentials();
    for (const [command, ...options] of commands) {
      const run = command === "exec" ? ["exec", "dev", "--", "true"] : [command, "dev", ...options];
      const { status, stderr } = await world.fob(run);
      expect(status, command).not.toBe(0);
      expect(stderr, command).toContain(text);
      expect(stderr, command).toContain(hint);
      expect(stderr, command).not.toContain("aws configure");
    }
    expect(world.config() + world.credentials()).toBe(before);
  },
);

test.each(kinds)("so is a role profile whose source has %s", async (line, text, hint) => {
  const role = "role_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = dev";
  const world = await makeWorld({ config: `[profile dev]\n${line}\n\n[profile prod]\n${role}\n` });
  for (const run of [
    ["login", "prod"],
    ["exec", "prod", "--", "true"],
    ["env", "prod", "--shell", "bash"],
    ["credential-process", "prod"],
  ]) {
    const { status, stderr } = await world.fob(run);
    expect(status, run[0]).not.toBe(0);
    expect(stderr, run[0]).toContain(text);
    expect(stderr, run[0]).toContain(hint);
    expect(stderr, run[0]).not.toContain("aws configure");
  }
});

test("temporary keys that another tool has put beside it change nothing", async () => {
  const world = await makeWorld({
    config: "[profile dev]\nsso_session = corp\n",
    credentials: "[dev]\naws_access_key_id = ASIAEXAMPLE000000000\naws_secret_access_key = x\naws_session_token = x\n",
  });
  expect((await world.fob(["login", "dev"])).stderr).toContain(identityCenter);
});

test("one that is misspelled is meant like any other", async () => {
  const world = await makeWorld({ config: "[profile develop]\nsso_session = corp\n" });
  expect((await world.fob(["login", "devlop"])).stderr).toContain("did you mean: fob login develop");
});
