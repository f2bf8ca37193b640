// The program's entry.
import { version } from "../package.json";
import { stdout } from "./cli/output.ts";
import { findQuickAnswer } from "./cli/quick.ts";
import { useCodeCaches } from "./code-cache.ts";

const argv = process.argv.slice(2);
const answer = findQuickAnswer(argv, version);
if (answer === undefined) void runCommand();
else void printAnswer(answer);

async function printAnswer(text: string): Promise<void> {
  try {
    stdout.write(`${text}\n`);
    end(0);
  } catch (error) {
    end((await import("./cli/program.ts")).report(error, argv));
  }
}

async function runCommand(): Promise<void> {
  await useCodeCaches(__dirname);
  const { run } = await import("./cli/program.ts");
  end(await run(argv));
}

function end(code: number): void {
  process.exitCode = code;
  // Everything has been written by then (only Windows writes to terminals later); to wait until Node.js has tidied
  // itself up takes a millisecond.
  if (process.platform !== "win32") process.exit();
}
