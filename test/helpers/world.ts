// A small world for tests of the built program: a home folder, a local AWS, and one user with a device of her own.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { ReadStream } from "node:tty";
import { type IPty, spawn as spawnOnTerminal } from "@lydell/node-pty";
import { onTestFinished } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/server.ts";
import { searchHints } from "./hints.ts";
import { commandName, mayHoldSecrets, searchFolder, searchOutput, watched } from "./leaks.ts";
import { type Kind, knowCodes, knowSandbox } from "./secrets.ts";
import { isWindows, pathForFob, runOnWindows, skipOnWindows } from "./windows.ts";

export const program = pathForFob(resolve(import.meta.dirname, "../../bin/fob"));

/** What runs it: the Node.js of the tests, or the one that `npm run test:matrix` or `npm run test:windows` is at. */
export const node = process.env.FOB_TEST_NODE ?? process.execPath;

function preload(name: string): string {
  return `--require ${JSON.stringify(resolve(import.meta.dirname, `${name}.cjs`))}`;
}

/** NODE_OPTIONS for a program whose waits take a twentieth of their time. */
export const fast = preload("fast-timers");

/** The same for one whose clock is ahead by as many seconds as the file CLOCK says. */
export const withClock = preload("clock");

export interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Record<string, string | undefined>;
  /** What comes on stdin; without it stdin is at its end. */
  readonly input?: string;
  readonly cwd?: string;
  /** How wide the terminal is. */
  readonly columns?: number;
  /** Secrets that are shown, because that is what the command is for: on stdout, or on the terminal. */
  readonly shows?: readonly Kind[];
}

export interface World {
  readonly sandbox: Sandbox;
  readonly user: ReturnType<Sandbox["addUser"]>;
  readonly device: ReturnType<Sandbox["addVirtualDevice"]>;
  readonly home: string;
  readonly credentialsPath: string;
  readonly configPath: string;
  /** Nothing of this machine's own environment but PATH. */
  readonly env: Record<string, string>;
  credentials(): string;
  config(): string;
  /** Runs fob without a terminal. */
  fob(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Runs fob on a terminal. */
  fobOnTerminal(args: readonly string[], options?: RunOptions): OnTerminal;
  /** Runs a shell command on a terminal; `fob` in it is the built program. */
  shellOnTerminal(command: string, options?: RunOptions): OnTerminal;
  /** A command that prints this; it is in a file, so that no argument list holds a code. */
  commandThatPrints(text: string): string;
  /** Calls of an action that the local AWS has had. */
  calls(action: string): number;
}

interface WorldOptions extends Pick<SandboxOptions, "fill" | "partition"> {
  readonly config?: string;
  readonly credentials?: string;
  readonly policies?: readonly object[];
}

/**
 * Makes a world that is taken down when the test ends. The profile `work` holds the user's access key and her device;
 * she may do everything.
 */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const { fill, partition } = options;
  const sandbox = await startSandbox({ ...(fill && { fill }), ...(partition && { partition }) });
  onTestFinished(() => sandbox.close());
  knowSandbox(sandbox);
  const home = temporaryFolder();
  const name = `user-${Math.random().toString(36).slice(2, 10)}`;
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const user = sandbox.addUser({ name, policies: options.policies ?? [everything] });
  const { serialNumber, base32Secret, code } = sandbox.addVirtualDevice(name, name);
  const device = { serialNumber, base32Secret, code: (atMs?: number) => knowCodes(code(atMs)) };

  const folder = join(home, ".aws");
  mkdirSync(folder, { mode: 0o700 });
  const credentialsPath = join(folder, "credentials");
  const configPath = join(folder, "config");
  const key = keysOf("work", user.accessKey);
  writeFileSync(credentialsPath, options.credentials ?? key, { mode: 0o600 });
  age(credentialsPath);
  const config = `[profile work]\nregion = eu-central-1\nmfa_serial = ${device.serialNumber}\n`;
  writeFileSync(configPath, options.config ?? config, { mode: 0o600 });
  age(configPath);

