// Tests that --fix changes YAML as it changes JSON, and that comments, quotes and indentation stay.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify, type ToStringOptions } from "yaml";
import { type Path, readJson, SourceError } from "../../src/policy/engine/json.ts";
import { fixPolicies } from "../../src/policy/fix.ts";
import { PatchError } from "../../src/policy/input/apply-patch.ts";
import { patchYaml } from "../../src/policy/input/edit-yaml.ts";
import { findPolicies } from "../../src/policy/input/find.ts";
import { readJsonSource, type Source } from "../../src/policy/input/source.ts";
import { readYamlSources } from "../../src/policy/input/yaml.ts";
import { lint } from "../../src/policy/lint/lint.ts";
import type { Patch } from "../../src/policy/lint/patch.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { applyPatch } from "../helpers/json-patch.ts";
import { policy } from "../helpers/policies.ts";

const read = (text: string): unknown => readYamlSources(text)[0]?.value;

function patchIfPossible(text: string, patch: Patch): string | undefined {
  try {
    return patchYaml(text, patch);
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}

const style = fc.record({
  indent: fc.constantFrom(2, 4),
  indentSeq: fc.boolean(),
  defaultStringType: fc.constantFrom("PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE"),
  defaultKeyType: fc.constantFrom(null, "PLAIN"),
  collectionStyle: fc.constantFrom("any", "any", "block", "flow"),
  lineWidth: fc.constant(0),
});
// Without anchors for what is the same twice: patchYaml takes none.
const write = (value: unknown, options: object): string =>
  stringify(value, { ...options, aliasDuplicateObjects: false } as ToStringOptions);

/** Adds a comment behind lines, and above them. */
function comment(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines
    .map((line, index) => `${/^ */.exec(line)?.[0] ?? ""}# above ${index}\n${line} # behind ${index}\n`)
    .join("");
}

describe("a patch has the same result on YAML as on JSON, in every style", () => {
  test.each([
    ["without comments", (text: string) => text],
    ["with comments", comment],
    ["with CRLF, without a last line break", (text: string) => text.trimEnd().replaceAll("\n", "\r\n")],
    ["further to the right", (text: string) => text.replace(/^(?=.)/gm, "      ")],
  ])("%s", (_, change) => {
    let [done, left] = [0, 0];
    fc.assert(
      fc.property(policy, style, (before, options) => {
        const text = change(write(before, options));
        for (const { patch, rule } of lint(readJson(JSON.stringify(before)))) {
          if (patch === undefined) continue;
          const after = patchIfPossible(text, patch);
          if (after === undefined) left += 1;
          else done += 1;
          if (after === undefined) continue;
          expect(read(after), `${rule}\n${text}\n${after}`).toEqual(applyPatch(before, patch));
          if (text.includes("\r\n")) expect(after).not.toMatch(/[^\r]\n/);
          expect(after.endsWith("\n")).toBe(text.endsWith("\n"));
        }
      }),
      { numRuns: numRunsOf(200) },
    );
    // What has an anchor, and a list with comments that becomes a text.
    expect(left).toBeLessThan(done / 5);
    expect(done).toBeGreaterThan(40);
  });
});

interface Shape {
  readonly name: string;
  readonly policy: object;
}
const shapes = JSON.parse(readFileSync(new URL("../policy/policy-shapes.json", import.meta.url), "utf8")) as Shape[];

interface Fixed {
  readonly content: string;
  readonly count: number;
  readonly values: readonly unknown[];
}
const fixIn = (text: string, sources: readonly Source[]): Fixed =>
  fixPolicies(text, sources.flatMap(findPolicies), ({ kind, unknown }) => ({ as: kind, unknown }));
const fix = (text: string): Fixed => fixIn(text, readYamlSources(text));

/** Templates with a policy, as people write them. */
const templates: Readonly<Record<string, (policy: object) => string>> = {
  block: (it) => comment(write(wrap(it), { lineWidth: 0 })),
  "single quotes": (it) => write(wrap(it), { indent: 4, defaultStringType: "QUOTE_SINGLE", lineWidth: 0 }),
  "JSON in YAML": (it) =>
    `# JSON\nResources:\n  A: ${JSON.stringify(wrap(it).Resources.A, null, 2).replace(/^/gm, "    ")}\n`,
  "a text in a block": (it) =>
    `Resources:\n  A:\n    Type: AWS::Organizations::Policy\n    Properties:\n      Content: |-\n${JSON.stringify(it, null, 2).replace(/^/gm, "        ")}\n      Name: x # name\n`,
  "a text in quotes": (it) =>
    `Resources:\n  A:\n    Type: AWS::SSO::PermissionSet\n    Properties: # of an administrator\n      InlinePolicy: '${JSON.stringify(it)}'\n`,
};
const wrap = (PolicyDocument: object) => ({
  Resources: { A: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument, Groups: [{ Ref: "G" }] } } },
});

