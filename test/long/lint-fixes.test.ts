// Tests that no fix of `fob policy lint` allows anything about another user, role or key that the policy did not allow
// before: applies the patches of all findings to generated policies, and asks the evaluator.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listExemptions } from "../../src/policy/enforcement.ts";
import { evaluate, parsePolicy } from "../../src/policy/engine/evaluate.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { fixPolicies } from "../../src/policy/fix.ts";
import { PatchError } from "../../src/policy/input/apply-patch.ts";
import { patchText } from "../../src/policy/input/edit-json.ts";
import { extractPolicy, findPolicies } from "../../src/policy/input/find.ts";
import { readJsonSource } from "../../src/policy/input/source.ts";
import { type Finding, lint } from "../../src/policy/lint/lint.ts";
import type { Patch } from "../../src/policy/lint/patch.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { applyPatch } from "../helpers/json-patch.ts";
import { actions, isAccepted, policy, variable } from "../helpers/policies.ts";

const find = (policy: unknown): Finding[] => lint(readJson(JSON.stringify(policy)));

/** What alice asks about others, in her account and in another one. */
const others = [
  ...["user/bob", "user/team/bob", "user/alice-2", "user/team/alice-2", "role/admin", "role/alice"],
  ...["user/bob", "role/admin"].map((name) => `999999999999:${name}`),
].map((name) => `arn:aws:iam::${name.includes(":") ? name : `123456789012:${name}`}`);
const identity = {
  "aws:username": "alice",
  "aws:PrincipalArn": "arn:aws:iam::123456789012:user/alice",
  "aws:PrincipalAccount": "123456789012",
};
const callers = [
  identity,
  { ...identity, "aws:MultiFactorAuthPresent": "false" },
  { ...identity, "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60" },
];
const requests = others.flatMap((resource) =>
  actions.flatMap((action) => callers.map((context) => ({ action, resource, context }))),
);

/** Users without MFA need these to set it up, so a fix may exempt them from a Deny. */
const exemptions = new Set(listExemptions().map(({ action }) => action));

interface Policy {
  Statement: { Effect: string }[];
}

/** Lists what a policy allows about others: without MFA, and, apart from what it denies, with MFA. */
function listAllowed(json: unknown): Set<string> {
  const list = [(json as Policy).Statement].flat();
  const [all, allows] = [list, list.filter(({ Effect }) => Effect === "Allow")].map((Statement) =>
    Statement.length === 0 || !isAccepted(json)
      ? []
      : [parsePolicy(structuredClone({ ...(json as Policy), Statement }))],
  );
  const allowed = requests.filter((request) => {
    const { action: name, context } = request;
    const policies = hasMfa(context) || exemptions.has(name) ? allows : all;
    return evaluate(policies ?? [], request).decision === "allowed";
  });
  return new Set(allowed.map((request) => JSON.stringify(request)));
}

const hasMfa = (context: Readonly<Record<string, string>>): boolean => context["aws:MultiFactorAuthPresent"] === "true";

function expectNoMore(before: unknown, after: unknown, because: unknown): void {
  const had = listAllowed(before);
  const more = [...listAllowed(after)].filter((request) => !had.has(request));
  expect({ because, before, after, more: more.slice(0, 3) }).toMatchObject({ more: [] });
}

test("no fix allows a request about another user, role or key", () => {
  fc.assert(
    fc.property(policy, (before) => {
      for (const { rule, fix, patch } of find(before)) {
        if (patch === undefined) continue;
        expectNoMore(before, applyPatch(before, patch), { rule, fix });
      }
    }),
    { numRuns: numRunsOf(1_600) },
  );
});