  const env = {
    // bin/fob takes the `node` from there.
    PATH: [nodeFolder, process.env.PATH].join(delimiter),
    HOME: home,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    AWS_ENDPOINT_URL: sandbox.url,
  };
  let printed = 0;
  const merged = (run?: RunOptions) => ({ ...env, ...run?.env });
  return {
    sandbox,
    user,
    device,
    home,
    credentialsPath,
    configPath,
    env,
    credentials: () => read(credentialsPath),
    config: () => read(configPath),
    fob: (args, run) => execute(...started(args), { ...showing(args), ...run, env: merged(run) }),
    fobOnTerminal: (args, run) => onTerminal(...started(args), { ...showing(args), ...run, env: merged(run) }),
    shellOnTerminal(command, run) {
      const fob = `fob() { ${quoted(node)} ${quoted(program)} "$@"; }`;
      return onTerminal("bash", ["--norc", "-c", `${fob}; ${command}`], { ...run, env: merged(run) });
    },
    commandThatPrints(text) {
      const file = join(home, `printed-${printed++}`);
      writeFileSync(file, text, { mode: 0o600 });
      mayHoldSecrets(file);
      return isWindows ? `type ${pathForFob(file)}` : `cat ${file}`;
    },
    calls: (action) => sandbox.requests.filter((request) => request.action === action).length,
  };
}

/** `fob exec` as it is installed: only then fob becomes the command. The rest without a shell, whatever the PATH is. */
function started(args: readonly string[]): [file: string, args: readonly string[]] {
  const [, command = ""] = args.slice(args.indexOf("--"));
  if (args.includes("--") && /^(bash|cat|echo|env|ls|sh|true)$/.test(command)) skipOnWindows(command);
  return args[0] === "exec" && !isWindows ? [program, args] : [node, [program, ...args]];
}

/** A folder with that Node.js alone: what is beside it in its own folder is not for the tests. */
const nodeFolder = mkdtempSync(join(tmpdir(), "fob-test-node-"));
if (!isWindows) symlinkSync(node, join(nodeFolder, "node"));

/** What a command is there to show. */
const showing = ([command = ""]: readonly string[]): Pick<RunOptions, "shows"> =>
  /^(credential.process|env)$/.test(command) ? { shows: ["secret access key", "session token"] } : {};

/** A credentials-file section with a long-term access key. */
export function keysOf(profile: string, key: { accessKeyId: string; secretAccessKey: string }): string {
  return `[${profile}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`;
}

/** Makes a file a minute old: what is young and empty, or ends at a page, is read again for up to 2 s. */
function age(path: string): void {
  const then = Date.now() / 1000 - 60;
  utimesSync(path, then, then);
}

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fob-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  searchFolder(folder);
  return folder;
}

const nameOf = (args: readonly string[]): string => commandName(args.map((arg) => (arg === program ? "fob" : arg)));
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Of fob itself: what a shell, or a program that runs fob, was typed for is not known here. */
function noteHints([file, ...args]: readonly string[], env: RunOptions["env"], text: () => string): void {
  if (file === program) searchHints({ args, env, text });
  else if (args[0] === program) searchHints({ args: args.slice(1), env, text });
}