describe.each(shapes)("--fix of $name in YAML", ({ policy: shape }) => {
  test.each(Object.entries(templates))("%s", (_, build) => {
    const text = build(shape);
    const { content, count, values } = fix(text);
    const inJson = fixIn(JSON.stringify(read(text)), [readJsonSource(JSON.stringify(read(text)))]);
    expect({ count, values }).toEqual({ count: inJson.count, values: inJson.values });
    expect(
      readYamlSources(content)
        .flatMap(findPolicies)
        .map(({ json }) => json.value),
    ).toEqual(values);
    // Whatever is outside of the policy.
    expect(replacePolicy(read(content))).toEqual(replacePolicy(read(text)));
    expect(content === text).toBe(count === 0);
    expect(fix(content)).toMatchObject({ content, count: 0 });
  });
});

function replacePolicy(template: unknown): unknown {
  const { Properties } = (template as { Resources: { A: { Properties: Record<string, unknown> } } }).Resources.A;
  return { ...Properties, PolicyDocument: undefined, Content: undefined, InlinePolicy: undefined };
}

test("the shapes have something to fix", () => {
  expect(shapes.filter(({ policy: shape }) => fix(write(shape, {})).count > 0).length).toBeGreaterThan(8);
});

const given = `# Everybody
Resources:
  Mfa: # for all
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Groups: [ !Ref Users ]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          # What users may do.
          - Sid: Own   # own
            Effect: Allow
            Action:
              - s3:GetObject
              - iam:DeleteVirtualMFADevice # old phones

            # who
            Resource: arn:aws:iam::*:mfa/\${aws:usernam}
          # What they may not do.
          - Effect: "Deny"
            NotAction:
            - 'iam:CreateVirtualMFADevice'
            - 'iam:EnableMFADevice'  # last
            Resource: "*"
            Condition:
              Bool: { aws:MultiFactorAuthPresent: false } # a code
  Run:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
      -   Statement:
              Effect: Deny # no
              Action: [iam:GetUsr, 's3:*']
              Resource: !Sub '\${Bucket}/*'
`;

test("comments, quotes and indentation stay", () => {
  const expected = given
    .replace("aws:usernam}", "aws:username}")
    .replace(
      "- 'iam:EnableMFADevice'  # last\n",
      (line) =>
        `${line}${["GetUser", "ListMFADevices", "ListVirtualMFADevices", "ResyncMFADevice"].map((name) => `            - 'iam:${name}'\n`).join("")}            - 'sts:GetSessionToken'\n            - 'iam:GetMFADevice'\n`,
    )
    .replace("Bool: {", "BoolIfExists: {")
    .replace("Present: false }", "Present: 'false' }")
    .replace("iam:GetUsr", "iam:GetUser")
    .replace("/*'\n", (line) => `${line}          Version: '2012-10-17'\n`);
  const { content } = fix(given);
  expect(content).toBe(expected);
  const crlf = (text: string) => text.replaceAll("\n", "\r\n");
  expect(fix(crlf(given)).content).toBe(crlf(expected));
  expect(fix(given.trimEnd()).content).toBe(expected.trimEnd());
});

