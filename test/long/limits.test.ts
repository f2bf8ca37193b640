// Every call to AWS has a limit, and ends when the user cancels, whatever AWS does meanwhile.
import { appendFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fast, makeWorld, type World } from "../helpers/world.ts";
import { type Front, type Reply, refusal, startFront } from "../network/servers.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

interface Case {
  readonly world: World;
  readonly front: Front;
  /** A command that makes the call. */
  readonly args: readonly string[];
}

/** A world whose AWS meets one action like this, once everything is ready for it. */
async function meet(action: string, reply: Reply): Promise<Case> {
  let isReady = false;
  const world = await makeWorld();
  const front = await startFront({
    to: world.sandbox.url,
    reply: (exchange) => (isReady && exchange.action === action ? reply : "forward"),
  });
  world.env.AWS_ENDPOINT_URL = front.url;
  const args = await prepare[action]?.(world);
  if (args === undefined) throw new Error(`no command makes the call ${action}`);
  isReady = true;
  return { world, front, args };
}

/** Logs in, and makes a role profile. */
async function logIn(world: World): Promise<void> {
  expect(await world.fob(login(world))).toMatchObject({ status: 0 });
  const Principal = { AWS: `arn:aws:iam::${world.sandbox.account}:root` };
  const trust = { Statement: { Effect: "Allow", Principal, Action: "sts:AssumeRole" } };
  const { arn } = world.sandbox.addRole({ name: "prod", trust, policies: [everything] });
  appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${arn}\nsource_profile = work\n`);
}

const login = (world: World): string[] => ["login", "work", "--code", world.device.code()];

/** For each call that fob makes, what it takes to make it, and the command. */
const prepare: Record<string, (world: World) => readonly string[] | Promise<readonly string[]>> = {
  ListMFADevices(world) {
    writeFileSync(world.configPath, "[profile work]\nregion = eu-central-1\n");
    return login(world);
  },
  GetCallerIdentity: login,
  GetSessionToken: login,
  async AssumeRole(world) {
    await logIn(world);
    return ["credential-process", "prod", "--reveal"];
  },
  async SimulateCustomPolicy(world) {
    await logIn(world);
    return ["policy", "simulate", "--account", "--profile", "work", "--action", "s3:ListAllMyBuckets"];
  },
  async getSigninToken(world) {
    await logIn(world);
    return ["console", "prod", "--print"];
  },
};

const actions = Object.keys(prepare);

/** What comes of each call, all at once: most of it is waiting. */
async function ofEach<T>(outcome: (action: string) => Promise<T>): Promise<Record<string, T>> {
  return Object.fromEntries(await Promise.all(actions.map(async (action) => [action, await outcome(action)] as const)));
}

/** Runs the command to its end, in a twentieth of the time that it would take. @returns the error, hosts as HOST */
async function fails({ world, args }: Case): Promise<string> {
  const { status, stdout, stderr } = await world.fob(args, { env: { NODE_OPTIONS: fast } });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  return (/^fob: error: (.*)$/m.exec(stderr)?.[1] ?? stderr).replace(/"127[.\d:]+"/g, "HOST");
}

const timesOf = ({ front }: Case, action: string): number =>
  front.exchanges.filter((exchange) => exchange.action === action).length;

/** The words for each call: a code that went with it may be spent, and why devices were asked for is said. */
const inEach = (text: string): Record<string, string> =>
  Object.fromEntries(
    actions.map((action) => {
      const before = action === "ListMFADevices" ? "cannot list your MFA devices: " : "";
      return [action, `${before}${text}${spent(action)}`];
    }),
  );

const spent = (action: string): string => (action === "GetSessionToken" ? "; the code may have been used" : "");

test("a call without an answer: that is said after 20 s, and nothing is sent again", async () => {
  const outcomes = await ofEach(async (action) => {
    const made = await meet(action, "silence");
    const before = timesOf(made, action);
    return [await fails(made), timesOf(made, action) - before];
  });
  const expected = Object.entries(inEach("no answer from HOST within 20 s")).map(([action, text]) => [
    action,
    [text, 1],
  ]);
  expect(outcomes).toEqual(Object.fromEntries(expected));
});

test("an answer that stalls: the whole call takes 30 s at most", async () => {
  const outcomes = await ofEach(async (action) => await fails(await meet(action, "a stall")));
  expect(outcomes).toEqual(inEach("no answer from HOST within 30 s"));
});

test("an answer without an end: 1 MB of it is read", async () => {
  const outcomes = await ofEach(async (action) => await fails(await meet(action, "an endless answer")));
  expect(outcomes).toEqual(inEach("the answer from HOST is too long to be from AWS (more than 1 MB)"));
});

const cancellations = [
  ["SIGINT", "a stall"],
  ["SIGINT", "silence"],
  ["SIGTERM", "silence"],
  ["SIGTERM", "a stall"],
] as const;

test.each(cancellations)("%s is heard during every call (%s)", async (signal, reply) => {
  const outcomes = await ofEach(async (action) => {
    const made = await meet(action, reply);
    const before = timesOf(made, action);
    const run = made.world.fobOnTerminal(made.args);
    await expect.poll(() => timesOf(made, action), { timeout: 15_000 }).toBeGreaterThan(before);
    run.kill(signal);
    const { status, screen } = await run.ended;
    return `${screen.trimEnd().split("\n").at(-1)} (${status})`;
  });
  const expected = actions.map((action) => [action, `fob: cancelled${spent(action)} (130)`]);
  expect(outcomes).toEqual(Object.fromEntries(expected));
});

test("a refusal by AWS takes one attempt, an internal error three", async () => {
  for (const [reply, attempts] of [
    [refusal(403, "AccessDenied", "no"), 1],
    [{ status: 500 }, 3],
  ] as const) {
    const made = await meet("AssumeRole", reply);
    await fails(made);
    expect(made.front.exchanges.filter(({ action }) => action === "AssumeRole")).toHaveLength(attempts);
  }
});

test.each([
  ["ListMFADevices", "<MFADevices/>"],
  ["SimulateCustomPolicy", "<EvaluationResults/>"],
])("%s: a listing without an end is read up to 100 pages", async (action, items) => {
  const page = `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result>${items}<IsTruncated>true</IsTruncated><Marker>more</Marker></${action}Result></${action}Response>`;
  const made = await meet(action, { status: 200, body: page, headers: { "content-type": "text/xml" } });
  expect(await fails(made)).toContain("AWS's answer has more than 100 pages, so fob stopped reading");
  expect(made.front.exchanges.filter((exchange) => exchange.action === action)).toHaveLength(100);
});

describe("credentials that have already expired are no answer", () => {
  const answer = (action: string): Reply => {
    const credentials =
      "<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>";
    const body = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>${credentials}<Expiration>2020-01-01T00:00:00Z</Expiration></Credentials></${action}Result></${action}Response>`;
    return { status: 200, body, headers: { "content-type": "text/xml" } };
  };

  test.each(["GetSessionToken", "AssumeRole"])("%s", async (action) => {
    const made = await meet(action, answer(action));
    const before = made.world.credentials();
    expect(await fails(made)).toBe(`STS answered with credentials that have already expired${spent(action)}`);
    expect(made.world.credentials()).toBe(before);
  });
});
