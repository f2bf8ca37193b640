// `fob setup` where something is wrong, or where it is interrupted: what was done is said, and the next run goes on.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { type Answers, answer, enforced, readCodes, shown } from "../helpers/enroll.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { fast, makeWorld, type OnTerminal, type RunOptions, withClock } from "../helpers/world.ts";

/** A home with nothing in it, and dan, who has an access key and no device. */
async function makeDan(policies: readonly object[] = enforced) {
  let account: Account | undefined;
  const world = await makeWorld({
    fill: (filled) => {
      account = filled;
    },
  });
  rmSync(join(world.home, ".aws"), { recursive: true });
  const { accessKey } = world.sandbox.addUser({ name: "dan", policies });
  const keychain = join(world.home, "keychain");
  Object.assign(world.env, { FOB_KEYCHAIN: keychain, SHELL: "/bin/bash" });
  mayHoldSecrets(keychain);
  return {
    ...{ ...world, ...accessKey, keychain },
    disableKey() {
      const user = account?.findUser("dan");
      const [key] = user && account ? account.accessKeysOf(user) : [];
      if (!key) throw new Error("dan has no access key");
      Object.assign(key, { active: false });
    },
    setup: (options: RunOptions = {}) =>
      world.fobOnTerminal(["setup", "work"], { ...shown, ...options, env: { ...shown.env, ...options.env } }),
  };
}

type Dan = Awaited<ReturnType<typeof makeDan>>;

const key = ({ accessKeyId, secretAccessKey }: Dan): Answers => [
  ["Access key ID for work", accessKeyId],
  ["Secret access key (not shown):", secretAccessKey],
];

/** All questions of a first run but that of the device. */
const choices = (dan: Dan, enrolls: "y" | "n"): Answers => [
  ["Region, like eu-central-1", "eu-central-1"],
  ...key(dan),
  ["Where should the secret access key be kept?", ""],
  ["Enroll an authenticator app?", enrolls],
  ["Name of the session profile", ""],
  ["How should programs get the session?", ""],
  ["Set up bash", "y"],
  ["Do it?", "y"],
];

const stop = async (run: OnTerminal): Promise<string> => {
  run.type("\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  return screen;
};

test("a wrong secret and a key that was pasted wrong are asked for again; a disabled key is named", async () => {
  const dan = await makeDan();
  const run = dan.setup();
  await answer(run, [
    ["Region, like eu-central-1", ""],
    ["Access key ID for work", dan.accessKeyId],
    ["Secret access key (not shown):", `${dan.secretAccessKey.slice(1)}x`],
  ]);
  await run.shows("the secret access key does not match the access key");
  await answer(run, [
    ["Access key ID for work", dan.accessKeyId],
    ["Secret access key (not shown):", dan.secretAccessKey.slice(5)],
  ]);
  await run.shows('the secret access key of "work" is cut off');
  await answer(run, key(dan));
  await run.shows('the access key is of the user "dan"');
  await stop(run);
  dan.disableKey();
  const disabled = dan.setup();
  await answer(disabled, [["Region, like eu-central-1", ""], ...key(dan)]);
  await disabled.shows("it was deleted or disabled");
  await stop(disabled);
  expect(readdirSync(dan.home)).toEqual([]);
});

test("a clock that is off is said, and nothing is changed", async () => {
  const dan = await makeDan();
  const clock = join(dan.home, "clock");
  writeFileSync(clock, "3600");
  const run = dan.setup({ env: { NODE_OPTIONS: withClock, CLOCK: clock } });
  await answer(run, [["Region, like eu-central-1", ""], ...key(dan)]);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 1, screen: expect.stringMatching(/clock/) as string });
  expect(readdirSync(dan.home)).toEqual(["clock"]);
});

test("without a keychain the key goes to the credentials file, which the summary says", async () => {
  const dan = await makeDan();
  const env = { FOB_KEYCHAIN: undefined, DBUS_SESSION_BUS_ADDRESS: "unix:path=/nothing", XDG_RUNTIME_DIR: undefined };
  const run = dan.setup({ env });
  await answer(run, [["Region, like eu-central-1", ""], ...key(dan)]);
  await run.shows("the access key cannot be kept in the keychain");
  await answer(run, choices(dan, "n").slice(4, -1));
  await run.shows("in the credentials file, in plaintext");
  await answer(run, [["Do it?", "y"]]);
  expect((await run.ended).status).toBe(0);
  expect(dan.credentials()).toContain(`[work]\naws_access_key_id = ${dan.accessKeyId}\n`);
  expect(statSync(dan.credentialsPath).mode & 0o777).toBe(0o600);
});

