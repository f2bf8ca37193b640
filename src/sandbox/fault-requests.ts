// The requests by which `fob sandbox fault` switches faults on and off, from another process.
import { timingSafeEqual } from "node:crypto";
import { ShapeError } from "../shape.ts";
import { type Fault, type Faults, readFault } from "./faults.ts";
import type { HttpRequest } from "./sigv4.ts";

export const faultsPath = "/faults";

/** What comes back: the faults that are on, or what is wrong. */
export type FaultAnswer = { readonly faults: readonly Fault[] } | { readonly error: string };

/** Answers GET (the faults that are on), POST (one more) and DELETE (none). */
export function answerFaultRequest(
  request: HttpRequest,
  { faults, controlToken = "" }: { readonly faults: Faults; readonly controlToken: string | undefined },
) {
  const answer = (status: number, content: FaultAnswer) => ({
    ...{ status, headers: { "content-type": "application/json" }, body: JSON.stringify(content) },
  });
  if (!isToken(request.headers.authorization?.join() ?? "", `Bearer ${controlToken}`)) {
    return answer(403, { error: "the token is not that of this sandbox" });
  }
  try {
    if (request.method === "POST") faults.add(readFault(JSON.parse(request.body.toString("utf8"))));
    else if (request.method === "DELETE") faults.clear();
    return answer(200, { faults: faults.list() });
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    return answer(400, { error: error.message });
  }
}

function isToken(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
