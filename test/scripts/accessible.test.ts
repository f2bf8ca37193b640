// What a screen reader or a terminal without cursor movement gets: plain lines, each once.
import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

const plainModes = [
  ["TERM=dumb", { TERM: "dumb" }],
  ["FOB_ACCESSIBLE=1", { FOB_ACCESSIBLE: "1", NO_COLOR: "1" }],
] as const;

test.each(plainModes)("%s: the question is asked once, and no digit redraws it", async (_, env) => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"], { env });
  await run.shows("(work): ");
  for (const digit of world.device.code()) run.type(digit);
  run.type("\r");
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen.match(/Code for/g)).toHaveLength(1);
  expect(run.raw()).not.toContain("\u001b");
  expect(screen).toContain('fob: "work-mfa" is valid until');
});

test.each(plainModes)("%s: a wrong code is asked again on a new line", async (_, env) => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"], { env });
  await run.shows("(work): ");
  run.type("12345\r");
  await run.shows("fob: a code has six digits; you typed 5");
  await run.shows("(work): ");
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
});

test.each(plainModes)("%s: a device is chosen by its number", async (_, env) => {
  const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
  const second = world.sandbox.addVirtualDevice(world.user.name, "zweites");
  const run = world.fobOnTerminal(["login", "work"], { env });
  await run.shows(/\n2\. arn:aws:iam::\d{12}:mfa\/zweites\n/);
  await run.shows("Number: ");
  run.type("7\r");
  await run.shows("type a number from 1 to 2");
  run.type("2\r");
  await run.shows("Code for zweites @");
  run.type(`${second.code()}\r`);
  expect((await run.ended).status).toBe(0);
  expect(run.raw()).not.toContain("\u001b");
});

test("TERM=dumb: Ctrl-C and Ctrl-D cancel the question", async () => {
  const world = await makeWorld();
  for (const key of ["\u0003", "\u0004"]) {
    const run = world.fobOnTerminal(["login", "work"], { env: { TERM: "dumb" } });
    await run.shows("(work): ");
    run.type(key);
    const { status, screen } = await run.ended;
    expect({ key, status }).toEqual({ key, status: 130 });
    expect(screen).toMatch(/fob: cancelled\n$/);
  }
});

test("LANG=C: nothing but ASCII is shown", async () => {
  const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const run = world.fobOnTerminal(["login", "work"], { env: { LANG: "C" } });
  await run.shows("Which device");
  run.type("second");
  await run.shows("> arn:aws:iam::123456789012:mfa/second");
  run.type("\r");
  await run.shows("Code for second @");
  run.type(`${second.code()}\r`);
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen).toContain("Signed in as");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is ASCII
  expect(run.raw().replace(/[\u0000-\u007f]/g, "")).toBe("");
});

test.each(plainModes)("%s: a line is not broken where the terminal ends", async (_, env) => {
  const world = await makeWorld();
  const narrow = { columns: 40, env: { ...env, AWS_PROFILE: "wrok" } };
  expect((await world.fobOnTerminal(["login"], narrow).ended).screen).toContain(
    'no profile "wrok", which AWS_PROFILE names\n',
  );
  const drawn = await world.fobOnTerminal(["login"], { ...narrow, env: { AWS_PROFILE: "wrok" } }).ended;
  expect(drawn.screen).toContain('no profile "wrok", which\nAWS_PROFILE names\n');
  expect(drawn.screen).toContain("hint: did you mean:\nexport AWS_PROFILE=work\n");
});
