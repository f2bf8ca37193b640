// What fits a terminal of 40, 80 and 120 columns, as files to read: test/scripts/screens/. After a change on purpose:
// npx vitest run test/scripts/screens.test.ts --update
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { measureWidth } from "../../src/terminal/table.ts";
import { sessionFile } from "../helpers/sessions.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

const widths = [40, 80, 120];

/** Compares what a command shows with a file, and lets no line be wider than the terminal. */
async function expectScreen(world: World, args: readonly string[], columns: number, name: string): Promise<string> {
  const { screen } = await world.fobOnTerminal(args, { columns }).ended;
  for (const line of screen.split("\n")) expect(measureWidth(line), line).toBeLessThanOrEqual(columns);
  await expect(screen).toMatchFileSnapshot(join(import.meta.dirname, `screens/${name}-${columns}.txt`));
  return screen;
}

interface StoredSession {
  readonly source: string;
  readonly account: string;
  readonly minutesLeft: number;
  readonly asked?: Record<string, string>;
  readonly role?: string;
}

/** Puts a session into the store and, unless it is of a role, into the credentials file. */
function storeSession(world: World, profile: string, session: StoredSession): void {
  const { source, account, minutesLeft, asked = {}, role } = session;
  // Half a minute later than the minute, so that the screen does not depend on how long the test takes.
  const expiration = Date.now() + minutesLeft * 60_000 + (minutesLeft > 0 ? 30_000 : -30_000);
  const Expiration = `${new Date(expiration).toISOString().slice(0, 19)}Z`;
  const keyId = "ASIAIOSFODNN7EXAMPLE";
  const answer = { Version: 1, AccessKeyId: keyId, SecretAccessKey: "x", SessionToken: "x", Expiration };
  const place = { file: world.credentialsPath, profile, keyIds: [keyId] };
  const about = {
    profile,
    source: { profile: source, from: "profile", accessKeyId: "AKIAIOSFODNN7EXAMPLE" },
    serialNumber: `arn:aws:iam::${account}:mfa/alice`,
    partition: "aws",
    isEnvironmentIndependent: true,
    installedFor: "",
    asked,
    issued: expiration - 43_200_000,
    roles: role === undefined ? [] : [{ profile, arn: role, sourceProfile: "work-mfa" }],
    isChained: role !== undefined,
    writtenTo: role === undefined ? [place] : [],
  };
  const lines = [`fob1 0 ${profile}`, JSON.stringify({ ...answer, AccountId: account }), JSON.stringify(about)];
  mkdirSync(dirname(sessionFile(world)), { recursive: true, mode: 0o700 });
  writeFileSync(sessionFile(world, profile), `${lines.join("\n")}\n`, { mode: 0o600 });
  if (role !== undefined) return;
  const keys = `aws_access_key_id = ${keyId}\naws_secret_access_key = x\naws_session_token = x\n`;
  writeFileSync(world.credentialsPath, `${world.credentials()}\n[${profile}]\n${keys}expiration = ${Expiration}\n`);
}

const key = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" };
const withKeys = (...profiles: readonly string[]): string => profiles.map((name) => keysOf(name, key)).join("\n");

const longTermKeys = ["work", "play", "ops", "bob", "billing", "sandbox", "archive", "staging-eu-central-1"];
const role = "arn:aws:iam::210987654321:role/deploy";

async function makeBusyWorld(): Promise<World> {
  const world = await makeWorld({ credentials: withKeys(...longTermKeys), config: "" });
  storeSession(world, "work-mfa", { source: "work", account: "123456789012", minutesLeft: 432 });
  storeSession(world, "prod", { source: "work", account: "210987654321", minutesLeft: 44, role });
  storeSession(world, "play-mfa", { source: "play", account: "111122223333", minutesLeft: -18 });
  storeSession(world, "ops-day", {
    source: "ops",
    account: "444455556666",
    minutesLeft: 9,
    asked: { duration: "8h" },
  });
  const old = "aws_access_key_id = ASIA\naws_secret_access_key = x\naws_session_token = x\nexpiration = next week\n";
  writeFileSync(world.credentialsPath, `${world.credentials()}\n[saml]\n${old}`);
  return world;
}

test.each(widths)("fob status fits %d columns", async (columns) => {
  const screen = await expectScreen(await makeBusyWorld(), ["status"], columns, "status");
  expect(screen).toMatch(/expired +18 min ago\n {2}renew it: fob login play\n/);
  expect(screen).toContain("  renew it: fob refresh ops-day\n");
  expect(screen).toMatch(
    /\n\nno session yet:\n {2}fob login bob\n {2}fob login billing\n {2}fob login sandbox\n {2}and 2 more\n$/,
  );
  expect(screen).not.toContain("credentials");
});