/** Applies a patch to a text, as --fix does; undefined if --fix leaves it. */
function patchIfPossible(text: string, patch: Patch): string | undefined {
  try {
    return patchText(text, patch);
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}

test("a patch has the same result on the text of a policy, in every format", () => {
  let count = 0;
  fc.assert(
    fc.property(policy, fc.constantFrom(undefined, 1, 2, "\t"), (before, indentation) => {
      const text = JSON.stringify(before, null, indentation);
      for (const { patch } of find(before)) {
        const after = patch && patchIfPossible(text, patch);
        if (patch === undefined || after === undefined) continue;
        count += 1;
        expect(JSON.parse(after)).toEqual(applyPatch(before, patch));
        // The lines that stay have the indentation that they had.
        expect(after.includes("\n")).toBe(indentation !== undefined);
      }
    }),
    { numRuns: numRunsOf(400) },
  );
  expect(count).toBeGreaterThan(100);
});

interface Shape {
  readonly name: string;
  readonly policy: object;
}
const shapes = JSON.parse(readFileSync(new URL("../policy/policy-shapes.json", import.meta.url), "utf8")) as Shape[];
const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

/** Returns the fixed content of a file, and the texts of the policies in it, before and after. */
function fix(text: string): { content: string; before: string[]; after: string[]; count: number } {
  const found = findPolicies(readJsonSource(text));
  const { content, count } = fixPolicies(text, found, ({ kind, unknown }) => ({ as: kind, unknown }));
  const extract = (given: string) =>
    findPolicies(readJsonSource(given)).map((policy) => extractPolicy(policy)?.text ?? "");
  return { content, before: extract(text), after: extract(content), count };
}

/** What people have, with a policy or its text in the place of `it`. */
const forms: Readonly<Record<string, (policy: object) => unknown>> = {
  document: (it) => it,
  "get-group-policy": (it) => ({
    ResponseMetadata: { b: 1 },
    GroupName: "g",
    PolicyName: "p",
    PolicyDocument: it,
    z: 1e2,
  }),
  text: (it) => ({ a: [1], GroupName: "g", PolicyName: "p", PolicyDocument: pretty(it), z: "\u00e9" }),
  encoded: (it) => ({
    GroupName: "g",
    PolicyName: "p",
    PolicyDocument: encodeURIComponent(JSON.stringify(it)).replaceAll("*", "%2A"),
    z: 1,
  }),
  "get-policy-version": (it) => ({ PolicyVersion: { Document: it, VersionId: "v1" } }),
  template: (it) => ({
    Resources: { A: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument: it, Groups: [{ Ref: "G" }] } } },
  }),
  state: (it) => ({
    format_version: "1.0",
    values: { root_module: { resources: [{ address: "a", type: "aws_iam_policy", values: { policy: pretty(it) } }] } },
  }),
};

describe.each(shapes)("--fix of $name", ({ policy: shape }) => {
  const alone = fix(pretty(shape));
  test("is valid JSON, allows nothing more about others, and has nothing left to fix", () => {
    expectNoMore(shape, JSON.parse(alone.content), alone.content);
    expect(fix(alone.content)).toMatchObject({ content: alone.content, count: 0 });
    expect(find(JSON.parse(alone.content)).filter(({ patch }) => patch !== undefined)).toEqual([]);
  });

  test.each(Object.entries(forms))("in the form %s, only the policy changes", (_, wrap) => {
    const text = pretty(wrap(shape)).replace("100", "1e2");
    const { content, after, count } = fix(text);
    expect(count).toBe(alone.count);
    expect(after.map((each) => JSON.parse(each) as unknown)).toEqual([JSON.parse(alone.content)]);
    expect(JSON.parse(content)).toEqual(wrap(JSON.parse(alone.content) as object));
    expect(content === text).toBe(count === 0);
    if (text.includes("1e2")) expect(content).toContain('"z": 1e2\n}');
  });
});

test("the shapes have something to fix", () => {
  expect(shapes.filter((shape) => fix(pretty(shape.policy)).count > 0).length).toBeGreaterThan(8);
});

