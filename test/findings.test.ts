// Tests the forms of findings: text and SARIF. test/scripts/policy-lint.test.ts tests them on a command.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Finding, formatFindings, summarizeFindings } from "../src/findings.ts";
import { readJson } from "../src/policy/engine/json.ts";
import { lint } from "../src/policy/lint/lint.ts";
import { rules as lintRules } from "../src/policy/lint/rules.ts";
import { formatSarif } from "../src/sarif.ts";
import { checkSarif } from "./helpers/sarif.ts";

const rules = [
  { id: "first", level: "error", text: 'Matches only "*", not <b>. More.' },
  { id: "second", level: "note", text: "Says something." },
] as const;
const options = { version: "1.2.3", homepage: "https://example.com/", rules, help: "See `fob`.", folder: "/repo" };

const finding: Finding = { rule: "first", level: "error", message: "it is wrong", fix: "change it", file: "a.json" };
const at = (line: number, column = 1) => ({ line, column, endColumn: column + 2 });

const report = (...findings: readonly Finding[]) => checkSarif(formatSarif(findings, options)).results;

describe("text", () => {
  test("has what is known: the place, and what the finding is about", () => {
    expect(formatFindings([{ ...finding, ...at(3, 7) }])).toBe("a.json:3:7 error first it is wrong\n    change it\n");
    expect(formatFindings([finding])).toBe("a.json error first it is wrong\n    change it\n");
    const ofUser: Finding = {
      rule: "first",
      level: "error",
      message: "it is wrong",
      fix: "change it",
      subject: "alice",
    };
    expect(formatFindings([ofUser])).toBe('error first "alice": it is wrong\n    change it\n');
    expect(formatFindings([])).toBe("");
  });

  test("escapes control characters everywhere", () => {
    const evil = "\u001b[2J\u202e\n";
    const text = formatFindings([
      { rule: "first", level: "note", message: evil, fix: evil, file: evil, subject: evil },
    ]);
    expect(text).toMatch(/^[\n -~]+$/);
    expect(text.split("\n")).toHaveLength(3);
  });

  test("counts by level", () => {
    const note = { ...finding, level: "note" } as const;
    expect(summarizeFindings([note, finding, note])).toBe("1 error, 2 notes");
    expect(summarizeFindings([])).toBe("no findings");
  });
});

describe("SARIF", () => {
  test("a rule's short description is its first sentence, and its help is Markdown that shows the text as it is", () => {
    const { runs } = JSON.parse(formatSarif([], options)) as {
      runs: { tool: { driver: { informationUri: string; rules: unknown[] } } }[];
    };
    expect(runs[0]?.tool.driver).toMatchObject({ semanticVersion: "1.2.3", informationUri: "https://example.com/" });
    expect(runs[0]?.tool.driver.rules[0]).toMatchObject({
      shortDescription: { text: 'Matches only "*", not <b>.' },
      help: { text: rules[0].text, markdown: 'Matches only "\\*", not \\<b\\>. More.\n\nSee `fob`.' },
    });
  });

  test.each([
    ["policies/a.json", "policies/a.json"],
    ["./policies/../a b.json", "a%20b.json"],
    ["/repo/a.json", "a.json"],
    ["größe#1?%.json", "gr%C3%B6%C3%9Fe%231%3F%25.json"],
    ["c:a\\b.json", "c%3Aa%5Cb.json"],
    ["..a.json", "..a.json"],
    ["\u001b\u202e.json", "%1B%E2%80%AE.json"],
    ["\ud800.json", "%EF%BF%BD.json"],
    ["../other/a b.json", "file:///other/a%20b.json"],
    ["/tmp/a.json", "file:///tmp/a.json"],
    ["-", "stdin"],
  ])("the file %j is %s", (file, uri) => {
    expect(report({ ...finding, file })[0]?.uri).toBe(uri);
  });

  test("a finding without a place is about the whole file, which begins in line 1", () => {
    expect(report(finding)[0]?.region).toEqual({ startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 });
  });

  test("what a policy says neither moves a cursor nor becomes a link", () => {
    const message = "[click](https://example.com) [1](1)\u001b[2J";
    const [result] = report({ ...finding, subject: "[x](y)", message, ...at(1), also: [at(2)] });
    expect(result?.text).toBe(
      '"[x] (y)": [click] (https://example.com) [1] (1)\\x1b[2J. Fix: change it; also at [line 2](1)',
    );
  });

  test("other places are related locations, as many as code scanning takes", () => {
    const also = Array.from({ length: 1200 }, (_, index) => at(index + 2));
    const [result] = report({ ...finding, ...at(1), also });
    expect(result?.related).toHaveLength(999);
    expect(result?.related[1]).toEqual({ startLine: 3, startColumn: 1, endLine: 3, endColumn: 3 });
    expect(result?.text).toMatch(/\[line 21\]\(20\) and 1180 more places$/);
  });

  test("the fingerprint is of the finding: not of its line, its fix or its size", () => {
    const fingerprints = (...findings: readonly Finding[]) => report(...findings).map((each) => each.fingerprint);
    const [print] = fingerprints({ ...finding, ...at(1), message: "it has 6,145 characters" });
    const same = { ...finding, ...at(9, 4), message: "it has 10,240 characters", fix: "split it" };
    expect(fingerprints({ ...finding, ...at(1) }, same)[1]).toBe(print);
    for (const other of [
      { ...same, message: "it has 6,145 names" },
      { ...same, subject: "alice" },
      { ...same, rule: "second" },
    ]) {
      expect(fingerprints(other)[0]).not.toBe(print);
    }
  });

  test("findings in one line, and equal findings, are alerts of their own", () => {
    // checkSarif compares the alerts.
    expect(
      report(
        { ...finding, ...at(1) },
        { ...finding, ...at(1), message: "it is also wrong" },
        { ...finding, ...at(1) },
        { ...finding, ...at(1), file: "b.json" },
      ).map(({ fingerprint }) => fingerprint.split(":")[1]),
    ).toEqual(["1", "1", "2", "1"]);
  });
});

test("findings about policies that people write are reports that code scanning takes, on one line or many", () => {
  const shapes = JSON.parse(readFileSync(new URL("policy/policy-shapes.json", import.meta.url), "utf8")) as {
    policy: unknown;
  }[];
  for (const indent of [0, 2]) {
    const findings = shapes.flatMap(({ policy }, index) =>
      lint(readJson(JSON.stringify(policy, null, indent))).map((each) => ({ file: `${index}.json`, ...each })),
    );
    const { results } = checkSarif(formatSarif(findings, { ...options, rules: lintRules }));
    expect(results.length).toBeGreaterThan(shapes.length / 2);
    expect(results.map(({ rule }) => rule)).toEqual(findings.map(({ rule }) => rule));
  }
});

test("a place in JSON is one line: a member's name, an element's text or first bracket", () => {
  const json = readJson('{\n "größe": {"a": [1, "😀x", [\n2]]}\n}');
  expect(json.placeOf(["größe"])).toEqual({ line: 2, column: 2, endColumn: 9 });
  expect(json.placeOf(["größe", "a", 1])).toEqual({ line: 2, column: 21, endColumn: 26 });
  expect(json.placeOf(["größe", "a", 2])).toEqual({ line: 2, column: 28, endColumn: 29 });
  expect(json.placeOf(["größe", "a", 9])).toEqual({ line: 2, column: 12, endColumn: 15 });
  expect(json.placeOf([])).toEqual({ line: 1, column: 1, endColumn: 2 });
});