test.each(widths)(
  "fob status fits %d columns with long names, in scripts that take two columns a letter too",
  async (columns) => {
    const long = "team-data-platform-production-eu-central-1";
    const world = await makeWorld({ credentials: withKeys(long, "開発"), config: "" });
    storeSession(world, `${long}-mfa`, { source: long, account: "123456789012", minutesLeft: 660 });
    storeSession(world, "開発-mfa", { source: "開発", account: "111122223333", minutesLeft: 59 });
    await expectScreen(world, ["status"], columns, "status-long-names");
  },
);

test("a command that fob status shows stays in one piece, however narrow the terminal is", async () => {
  const [expired, other] = ["team-data-platform-production", "team-data-platform-production-eu-central-1"];
  const world = await makeWorld({ credentials: withKeys(expired, other), config: "" });
  storeSession(world, `${expired}-mfa`, { source: expired, account: "123456789012", minutesLeft: -5 });
  const { screen } = await world.fobOnTerminal(["status"], { columns: 40 }).ended;
  expect(screen).toContain(`\n  renew it:\n  fob login ${expired}\n`);
  expect(screen).toContain(`\n  fob login ${other}\n`);
});

test("fob status --long adds until when a session lasts and where it is written", async () => {
  const { screen } = await (await makeBusyWorld()).fobOnTerminal(["status", "--long"]).ended;
  expect(screen).toMatch(/\nwork-mfa .*\n {2}until (tomorrow )?\d\d:\d\d\n {2}~\/\.aws\/credentials\nprod /);
  expect(screen).toContain(`  ${role}\n`);
});

test("what fob status tells to renew a session with does, and as it was opened", async () => {
  const world = await makeBusyWorld();
  const { screen } = await world.fobOnTerminal(["status"]).ended;
  const commands = [...screen.matchAll(/(?:renew it: | {2})fob ((?:login|refresh) .*)/g)].map(
    ([, command = ""]) => command,
  );
  expect(commands).toHaveLength(5);
  for (const command of commands) {
    // The keys are invented, so that is how far it gets.
    const { stderr } = await world.fob([...command.split(" "), "--no-input"]);
    expect(stderr, command).not.toMatch(/unknown|no profile/);
  }
});

test("fob status of named profiles, through a pipe and as JSON says nothing of others", async () => {
  const world = await makeBusyWorld();
  const { screen } = await world.fobOnTerminal(["status", "play"]).ended;
  expect(screen).toContain("renew it: fob login play\n");
  expect(screen).not.toContain("no session yet");
  const piped = await world.fob(["status"]);
  expect(piped.stdout.split("\n").map((line) => line.split("\t").length)).toEqual([6, 6, 6, 6, 6, 1]);
  expect(piped.stderr).toBe("");
  expect((await world.fob(["status", "--json"])).stdout).not.toContain("billing");
});

test.each(widths)("fob alone and fob --help fit %d columns, and 30 rows of 80", async (columns) => {
  const world = await makeWorld();
  const screen = await expectScreen(world, [], columns, "fob");
  expect((await world.fobOnTerminal(["--help"], { columns }).ended).screen).toBe(screen);
  // The last row is the shell's prompt.
  if (columns >= 80) expect(screen.split("\n").length).toBeLessThanOrEqual(30);
});

test.each(widths.flatMap((columns) => ["login", "exec"].map((command) => ({ command, columns }))))(
  "fob $command --help fits $columns columns",
  async ({ command, columns }) => {
    const { screen } = await (await makeWorld()).fobOnTerminal([command, "--help"], { columns }).ended;
    const [text = ""] = screen.split("\nExamples:");
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(Math.min(columns, 100));
    await expect(screen).toMatchFileSnapshot(join(import.meta.dirname, `screens/${command}-help-${columns}.txt`));
  },
);

test("no command's help is wider than 40 columns but in its examples", async () => {
  const world = await makeWorld();
  const page = readFileSync(join(import.meta.dirname, "../../man/fob.1"), "utf8").replaceAll("\\-", "-");
  const commands = [...page.matchAll(/^\.SS fob (.*)$/gm)].map(([, name = ""]) => name);
  expect(commands).toContain("policy simulate");
  for (const command of commands) {
    const { screen } = await world.fobOnTerminal([...command.split(" "), "--help"], { columns: 40 }).ended;
    const [text = ""] = screen.split("\nExamples:");
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(40);
  }
});
