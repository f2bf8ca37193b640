// Statements without a policy are checked as those of a policy. Their findings must fit the file, which has no policy.
import type { Finding } from "../lint/lint.ts";
import type { Change } from "../lint/patch.ts";
import type { Form } from "./find.ts";

/** Returns a finding with its paths and its patch as they apply to the document in the file. */
export function toDocumentAsGiven(finding: Finding, form: Form): Finding {
  if (form !== "statements") return finding;
  const { patch, also, ...rest } = finding;
  const inner = patch?.every(isInStatements) ? patch.map(withoutStatement) : undefined;
  const withoutFirst = <Place extends Pick<Finding, "path">>(place: Place): Place => ({
    ...place,
    path: place.path.slice(1),
  });
  return {
    ...withoutFirst(rest),
    ...(inner === undefined ? {} : { patch: inner }),
    ...(also === undefined ? {} : { also: also.map(withoutFirst) }),
  };
}

const isInStatements = ({ path }: Change): boolean => /^\/Statement(\/|$)/.test(path);

function withoutStatement(change: Change): Change {
  const path = change.path.replace(/^\/Statement/, "");
  return change.op === "move"
    ? { ...change, path, from: change.from.replace(/^\/Statement/, "") }
    : { ...change, path };
}
