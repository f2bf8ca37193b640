// Whether MFA is enforced for each of thousands of users. Most of them share their policies, so most share a verdict.
import { findOpenings, isEnforced } from "./enforced.ts";
import type { PolicyDocument } from "./engine/document.ts";
import { listContextKeys, type RequestContext, statementsOf } from "./engine/evaluate.ts";
import type { Subject } from "./engine/subject.ts";
import { listAuthMethods } from "./proof.ts";

/** What decides about a user. Policies with the same text should share a document. */
export interface UserPolicies {
  readonly policies: readonly PolicyDocument[];
  readonly boundary: PolicyDocument | undefined;
  readonly subject: Subject;
}

/**
 * Returns a function that tells whether a user's policies deny everything without MFA, except what users need to set it
 * up; false if that depends on anything but the user.
 */
export function createMfaCheck(): (user: UserPolicies) => boolean {
  const documents = new Map<PolicyDocument, Summary>();
  const verdicts = new Map<string, boolean>();
  const summarize = (document: PolicyDocument): Summary => {
    let summary = documents.get(document);
    if (summary === undefined) {
      const denies = statementsOf(document).some(({ effect }) => effect === "Deny");
      summary = { id: documents.size, denies, keys: listContextKeys(document).map((key) => key.toLowerCase()) };
      documents.set(document, summary);
    }
    return summary;
  };

  return ({ policies, boundary, subject }) => {
    // What is not denied does not depend on what policies allow, but on what a boundary allows.
    const denying = policies.filter((document) => summarize(document).denies);
    const context: RequestContext = { ...subject.context, "aws:ViaAWSService": "false" };
    const read = [...denying, ...(boundary === undefined ? [] : [boundary])].map(summarize);
    const key = JSON.stringify([
      denying.map((document) => summarize(document).id),
      boundary === undefined ? null : summarize(boundary).id,
      read.some(({ keys }) => keys.length > 0) ? listValues(context, new Set(read.flatMap(({ keys }) => keys))) : [],
    ]);
    let isDenied = verdicts.get(key);
    if (isDenied === undefined) {
      isDenied = findOpenings(denying, boundary, listAuthMethods([]), context).every(isEnforced);
      verdicts.set(key, isDenied);
    }
    return isDenied;
  };
}

interface Summary {
  readonly id: number;
  /** Whether it has a Deny. */
  readonly denies: boolean;
  /** The context keys that it reads, in lower case. */
  readonly keys: readonly string[];
}

/** Lists the context keys that are read, with their values, in a form for JSON. */
function listValues(context: RequestContext, keys: ReadonlySet<string>): readonly (readonly [string, unknown])[] {
  return Object.entries(context)
    .map(([key, value]) => [key.toLowerCase(), typeof value === "symbol" ? { is: value.description } : value] as const)
    .filter(([key]) => keys.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