test("--fix changes nothing that a template returns, and copies none of it", () => {
  const Sub = { "Fn::Sub": `arn:aws:iam::*:mfa/${variable.replace("{", "{!")}` };
  const statement = (Action: string | string[], Resource: unknown) => ({ Effect: "Allow", Action, Resource });
  const template = (...Statement: object[]) =>
    pretty({
      Resources: {
        A: {
          Type: "AWS::IAM::ManagedPolicy",
          Properties: { PolicyDocument: { Version: "2012-10-17", Statement } },
        },
      },
    });
  // The fix would replace the resource, or move the action to a statement with a copy of it.
  const left = template(
    statement("iam:CreateAccessKey", Sub),
    statement(["iam:CreateAccessKey", "iam:DeleteVirtualMFADevice"], Sub),
  );
  const found = findPolicies(readJsonSource(left))[0];
  const wrong = found && lint(found.json).find(({ rule, patch }) => rule === "wrong-resource" && patch);
  expect(wrong?.also).toHaveLength(1);
  expect(fix(left)).toMatchObject({ content: left, count: 0 });
  const copied = template({
    ...statement(["iam:CreateAccessKey", "iam:DeleteVirtualMFADevice"], `arn:aws:iam::*:mfa/${variable}`),
    Condition: { StringEquals: { "aws:PrincipalTag/team": { "Fn::Sub": "team-$" + "{Team}" } } },
  });
  expect(fix(copied)).toMatchObject({ content: copied, count: 0 });
  const denied = { ...statement("iam:GetUsr", Sub), Effect: "Deny" };
  const other = template(denied, statement("s3:GetObject", { Ref: "Bucket" }));
  expect(fix(other)).toMatchObject({ content: other.replace("GetUsr", "GetUser"), count: 1 });
});

test("--fix of several policies in a file fixes each", () => {
  const group = (name: string, Action: string) => ({
    GroupName: name,
    GroupPolicyList: [
      {
        PolicyName: "p",
        PolicyDocument: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Deny", Action, Resource: "*" }],
        }),
      },
    ],
  });
  const account = (...actions: string[]) =>
    pretty({ GroupDetailList: actions.map((action, index) => group(`g${index}`, action)) });
  expect(fix(account("iam:GetUsr", "s3:*", "iam:GetRol", "iam:GetGrup"))).toMatchObject({
    content: account("iam:GetUser", "s3:*", "iam:GetRole", "iam:GetGroup"),
    count: 3,
  });
});

test("--fix of a policy larger than AWS accepts comes to an end soon", () => {
  const Action = Array.from({ length: 1_500 }, (_, index) => `iam:GetUsr${index.toString(36)}`);
  const { count } = fix(
    JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Deny", Action, Resource: "*" } }),
  );
  expect(count).toBeGreaterThan(10);
  expect(count).toBeLessThan(50);
});

test("--fix of statements without a policy keeps them so", () => {
  const text = '[{"Effect": "Deny", "Action": "iam:GetUsr", "Resource": "*"}]';
  expect(fix(text).content).toBe(text.replace("GetUsr", "GetUser"));
  const own = `arn:aws:iam::*:mfa/${variable}`;
  const Action = ["iam:DeleteVirtualMFADevice", "iam:CreateAccessKey"];
  const { content } = fix(JSON.stringify({ Effect: "Allow", Action, Resource: own }));
  expect(JSON.parse(content)).toMatchObject([
    { Action: ["iam:DeleteVirtualMFADevice"], Resource: own },
    { Action: ["iam:CreateAccessKey"] },
  ]);
});

