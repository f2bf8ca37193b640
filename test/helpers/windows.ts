// Where `npm run test:windows` runs fob: on Node.js for Windows, inside Wine, by test/windows/runner.cjs. Wine shows the
// files of this system as drive Z:.
import { connect } from "node:net";
import { type RunnerTestCase, TestRunner } from "vitest";

const [port, key] = process.env.FOB_TEST_WINDOWS?.split(" ") ?? [];

export const isWindows = port !== undefined;

/** How fob finds a file of this system. */
export const pathForFob = (path: string): string => (isWindows ? `Z:${path.replaceAll("/", "\\")}` : path);

/** Leaves out the test that is running, because it needs what Windows does not have. */
export function skipOnWindows(what: string): void {
  if (isWindows)
    TestRunner.getCurrentTest<RunnerTestCase | undefined>()?.context.skip(`${what} is not there on Windows`);
}

interface Job {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  /** What is printed, as it comes. */
  readonly onOutput: (name: "stdout" | "stderr", bytes: Buffer) => void;
}

/** Runs a program to its end. @returns its exit code */
export function runOnWindows({ onOutput, ...job }: Job): Promise<number> {
  const input = Buffer.from(job.input ?? "").toString("base64");
  const cwd = pathForFob(job.cwd ?? "/");
  return new Promise((done, fail) => {
    const connection = connect(Number(port), "127.0.0.1").setEncoding("utf8");
    let [rest, end] = ["", new Error("the runner inside Wine has gone") as Error | number];
    connection.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [what, value] = JSON.parse(line) as ["stdout" | "stderr" | "error", string] | ["end", number];
        if (what === "end") end = value;
        else if (what === "error") fail(new Error(value));
        else onOutput(what, Buffer.from(value, "base64"));
      }
    });
    connection.on("error", fail);
    connection.on("close", () => (typeof end === "number" ? done(end) : fail(end)));
    connection.write(`${JSON.stringify({ ...job, key, cwd, input, env: environmentOf(job.env) })}\n`);
  });
}

/** An environment of a test, as Windows has it and spells it. Of PATH only what is Windows's. */
function environmentOf({
  FAULT_HOME,
  HOME = "/",
  PATH = "",
  TMPDIR,
  NODE_OPTIONS = "",
  FOB_TEST_RECORD = "",
  ...env
}: NodeJS.ProcessEnv) {
  return {
    ...{ SystemRoot: "C:\\windows", ComSpec: "C:\\windows\\system32\\cmd.exe", PATHEXT: ".COM;.EXE;.BAT;.CMD" },
    ...{ USERPROFILE: pathForFob(HOME), TEMP: TMPDIR === undefined ? "C:\\windows\\temp" : pathForFob(TMPDIR) },
    ...env,
    ...(FAULT_HOME !== undefined && { FAULT_HOME: pathForFob(FAULT_HOME) }),
    Path: PATH.startsWith("/") ? "C:\\windows\\system32" : PATH,
    NODE_OPTIONS: NODE_OPTIONS.replaceAll('"/', '"Z:/'),
    FOB_TEST_RECORD: pathForFob(FOB_TEST_RECORD),
  };
}
