// Programs of others get their credentials from fob, by the command that --install writes.
import { describe, expect, test } from "vitest";
import { endsIn, keyIdOf } from "../helpers/sessions.ts";
import { makeWorld, type World } from "../helpers/world.ts";
import { fromProcess, programs, run, runOnTerminal } from "./programs.ts";

async function installed(): Promise<World> {
  const world = await makeWorld();
  expect((await world.fob(["credential-process", "--install", "work"])).status).toBe(0);
  return world;
}

/** With a session that lasts for so many more minutes. */
async function loggedIn({ minutes }: { minutes: number }): Promise<World> {
  const world = await installed();
  await world.fob(["login", "work", "--code", world.device.code()]);
  endsIn(world, minutes * 60);
  return world;
}

for (const program of [...programs, fromProcess]) {
  describe(program.name, () => {
    const it = test.skipIf(!program.isThere);

    it("gets a fresh session", async ({ task }) => {
      const world = await loggedIn({ minutes: 700 });
      const { stdout, stderr } = await run(program, world);
      expect(stderr).toBe("");
      expect(stdout).toContain(world.user.arn);
      const request = world.sandbox.requests.at(-1);
      expect(request).toMatchObject({ action: "GetCallerIdentity", accessKeyId: keyIdOf(world) });
      task.meta.userAgent = request?.userAgent ?? "";
    });

    it("makes fob prompt on the terminal without a session", async () => {
      const world = await installed();
      const started = runOnTerminal(program, world);
      await started.shows("Code for");
      started.type(`${world.device.code()}\r`);
      expect((await started.ended).screen).toContain(world.user.arn);
      expect(world.calls("GetSessionToken")).toBe(1);
    });

    it("takes a refusal for an answer, also where it runs the command twice", async () => {
      const world = await installed();
      const started = runOnTerminal(program, world);
      await started.shows("Code for");
      started.type("\u0003");
      // A second prompt would wait without end.
      expect((await started.ended).status).not.toBe(0);
    });

    it("fails at once if fob cannot prompt", async () => {
      const world = await installed();
      const { status, stdout, stderr } = await run(program, world);
      expect(stdout).not.toContain("user/");
      expect(status).not.toBe(0);
      expect(stderr.includes("run in a terminal: fob login work-mfa")).toBe(program.shows !== "nothing");
    });

    it.each([14, 9])("works on with %i minutes left although fob cannot prompt", async (minutes) => {
      const world = await loggedIn({ minutes });
      const { stdout, stderr } = await run(program, world);
      expect(stdout).toContain(world.user.arn);
      expect(stderr.includes("warning: ")).toBe(program.shows === "everything");
    });

    it.each([14, 9])("works on with %i minutes left when the question is refused", async (minutes) => {
      const world = await loggedIn({ minutes });
      const started = runOnTerminal(program, world);
      await started.shows("Code for");
      started.type("\u0003");
      expect((await started.ended).screen).toContain(world.user.arn);
      expect(world.calls("GetSessionToken")).toBe(1);
    });

    it("gets nothing when no time is left", async () => {
      const world = await loggedIn({ minutes: 0 });
      const { status, stdout } = await run(program, world);
      expect(stdout).not.toContain("user/");
      expect(status).not.toBe(0);
    });
  });
}

test("programs work on without an answer, until no time is left", { timeout: 120_000 }, async () => {
  // All at once: the question stays for most of a minute.
  const cases = programs
    .filter((program) => program.isThere)
    .flatMap((program) => [14, 9, 0].map((minutes) => ({ program, minutes })));
  const outcomes = cases.map(async ({ program, minutes }) => {
    const world = await loggedIn({ minutes });
    const started = runOnTerminal(program, world);
    await started.shows("Code for");
    const { screen } = await started.ended;
    return { program: program.name, minutes, works: screen.includes(world.user.arn) };
  });
  expect(await Promise.all(outcomes)).toEqual(
    cases.map(({ program, minutes }) => ({
      program: program.name,
      minutes,
      works: minutes > 0 && program.isPatient,
    })),
  );
});
