// Results about thousands of users, of whom most have the same policies: each is worked out once for all whom it is the
// same for. It is the same for users with the same documents, unless these read context keys that differ.
import { isEveryResource } from "./coverage.ts";
import type { PolicyDocument } from "./engine/document.ts";
import { type RequestContext, statementsOf } from "./engine/evaluate.ts";
import type { Statement } from "./engine/grammar.ts";
import { listVariables } from "./engine/template.ts";

/** What a result is worked out from. Policies with the same text should be the same document. */
export interface ResultInput {
  readonly policies: readonly PolicyDocument[];
  readonly boundary: PolicyDocument | undefined;
  readonly context: RequestContext;
}

/** Returns a result that is there already, or works it out. */
export type ResultCache = <T>(name: string, input: ResultInput, workOut: (input: ResultInput) => T) => T;

/**
 * Makes a cache for results of what policies leave open or allow: `findCoverage` and what is built on it. Their texts are
 * those of the policies, with variables as they are written.
 */
export function createResultCache(): ResultCache {
  const summaries = new Map<PolicyDocument, Summary>();
  const reads = new Map<string, Reads>();
  const results = new Map<string, unknown>();
  const summarize = (document: PolicyDocument): Summary => {
    const summary = summaries.get(document) ?? makeSummary(document, summaries.size);
    summaries.set(document, summary);
    return summary;
  };
  return <T>(name: string, input: ResultInput, workOut: (input: ResultInput) => T): T => {
    const policies = input.policies.map(summarize);
    const boundary = input.boundary && summarize(input.boundary);
    const documents = `${policies.map(({ id }) => id).join()};${boundary?.id ?? ""}`;
    const read = reads.get(documents) ?? combine(policies, boundary);
    reads.set(documents, read);
    const key = `${name};${documents};${describeContext(input.context, read)}`;
    if (!results.has(key)) results.set(key, workOut(input));
    return results.get(key) as T;
  };
}

/** What a document reads of requests. Keys are in lower case. */
interface Summary {
  readonly id: number;
  /** In conditions and in the resources of a Deny. */
  readonly keys: ReadonlySet<string>;
  /** In the resources of an Allow. */
  readonly allowedKeys: ReadonlySet<string>;
  /** Whether a Deny names resources. */
  readonly deniesResources: boolean;
  /** Whether any statement does. */
  readonly namesResources: boolean;
}

function makeSummary(document: PolicyDocument, id: number): Summary {
  const statements = statementsOf(document);
  const denies = statements.filter(({ effect }) => effect === "Deny");
  const allows = statements.filter(({ effect }) => effect === "Allow");
  return {
    id,
    keys: new Set([...statements.flatMap(listConditionKeys), ...denies.flatMap(listResourceKeys)]),
    allowedKeys: new Set(allows.flatMap(listResourceKeys)),
    deniesResources: denies.some(namesResources),
    namesResources: statements.some(namesResources),
  };
}

const listConditionKeys = ({ conditions }: Statement): string[] =>
  conditions
    .flatMap(({ lowerKey, values }) => [lowerKey, ...values.flatMap(({ template }) => listVariables(template))])
    .map((key) => key.toLowerCase());

const listResourceKeys = ({ resources }: Statement): string[] =>
  resources.flatMap(({ template }) => listVariables(template)).map((key) => key.toLowerCase());

const namesResources = ({ resources }: Statement): boolean => !resources.every(isEveryResource);

/** The context keys, in lower case, that decide something. */
interface Reads {
  /** By their values. */
  readonly values: ReadonlySet<string>;
  /** By whether they have a value. */
  readonly presence: ReadonlySet<string>;
}

/**
 * A variable in a resource that is allowed is compared with the resources that are denied or within a boundary; if there
 * are none, it only matters whether it has a value.
 */
function combine(policies: readonly Summary[], boundary: Summary | undefined): Reads {
  const all = [...policies, ...(boundary === undefined ? [] : [boundary])];
  const keys = all.flatMap((each) => [...each.keys]);
  const allowedKeys = all.flatMap((each) => [...each.allowedKeys]);
  const isCompared = boundary?.namesResources === true || policies.some(({ deniesResources }) => deniesResources);
  return { values: new Set(isCompared ? [...keys, ...allowedKeys] : keys), presence: new Set(allowedKeys) };
}

/** Lists the context keys that decide, with their values, in a form to compare. */
function describeContext(context: RequestContext, { values, presence }: Reads): string {
  if (values.size + presence.size === 0) return "";
  const entries: string[] = [];
  for (const [name, value] of Object.entries(context)) {
    const key = name.toLowerCase();
    const isByPresence = typeof value === "string" && !values.has(key);
    if (!values.has(key) && !presence.has(key)) continue;
    const shown = typeof value === "symbol" ? { is: value.description } : value;
    entries.push(JSON.stringify(isByPresence ? [key] : [key, shown]));
  }
  return entries.sort().join();
}