test("no permission to enroll: the policy to ask for, what is kept, and how to go on; the next run does just the rest", async () => {
  const dan = await makeDan([
    { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iam:ListMFADevices", Resource: "*" }] },
  ]);
  const run = dan.setup();
  await answer(run, choices(dan, "y"));
  const { status, screen } = await run.ended;
  expect(status).toBe(1);
  expect(screen).toContain("fob policy show --self-manage");
  expect(screen).toContain("done and kept: save the access key AKIA");
  expect(screen).toContain("to go on: fob setup work\n");
  const again = dan.setup();
  await answer(again, choices(dan, "n").slice(4, -1));
  await again.shows("this will be done:");
  expect(again.screen()).not.toContain("save the access key");
  await stop(again);
});

test("a user whose eight devices are passkeys is told that there is no room, and the rest is set up", async () => {
  const dan = await makeDan();
  for (let number = 1; number <= 8; number++) dan.sandbox.addFidoDevice("dan");
  const run = dan.setup();
  await answer(
    run,
    choices(dan, "n").filter(([question]) => question !== "Enroll an authenticator app?"),
  );
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 0, screen: expect.stringContaining("AWS allows 8") as string });
  expect(screen).toContain("STS does not support");
  expect(dan.config()).toContain(dan.accessKeyId);
});

test("codes in the wrong order on a small terminal, then Ctrl-C; the next run enrolls another device", async () => {
  const dan = await makeDan();
  const run = dan.setup();
  await answer(run, choices(dan, "y").slice(0, -1));
  await run.shows("Do it?");
  run.resize(40, 50);
  run.type("y\r");
  await run.shows(/too\s+small/);
  await run.shows("Code for");
  const codes = readThreeCodes(run);
  run.type(`${codes[1]}\r`);
  await answer(run, [["(the next one):", codes[0] ?? ""]]);
  await run.shows(/wrong\s+order/);
  const screen = await stop(run);
  expect(screen.replace(/\s+/g, " ")).toMatch(
    /was created, but not enabled.*done and kept: save the access key.*to go on: fob setup work/,
  );
  const again = dan.setup();
  await answer(again, [
    ["Enroll an authenticator app?", "y"],
    ["Name of the session profile", ""],
    ["How should programs get the session?", ""],
    ["Set up bash", "n"],
    ["Do it?", "y"],
  ]);
  await again.shows("Code for");
  const [first = "", second = "", third = ""] = readThreeCodes(again);
  again.type(`${first}\r`);
  await answer(again, [
    ["(the next one):", second],
    ["Log in with it now?", "y"],
    ["(work):", third],
  ]);
  expect(await again.ended).toMatchObject({
    status: 0,
    screen: expect.stringContaining("AWS knows you as dan") as string,
  });
  expect(dan.config()).toMatch(/mfa\/dan-2$/m);
});

/** Three codes that follow one another. */
const readThreeCodes = (run: OnTerminal): string[] => [-1, 0, 1].map(readCodes(run));

/** Which questions are left depends on what is done. */
async function answerWhatIsAsked(run: OnTerminal, answers: Answers): Promise<void> {
  let left = answers.map(([question, text]) => ({ question: String(question), text }));
  const literal = (text: string): string => text.replace(/[()?.]/g, "\\$&");
  while (left.length > 0) {
    const isAsked = run.shows(new RegExp(left.map(({ question }) => literal(question)).join("|"))).then(() => true);
    if (!(await isAsked.catch(() => false))) return;
    const screen = run.screen();
    const next = left.toSorted((a, b) => screen.lastIndexOf(b.question) - screen.lastIndexOf(a.question))[0];
    run.type(`${next?.text ?? ""}\r`);
    left = left.filter((each) => each !== next);
  }
}

const faults = resolve(import.meta.dirname, "../helpers/faults.cjs");

test("killed at a write, it leaves nothing half-written, and the next run goes on to the same end", async () => {
  let survived = 0;
  for (let at = 1; survived === 0; at += 9) {
    const dan = await makeDan();
    const NODE_OPTIONS = `${fast} --require ${JSON.stringify(faults)}`;
    const env = { NODE_OPTIONS, FAULT: "kill", FAULT_AT: String(at), FAULT_WRITES: "1", FAULT_HOME: dan.home };
    const killed = dan.setup({ env });
    await answer(killed, choices(dan, "n")).catch(() => undefined);
    const { screen } = await killed.ended;
    if (screen.includes("every morning")) survived = at;
    const again = dan.setup();
    await answerWhatIsAsked(again, choices(dan, "n"));
    expect((await again.ended).status).toBe(0);
    expect(dan.config().trimEnd()).toBe(
      `[profile work]\nfob_access_key_id = ${dan.accessKeyId}\nregion = eu-central-1`,
    );
    expect(JSON.parse(readFileSync(dan.keychain, "utf8"))).toEqual({ [dan.accessKeyId]: dan.secretAccessKey });
    expect(readFileSync(join(dan.home, ".bashrc"), "utf8")).toBe(". ~/.fob.bash\n");
    expect(existsSync(join(dan.home, ".fob.bash"))).toBe(true);
  }
  expect(survived).toBeGreaterThan(20);
});
