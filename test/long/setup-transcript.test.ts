// From an empty home to the first call of the aws command, as docs/onboarding.md begins: what a real run shows.
// `npx vitest run --config vitest.long.config.mts test/long/setup-transcript.test.ts -u` writes it anew.
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { answer, keyLine, readCodes } from "../helpers/enroll.ts";
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
    await answer(terminal, [
      ["Name of the new profile (Enter: work):", ""],
      ["Region, like eu-central-1", "eu-central-1"],
      ["Access key ID for work", accessKeyId],
      ["Secret access key (not shown):", secretAccessKey],
      ["Number:", "1"],
      ["Enroll an authenticator app?", "y"],
      ["Name of the session profile", ""],
      ["Number:", "1"],
      ["Set up bash", "y"],
      ["Do it?", "y"],
    ]);
    await terminal.shows("Code for");
    const codes = [-1, 0, 1].map(readCodes(terminal));
    const [first = "", second = "", third = ""] = codes;
    terminal.type(`${first}\r`);
    await answer(terminal, [
      ["(the next one):", second],
      ["Log in with it now?", "y"],
      ["(work):", third],
    ]);
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
      .replaceAll(keyLine, (line) => line.replaceAll(/[A-Z2-7]/g, "X"))
      .replaceAll(/(tomorrow )?\b\d\d:\d\d\b/g, "20:15");
    for (const [index, code] of codes.entries())
      transcript = transcript.replaceAll(code, ["492039", "803114", "117265"][index] ?? "");
    const text = readFileSync(page, "utf8");
    await expect(text.replace(block, () => transcript)).toMatchFileSnapshot(page);
  },
);
