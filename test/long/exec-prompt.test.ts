// `fob exec` at a shell's prompt: Ctrl-C, Ctrl-Z, job control and the size of the terminal.
import { spawnSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { interactive, withFob } from "../helpers/shells.ts";
import { makeWorld, node, type OnTerminal, type World } from "../helpers/world.ts";

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

/**
 * A bash on a terminal, with `fob` on its path, at its prompt `$> `. What is typed before its reader is there
 * may be lost.
 */
async function prompt(world: World): Promise<OnTerminal> {
  const terminal = interactive("bash", { env: { ...withFob(world.env), PS1: "$> " }, cwd: world.home });
  await terminal.shows("$> ");
  return terminal;
}

/** Says that it is ready, and which process it is, and then what it reads. */
const reader = "sh -c 'echo rea''dy $$; exec cat'";

/** The state of a process; "" once it has ended, also where its parent has not been told yet. */
const stateOf = (pid: string): string =>
  spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.slice(0, 1).replace("Z", "");

describe("at a prompt", () => {
  // Not `sh -c 'echo; sleep'`: a dash that Ctrl-C or Ctrl-Z reaches between the two hangs, without fob too.
  test("Ctrl-C ends the command, and a command that handles it goes on", async () => {
    const world = await loggedIn();
    const terminal = await prompt(world);
    terminal.type("fob exec work -- sh -c 'echo rea''dy; exec sleep 60'; echo it ''was $?\r");
    await terminal.shows("ready");
    terminal.type("\u0003");
    // As without fob, bash forgets the rest of the line.
    await terminal.shows("$> ");
    terminal.type("echo it ''was $?\r");
    await terminal.shows("it was 130");

    const script = `let n = 0; process.on("SIGINT", () => { console.log("got " + ++n); if (n === 2) process.exit(9); }); setInterval(() => {}, 1000); console.log("list" + "ening")`;
    writeFileSync(join(world.home, "counts.cjs"), script);
    terminal.type(`fob exec work -- '${node}' counts.cjs; echo it ''was $?\r`);
    await terminal.shows("listening");
    terminal.type("\u0003");
    await terminal.shows("got 1");
    terminal.type("\u0003");
    await terminal.shows("got 2");
    await terminal.shows("it was 9");
  });

  test("Ctrl-C in a script ends the script too, as without fob", async () => {
    const world = await loggedIn();
    writeFileSync(join(world.home, "script"), "fob exec work -- sh -c 'echo rea''dy; exec sleep 60'\necho went ''on\n");
    const terminal = await prompt(world);
    terminal.type("bash script; echo it ''was $?\r");
    await terminal.shows("ready");
    terminal.type("\u0003");
    await terminal.shows("$> ");
    terminal.type("echo it ''was $?\r");
    await terminal.shows("it was 130");
    expect(terminal.screen()).not.toContain("went on");
  });

  test("Ctrl-Z stops it, fg and bg continue it, and kill ends it", async () => {
    const world = await loggedIn();
    const terminal = await prompt(world);
    terminal.type(`fob exec work -- ${reader}\r`);
    await terminal.shows("ready");
    for (const round of [1, 2]) {
      terminal.type("\u001a");
      await terminal.shows(/\[1\]\+ +Stopped +fob exec work -- sh/);
      await terminal.shows("$> ");
      terminal.type("fg\r");
      await terminal.shows("exec cat'\n");
      terminal.type(`again ${round}\r`);
      await terminal.shows(new RegExp(`again ${round}\nagain ${round}\n`));
    }
    terminal.type("\u001a");
    await terminal.shows("$> ");
    const [, pid = ""] = /ready (\d+)/.exec(terminal.screen()) ?? [];
    expect(stateOf(pid)).toBe("T");
    terminal.type("kill %1\r");
    await expect.poll(() => stateOf(pid)).toBe("");

    terminal.type("fob exec work -- bash -c 'echo rea''dy; sleep 0.5; echo went ''on'\r");
    await terminal.shows("ready");
    terminal.type("\u001a");
    await terminal.shows("$> ");
    terminal.type("bg\r");
    await terminal.shows("went on");
  });

  test("Ctrl-Z before the command runs stops fob, fg continues it, and kill of the stopped one ends it", async () => {
    const world = await makeWorld();
    const printed = world.commandThatPrints(world.device.code());
    appendFileSync(
      world.configPath,
      `mfa_process = echo waiting >&2; until test -e ~/go; do sleep 0.1; done; ${printed}\n`,
    );
    const terminal = await prompt(world);
    terminal.type("fob exec work -- echo it ''ran\r");
    await terminal.shows("waiting");
    terminal.type("\u001a");
    await terminal.shows(/\[1\]\+ +Stopped +fob exec work/);
    terminal.type("kill %1; fg\r");
    await terminal.shows("fob: cancelled");
    await terminal.shows("$> ");
    terminal.type("echo it ''was $?\r");
    await terminal.shows("it was 130");

    terminal.type("fob exec work -- echo it ''ran\r");
    await terminal.shows("waiting");
    terminal.type("\u001a");
    await terminal.shows(/\[1\]\+ +Stopped +fob exec work/);
    writeFileSync(join(world.home, "go"), "");
    terminal.type("fg\r");
    await terminal.shows("it ran");
  });

  test("a command that handles Ctrl-Z itself keeps the terminal", async () => {
    const world = await loggedIn();
    const script = `process.on("SIGTSTP", () => console.log("not " + "now")); process.stdin.on("data", () => process.exit(4)); console.log("list" + "ening")`;
    writeFileSync(join(world.home, "busy.cjs"), script);
    const terminal = await prompt(world);
    terminal.type(`fob exec work -- '${node}' busy.cjs; echo it ''was $?\r`);
    await terminal.shows("listening");
    terminal.type("\u001a");
    await terminal.shows("not now");
    terminal.type("\r");
    await terminal.shows("it was 4");
    expect(terminal.screen()).not.toContain("Stopped");
  });

  test("a shell in it has job control of its own, and gives the terminal back", async () => {
    const world = await loggedIn();
    const terminal = await prompt(world);
    terminal.type("fob exec work -- env PS1='inner> ' bash --norc -i\r");
    await terminal.shows(/^inner> /m);
    terminal.type(`${reader}\r`);
    await terminal.shows("ready");
    terminal.type("\u001a");
    await terminal.shows(/\[1\]\+ +Stopped +sh/);
    await terminal.shows("inner> ");
    terminal.type("echo $AWS_ACCESS_KEY_ID ''inside; fg\r");
    await terminal.shows(/ASIA\w+ inside/);
    await terminal.shows("exec cat'\n");
    terminal.type("through\r");
    await terminal.shows(/through\nthrough\n/);
    terminal.type("\u0003");
    await terminal.shows("inner> ");
    terminal.type("exit 6\r");
    await terminal.shows("$> ");
    terminal.type("echo it ''was $?\r");
    await terminal.shows("it was 6");
    terminal.type(`${reader}\r`);
    await terminal.shows("ready");
    terminal.type("\u0003");
    await terminal.shows("$> ");
  });

  test("the command sees the terminal, and its new size", async () => {
    const world = await loggedIn();
    const script = `console.log(process.stdin.isTTY, process.stdout.isTTY, process.stdout.columns); process.stdout.on("resize", () => { console.log("now " + process.stdout.columns); process.exit(0); }); setInterval(() => {}, 1000); console.log("list" + "ening")`;
    writeFileSync(join(world.home, "size.cjs"), script);
    const terminal = world.fobOnTerminal(["exec", "work", "--", node, join(world.home, "size.cjs")]);
    await terminal.shows("true true 200");
    await terminal.shows("listening");
    terminal.resize(100, 50);
    await terminal.shows("now 100");
    expect((await terminal.ended).status).toBe(0);
  });
});