describe("a change keeps the format", () => {
  const change = (text: string, ...patch: Patch) => patchText(text, patch);
  const tabs = '{\r\n\t"Effect": "Allow",\r\n\t"Action": "a"\r\n}';
  const spaces = '{\n    "Action": ["a", "b"],\n    "b": {\n        "x": [\n            1\n        ]\n    }\n}';
  const minified = '{"Action":["a"],"b":{"x":1}}';
  test.each<[string, Patch[number], string]>([
    [
      tabs,
      { op: "add", path: "/New", value: { k: ["v"] } },
      tabs.replace('"a"', '"a",\r\n\t"New": {\r\n\t\t"k": [\r\n\t\t\t"v"\r\n\t\t]\r\n\t}'),
    ],
    [tabs, { op: "replace", path: "/Action", value: ["x"] }, tabs.replace('"a"', '[\r\n\t\t"x"\r\n\t]')],
    [tabs, { op: "move", from: "/Effect", path: "/Sid" }, tabs.replace("Effect", "Sid")],
    [tabs, { op: "remove", path: "/Effect" }, tabs.replace('"Effect": "Allow",\r\n\t', "")],
    [tabs, { op: "remove", path: "/Action" }, tabs.replace(',\r\n\t"Action": "a"', "")],
    [spaces, { op: "add", path: "/Action/-", value: "c" }, spaces.replace('"b"]', '"b", "c"]')],
    [spaces, { op: "add", path: "/Action/0", value: "c" }, spaces.replace('["a"', '["c", "a"')],
    [spaces, { op: "remove", path: "/Action/1" }, spaces.replace(', "b"]', "]")],
    [spaces, { op: "replace", path: "/Action", value: ["x", "y"] }, spaces.replace('["a", "b"]', '["x", "y"]')],
    [
      spaces,
      { op: "add", path: "/b/y", value: { z: 1 } },
      spaces.replace("]\n    }", "]\n    }".replace("]", '],\n        "y": {\n            "z": 1\n        }')),
    ],
    [spaces, { op: "add", path: "/b/x/-", value: 2 }, spaces.replace("1\n", "1,\n            2\n")],
    [minified, { op: "add", path: "/Action/-", value: "c" }, minified.replace('["a"]', '["a","c"]')],
    [minified, { op: "add", path: "/b/y", value: { z: 1 } }, minified.replace('"x":1', '"x":1,"y":{"z":1}')],
    [minified, { op: "remove", path: "/Action/0" }, minified.replace('"a"', "")],
    ["{}", { op: "add", path: "/a", value: 1 }, '{"a":1}'],
    ['{"a~/b": 1}', { op: "replace", path: "/a~0~1b", value: 2 }, '{"a~/b": 2}'],
  ])("%j %j", (text, patch, expected) => {
    expect(change(text, patch)).toBe(expected);
  });
});

test("a change that would lose something is not possible", () => {
  const text = '{"a": 1, "b": 2}';
  expect(() => patchText(text, [{ op: "move", from: "/a", path: "/b" }])).toThrow(PatchError);
  expect(() => patchText(text, [{ op: "replace", path: "/c/d", value: 1 }])).toThrow(PatchError);
  expect(() => patchText(text, [{ op: "remove", path: "/c" }])).toThrow(PatchError);
});

const noMfa = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
/** Statements of which one fix brought back what another one, or the same, had fixed before. */
const endless = [
  { Effect: "Deny", Action: ["iam:Getusr"], Resource: "*", Condition: noMfa },
  { Effect: "Allow", NotAction: ["s3:*"], NotResource: [`arn:aws:iam:::user/${variable}`], Condition: noMfa },
  {
    Effect: "Allow",
    NotAction: ["iam:CreateAcessKey"],
    Resource: [`arn:aws:iam:::user/${variable}`],
    Condition: noMfa,
  },
  { Effect: "Deny", Action: ["iam:*MFA*"], NotResource: ["arn:aws:iam::ACCOUNT_ID:mfa/*"], Condition: noMfa },
  { Effect: "Deny", Action: ["iam:EnableMFADevice"], NotResource: [`arn:aws:iam::user/${variable}`], Condition: noMfa },
];

test("all fixes together allow no such request either, and come to an end", () => {
  fc.assert(
    fc.property(policy as fc.Arbitrary<object>, (before) => {
      let after: unknown = before;
      const done: unknown[] = [];
      for (;;) {
        const [next] = find(after).filter(({ patch }) => patch !== undefined);
        if (next?.patch === undefined) break;
        after = applyPatch(after, next.patch);
        done.push(next);
        expect(done.length, JSON.stringify({ before, done: done.slice(-4) })).toBeLessThan(100);
      }
      expectNoMore(before, after, done);
    }),
    {
      numRuns: numRunsOf(800),
      examples: endless.map((Statement): [object] => [{ Version: "2012-10-17", Statement }]),
    },
  );
});

