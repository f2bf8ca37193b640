// A program that reads a JSON object on each line of stdin, and answers each one on a line of stdout, in order.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

export interface LineProgram<Answer> {
  /** Rejects if the program ends without an answer. */
  readonly ask: (question: object) => Promise<Answer>;
  readonly stop: () => void;
}

/** Starts a Python program of this folder, without the user's AWS files. */
export function startPython<Answer>(name: string): LineProgram<Answer> {
  const env = { PATH: process.env.PATH, AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  const child = spawn("python3", [resolve(import.meta.dirname, name)], { env, stdio: ["pipe", "pipe", "inherit"] });
  const waiting: { done: (answer: Answer) => void; fail: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.done(JSON.parse(line) as Answer));
  child.on("close", () => {
    for (const { fail } of waiting) fail(new Error(`${name} has ended`));
  });
  return {
    ask: (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return new Promise((done, fail) => waiting.push({ done, fail }));
    },
    stop: () => child.stdin.end(),
  };
}
