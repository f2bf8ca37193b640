// `fob exec` without a command: the user's shell, with the credentials in its environment.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeWorld, node, program, type World } from "../helpers/world.ts";

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

test.each(["/bin/sh", "/bin/bash"])(
  "it opens SHELL (%s), which knows the profile and the credentials",
  async (shell) => {
    const world = await loggedIn();
    const run = world.fobOnTerminal(["exec", "work", "--region", "eu-west-1"], {
      env: { SHELL: shell, PS1: "ready> " },
    });
    await run.shows(/opening \w+ with the credentials of "work-mfa" \(valid until/);
    run.type('echo "$AWS_VAULT in $AWS_REGION with $(printenv AWS_ACCESS_KEY_ID | cut -c1-4)"\r');
    await run.shows("work-mfa in eu-west-1 with ASIA");
    run.type("exit 7\r");
    expect((await run.ended).status).toBe(7);
  },
);

test("-- without a command opens it too, and so does Node.js without the script around it", async () => {
  const world = await loggedIn();
  const env = { SHELL: "/bin/sh", PS1: "ready> " };
  const open = [
    world.fobOnTerminal(["exec", "work", "--"], { env }),
    world.shellOnTerminal(`'${node}' '${program}' exec work`, { env }),
  ];
  for (const run of open) {
    await run.shows("opening sh with");
    run.type('echo "in $AWS_VAULT"\r');
    await run.shows("in work-mfa");
    run.type("exit\r");
    expect((await run.ended).status).toBe(0);
  }
});

test("a shell inside such a shell is refused, a command is not", async () => {
  const world = await loggedIn();
  const env = { AWS_VAULT: "other-mfa" };
  const { status, screen } = await world.fobOnTerminal(["exec", "work"], { env }).ended;
  expect(status).toBe(2);
  expect(screen).toBe(
    'fob: error: this shell already has the credentials of "other-mfa"\nhint: leave it first: exit\nhint: or open one inside it: unset AWS_VAULT; fob exec work\n',
  );
  expect((await world.fob(["exec", "work", "--", "true"], { env })).status).toBe(0);
});

test("a word that is no profile is taken for a command, not for a shell's profile", async () => {
  const world = await loggedIn();
  const { status, screen } = await world.fobOnTerminal(["exec", "ls"]).ended;
  expect({ status, screen }).toEqual({
    status: 2,
    screen: "fob: error: put the command after --\nhint: fob exec -- ls\n",
  });
});

test("a script that redirects a stream gets an error instead of a shell", async () => {
  const world = await loggedIn();
  const out = join(world.home, "out");
  writeFileSync(out, "");
  const run = world.shellOnTerminal(
    `'${program}' exec work </dev/null; echo "ended with $?"; '${program}' exec work >'${out}'; echo "and $?"`,
  );
  const { screen } = await run.ended;
  expect(screen).toContain("ended with 2");
  expect(screen).toContain("and 2");
});