describe("an action on the wrong type of resource keeps the variable, the account and the name", () => {
  const iam = (name: string): string => `arn:aws:iam::${name}`;
  const own = (account: string): string[] => [iam(`${account}:user/${variable}`), iam(`${account}:user/*/${variable}`)];
  test.each([
    ["iam:UpdateLoginProfile", iam(`*:mfa/${variable}`), own("*")],
    ["iam:CreateAccessKey", iam(`123456789012:mfa/${variable}`), own("123456789012")],
    ["iam:EnableMFADevice", iam(`*:mfa/${variable}`), own("*")],
    // All devices are not all users.
    ["iam:CreateAccessKey", iam("123456789012:mfa/*"), own("123456789012")],
    ["iam:DeactivateMFADevice", iam("123456789012:mfa/dave"), iam("123456789012:user/dave")],
    ["iam:DeleteVirtualMFADevice", iam(`*:user/${variable}`), iam(`*:mfa/${variable}`)],
    ["iam:CreateVirtualMFADevice", iam(`123456789012:user/${variable}`), iam("123456789012:mfa/*")],
    // Which role, and whose group, is not known.
    ["sts:AssumeRole", iam(`*:user/${variable}`), undefined],
    ["sts:AssumeRole", iam("123456789012:mfa/admin"), undefined],
    ["iam:AddUserToGroup", iam(`*:user/${variable}`), undefined],
    ["iam:CreateAccessKey", iam("123456789012:policy/keys"), undefined],
    // Users could become administrators.
    ["iam:AttachUserPolicy", iam(`*:mfa/${variable}`), undefined],
  ])("%s on %s: %j", (action, resource, right) => {
    const before = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: [action], Resource: resource }] };
    const [wrong] = find(before).filter(({ rule }) => rule === "wrong-resource");
    expect(wrong?.fix).not.toMatch(/(user|role|group)\/\*"/);
    if (right === undefined) expect(wrong).not.toHaveProperty("patch");
    else {
      const [first = ""] = [right].flat();
      expect(wrong?.fix).toContain(JSON.stringify(first));
      expect(applyPatch(before, wrong?.patch ?? [])).toMatchObject({ Statement: [{ Resource: right }] });
    }
  });
});

test("an action moves to a statement of its own if the others apply to the resource", () => {
  const Condition = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
  const Resource = `arn:aws:iam::*:mfa/${variable}`;
  const Action = ["iam:DeleteVirtualMFADevice", "iam:CreateAccessKey"];
  const moved = {
    ...{ Effect: "Allow", Action: ["iam:CreateAccessKey"], Condition },
    Resource: [`arn:aws:iam::*:user/${variable}`, `arn:aws:iam::*:user/*/${variable}`],
  };
  for (const list of [true, false]) {
    const given = { Sid: "Own", Effect: "Allow", Action, Resource, Condition };
    const before = { Version: "2012-10-17", Statement: list ? [given] : given };
    const [{ patch = [] } = {}] = find(before).filter(({ rule }) => rule === "wrong-resource");
    const left = { ...given, Action: ["iam:DeleteVirtualMFADevice"] };
    expect(applyPatch(before, patch)).toEqual({ Version: "2012-10-17", Statement: [left, moved] });
  }
});

test("a fix that would allow something about others says so instead", () => {
  const fixOf = (Action: string, Resource: string) => {
    const found = find({ Version: "2012-10-17", Statement: { Effect: "Allow", Action, Resource } });
    expect(found[0]).not.toHaveProperty("patch");
    return found[0]?.fix;
  };
  expect(fixOf("iam:CreateAcessKey", "*")).toBe(
    'write "iam:CreateAccessKey", but only if users should be allowed to do that on all resources of the statement: it creates or reactivates an access key, which an attacker can keep',
  );
  expect(fixOf("sts:AssumeRole", "arn:aws:iam:::role/admin")).toBe(
    'write the twelve digits of the account: "arn:aws:iam::ACCOUNT:role/admin"',
  );
  expect(fixOf("iam:CreateAccessKey", "arn:amazon:iam::*:user/*")).toBe(
    'write "arn:aws:iam::*:user/*", but only if you want that: the statement then allows its actions on all matching resources',
  );
  expect(fixOf("iam:UpdateAccountPasswordPolicy", `arn:aws:iam::*:user/dave`)).toBe(
    'remove it; or, to allow it for the whole account, move it to a statement with "Resource": "*"',
  );
});
