// The transcript in the README is what a real run shows. `npx vitest run test/scripts/transcript.test.ts -u` writes it anew.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, onTerminal, program } from "../helpers/world.ts";

const readme = join(resolve(program, "../.."), "README.md");
const block = /(?<=\n```console\n)[\s\S]*?(?=```\n)/;

/** The code, the time and the user of every transcript, so that it stays the same from run to run. */
const shown = { code: "492039", time: "20:15", user: "alice" };

test.skipIf(!isThere("aws", "--version"))("the transcript in the README", async () => {
  const text = readFileSync(readme, "utf8");
  const commands = [...(block.exec(text)?.[0] ?? "").matchAll(/^\$ (.*)\n/gm)].map(([, command = ""]) => command);
  expect(commands[0]).toBe("fob login work");

  const world = await makeWorld();
  const code = world.device.code();
  const script = commands.map((command) => `echo '$ ${command}'\n${command}\n`).join("");
  const env = { ...withFob(world.env), AWS_EC2_METADATA_DISABLED: "true" };
  const terminal = onTerminal("bash", ["--norc", "-c", script], { env });
  await terminal.shows(/[Cc]ode for .*:/);
  terminal.type(`${code}\r`);
  const { screen, status } = await terminal.ended;
  expect(status).toBe(0);

  const transcript = screen
    .split("\n")
    // The local AWS is not AWS, and fob says so.
    .filter((line) => !line.includes(new URL(world.sandbox.url).host))
    .map((line) => (line.includes(code) ? keepQuestion(line, code) : line))
    .join("\n")
    .replaceAll(/(tomorrow )?\b\d\d:\d\d\b/g, shown.time)
    .replaceAll(world.user.arn.split("/").at(-1) ?? "", shown.user);
  await expect(text.replace(block, () => transcript)).toMatchFileSnapshot(readme);
});

/** The question and what follows. fob writes the question again at each key, and erases it once it is answered. */
function keepQuestion(line: string, code: string): string {
  const question = /^(.+?:)\1/.exec(line)?.[1] ?? line.slice(0, line.indexOf(code)).trimEnd();
  return `${question} ${shown.code}\n${line.slice(line.lastIndexOf(code) + code.length)}`;
}
