// From an empty home to the first call of the aws command, as docs/onboarding.md begins: what a real run shows.
// `npx vitest run --config vitest.long.config.mts test/long/setup-transcript.test.ts -u` writes it anew.
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { base32Decode, codeOfStep, timeStep } from "../../src/sandbox/totp.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { fast, makeWorld, onTerminal, program } from "../helpers/world.ts";

const page = join(resolve(program, "../.."), "docs/onboarding.md");
const block = /(?<=\n```console\n)[\s\S]*?(?=```\n)/;
const commands = ["fob setup", "export AWS_PROFILE=work-mfa", "aws s3 ls"];

/** Seconds of a run that a user is promised. */
const limit = 60;

function keyOf(account: Account | undefined, name: string) {
  const user = account?.findUser(name);
  const [key] = user && account ? account.accessKeysOf(user) : [];
  if (key === undefined) throw new Error(`${name} has no access key`);
  return key;
}

test.skipIf(!isThere("aws", "--version"))(
  "dan, who is in RequireMFA and has no device, comes from an empty home to aws s3 ls within a minute",
  async () => {
    let account: Account | undefined;
    const world = await makeWorld({
      fill: (filled) => {
        account = filled;
        scenarios["team-enforced"](filled);
      },
    });
    rmSync(join(world.home, ".aws"), { recursive: true });
    const { accessKeyId, secretAccessKey } = keyOf(account, "dan");
    const keychain = join(world.home, "keychain");
    mayHoldSecrets(keychain);
    const env = {
      ...withFob(world.env),
      // Lines that nothing redraws: a transcript shows what was asked.
      ...{ FOB_ACCESSIBLE: "1", FOB_KEYCHAIN: keychain, SHELL: "/bin/bash", AWS_EC2_METADATA_DISABLED: "true" },
      NODE_OPTIONS: fast,
    };
    const script = commands.map((command) => `echo '$ ${command}'\n${command}\n`).join("");
    const began = performance.now();
    const terminal = onTerminal("bash", ["--norc", "-c", script], { env, shows: ["device seed", "code"] });
    const answer = async (question: string, text: string): Promise<void> => {
      await terminal.shows(question);
      terminal.type(`${text}\r`);
    };
    await answer("Name of the new profile (Enter: work):", "");
    await answer("Region, like eu-central-1", "eu-central-1");
    await answer("Access key ID for work", accessKeyId);
    await answer("Secret access key (not shown):", secretAccessKey);
    await answer("Number:", "1");
    await answer("Enroll an authenticator app?", "y");
    await answer("Name of the session profile", "");
    await answer("Number:", "1");
    await answer("Set up bash", "y");
    await answer("Do it?", "y");
    await terminal.shows("Code for");
    const [, shown = ""] = /^ {2}((?:[A-Z2-7]{1,4} ?){8,})$/m.exec(terminal.screen()) ?? [];
    const seed = base32Decode(shown);
    const present = timeStep(Date.now());
    const codes = [-1, 0, 1].map((ahead) => codeOfStep(seed, present + ahead));
    terminal.type(`${codes[0]}\r`);
    await answer("(the next one):", codes[1] ?? "");
    await answer("Log in with it now?", "y");
    await answer("(work):", codes[2] ?? "");
    const { screen, status } = await terminal.ended;
    expect({ status, screen }).toMatchObject({ status: 0, screen: expect.stringContaining("invoices") as string });
    expect((performance.now() - began) / 1000).toBeLessThan(limit);

    let transcript = screen
      .split("\n")
      // The local AWS is not AWS, and fob says so.
      .filter((line) => !line.includes(new URL(world.sandbox.url).host))
      .map((line) => line.trimEnd())
      .join("\n")
      .replaceAll(`the keychain file "${keychain}"`, "the keychain")
      .replaceAll(world.home, "/home/dan")
      .replaceAll(accessKeyId, "AKIAIOSFODNN7EXAMPLE")
      .replaceAll(`AKIA…${accessKeyId.slice(-4)}`, "AKIA…MPLE")
      .replaceAll(shown, shown.replaceAll(/[A-Z2-7]/g, "X"))
      .replaceAll(/(tomorrow )?\b\d\d:\d\d\b/g, "20:15");
    for (const [index, code] of codes.entries())
      transcript = transcript.replaceAll(code, ["492039", "803114", "117265"][index] ?? "");
    const text = readFileSync(page, "utf8");
    await expect(text.replace(block, () => transcript)).toMatchFileSnapshot(page);
  },
);
