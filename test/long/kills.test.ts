// Every file-system call of login, logout, status and credential-process fails once, and is the last one of a killed
// process once. After each: both AWS files are, to the byte, what they were or what they should become, the next run
// works without help, and no session that AWS has given is lost.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AccessKey, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { isComplete } from "../helpers/broad.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { knowSandbox } from "../helpers/secrets.ts";
import { endsIn, sessionFile, sessionLines } from "../helpers/sessions.ts";
import { execute, keysOf, node, program, type Result, temporaryFolder } from "../helpers/world.ts";

const preload = (name: string): string => `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`;
const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

let count = 0;

interface Example {
  /** The files in which a session is, as they would be in another user's home folder. */
  filesFor(other: { name: string; key: AccessKey; home: string }): (readonly [path: string, text: string])[];
}

/** A user with a device and a home folder of her own. */
function newHome() {
  knowSandbox(sandbox);
  const name = `user-${count++}`;
  const user = sandbox.addUser({ name, policies: [everything] });
  const device = sandbox.addVirtualDevice(name);
  const home = temporaryFolder();
  const folder = join(home, ".aws");
  mkdirSync(folder, { mode: 0o700 });
  const write = (path: string, text: string): void => writeFileSync(path, text, { encoding: "latin1", mode: 0o600 });
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, "latin1") : "");

  const files = { credentials: join(folder, "credentials"), config: join(folder, "config") };
  const store = sessionFile({ home });
  const codeFile = join(home, "code");
  mayHoldSecrets(codeFile);
  const credentials = `# mine\r\n${keysOf("work", user.accessKey)}\n[other]\nkey=value`;
  const settings = ["region = eu-central-1", `mfa_serial = ${device.serialNumber}`, `mfa_process = cat ${codeFile}`];
  write(files.credentials, credentials);
  write(files.config, `[profile work]\n${settings.join("\n")}\n`);

  const env = { PATH: process.env.PATH, HOME: home, AWS_ENDPOINT_URL: sandbox.url };
  let step = -1;
  const answer = (): string => read(store).split("\n")[1] ?? "";
  const example: Example = {
    filesFor: (other) =>
      [files.credentials, files.config, store].map((path) => {
        const renamed = (text: string): string =>
          text
            .replaceAll(home, other.home)
            .replaceAll(name, other.name)
            .replaceAll(user.accessKey.accessKeyId, other.key.accessKeyId)
            .replaceAll(user.accessKey.secretAccessKey, other.key.secretAccessKey);
        return [renamed(path), renamed(read(path))] as const;
      }),
  };
  return {
    ...example,
    home,
    log: join(home, "log"),
    fob: (args: readonly string[], more: Record<string, string> = {}) =>
      execute(node, [program, ...args], { env: { ...env, ...more }, shows: ["secret access key", "session token"] }),
    /** A code that this device has not shown before. */
    code: () => device.code(Date.now() + 30_000 * step++),
    /** The same, as what `mfa_process` prints. */
    prepareCode(): void {
      write(codeFile, this.code());
    },
    /** How many sessions AWS has given to this user. */
    given: () =>
      sandbox.requests.filter(
        ({ accessKeyId, action, status }) =>
          accessKeyId === user.accessKey.accessKeyId && action === "GetSessionToken" && status === 200,
      ).length,
    /** Puts this user where another is. */
    become(example: Example): void {
      for (const [path, text] of example.filesFor({ name, key: user.accessKey, home })) {
        if (text === "") continue;
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        write(path, text);
      }
    },
    read: (): Both => [read(files.credentials), read(files.config)],
    /** What `credential-process` has to print for the session in the store. */
    answer,
    /** The AWS files without a session; a last line has its end then. */
    without: (config: string): Both => [`${credentials}\r\n`, config],
    /** The AWS files with the session in the store, if there is one. */
    withSession(config: string): Both {
      const profile = "\n[profile work-mfa]\nregion = eu-central-1\n";
      if (answer() === "") return [credentials, config];
      const lines = ["", "", ...sessionLines(answer(), config.includes("credential_process")), ""];
      return [credentials + lines.join("\r\n"), config.includes("[profile work-mfa]") ? config : config + profile];
    },
  };
}

type Home = ReturnType<typeof newHome>;
/** The bytes of the credentials file and of the config. */
type Both = readonly [credentials: string, config: string];

interface Run {
  readonly before?: (home: Home) => Promise<unknown>;
  /** It may need a code, which is in the file that `mfa_process` prints. */
  readonly args: readonly string[];
  /** The AWS files as they should become. */
  readonly becomes: (home: Home, config: string) => Both;
}

const withSession = (home: Home, config: string): Both => home.withSession(config);
const login = (home: Home) => home.fob(["login", "work", "--code", home.code()]);
const serve = ["credential-process", "work-mfa"];
/** Every call is killed and fails in one of these ways; every one that writes finds a full disk as well. */
const others = ["EROFS", "EIO", "EACCES"];
const every = ".";
const writing = "^(chmod|fsync|ftruncate|link|mkdir|open|rename|utimes|write|writeFile)Sync$";

