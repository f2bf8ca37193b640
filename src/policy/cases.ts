// Reads files of cases: requests with expected decisions, in the format that `fob policy simulate --json` prints.
import type { Decision, RequestContext } from "./engine/evaluate.ts";

export interface Case {
  readonly name: string | undefined;
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
  readonly expected: Decision;
}

/** The file is not a list of cases; the message says which case is invalid. */
export class CasesError extends Error {
  override readonly name = "CasesError";
}

const decisions: readonly string[] = ["allowed", "explicitDeny", "implicitDeny"] satisfies Decision[];
const members = ["name", "action", "resource", "context", "decision", "because"];

/** Reads `[{ "name"?, "action", "resource"?, "context"?, "decision" }]`. @throws CasesError */
export function readCases(value: unknown): readonly Case[] {
  if (!Array.isArray(value)) throw new CasesError("the file of cases must be a JSON list");
  if (value.length === 0) throw new CasesError("the list of cases is empty");
  return value.map((item: unknown, index) => readCase(item, `case ${index + 1}`));
}

function readCase(item: unknown, where: string): Case {
  if (typeof item !== "object" || item === null) throw new CasesError(`${where} is not a JSON object`);
  const content = item as Readonly<Record<string, unknown>>;
  const other = Object.keys(content).find((name) => !members.includes(name));
  if (other !== undefined)
    throw new CasesError(`${where} has the unknown key ${JSON.stringify(other)}; expected ${members.join(", ")}`);
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

/** AWS accepts `true` for `"true"` in policies; cases do the same. */
function readValue(given: unknown, where: string): string | readonly string[] {
  if (Array.isArray(given)) return given.map((item) => readText(item, where));
  return readText(given, where);
}

function readText(given: unknown, where: string): string {
  if (["string", "boolean", "number"].includes(typeof given)) return String(given);
  throw new CasesError(`${where} must be a string or a list of strings`);
}
