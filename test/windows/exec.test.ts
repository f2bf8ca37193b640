// `fob exec` where there is no shell script around fob: programs and batch files, and what each word means to them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pathForFob } from "../helpers/windows.ts";
import { makeWorld, node, type RunOptions, type World } from "../helpers/world.ts";

const system = "C:\\windows\\system32";

/** A world with a session, and a folder of PATH with these files. */
async function withPrograms(files: Readonly<Record<string, string>> = {}): Promise<{ world: World; path: string }> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const folder = join(world.home, "my programs (ü)");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { world, path: `${system};${pathForFob(folder)}` };
}

const exec = (world: World, command: readonly string[], options?: RunOptions) =>
  world.fob(["exec", "work", "--", ...command], options);

/** A batch file that runs this on Node.js for Windows, with its own arguments, as npm.cmd does. */
const batch = (script: string): string => `@echo off\r\n"${node}" -e "${script}" -- %*\r\n`;
const show = "console.log(JSON.stringify(process.argv.slice(1)))";

const words = [
  ...[
    "plain",
    "two words",
    "",
    "a&b",
    "a|b",
    "a^b",
    "^",
    "<in >out",
    "(x)",
    "a,b;c=d",
    "*.txt",
    "!x!",
    "~",
    "'single'",
  ],
  ...['say "hi"', '"', '""', '"&ver&"', '" & ver & "'],
  ...["end\\", "two words\\", '\\"', '\\\\"x', "C:\\a b\\c", "--option=a b", "/c", "ü€😀", "\u00a0", "a\tb"],
];
/** Of these the cmd of Wine makes something else than that of Windows, which does not read again what it has put in. */
const withPercentSigns = ["100%", "%PATH%", "%", "%%", '"%PATH%"'];

test("a program gets every word behind -- as it is", async () => {
  const { world } = await withPrograms();
  const { stdout } = await exec(world, [node, "-e", show, "--", ...words, ...withPercentSigns]);
  expect(JSON.parse(stdout)).toEqual([...words, ...withPercentSigns]);
});

test("a batch file gets every word as it is, and cmd runs nothing that a word holds", async () => {
  const { world, path } = await withPrograms({ "show.cmd": batch(show) });
  const { stdout } = await exec(world, ["show", ...words], { env: { PATH: path } });
  expect(JSON.parse(stdout)).toEqual(words);
  const { status, stderr } = await exec(world, ["show", "two\nlines"], { env: { PATH: path } });
  expect(stderr).toContain('fob: error: cannot run "show": a batch file takes no line break in an argument\n');
  expect(status).toBe(126);
});

test("the credentials are in the environment of a batch file, and what the environment had of others is not", async () => {
  const print = "for (const name of ['AWS_REGION','AWS_VAULT','AWS_PROFILE','MINE']) console.log(process.env[name])";
  const { world, path } = await withPrograms({ "show.bat": batch(print) });
  const { stdout } = await exec(world, ["show.bat"], { env: { PATH: path, aws_profile: "other", MINE: "kept" } });
  expect(stdout).toBe("eu-central-1\nwork-mfa\nundefined\nkept\n");
});

test("the exit code is the command's, also through cmd and a batch file", async () => {
  const { world, path } = await withPrograms({ "end.cmd": "@exit /b %1\r\n" });
  for (const code of [0, 1, 255, 1000]) {
    expect((await exec(world, [node, "-e", `process.exit(${code})`])).status).toBe(code);
    expect((await exec(world, ["cmd", "/c", `exit ${code}`])).status).toBe(code);
    expect((await exec(world, ["end", String(code)], { env: { PATH: path } })).status).toBe(code);
  }
});

test("a name is looked for in PATH with the endings of PATHEXT, and never in the working directory", async () => {
  const { world, path } = await withPrograms({ "tool.cmd": "@echo the batch file\r\n", "tool.txt": "" });
  const cwd = join(world.home, "my programs (ü)");
  expect((await exec(world, ["TOOL"], { env: { PATH: path } })).stdout).toBe("the batch file\r\n");
  expect((await exec(world, ["tool.cmd"], { env: { PATH: path } })).stdout).toBe("the batch file\r\n");
  expect((await exec(world, ["tool"], { env: { PATH: path, PATHEXT: ".EXE" } })).status).toBe(127);
  expect((await exec(world, ["tool"], { cwd })).status).toBe(127);
  expect((await exec(world, [".\\tool"], { cwd })).stdout).toBe("the batch file\r\n");
});

test("127 if the command does not exist and 126 if it is not a program, before fob asks for a code", async () => {
  const world = await makeWorld();
  const missing = await exec(world, ["no-such-program"]);
  expect(missing).toMatchObject({ status: 127, stderr: 'fob: error: "no-such-program": command not found\n' });
  const line = await exec(world, ["aws s3 ls"]);
  expect(line.stderr).toContain("fob: hint: let a shell run it: fob exec work -- cmd /c ");
  const text = join(world.home, "text");
  writeFileSync(text, "");
  const { status, stderr } = await exec(world, [pathForFob(text)]);
  expect(stderr).toContain(": it is neither a program nor a batch file\n");
  expect(status).toBe(126);
});

test("stdin and stdout are the command's", async () => {
  const { world } = await withPrograms();
  const script = "process.stdin.on('data', (text) => process.stdout.write(String(text).toUpperCase()))";
  expect((await exec(world, [node, "-e", script], { input: "passed on\n" })).stdout).toBe("PASSED ON\n");
});