describe("a change keeps the layout", () => {
  const block = "a: # one\n- b  # two\n\n# three\n- 'c'\nd: e # four\n";
  const flow = "a: [b, 'c', \"d\"] # one\ne: { f: g, h: i }\nj: [\n    k,\n    l # two\n  ]\n";
  const single =
    "Statement:\n    # one\n    Effect: Deny\n\n    Action: |\n      a\n\n      b\n    Not: x # two\n# three\n";
  test.each<[string, Patch[number], string]>([
    [block, { op: "add", path: "/a/-", value: "x" }, block.replace("'c'\n", "'c'\n- 'x'\n")],
    [block, { op: "add", path: "/a/0", value: "x" }, block.replace("- b", "- 'x'\n- b")],
    [
      block,
      { op: "add", path: "/a/1", value: { x: [1], z: {} } },
      block.replace("two\n", "two\n- x:\n  - 1\n  z: {}\n"),
    ],
    [block, { op: "remove", path: "/a/0" }, block.replace("- b  # two\n", "")],
    [block, { op: "remove", path: "/a/1" }, block.replace("- 'c'\n", "")],
    [block, { op: "replace", path: "/a/1", value: "no" }, block.replace("'c'", "'no'")],
    [block, { op: "replace", path: "/a/0", value: "no" }, block.replace("- b ", "- 'no' ")],
    [block, { op: "replace", path: "/a/0", value: "s3:*" }, block.replace("- b ", "- s3:* ")],
    [block, { op: "replace", path: "/a/0", value: { x: "*" } }, block.replace("- b ", "- x: '*' ")],
    [block, { op: "replace", path: "/d", value: ["x", "y"] }, block.replace("d: e ", "d:\n- x\n- 'y' ")],
    [block, { op: "move", from: "/d", path: "/Null" }, block.replace("d: e", '"Null": e')],
    [block, { op: "remove", path: "/d" }, block.replace("d: e # four\n", "")],
    [block, { op: "remove", path: "/a" }, "d: e # four\n"],
    [block, { op: "add", path: "/x", value: ["1", "2012-10-17"] }, `${block}x:\n- '1'\n- '2012-10-17'\n`],
    [flow, { op: "add", path: "/a/-", value: "x*" }, flow.replace('"d"', '"d", "x*"')],
    [flow, { op: "add", path: "/a/0", value: "x" }, flow.replace("[b", '["x", b')],
    [flow, { op: "remove", path: "/a/2" }, flow.replace(', "d"', "")],
    [flow, { op: "remove", path: "/a/0" }, flow.replace("b, ", "")],
    [flow, { op: "replace", path: "/a", value: [] }, flow.replace("[b, 'c', \"d\"]", "[]")],
    [flow, { op: "add", path: "/e/x", value: { y: ["z"] } }, flow.replace("h: i", 'h: i, "x": {"y": ["z"]}')],
    [flow, { op: "remove", path: "/e/f" }, flow.replace("f: g, ", "")],
    [flow, { op: "move", from: "/e/h", path: "/e/x" }, flow.replace("h: i", "x: i")],
    [flow, { op: "add", path: "/j/1", value: "x" }, flow.replace("k,\n", "k,\n    x,\n")],
    [
      single,
      {
        op: "replace",
        path: "/Statement",
        value: [{ Effect: "Deny", Action: "a\n\nb\n", Not: "x" }, { Effect: "Allow" }],
      },
      "Statement:\n    # one\n    - Effect: Deny\n\n      Action: |\n        a\n\n        b\n      Not: x # two\n    - Effect: Allow\n# three\n",
    ],
  ])("%j %j", (text, change, expected) => {
    expect(patchYaml(text, [change])).toBe(expected);
  });

  test.each<[string, Patch[number]]>([
    ["a: &x [b]\nc: *x\n", { op: "add", path: "/c/-", value: "d" }],
    ["a: {b: !Ref C}\n", { op: "replace", path: "/a/b", value: "c" }],
    ["a:\n- b # why\n- c\n", { op: "replace", path: "/a", value: "c" }],
    ["a: 1\nb: 2\n", { op: "move", from: "/a", path: "/b" }],
    ["a: 1\n", { op: "replace", path: "/c/d", value: 1 }],
    ["a: 1\n", { op: "remove", path: "/c" }],
  ])("but is not made if something would be lost: %j %j", (text, change) => {
    expect(() => patchYaml(text, [change])).toThrow(PatchError);
  });
});

test("a policy that has anchors, or is in several places, is left", () => {
  const wrong = "{Version: 2012-10-17, Statement: {Effect: Deny, Action: iam:GetUsr, Resource: '*'}}";
  const policies = (...texts: string[]) =>
    `Resources:\n${texts.map((text, index) => `  A${index}: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: ${text}}}\n`).join("")}`;
  const right = wrong.replace("GetUsr", "GetUser");
  const shared = [`&x ${wrong}`, "*x", wrong.replace("iam:", "&y iam:"), wrong.replace("iam:GetUsr", "*y")];
  expect(fix(policies(...shared, wrong))).toMatchObject({ content: policies(...shared, right), count: 1 });
  const merged = `Resources:\n  A: &a\n    Type: AWS::IAM::ManagedPolicy\n    Properties: {PolicyDocument: ${wrong}}\n  B: {<<: *a}\n`;
  expect(fix(merged)).toMatchObject({ content: merged, count: 0 });
});

test("of a damaged file, --fix changes only policies, or the file is rejected with a place", () => {
  const pieces = [
    "",
    " ",
    "  ",
    "\n",
    "\t",
    "- ",
    ": ",
    "? ",
    "'",
    '"',
    "&a ",
    "*a",
    "!Sub ",
    "|\n",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    " #",
    "---\n",
    "<<: ",
  ];
  const damage = fc.record({
    at: fc.integer({ min: 0, max: given.length }),
    length: fc.integer({ min: 0, max: 6 }),
    piece: fc.constantFrom(...pieces),
  });
  let count = 0;
  const check = (text: string) => {
    let sources: readonly Source[];
    try {
      sources = readYamlSources(text);
    } catch (error) {
      if (error instanceof SourceError) return;
      throw error;
    }
    let fixed: Fixed;
    try {
      fixed = fixIn(text, sources);
    } catch (error) {
      // A policy that is a text.
      if (error instanceof SourceError) return;
      throw error;
    }
    const after = readYamlSources(fixed.content);
    expect(after.flatMap(findPolicies).map(({ json }) => json.value)).toEqual(fixed.values);
    expect(after.map(withoutPolicies)).toEqual(sources.map(withoutPolicies));
    count += fixed.count;
  };
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (all) => {
      check(all.reduce((text, { at, length, piece }) => text.slice(0, at) + piece + text.slice(at + length), given));
    }),
    { numRuns: numRunsOf(1_200) },
  );
  expect(count).toBeGreaterThan(40);
});

/** Returns a document with nothing in the place of its policies. */
const withoutPolicies = (source: Source): unknown =>
  findPolicies(source).reduce((value, { path }) => removeAt(value, path), source.value);

function removeAt(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined || typeof value !== "object" || value === null) return null;
  const copy: Record<string, unknown> = { ...value };
  copy[first] = removeAt(copy[first], rest);
  return copy;
}
