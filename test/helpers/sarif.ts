// Checks a report against what GitHub documents for code scanning, and returns its parts.
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
import { expect } from "vitest";
import { readSarif } from "./sarif-schema.ts";

interface Region {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

interface Location {
  readonly id?: number;
  readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string }; readonly region: Region };
}

interface Rule {
  readonly id: string;
  readonly shortDescription: { readonly text: string };
  readonly fullDescription: { readonly text: string };
  readonly help: { readonly text: string; readonly markdown: string };
  readonly defaultConfiguration: { readonly level: string };
}

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly Location[];
  readonly relatedLocations?: readonly Location[];
  readonly partialFingerprints: { readonly primaryLocationLineHash: string };
}

interface Driver {
  readonly name: string;
  readonly semanticVersion: string;
  readonly informationUri?: string;
  readonly rules: readonly Rule[];
}

const levels = ["error", "warning", "note"];
const positive = /^[1-9]\d*$/;
/** A relative reference (RFC 3986) whose first step has no colon, or a URL of a file. */
const uriPattern =
  /^(?:file:\/\/\/)?(?:[\w.~!$&'()*+,;=@-]|%[0-9A-F]{2})+(?:\/(?:[\w.~!$&'()*+,;=@:-]|%[0-9A-F]{2})+)*$/;

export function checkSarif(text: string) {
  // What is in the files of others reaches no terminal.
  expect(text).toMatch(/^[\n -~]*$/);
  readSarif(text);
  const report = JSON.parse(text) as {
    readonly $schema: string;
    readonly version: string;
    readonly runs: readonly {
      readonly tool: { readonly driver: Driver };
      readonly columnKind: string;
      readonly results: readonly Result[];
    }[];
  };
  expect(report.$schema).toMatch(/^https:\/\/.*sarif.*2\.1\.0.*\.json$/);
  expect(report.version).toBe("2.1.0");
  expect(report.runs).toHaveLength(1);
  const [run] = report.runs;
  if (run === undefined) throw new Error("no run");
  expect(run.columnKind).toBe("utf16CodeUnits");
  const { driver } = run.tool;
  expect(driver.name).toBe("fob");
  expect(driver.semanticVersion).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)?$/);
  for (const rule of driver.rules) {
    expect(rule.id).toMatch(/^[a-z0-9-]{3,255}$/i);
    for (const { text: sentence } of [rule.shortDescription, rule.fullDescription, rule.help]) {
      expect(sentence).toMatch(/^.{10,1024}$/);
    }
    expect(rule.help.markdown.length).toBeGreaterThan(rule.help.text.length);
    expect(levels).toContain(rule.defaultConfiguration.level);
  }
  expect(new Set(driver.rules.map(({ id }) => id)).size).toBe(driver.rules.length);
  const results = run.results.map((result) => checkResult(result, driver.rules));
  const alerts = results.map(({ rule, file, fingerprint }) => JSON.stringify([rule, file, fingerprint]));
  expect(new Set(alerts).size).toBe(alerts.length);
  return {
    driver: {
      ...driver,
      rules: driver.rules.map((rule) => ({ id: rule.id, level: rule.defaultConfiguration.level })),
    },
    results,
  };
}

function checkResult(result: Result, rules: readonly Rule[]) {
  expect(rules[result.ruleIndex]?.id).toBe(result.ruleId);
  expect(levels).toContain(result.level);
  expect(result.message.text).not.toBe("");
  const related = result.relatedLocations ?? [];
  expect(result.locations).toHaveLength(1);
  expect(1 + related.length).toBeLessThanOrEqual(1000);
  // Every link is to a related location.
  const ids = related.map(({ id }) => id);
  for (const [, target] of result.message.text.matchAll(/\]\((.*?)\)/g)) expect(ids).toContain(Number(target));
  // A brace that is not doubled would begin a placeholder: SARIF 2.1.0, 3.11.5.
  expect(result.message.text.replace(/\{\{|\}\}/g, "")).not.toMatch(/[{}]/);
  const shown = result.message.text.replace(/([{}])\1/g, "$1");
  const [place, ...places] = [...result.locations, ...related].map(checkLocation);
  if (place === undefined) throw new Error("no location");
  const fingerprint = result.partialFingerprints.primaryLocationLineHash;
  expect(fingerprint).toMatch(/^[0-9a-f]{16}:[1-9]\d*$/);
  return {
    ...{ rule: result.ruleId, level: result.level, text: shown, fingerprint },
    ...{ file: decodeURIComponent(place.uri), uri: place.uri, region: place.region },
    related: places.map(({ region }) => region),
  };
}

function checkLocation({ physicalLocation }: Location) {
  if (physicalLocation === undefined) throw new Error("code scanning needs a physical location");
  const { artifactLocation, region } = physicalLocation;
  expect(artifactLocation.uri).toMatch(uriPattern);
  for (const part of ["startLine", "startColumn", "endLine", "endColumn"] as const) {
    expect(String(region[part])).toMatch(positive);
  }
  expect(region.endLine).toBeGreaterThanOrEqual(region.startLine);
  expect(region.endColumn).toBeGreaterThanOrEqual(region.startColumn);
  return { uri: artifactLocation.uri, region };
}
