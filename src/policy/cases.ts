// Files of cases: requests with the decisions that are expected of them, as `fob policy simulate --json` prints them.
import type { Decision, RequestContext } from "./engine/evaluate.ts";

export interface Case {
  /** What it is for, in words. */
  readonly name: string | undefined;
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
  readonly expected: Decision;
}

/** The file is no list of cases; says which one is wrong. */
export class CasesError extends Error {
  override readonly name = "CasesError";
}

const decisions: readonly string[] = ["allowed", "explicitDeny", "implicitDeny"] satisfies Decision[];
const members = ["name", "action", "resource", "context", "decision", "because"];

/** Reads `[{ "name"?, "action", "resource"?, "context"?, "decision" }]`. @throws CasesError */
export function readCases(value: unknown): readonly Case[] {
  if (!Array.isArray(value)) throw new CasesError("a file of cases is a JSON list");
  if (value.length === 0) throw new CasesError("there are no cases in it");
  return value.map((item: unknown, index) => readCase(item, `case ${index + 1}`));
}

function readCase(item: unknown, where: string): Case {
  if (typeof item !== "object" || item === null) throw new CasesError(`${where} is no JSON object`);
  const content = item as Readonly<Record<string, unknown>>;
  const other = Object.keys(content).find((name) => !members.includes(name));
  if (other !== undefined)
    throw new CasesError(`${where} has ${JSON.stringify(other)}, which is none of ${members.join(", ")}`);
  const { name, action, resource = "*", context = {}, decision } = content;
  if (action === undefined) throw new CasesError(`${where} has no action`);
  if (typeof action !== "string" || typeof resource !== "string" || (name !== undefined && typeof name !== "string")) {
    throw new CasesError(`${where}: name, action and resource must be strings`);
  }
  if (typeof decision !== "string" || !decisions.includes(decision)) {
    throw new CasesError(`${where}: decision must be one of ${decisions.join(", ")}`);
  }
  if (typeof context !== "object" || context === null || Array.isArray(context)) {
    throw new CasesError(`${where}: context must be a JSON object`);
  }
  const entries = Object.entries(context).map(([key, given]) => [key, readValue(given, `${where}: context ${key}`)]);
  return {
    name,
    action,
    resource,
    context: Object.fromEntries(entries) as RequestContext,
    expected: decision as Decision,
  };
}

/** AWS takes `true` for `"true"` in policies; so do cases. */
function readValue(given: unknown, where: string): string | readonly string[] {
  if (Array.isArray(given)) return given.map((item) => readText(item, where));
  return readText(given, where);
}

function readText(given: unknown, where: string): string {
  if (["string", "boolean", "number"].includes(typeof given)) return String(given);
  throw new CasesError(`${where} must be a string or a list of strings`);
}
