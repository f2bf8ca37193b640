// What every failure of a login has in common, whatever went wrong.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Result, World } from "../helpers/world.ts";

export interface Failed {
  /** What follows `fob: error: `. */
  readonly error: string;
  readonly hints: readonly string[];
}

interface Options {
  readonly env?: Record<string, string | undefined>;
  readonly args?: readonly string[];
  /** Instead of the code that the device shows. */
  readonly code?: string;
  /** What must not be shown, besides the access key's secret and the code. */
  readonly secrets?: readonly string[];
}

/**
 * Logs in with a good code and with --debug, and expects a failure: exit code 1, one error line, a hint, no secret
 * anywhere, stdout empty, both AWS files byte for byte as they were, no session.
 */
export async function failedLogin(world: World, options: Options = {}): Promise<Failed> {
  const { env = {}, args = [], secrets = [], code = world.device.code() } = options;
  const files = (): string[] => [world.credentialsPath, world.configPath].map((path) => readFileSync(path, "latin1"));
  const before = files();
  const result = await world.fob(["login", "work", "--code", code, "--debug", ...args], { env });
  expect(files()).toEqual(before);
  expect(result.stdout).toBe("");
  expect(result.status, result.stderr).toBe(1);
  for (const secret of [code, world.user.accessKey.secretAccessKey, world.user.accessKey.accessKeyId, ...secrets]) {
    expect(result.stderr).not.toContain(secret);
  }
  return messagesOf(result);
}

/** The one error of a run, and its hints; nothing but fob's own lines is on stderr. */
function messagesOf({ stderr }: Result): Failed {
  const lines = stderr.trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/^fob: (error|hint|warning|debug): \S/);
  const after = (prefix: string): string[] =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const errors = after("fob: error: ");
  const hints = after("fob: hint: ");
  expect(errors, stderr).toHaveLength(1);
  expect(hints, stderr).not.toHaveLength(0);
  for (const text of [...errors, ...hints]) {
    expect(text, "lower case, no full stop").toMatch(/^(?:[^A-Z]|AWS|STS|MFA|[A-Z_]+ ).*[^.]$/s);
  }
  return { error: errors[0] ?? "", hints };
}
