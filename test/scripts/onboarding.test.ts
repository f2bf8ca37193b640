// What the page for a team's handbook says to type, typed as it stands there.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { run, type Shell, testIn, withFob } from "../helpers/shells.ts";
import { makeWorld, onTerminal, program } from "../helpers/world.ts";

const page = readFileSync(join(resolve(program, "../.."), "docs/onboarding.md"), "utf8");
/** The commands on the page, in order. */
const commands = [...page.matchAll(/`([^`\n]+)`|^ *```sh\n([^`]*)\n *```$/gm)].map(([, inline, block]) =>
  (inline ?? block ?? "").trim().replaceAll("\\|", "|"),
);
const printed = (pattern: RegExp): string => {
  const found = commands.find((command) => pattern.test(command));
  if (found === undefined) throw new Error(`the page has no command like ${String(pattern)}`);
  return found;
};

testIn(["bash", "zsh", "fish"] as const, "a day with the page for the handbook", async (shell: Shell) => {
  const world = await makeWorld();
  const env = withFob(world.env);
  const once = printed(new RegExp(`^[^|]*fob shell-init ${shell} >`));
  expect(await run(shell, once, { env })).toMatchObject({ status: 0, stdout: "", stderr: "" });

  const terminal = onTerminal(shell, ["-i"], { env, cwd: world.home });
  terminal.type(`${printed(/^mfa work$/)}\r`);
  await terminal.shows(/Code for .*\(work\)/);
  terminal.type(`${world.device.code()}\r`);
  await terminal.shows(/Signed in as .* until/);
  terminal.type(`echo "selected: $AWS_PROFILE"\r`);
  await terminal.shows("selected: work-mfa");
  terminal.type(`${printed(/^fob status$/)}\r`);
  await terminal.shows(/work-mfa +.*(12 h|11 h 59 min)/);
  terminal.type(`${printed(/^fob credential-process --install work$/)}\r`);
  await terminal.shows("now get credentials from fob");
  terminal.type(`${printed(/^fob logout --all$/)}; echo "logged $(echo out)"\r`);
  await terminal.shows("logged out");
  terminal.kill("SIGKILL");
  expect(world.credentials()).not.toContain("work-mfa");
});

testIn(["bash", "zsh", "fish"] as const, "the alias of the page logs in", async (shell: Shell) => {
  const world = await makeWorld();
  const script = [
    ...(shell === "bash" ? ["shopt -s expand_aliases"] : []),
    printed(/^alias mfa=/),
    // A line that is read after the alias is there.
    `eval "mfa work --code ${world.device.code()}"`,
    printed(/^export AWS_PROFILE=/),
    "env | grep AWS_PROFILE",
  ].join("\n");
  const { stdout, status } = await run(shell, script, { env: withFob(world.env) });
  expect({ stdout, status }).toEqual({ stdout: "work-mfa\nAWS_PROFILE=work-mfa\n", status: 0 });
});