const runs: Record<string, Run> = {
  "a first login": { args: ["login", "work"], becomes: withSession },
  "a login that renews": { before: login, args: ["login", "work", "--force"], becomes: withSession },
  "a logout": { before: login, args: ["logout", "work"], becomes: (home, config) => home.without(config) },
  "a status": { before: login, args: ["status"], becomes: withSession },
  "a credential-process without a session": { args: serve, becomes: withSession },
  "a credential-process that renews": {
    async before(home) {
      await login(home);
      await home.fob(["credential-process", "--install", "work"]);
      endsIn(home, 840);
    },
    args: serve,
    becomes: withSession,
  },
};

const figures = { cases: 0, lost: 0 };

/** The next `fob login` works. */
async function loginAgain(home: Home, where: string): Promise<void> {
  const again = await home.fob(["login", "work"]);
  expect(again.status, where + again.stderr).toBe(0);
}

/** The next `credential-process` works. */
async function serveAgain(home: Home, where: string): Promise<void> {
  // A failure counts for ten seconds.
  const CLOCK = join(home.home, "clock");
  writeFileSync(CLOCK, "11");
  const again = await home.fob(serve, { CLOCK, NODE_OPTIONS: preload("clock") });
  expect(again.status, where + again.stderr).toBe(0);
  expect(again.stdout, where).toBe(`${home.answer()}\n`);
}

/** What a program was told: nothing, or a whole session, which is the new one wherever AWS has given one. */
function assertAnswer(result: Result, old: string, home: Home, isGiven: boolean, where: string): void {
  const whole = `${isGiven ? home.answer() : old}\n`;
  if (result.signal === "SIGKILL") {
    expect(["", whole], where).toContain(result.stdout);
    return;
  }
  if (isGiven) expect(result.status, where).toBe(0);
  expect(result.stdout, where).toBe(result.status === 0 ? whole : "");
  if (result.status !== 0) expect(result.stderr, where).toMatch(/^fob: error: .*\nfob: hint: /m);
}

for (const [name, { before, args, becomes }] of Object.entries(runs)) {
  test(`${name}, killed or failing at every file-system call`, async () => {
    // Made once, and copied for each case.
    const example = newHome();
    await before?.(example);
    const start = (): Home => {
      const home = newHome();
      home.become(example);
      home.prepareCode();
      return home;
    };
    const fobWith = (home: Home, fault: Record<string, string>) => {
      const env = { NODE_OPTIONS: preload("faults"), FAULT_HOME: home.home, FAULT_LOG: home.log };
      return home.fob(args, { ...env, ...fault });
    };
    const casesOf = async (FAULT_CALLS: string, faultAt: (at: number) => string) => {
      const home = start();
      const old = home.read();
      await fobWith(home, { FAULT_CALLS });
      expect(home.read()).toEqual(becomes(home, old[1]));
      const calls = Number(/calls (\d+)/.exec(readFileSync(home.log, "utf8"))?.[1]);
      return Array.from({ length: calls }, (_, at) => ({ FAULT: faultAt(at), FAULT_AT: String(at + 1), FAULT_CALLS }));
    };

    const isServing = args === serve;
    const once = async (fault: Record<string, string>): Promise<void> => {
      const home = start();
      const [old, oldAnswer] = [home.read(), home.answer()];
      const result = await fobWith(home, fault);
      const at = existsSync(home.log) ? readFileSync(home.log, "utf8").trim() : "no call";
      const where = `${name}, ${fault.FAULT} at ${at}: ${result.stderr}`;
      figures.cases += 1;

      expect(result.stderr, where).not.toContain("internal error");
      const become = becomes(home, old[1]);
      home.read().forEach((text, index) => {
        expect([old[index], become[index]], where).toContain(text);
      });

      const given = home.given();
      const isGiven = given > 0;
      if (isServing) assertAnswer(result, oldAnswer, home, isGiven, where);
      home.prepareCode();
      await (isServing ? serveAgain : loginAgain)(home, where);
      const isKept = home.given() === given && home.answer() !== oldAnswer;
      // A process that is killed in front of its very first call after AWS's answer has had no chance to keep it.
      if (isGiven && !isKept) {
        figures.lost += 1;
        expect(`${fault.FAULT} ${at}`, where).toMatch(/^kill \d+ writeSync$/);
      }
      expect(home.read(), where).toEqual(home.withSession(old[1]));
    };
    const cases = [
      ...(await casesOf(every, () => "kill")),
      ...(await casesOf(writing, () => "ENOSPC")),
      ...(isServing ? [] : await casesOf(every, (at) => others[at % others.length] ?? "")),
    ];
    expect(cases.length).toBeGreaterThan(20);
    const next = (isComplete ? cases : cases.filter((_, index) => index % 8 === 0)).values();
    const worker = async (): Promise<void> => {
      for (const fault of next) await once(fault);
    };
    await Promise.all([worker(), worker(), worker()]);
  }, 600_000);
}

afterAll(() => {
  process.stdout.write(`kills and faults: ${figures.cases} cases, ${figures.lost} sessions lost\n`);
  if (process.env.FIGURES) appendFileSync(process.env.FIGURES, `${JSON.stringify(figures)}\n`);
});
