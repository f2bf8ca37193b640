// boto3 drives every operation of the local AWS, and each answer is compared with AWS's model in botocore: members that are
// required, unknown members, types, words, lengths and patterns.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { services } from "../../src/sandbox/server.ts";
import { isThere } from "../helpers/needed.ts";
import { driveSandbox, type Send } from "../helpers/sandbox-calls.ts";

interface Answer {
  readonly output?: object;
  readonly problems?: readonly string[];
  readonly error?: string;
}

/** Starts the program that sends the calls, in order. @param problems gets what is wrong with answers */
function startBoto3(problems: string[]): { readonly send: Send; readonly stop: () => void } {
  const program = resolve(import.meta.dirname, "../helpers/sandbox_calls.py");
  const env = { PATH: process.env.PATH, AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  const child = spawn("python3", [program], { env, stdio: ["pipe", "pipe", "inherit"] });
  const waiting: ((answer: Answer) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(JSON.parse(line) as Answer));
  child.on("close", () => {
    for (const answer of waiting) answer({ error: "boto3 has ended" });
  });
  const send: Send = async (service, operation, input, access) => {
    child.stdin.write(`${JSON.stringify({ service, operation, input, ...access })}\n`);
    const answer = await new Promise<Answer>((done) => waiting.push(done));
    if (answer.error !== undefined) throw new Error(`${operation}: ${answer.error}`);
    problems.push(...(answer.problems ?? []));
    return answer.output ?? {};
  };
  return { send, stop: () => child.stdin.end() };
}

// Older models do not know all members.
const isRecent = "import boto3, botocore; assert tuple(map(int, botocore.__version__.split('.')[:2])) >= (1, 44)";

describe.skipIf(!isThere("python3", "-c", isRecent))("boto3", () => {
  test("every answer has the form of AWS's model", async () => {
    const problems: string[] = [];
    const { send, stop } = startBoto3(problems);
    try {
      const missing = await driveSandbox(send, services);
      expect(problems).toEqual([]);
      expect(missing).toEqual([]);
    } finally {
      stop();
    }
  });
});
