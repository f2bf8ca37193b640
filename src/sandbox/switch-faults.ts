// Switches faults of a running `fob sandbox` on and off.
import { FobError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { quote, quoteShellWord } from "../text.ts";
import type { Authenticator } from "./authenticator.ts";
import { type FaultAnswer, faultsPath } from "./fault-requests.ts";
import { type Fault, isAbout, isReplicatedRead } from "./faults.ts";
import { allOperations } from "./server.ts";

/**
 * Completes an operation: `ListUsers` is `iam:ListUsers`.
 *
 * @throws FobError for one that the sandbox does not have
 */
export function completeOperation(given: string): string {
  const operations = allOperations();
  const pattern = given === "*" || given.includes(":") ? given : `*:${given}`;
  const found = operations.filter((operation) => isAbout(pattern, operation));
  if (found.length === 1) return found[0] ?? pattern;
  if (found.length > 0) return pattern;
  const names = given.includes(":") ? operations : operations.map((operation) => operation.replace(/^.*:/, ""));
  const meant = findNearest(given, names);
  throw new FobError(
    `the sandbox has no operation ${quote(given)}`,
    meant === undefined
      ? "name one like iam:ListUsers, or several like 'iam:List*'"
      : `did you mean: ${quoteShellWord(meant)}`,
  );
}

/** Does what is asked for. @returns the faults that are on then @throws FobError */
export async function switchFaults(
  sandbox: Authenticator,
  change: { readonly add: readonly Fault[] } | "clear" | "show",
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  if (change === "show") return await send(sandbox, "GET", undefined, signal);
  if (change === "clear") return await send(sandbox, "DELETE", undefined, signal);
  change.add.forEach(assertPossible);
  let faults: readonly Fault[] = [];
  for (const fault of change.add) faults = await send(sandbox, "POST", fault, signal);
  return faults;
}

/** @throws FobError for one that would do nothing */
function assertPossible({ operation, kind }: Fault): void {
  if (kind !== "stale") return;
  if (allOperations().some((each) => isAbout(operation, each) && isReplicatedRead(each))) return;
  throw new FobError(
    `${quote(operation)} is never stale: only List and Get operations of IAM are`,
    "fob sandbox fault 'iam:List*' --stale 5s",
  );
}

async function send(
  { url, token }: Authenticator,
  method: "GET" | "POST" | "DELETE",
  fault: Fault | undefined,
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  const headers = { authorization: `Bearer ${token}` };
  const body = fault === undefined ? null : JSON.stringify(fault);
  const response = await fetch(new URL(faultsPath, url), { method, headers, body, signal });
  const answer = (await response.json()) as FaultAnswer;
  if ("faults" in answer) return answer.faults;
  throw new FobError(`the sandbox does not accept this fault: ${answer.error}`);
}