/** Runs a program to its end, with an environment of its own. */
export function execute(file: string, args: readonly string[], options: RunOptions): Promise<Result> {
  if (isWindows) return executeOnWindows(file, args, options);
  return new Promise((done, fail) => {
    // A session of its own, so that it has no terminal even when the tests run on one.
    const child = spawn(file, args, {
      env: watched(args, options.env, options.input),
      cwd: options.cwd,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    const name = nameOf(args);
    searchOutput({ where: `the stdout of ${name}`, text: () => stdout, shows: options.shows });
    searchOutput({ where: `the stderr of ${name}`, text: () => stderr });
    noteHints([file, ...args], options.env, () => stderr);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", fail);
    child.on("close", (status, signal) => done({ status, signal, stdout, stderr }));
    // The program may have ended without reading.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

async function executeOnWindows(file: string, args: readonly string[], options: RunOptions): Promise<Result> {
  if (file !== node && !file.endsWith(".exe")) skipOnWindows(file);
  const printed = { stdout: "", stderr: "" };
  const decoders = { stdout: new StringDecoder(), stderr: new StringDecoder() };
  const name = nameOf(args);
  searchOutput({ where: `the stdout of ${name}`, text: () => printed.stdout, shows: options.shows });
  searchOutput({ where: `the stderr of ${name}`, text: () => printed.stderr });
  noteHints([file, ...args], options.env, () => printed.stderr);
  const status = await runOnWindows({
    file,
    args,
    env: watched(args, options.env, options.input),
    cwd: options.cwd,
    input: options.input,
    onOutput(stream, bytes) {
      printed[stream] += decoders[stream].write(bytes);
    },
  });
  return { status, signal: null, ...printed };
}

export interface OnTerminal {
  readonly pid: number;
  /** Everything that has appeared so far, without escape sequences. */
  screen(): string;
  /** The same with escape sequences. */
  raw(): string;
  /** Resolves when the screen shows it (since the last `shows`, so that a second prompt can be waited for). */
  shows(what: string | RegExp): Promise<void>;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  kill(signal: NodeJS.Signals): void;
  /** Closes the terminal, as when its window is closed. */
  close(): void;
  readonly ended: Promise<{ status: number; screen: string }>;
}

/**
 * Reads what is left before a terminal is closed. On a busy machine something is: libuv takes a closed other side together
 * with a short read for the end, and node-pty closes the terminal 200 ms after the program's end, read or not.
 */
function readToTheEnd(terminal: IPty): void {
  const { _socket: socket, fd } = terminal as unknown as { readonly _socket: ReadStream; readonly fd: number };
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    if (!socket.destroyed) {
      const buffer = Buffer.alloc(65_536);
      for (let read = readNow(fd, buffer); read > 0; read = readNow(fd, buffer)) {
        socket.emit("data", buffer.toString("utf8", 0, read));
      }
    }
    return destroy(error);
  };
}

/** @returns 0 if nothing can be read: the terminal is at its end, or waits for a program that still has it */
function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch {
    return 0;
  }
}

/** Runs a program on a terminal of its own. */
export function onTerminal(file: string, args: readonly string[], options: RunOptions): OnTerminal {
  skipOnWindows("a terminal");
  const terminal = spawnOnTerminal(file, [...args], {
    env: watched(args, options.env),
    cwd: options.cwd ?? tmpdir(),
    cols: options.columns ?? 200,
    rows: 50,
  });
  readToTheEnd(terminal);
  let text = "";
  searchOutput({
    where: `the screen of ${nameOf(args)}`,
    text: () => withoutAnswers(plain(text)),
    shows: options.shows,
  });
  noteHints([file, ...args], options.env, () => plain(text));
  let seen = 0;
  let isOver = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  terminal.onData((data) => {
    text += data;
    wake();
  });
  const ended = new Promise<{ status: number; screen: string }>((resolveEnd) => {
    terminal.onExit(({ exitCode }) => {
      isOver = true;
      wake();
      resolveEnd({ status: exitCode, screen: plain(text) });
    });
  });
  onTestFinished(() => {
    if (!isOver) terminal.kill("SIGKILL");
  });
  return {
    pid: terminal.pid,
    screen: () => plain(text),
    raw: () => text,
    shows(what) {
      return new Promise((resolveShown, fail) => {
        const check = (): void => {
          const fresh = plain(text).slice(seen);
          const match = typeof what === "string" ? fresh.indexOf(what) : fresh.search(what);
          if (match >= 0) {
            seen += match + (typeof what === "string" ? what.length : 1);
            waiting.delete(check);
            resolveShown();
          } else if (isOver) {
            waiting.delete(check);
            fail(new Error(`ended without showing ${String(what)}:\n${plain(text)}`));
          }
        };
        waiting.add(check);
        check();
      });
    },
    type(typed) {
      knowCodes(typed);
      terminal.write(typed);
    },
    resize: (columns, rows) => terminal.resize(columns, rows),
    kill: (signal) => terminal.kill(signal),
    // It has more than its types tell; the system sends SIGHUP then.
    close: () => (terminal as typeof terminal & { destroy(): void }).destroy(),
    ended,
  };
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this removes
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]|\u001b[()][A-Z0-9]|\u001b[=>78]|\r/g, "");
}

/** The screen without what is typed at the question: docs/decisions/the-code-is-shown.md */
function withoutAnswers(screen: string): string {
  return screen.replace(/(Code for [^\n]*?\):)[ \d]*/g, "$1");
}
