// What the JSON schema of SARIF 2.1.0 requires of the objects that fob writes. Any other member is an error, as it is there:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
import {
  flag,
  list,
  object,
  oneOf,
  optional,
  type Read,
  ShapeError,
  table,
  text,
  wholeNumber,
} from "../../src/shape.ts";

const isUri = [/^[^\s"<>\\^`{|}]+$/, "a URI"] as const;
const level = oneOf(["none", "note", "warning", "error"]);

const atLeast =
  (least: number): Read<number> =>
  (value, at) => {
    const number = wholeNumber(value, at);
    if (number < least) throw new ShapeError(`${at} must be at least ${least}`);
    return number;
  };

/** An array whose items must differ. */
const distinct =
  <T>(item: Read<T>): Read<readonly T[]> =>
  (value, at) => {
    const items = list(item)(value, at);
    if (new Set(items.map((each) => JSON.stringify(each))).size !== items.length)
      throw new ShapeError(`${at} has an item twice`);
    return items;
  };

const message = object({ text: text() });
const multiformat = object({ text: text(), markdown: optional(text()) });

const region = object({
  ...{ startLine: atLeast(1), startColumn: atLeast(1), endLine: atLeast(1), endColumn: atLeast(1) },
});
const location = object({
  id: optional(atLeast(-1)),
  physicalLocation: optional(object({ artifactLocation: object({ uri: text(isUri) }), region })),
  logicalLocations: optional(distinct(object({ name: text(), fullyQualifiedName: optional(text()) }))),
});

const rule = object({
  ...{ id: text(), shortDescription: multiformat, fullDescription: multiformat, help: multiformat },
  defaultConfiguration: object({ level }),
});

const suppression = object({
  kind: oneOf(["inSource", "external"]),
  status: oneOf(["accepted", "underReview", "rejected"]),
  justification: text(),
});

const result = object({
  ...{ ruleId: text(), ruleIndex: atLeast(-1), level, message },
  kind: optional(oneOf(["notApplicable", "pass", "fail", "review", "open", "informational"])),
  locations: list(location),
  relatedLocations: optional(distinct(location)),
  partialFingerprints: table(text()),
  baselineState: optional(oneOf(["new", "unchanged", "updated", "absent"])),
  suppressions: optional(distinct(suppression)),
});

const run = object({
  tool: object({
    driver: object({
      ...{ name: text(), semanticVersion: text(), informationUri: text(isUri), rules: distinct(rule) },
    }),
  }),
  automationDetails: optional(object({ id: text() })),
  invocations: optional(
    list(object({ executionSuccessful: flag, toolExecutionNotifications: list(object({ level, message })) })),
  ),
  columnKind: oneOf(["utf16CodeUnits", "unicodeCodePoints"]),
  results: list(result),
});

const log = object({ $schema: text(isUri), version: oneOf(["2.1.0"]), runs: list(run) });

/** Reads a report. @throws ShapeError where it is not what the schema requires */
export const readSarif = (json: string) => log(JSON.parse(json), "");
