// Tests that YAML is read as CloudFormation and the AWS CLI mean it: values, functions, aliases, places; and that no
// input takes long.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify, type ToStringOptions } from "yaml";
import { type Path, SourceError } from "../../src/policy/engine/json.ts";
import { findPolicies } from "../../src/policy/input/find.ts";
import { readJsonSource, type Source } from "../../src/policy/input/source.ts";
import { readYamlSources } from "../../src/policy/input/yaml.ts";
import { lint } from "../../src/policy/lint/lint.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { policy } from "../helpers/policies.ts";

const read = (text: string): unknown => readYamlSources(text)[0]?.value;

/** Returns the message, and where it is. */
function findError(text: string): string {
  try {
    readYamlSources(text);
  } catch (error) {
    if (error instanceof SourceError) return `${error.place.line}:${error.place.column} ${error.message}`;
    throw error;
  }
  return "none";
}

describe("values", () => {
  test.each<[string, unknown]>([
    ["a: 2012-10-17", { a: "2012-10-17" }],
    ["a: 123456789012", { a: 123456789012 }],
    // Of an account with a leading zero, no digit is lost.
    ["a: 012345678901", { a: "012345678901" }],
    [
      "a: [1, -2, 1.5, 1.50, 0x1F, 1e3, 0o7, 1_000, .5, +1]",
      { a: [1, -2, 1.5, "1.50", "0x1F", "1e3", "0o7", "1_000", ".5", "+1"] },
    ],
    ["a: [true, False, TRUE, 'true', yes, no, on, off]", { a: [true, false, true, "true", "yes", "no", "on", "off"] }],
    ["a: [null, ~, NULL, 'null']\nb:\n", { a: [null, null, null, "null"], b: null }],
    ["a: !!str 1\nb: !!int '2'\nc: !!null ''\nd: ! 3\ne: !!map {}", { a: "1", b: 2, c: null, d: "3", e: {} }],
    // A condition operator of IAM.
    ["Null:\n  true: x\n? 5\n: y", { Null: { true: "x" }, 5: "y" }],
    [
      "a: |\n  x\n  y\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"\\u00e9\\n\"",
      { a: "x\ny\n", b: "x y", c: "it's", d: "\u00e9\n" },
    ],
    ['a: x\n  y\n\n  z\nb: "x\\\n  y\n  z"\nc: >\n  x\n  y\n', { a: "x y\nz", b: "xy z", c: "x y\n" }],
    ["# c\n%YAML 1.1\n---\na: no\n...\n", { a: "no" }],
    ["\ufeffa:\r\n  - b\r\n", { a: ["b"] }],
    ['{"a": ["b", {"c": null}], d}', { a: ["b", { c: null }], d: null }],
    ["__proto__: {a: 1}", JSON.parse('{"__proto__": {"a": 1}}')],
  ])("%j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});

describe("the short form of a function is the long form", () => {
  test.each<[string, unknown]>([
    ["!Ref A", { Ref: "A" }],
    ["!Condition A", { Condition: "A" }],
    ["!Sub 'a'", { "Fn::Sub": "a" }],
    ["!Sub\n  - a\n  - {b: !Ref C}", { "Fn::Sub": ["a", { b: { Ref: "C" } }] }],
    ["!GetAtt A.Arn", { "Fn::GetAtt": "A.Arn" }],
    ["!GetAtt [A, Arn]", { "Fn::GetAtt": ["A", "Arn"] }],
    ["!Join [':', [a, !Ref B]]", { "Fn::Join": [":", ["a", { Ref: "B" }]] }],
    ["!If\n  - A\n  - {b: c}\n  - !Ref AWS::NoValue", { "Fn::If": ["A", { b: "c" }, { Ref: "AWS::NoValue" }] }],
    ["!Transform {Name: AWS::Include}", { "Fn::Transform": { Name: "AWS::Include" } }],
    ["Fn::Base64: !Sub a", { "Fn::Base64": { "Fn::Sub": "a" } }],
    ["!Select [0, !Split [',', 'a,b']]", { "Fn::Select": [0, { "Fn::Split": [",", "a,b"] }] }],
    ["!Sub |\n  {}\n", { "Fn::Sub": "{}\n" }],
  ])("%j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});

describe("aliases and merge keys", () => {
  test.each<[string, unknown]>([
    ["a: &x [1]\nb: *x\n", { a: [1], b: [1] }],
    ["a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", { a: { p: 1, q: 2 }, b: { q: 3, p: 1 } }],
    ["a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc:\n  <<: [*x, *y]", { a: { p: 1 }, b: { p: 2, q: 2 }, c: { p: 1, q: 2 } }],
    ["a: {'<<': 1}", { a: { "<<": 1 } }],
    ["a: &x !Sub b\nc: *x", { a: { "Fn::Sub": "b" }, c: { "Fn::Sub": "b" } }],
    // An anchor that is set again: each alias stands for the last one before it.
    ["x: &b {y: &a 1}\nz: &a 2\nw: *b\nv: *a", { x: { y: 1 }, z: 2, w: { y: 1 }, v: 2 }],
    ["a: &x 1\nb: &y [*x]\nc: &x 2\nd: *y", { a: 1, b: [1], c: 2, d: [1] }],
  ])("%j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test("a document does not know the anchors of the one before", () => {
    expect(findError("a: &x 1\n---\nb: *x\n")).toMatch(/^3:4 .*\bx\b/);
  });
});

test("a file has several documents, and empty ones do not count", () => {
  const all = readYamlSources("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\n");
  expect(all.map(({ value }) => value)).toEqual([{ a: 1 }, { b: 2 }]);
  expect(all.map(({ placeOf }) => placeOf(["b"]).line)).toEqual([2, 6]);
});

describe("an error has its place", () => {
  test.each([
    ["a:\n\t- b\n", /^2:1 tabs are not allowed as indentation$/],
    ["a: 1\nb: 2\na: 3\n", /^3:1 duplicate key "a"$/],
    ["{a: 1,\n 'a': 2}", /^2:2 duplicate key "a"$/],
    ["a:\n  b: !Foo c\n", /^2:11 unknown tag !Foo$/],
    ["a: !!binary aGk=\n", /^1:13 unknown tag !!binary$/],
    ["a: !!set {b}\n", /^1:10 unknown tag !!set$/],
    ["a: !!int b\n", /^1:10 "b" is no !!int$/],
    ["a: *x\n", /^1:4 .*\bx\b/],
    ["a: &x [*x]\n", /^1:8 \*x is a part of itself$/],
    ["a: {<<: 1}\n", /^1:9 << needs a mapping/],
    ["? [a]\n: b\n", /^1:3 a key must be a text/],
    ["a: [1, 2\nb: 3\n", /^\d:\d /],
    ["a: 'b\n", /^\d:\d missing closing 'quote$/],
    ["a: b: c\n", /^1:4 nested mappings are not allowed in compact mappings$/],
    ["a\nb: c\n", /^1:1 /],
    ["", /^1:1 the file is empty$/],
    ["# only a comment\n---\n", /^1:1 the file is empty$/],
    [`a: ${"[".repeat(70)}${"]".repeat(70)}`, /^1:67 nested deeper than 64 levels$/],
    [`${"- ".repeat(50_000)}a`, /^1:\d+ nested deeper than 64 levels$/],
    ["{a: ".repeat(30_000), /^1:\d+ nested deeper than 64 levels$/],
  ])("%j", (text, expected) => {
    expect(findError(text)).toMatch(expected);
  });

  test("aliases stand for a limited number of values, in all documents together", () => {
    const bomb = Array.from(
      { length: 9 },
      (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}]\n`,
    );
    expect(findError(`a0: &a0 x\n${bomb.join("")}`)).toMatch(
      /^\d+:\d+ the aliases stand for more than 100,000 values$/,
    );
    const merges = Array.from(
      { length: 20 },
      (_, level) => `m${level + 1}: &m${level + 1} {<<: [*m${level}, *m${level}]}\n`,
    );
    expect(findError(`m0: &m0 {a: b}\n${merges.join("")}`)).toMatch(/more than 100,000 values$/);
    const some = `- &a [${"x, ".repeat(400)}]\n${"- *a\n".repeat(100)}---\n`;
    expect(findError(some.repeat(2))).toBe("none");
    expect(findError(some.repeat(3))).toMatch(/more than 100,000 values$/);
  });
});

/** What a place in the text is. */
const textAt = (source: Source, path: Path): string => {
  const { line, column, endColumn } = source.placeOf(path);
  return source.content.split(/\r?\n/)[line - 1]?.slice(column - 1, endColumn - 1) ?? "";
};

test("a place is that of the name, or of the element's text or first character", () => {
  const text =
    "A: &x\r\n  'b c': 1\r\n  d:\r\n  - e\r\n  - !Sub 'f'\r\n  - g: h\r\n  - [i]\r\n  - |\r\n    j\r\nK: *x\r\nL: {<<: *x, m: 1}\r\n";
  const [source] = readYamlSources(text);
  const at = (...path: Path) => source && textAt(source, path);
  expect([at("A"), at("A", "b c"), at("A", "d")]).toEqual(["A", "'b c'", "d"]);
  expect([0, 1, 2, 3, 4].map((index) => at("A", "d", index))).toEqual(["e", "'f'", "g", "[", "|"]);
  expect([at("A", "d", 2, "g"), at("A", "d", 1, "Fn::Sub"), at("L", "m")]).toEqual(["g", "'f'", "m"]);
  // What an alias stands for is where it is written.
  expect([at("K"), at("K", "b c"), at("L", "b c"), at("A", "gone", 5)]).toEqual(["K", "'b c'", "'b c'", "A"]);
});

const template = (PolicyDocument: unknown) => ({
  Resources: {
    Mfa: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument } },
    Run: { Type: "AWS::Serverless::Function", Properties: { Policies: ["Other", PolicyDocument] } },
  },
});

const lintAll = (sources: readonly Source[]) =>
  sources.flatMap(findPolicies).flatMap(({ name, kind, json, unknown }) =>
    lint(json, { as: kind, unknown }).map(({ line, column, endColumn, also, ...finding }) => ({
      finding: { name, ...finding, also: also?.map(({ path }) => path) },
      place: { line, column, endColumn, path: finding.path, name },
    })),
  );

test("the same policies in JSON and in YAML have the same findings", () => {
  const style = fc.record({
    indent: fc.constantFrom(2, 4),
    indentSeq: fc.boolean(),
    defaultStringType: fc.constantFrom("PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE"),
    collectionStyle: fc.constantFrom("any", "block", "flow"),
    // The library breaks lines of narrow texts wrongly.
    lineWidth: fc.constant(0),
    aliasDuplicateObjects: fc.boolean(),
    version: fc.constantFrom("1.1", "1.2"),
  });
  fc.assert(
    fc.property(policy, style, fc.boolean(), (document, options, isTemplate) => {
      const value = isTemplate ? template(document) : document;
      const sources = readYamlSources(stringify(value, options as ToStringOptions));
      expect(sources.map((each) => each.value)).toEqual([value]);
      const inJson = lintAll([readJsonSource(JSON.stringify(value))]);
      const sort = (all: typeof inJson) => all.map(({ finding }) => JSON.stringify(finding)).sort();
      expect(sort(lintAll(sources))).toEqual(sort(inJson));
    }),
    { numRuns: numRunsOf(300) },
  );
});

test("policies in a template with functions have the findings of the long forms", () => {
  const text = `
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Mfa:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Groups: [!Ref Developers]
      PolicyDocument: # who has no MFA
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Action: iam:GetUsr
            Resource: !Sub "arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/\${!aws:username}"
          - Effect: Deny
            NotAction: iam:CreateVirtualMFADevice
            Resource: "*"
            Condition:
              Bool:
                aws:MultiFactorAuthPresent: false
`;
  const [source] = readYamlSources(text);
  const found = lintAll(source === undefined ? [] : [source]);
  expect(found.map(({ finding, place }) => [finding.name, finding.rule, place.line])).toEqual(
    expect.arrayContaining([
      ["Mfa", "misspelled-action", 12],
      ["Mfa", "unknown-value", 13],
      ["Mfa", "bool-instead-of-boolifexists", 19],
    ]),
  );
  const long = readJsonSource(JSON.stringify(source?.value));
  expect(lintAll([long]).map(({ finding }) => finding)).toEqual(
    expect.arrayContaining(found.map(({ finding }) => finding)),
  );
  expect(JSON.stringify(source?.value)).toContain('"Resource":{"Fn::Sub":"arn:');
});
