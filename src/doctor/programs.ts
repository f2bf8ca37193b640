// The versions of programs.
import { findProblem, withAbsolutePath } from "../environment/program.ts";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, FobError } from "../errors.ts";
import type { Known } from "../iam/snapshot.ts";
import { describeEnd, runProgram } from "../subprocess.ts";
import type { Programs } from "./facts.ts";

/** Seconds: Python may take a while to load. */
const PATIENCE = 10;

export async function readPrograms(env: Environment, signal: AbortSignal, node: string): Promise<Programs> {
  return { node, aws: await readAwsVersion(env, signal) };
}

async function readAwsVersion(given: Environment, signal: AbortSignal): Promise<Known<string | undefined>> {
  const env = withAbsolutePath(given);
  const problem = findProblem("aws", env);
  if (problem?.exitCode === 127) return { value: undefined };
  if (problem !== undefined) return { unknown: `aws cannot be run: ${problem.reason}` };
  try {
    const ended = await runProgram("aws", ["--version"], { env, title: "aws --version", timeout: PATIENCE, signal });
    // Version 1 printed it on stderr for a long time.
    if (ended.status === 0) return { value: ended.stdout || ended.stderr };
    return { unknown: `aws --version ${describeEnd(ended)}` };
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
    return { unknown: error.message };
  }
}
