// boto3 drives every operation of the local AWS, and each answer is compared with AWS's model in botocore: members that are
// required, unknown members, types, words, lengths and patterns.
import { describe, expect, test } from "vitest";
import { services } from "../../src/sandbox/server.ts";
import { startPython } from "../helpers/line-program.ts";
import { isThere } from "../helpers/needed.ts";
import { driveSandbox } from "../helpers/sandbox-calls.ts";

interface Answer {
  readonly output?: object;
  readonly problems?: readonly string[];
  readonly error?: string;
}

// Older models do not know all members.
const isRecent = "import boto3, botocore; assert tuple(map(int, botocore.__version__.split('.')[:2])) >= (1, 44)";

describe.skipIf(!isThere("python3", "-c", isRecent))("boto3", () => {
  test("every answer has the form of AWS's model", async () => {
    const problems: string[] = [];
    const boto3 = startPython<Answer>("sandbox_calls.py");
    try {
      const missing = await driveSandbox(async (service, operation, input, access) => {
        const answer = await boto3.ask({ service, operation, input, ...access });
        if (answer.error !== undefined) throw new Error(`${operation}: ${answer.error}`);
        problems.push(...(answer.problems ?? []));
        return answer.output ?? {};
      }, services);
      expect(problems).toEqual([]);
      expect(missing).toEqual([]);
    } finally {
      boto3.stop();
    }
  });
});
