// Tests IAM's decisions on identity-based policies, with vectors that were not created with this evaluator.

import { readFileSync } from "node:fs";
import { test as propertyTest } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PolicyDocument, RequestContext } from "../../src/policy/engine/evaluate.ts";
import { ABSENT, evaluate, PolicyError, parsePolicy, UNKNOWN } from "../../src/policy/engine/evaluate.ts";
import { explain } from "../../src/policy/engine/explain.ts";
import { matches, parsePattern } from "../../src/policy/engine/wildcard.ts";

interface Vectors {
  policies: Record<string, unknown[]>;
  cases: {
    policies: string;
    action: string;
    resource: string;
    when: string;
    context: RequestContext;
    decision: string;
  }[];
}

const vectors = JSON.parse(readFileSync(new URL("policy-evaluation.json", import.meta.url), "utf8")) as Vectors;

const allowAll = { Effect: "Allow", Action: "*", Resource: "*" } as const;
const denyWithoutMfa = {
  Sid: "DenyAllWithoutMFA",
  Effect: "Deny",
  NotAction: ["iam:ListMFADevices"],
  Resource: "*",
  Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
} as const;

function policy(...statements: unknown[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements } as PolicyDocument;
}

function decide(
  statements: unknown[],
  context: RequestContext = {},
  action = "s3:GetObject",
  resource = "arn:aws:s3:::b/k",
) {
  return evaluate([policy(...statements)], { action, resource, context });
}

describe("vectors", () => {
  test("the file has all vectors", () => expect(vectors.cases).toHaveLength(111));

  test.each(vectors.cases)("$policies: $action, $when: $decision", (vector) => {
    const policies = (vectors.policies[vector.policies] ?? []).map(parsePolicy);
    expect(evaluate(policies, vector).decision).toBe(vector.decision);
  });
});

describe("the decision and its reasons", () => {
  test("an explicit deny overrides an allow and names its statement", () => {
    const evaluation = evaluate([policy(allowAll), policy(allowAll, { ...allowAll, Sid: "No", Effect: "Deny" })], {
      action: "s3:GetObject",
      resource: "*",
      context: {},
    });
    expect(evaluation).toEqual({
      decision: "explicitDeny",
      matchedStatements: [{ policy: 1, statement: 1, sid: "No" }],
      missingContextKeys: [],
    });
  });

  test("an allow names its statement, and an implicit deny names none", () => {
    expect(decide([allowAll]).matchedStatements).toEqual([{ policy: 0, statement: 0 }]);
    expect(decide([{ ...allowAll, Action: "ec2:*" }])).toEqual({
      decision: "implicitDeny",
      matchedStatements: [],
      missingContextKeys: [],
    });
    expect(evaluate([], { action: "s3:GetObject", resource: "*", context: {} }).decision).toBe("implicitDeny");
  });

  test("GetSessionToken and GetCallerIdentity need no permissions, even if a policy denies them", () => {
    for (const action of ["sts:GetSessionToken", "STS:getcalleridentity"]) {
      expect(decide([{ ...allowAll, Effect: "Deny" }], {}, action).decision).toBe("allowed");
    }
  });

  test.each([
    ["S3:getobject", "allowed"],
    ["s3:Get*", "allowed"],
    ["s3:Get?bject", "allowed"],
    ["s3:GetObjec", "implicitDeny"],
    ["*:*", "allowed"],
  ])("action pattern %s against s3:GetObject: %s", (pattern, decision) => {
    expect(decide([{ ...allowAll, Action: ["ec2:Run*", pattern] }]).decision).toBe(decision);
  });

  test("resources match by wildcard and are case-sensitive", () => {
    expect(decide([{ ...allowAll, Resource: "arn:aws:s3:::b/*" }]).decision).toBe("allowed");
    expect(decide([{ ...allowAll, Resource: ["arn:aws:s3:::x", "arn:aws:s3:::B/*"] }]).decision).toBe("implicitDeny");
  });

  test('condition keys and Booleans ignore case, and true means "true"', () => {
    const statement = { ...allowAll, Condition: { Bool: { "AWS:multifactorauthpresent": true } } };
    expect(decide([statement], { "aws:MultiFactorAuthPresent": "True" }).decision).toBe("allowed");
    expect(decide([statement], { "aws:MultiFactorAuthPresent": ["true"] }).decision).toBe("allowed");
    expect(decide([statement], { "aws:MultiFactorAuthPresent": "false" }).decision).toBe("implicitDeny");
    expect(decide([statement], {}).decision).toBe("implicitDeny");
  });

  test("all keys of all operators must match", () => {
    const statement = { ...allowAll, Condition: { Bool: { a: "true", b: "false" }, BoolIfExists: { c: "true" } } };
    expect(decide([statement], { a: "true", b: "false" }).decision).toBe("allowed");
    expect(decide([statement], { a: "true", b: "true" }).decision).toBe("implicitDeny");
    expect(decide([statement], { a: "true", b: "false", c: "false" }).decision).toBe("implicitDeny");
  });

  test("rejects an invalid request", () => {
    expect(() => decide([allowAll], {}, "s3:*")).toThrow("service:Action");
    expect(() => decide([allowAll], { "aws:X": "1", "AWS:x": "2" })).toThrow("set twice");
  });
});

describe("unknown values", () => {
  const mfa: RequestContext = { "aws:MultiFactorAuthPresent": UNKNOWN };

  test("a decision that depends on the value is unknown, and names the key and the statement", () => {
    expect(decide([allowAll, denyWithoutMfa], mfa)).toEqual({
      decision: "unknown",
      matchedStatements: [{ policy: 0, statement: 1, sid: "DenyAllWithoutMFA" }],
      missingContextKeys: ["aws:multifactorauthpresent"],
    });
  });

  test("a decision that does not depend on the value is known", () => {
    // Another action, a certain deny, and a condition that is false anyway.
    expect(decide([allowAll, denyWithoutMfa], mfa, "iam:ListMFADevices").decision).toBe("allowed");
    expect(decide([allowAll, denyWithoutMfa, { ...allowAll, Effect: "Deny" }], mfa).decision).toBe("explicitDeny");
    const settled = { ...denyWithoutMfa, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true", other: "true" } } };
    expect(decide([allowAll, settled], { ...mfa, other: "false" }).decision).toBe("allowed");
    const conditional = { ...allowAll, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } };
    expect(decide([allowAll, conditional], mfa).decision).toBe("allowed");
  });

  test("a condition that is true for every value and for an absent key is true", () => {
    const both = (operator: string) => ({
      ...allowAll,
      Condition: { [operator]: { "aws:MultiFactorAuthPresent": ["true", "false"] } },
    });
    expect(decide([both("BoolIfExists")], mfa).decision).toBe("allowed");
    expect(decide([both("Bool")], mfa).decision).toBe("unknown");
  });

  test("an allow that may apply makes the decision unknown and lists all keys it depends on", () => {
    const statement = { ...allowAll, Condition: { Bool: { b: "true", a: "true" } } };
    expect(decide([statement], { a: UNKNOWN, b: UNKNOWN }).missingContextKeys).toEqual(["a", "b"]);
    expect(decide([statement], { a: UNKNOWN, b: "true" }).missingContextKeys).toEqual(["a"]);
  });

  test("several values for a single-valued operator make the decision unknown", () => {
    const statement = { ...allowAll, Condition: { Bool: { a: "true" } } };
    expect(decide([statement], { a: ["true", "false"] }).missingContextKeys).toEqual(["a"]);
  });
});

describe("rejects what is not supported", () => {
  test.each([
    ["{", "invalid JSON: close brace expected"],
    ['{"Statement": [], "Statement": []}', 'duplicate key "Statement"'],
    ['{"Id": "a\nb"}', "invalid JSON: "],
    ["[".repeat(100_000), "nested deeper than 64 levels"],
    ["[]", "JSON object"],
    [{ Version: "2012-10-17" }, "Statement: a policy needs at least one"],
    [{ Statement: [] }, "at least one"],
    [{ Version: "2012-10-18", Statement: [allowAll] }, 'Version: "2012-10-18"'],
    [{ Statements: [allowAll], Statement: [allowAll] }, 'policy document: element "Statements" is not supported'],
    [policy("x"), "Statement[0]: must be a JSON object"],
    [policy({ ...allowAll, Effect: "allow" }), 'Statement[0]: Effect "allow"'],
    [policy(allowAll, { ...allowAll, NotAction: "s3:*" }), "Statement[1]: has both Action and NotAction"],
    [policy({ Effect: "Deny", Resource: "*" }), "has neither Action nor NotAction"],
    [policy({ ...allowAll, Action: [] }), "Action: is missing or empty"],
    [policy({ ...allowAll, Action: "ListBuckets" }), 'action "ListBuckets"'],
    [policy({ ...allowAll, Action: "ia*:List" }), 'action "ia*:List"'],
    [policy({ Effect: "Allow", Action: "*" }), "Resource: is missing"],
    [policy({ ...allowAll, Resource: 1 }), "Resource: 1 must be a string"],
    [policy({ ...allowAll, Resource: "bucket" }), 'resource "bucket"'],
    [policy({ ...allowAll, NotResource: "*" }), "has both Resource and NotResource"],
    [policy({ ...allowAll, Principal: "*" }), 'element "Principal" is not supported'],
    [policy({ ...allowAll, Resource: `arn:aws:iam::\${aws:PrincipalAccount}:user/a` }), "only after the fifth colon"],
    [
      policy({ ...denyWithoutMfa, Condition: { BoolIfExist: { a: "false" } } }),
      'unknown condition operator "BoolIfExist"',
    ],
    [
      policy({ ...denyWithoutMfa, Condition: { NullIfExists: { a: "true" } } }),
      'unknown condition operator "NullIfExists"',
    ],
    [policy({ ...denyWithoutMfa, Condition: { toString: { a: "false" } } }), 'unknown condition operator "toString"'],
    [policy({ ...denyWithoutMfa, Condition: { Null: { a: "yes" } } }), 'Null a: "yes" is neither "true" nor "false"'],
    [policy({ ...denyWithoutMfa, Condition: { NumericEquals: { a: "x" } } }), '"x" is not a number'],
    [policy({ ...denyWithoutMfa, Condition: { DateLessThan: { a: "today" } } }), '"today" is not a date'],
    [
      policy({ ...denyWithoutMfa, Condition: { IpAddress: { a: "10.0.0.0/33" } } }),
      "is not an IP address or a CIDR range",
    ],
    [policy({ ...denyWithoutMfa, Condition: { DateLessThan: { a: "2026-02-31" } } }), '"2026-02-31" is not a date'],
    [policy({ ...denyWithoutMfa, Condition: { IpAddress: { a: "fe80::1%lo" } } }), "is not an IP address"],
    [policy({ ...denyWithoutMfa, Condition: { Bool: {} } }), "Bool has no condition key"],
    [policy({ ...denyWithoutMfa, Condition: { Bool: { "": "true" } } }), "the name of a condition key is empty"],
    [policy({ ...allowAll, Resource: "arn:" }), 'resource "arn:" is neither'],
    [policy({ ...allowAll, Resource: `arn:aws:s3:::b/\${aws:username` }), "a policy variable has no closing brace"],
    [
      policy({ ...allowAll, Condition: { StringLike: { a: `\${aws:username` } } }),
      "a policy variable has no closing brace",
    ],
    [policy({ ...allowAll, Sid: "x".repeat(100_000), Effect: "No" }), "…"],
    [policy({ ...denyWithoutMfa, Condition: { BinaryEquals: { a: "%" } } }), "is not base64"],
    [policy({ ...denyWithoutMfa, Condition: { ArnLike: { a: "alice" } } }), "is not an ARN"],
    [policy({ ...denyWithoutMfa, Condition: [] }), "(DenyAllWithoutMFA): Condition must be a JSON object"],
    [policy({ ...denyWithoutMfa, Condition: { Bool: "x" } }), "Bool must be a JSON object"],
    [policy({ ...denyWithoutMfa, Condition: { Bool: { a: [] } } }), "Bool: a: is missing or empty"],
    [policy({ ...denyWithoutMfa, Condition: { Bool: { a: "no" } } }), 'Bool a: "no"'],
    [policy(denyWithoutMfa, denyWithoutMfa), 'Sid "DenyAllWithoutMFA" is used twice'],
  ])("%j", (document, message) => {
    expect(() => parsePolicy(document)).toThrow(PolicyError);
    expect(() => parsePolicy(document)).toThrow(message);
  });

  test("evaluate checks documents itself, whatever the action", () => {
    const unchecked = policy({ ...denyWithoutMfa, Condition: { StringEqual: { a: "b" } } });
    const request = { action: "sts:GetSessionToken", resource: "*", context: {} };
    expect(() => evaluate([unchecked], request)).toThrow(
      '(DenyAllWithoutMFA): unknown condition operator "StringEqual"',
    );
  });

  test("parses text, and accepts a single statement without a list", () => {
    const text = JSON.stringify({ Statement: allowAll });
    expect(parsePolicy(text)).toEqual({ Statement: allowAll });
  });
});

describe("whole documents", () => {
  const own = `arn:aws:iam::*:user/\${aws:username}`;

  test("a permissions boundary limits permissions, and its denies apply", () => {
    const request = { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", context: {} };
    const under = (boundary: PolicyDocument, policies = [policy(allowAll)]) =>
      evaluate(policies, request, { boundary });
    expect(under(policy({ ...allowAll, Action: "s3:*" }))).toEqual({
      decision: "allowed",
      matchedStatements: [
        { policy: 0, statement: 0 },
        { policy: "boundary", statement: 0 },
      ],
      missingContextKeys: [],
    });
    expect(under(policy({ ...allowAll, Action: "ec2:*" })).decision).toBe("implicitDeny");
    expect(under(policy(allowAll), []).decision).toBe("implicitDeny");
    expect(under(policy(allowAll, { ...allowAll, Sid: "No", Effect: "Deny" })).matchedStatements).toEqual([
      { policy: "boundary", statement: 1, sid: "No" },
    ]);
    const hanging = policy({ ...allowAll, Condition: { StringEquals: { a: "b" } } });
    const unknown = { ...request, context: { a: UNKNOWN } as RequestContext };
    expect(evaluate([policy(allowAll)], unknown, { boundary: hanging })).toMatchObject({
      decision: "unknown",
      missingContextKeys: ["a"],
    });
    // The policies allow nothing, whatever the value of the key.
    expect(evaluate([], unknown, { boundary: hanging }).decision).toBe("implicitDeny");
  });

  test("a variable with an unknown value makes the decision unknown, in a resource and in a condition", () => {
    const resource = "arn:aws:iam::123456789012:user/alice";
    const statement = { ...allowAll, Resource: own };
    expect(decide([statement], { "aws:username": "alice" }, "iam:GetUser", resource).decision).toBe("allowed");
    expect(decide([statement], { "aws:username": "bob" }, "iam:GetUser", resource).decision).toBe("implicitDeny");
    expect(decide([statement], {}, "iam:GetUser", resource).decision).toBe("implicitDeny");
    expect(decide([statement], { "aws:username": UNKNOWN }, "iam:GetUser", resource).missingContextKeys).toEqual([
      "aws:username",
    ]);
    const value = { ...allowAll, Condition: { StringEquals: { "s3:prefix": `\${aws:username}` } } };
    expect(decide([value], { "s3:prefix": "x", "aws:username": UNKNOWN }).missingContextKeys).toEqual(["aws:username"]);
    expect(decide([value], { "s3:prefix": "x", "aws:username": "x" }).decision).toBe("allowed");
  });

  test("wildcards in a variable's value match literally", () => {
    for (const name of ["*", "a?ice", "\ufffe", "\uffff"]) {
      const context = { "aws:username": name };
      expect(
        decide([{ ...allowAll, Resource: own }], context, "iam:GetUser", "arn:aws:iam::1:user/alice").decision,
      ).toBe("implicitDeny");
    }
  });

  test("keys that are not set are absent, or unknown if the caller says so; a key can be marked absent", () => {
    const request = { action: "s3:GetObject", resource: "*", context: {} };
    const enforced = [policy(allowAll, denyWithoutMfa)];
    expect(evaluate(enforced, request).decision).toBe("explicitDeny");
    expect(evaluate(enforced, request, { otherKeys: "unknown" }).missingContextKeys).toEqual([
      "aws:multifactorauthpresent",
    ]);
    const stated = { ...request, context: { "aws:MultiFactorAuthPresent": ABSENT } as RequestContext };
    expect(evaluate(enforced, stated, { otherKeys: "unknown" }).decision).toBe("explicitDeny");
  });

  test("users may change their own password if the account allows it and no policy denies it", () => {
    const alice = "arn:aws:iam::123456789012:user/alice";
    const change = { action: "iam:ChangePassword", resource: alice, context: {} };
    const may = { mayChangePassword: alice };
    expect(evaluate([], change).decision).toBe("implicitDeny");
    expect(evaluate([], change, may)).toEqual({ decision: "allowed", matchedStatements: [], missingContextKeys: [] });
    expect(evaluate([], { ...change, resource: alice.replace("alice", "bob") }, may).decision).toBe("implicitDeny");
    expect(evaluate([], { ...change, action: "iam:GetAccountPasswordPolicy", resource: "*" }, may).decision).toBe(
      "allowed",
    );
    expect(evaluate([], { ...change, action: "iam:GetUser" }, may).decision).toBe("implicitDeny");
    expect(evaluate([policy({ ...allowAll, Effect: "Deny" })], change, may).decision).toBe("explicitDeny");
    expect(evaluate([], change, { ...may, boundary: policy({ ...allowAll, Action: "s3:*" }) }).decision).toBe(
      "implicitDeny",
    );
  });

  test("rejects a value that the operator cannot compare, and names it", () => {
    const statement = { ...allowAll, Condition: { NumericLessThan: { "aws:MultiFactorAuthAge": "900" } } };
    expect(() => decide([statement], { "aws:MultiFactorAuthAge": "soon" })).toThrow(
      'NumericLessThan needs a number, but aws:MultiFactorAuthAge is "soon"',
    );
  });

  test.each<[string, string, string, boolean]>([
    ["DateLessThan", "2026", "2025-12-31T23:59:59Z", true],
    ["DateEquals", "2026-01-31T09:00:00", "1769850000", true],
    ["DateEquals", "2026-01-31T10:00:00+01:00", "2026-01-31T09:00Z", true],
    ["DateEquals", "2026-01-31T10:00:00+0100", "2026-01-31T09:00:00.000Z", true],
    ["DateLessThan", "2025", "2026-01-01", false],
    ["ArnLike", "*", "arn:aws:iam::123456789012:user/alice", true],
    ["ArnLike", "*", "alice", false],
    ["IpAddress", "::/0", "10.0.0.1", false],
    ["IpAddress", "0.0.0.0/0", "2001:db8::1", false],
    ["IpAddress", "2001:db8::/32", "2001:db8:1::1", true],
    ["NotIpAddress", "10.0.0.0/8", "10.1.2.3", false],
    ["NumericEquals", "1.50", "1.5", true],
    ["BinaryEquals", "YWI=", "YWI=", true],
  ])("%s %s, given %s: %s", (operator, wanted, given, holds) => {
    const statement = { ...allowAll, Condition: { [operator]: { key: wanted } } };
    expect(decide([statement], { key: given }).decision).toBe(holds ? "allowed" : "implicitDeny");
  });

  test("an empty string does not count as a value of a set", () => {
    const of = (operator: string) =>
      decide([{ ...allowAll, Condition: { [operator]: { a: "x" } } }], { a: "" }).decision;
    expect(["ForAllValues:StringEquals", "ForAnyValue:StringNotEquals", "StringNotEquals"].map(of)).toEqual([
      "allowed",
      "implicitDeny",
      "allowed",
    ]);
  });

  test.each<[RequestContext, string, string]>([
    [{ a: "203.0.113.0/25" }, "*", 'IpAddress needs an IP address, but a is "203.0.113.0/25"'],
    [{ a: "fe80::1%lo" }, "*", "IpAddress needs an IP address"],
    [{ a: "x".repeat(2_049) }, "*", "a has a value of 2049 characters"],
    [{}, `arn:aws:s3:::${"x".repeat(2_048)}`, "the resource has 2061 characters"],
  ])("rejects the request: %j on %s", (context, resource, message) => {
    const statement = { ...allowAll, Condition: { IpAddress: { a: "0.0.0.0/0" } } };
    expect(() => decide([statement], context, "s3:GetObject", resource)).toThrow(message);
  });

  test("accepts a byte order mark, and variables in ARNs of conditions", () => {
    const condition = { ArnLike: { "aws:SourceArn": `arn:aws:iam::*:user/\${aws:username}` } };
    const text = `\ufeff${JSON.stringify(policy({ ...allowAll, Condition: condition }))}`;
    const context = { "aws:SourceArn": "arn:aws:iam::1:user/alice", "aws:username": "alice" };
    const asked = { action: "s3:GetObject", resource: "*", context };
    expect(evaluate([parsePolicy(text)], asked).decision).toBe("allowed");
    expect(evaluate([parsePolicy(text)], { ...asked, context: { ...context, "aws:username": "bob" } }).decision).toBe(
      "implicitDeny",
    );
  });

  test("reasons say whether the boundary, the policies or both do not allow it", () => {
    const request = { action: "s3:GetObject", resource: "*", context: {} };
    const whys = (policies: PolicyDocument[], boundary?: PolicyDocument) =>
      explain(policies, request, { boundary }, evaluate(policies, request, { boundary })).map(({ why }) => why);
    const other = policy({ ...allowAll, Action: "ec2:*" });
    expect(whys([policy(allowAll)], other)).toEqual(["the permissions boundary does not allow it"]);
    expect(whys([other], policy(allowAll))).toEqual(["no policy allows it"]);
    expect(whys([other], other)).toEqual(["the permissions boundary does not allow it", "no policy allows it"]);
    expect(whys([policy({ ...denyWithoutMfa, NotAction: "iam:GetUser" })])[0]).toMatch(
      /^s3:GetObject is not among the one action in NotAction; /,
    );
    const identity = { ...request, action: "sts:GetCallerIdentity" };
    expect(explain([], identity, {}, evaluate([], identity))[0]?.why).toContain("no permission");
    const onlyPolicies = { onlyPolicies: true };
    expect(explain([], identity, onlyPolicies, evaluate([], identity, onlyPolicies))[0]?.why).toBe(
      "no policy allows it",
    );
  });

  test("supports every operator with IfExists and with sets, and rejects similar names", () => {
    const of = (operator: string, value: string) =>
      decide([{ ...allowAll, Condition: { [operator]: { a: value } } }], {}).decision;
    const values = {
      String: "a",
      Numeric: "1",
      Date: "2026-01-31T09:00:00Z",
      Bool: "true",
      Binary: "YQ==",
      IpAddress: "10.0.0.0/8",
      NotIpAddress: "10.0.0.0/8",
      Arn: "arn:aws:iam::1:user/a",
    };
    const endings = {
      String: ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"],
      Numeric: ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
      Date: ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
      Bool: [""],
      Binary: ["Equals"],
      IpAddress: [""],
      NotIpAddress: [""],
      Arn: ["Equals", "NotEquals", "Like", "NotLike"],
    };
    for (const [kind, value] of Object.entries(values)) {
      for (const ending of endings[kind as keyof typeof endings]) {
        const name = kind + ending;
        expect([name, of(name, value)]).toEqual([name, name.includes("Not") ? "allowed" : "implicitDeny"]);
        expect([name, of(`${name}IfExists`, value)]).toEqual([name, "allowed"]);
        expect([name, of(`ForAllValues:${name}`, value)]).toEqual([name, "allowed"]);
        expect([name, of(`ForAnyValue:${name}`, value)]).toEqual([name, "implicitDeny"]);
        expect(() => of(`${name}s`, value)).toThrow(PolicyError);
      }
    }
    expect(of("Null", "true")).toBe("allowed");
    expect(["ForAllValues", "ForAnyValue"].map((set) => of(`${set}:Null`, "false"))).toEqual([
      "allowed",
      "implicitDeny",
    ]);
  });
});

describe("properties", () => {
  const actionNames = ["s3:GetObject", "s3:PutObject", "iam:ListMFADevices", "ec2:RunInstances"];
  const list = (...values: readonly string[]) => fc.subarray([...values], { minLength: 1 });
  // For each key: operators that compare it, and values for requests and policies.
  const strings = ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "StringNotLikeIfExists"];
  const sets = ["ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAllValues:StringNotEquals"];
  const compared: Readonly<Record<string, readonly [operators: readonly string[], values: readonly string[]]>> = {
    "aws:MultiFactorAuthPresent": [
      ["Bool", "BoolIfExists", ...strings],
      ["true", "false"],
    ],
    "aws:ViaAWSService": [
      ["Bool", "BoolIfExists", ...sets],
      ["true", "false"],
    ],
    "aws:MultiFactorAuthAge": [
      ["NumericLessThan", "NumericGreaterThanIfExists", "NumericNotEquals"],
      ["10", "900", "3600"],
    ],
    "aws:CurrentTime": [
      ["DateLessThan", "DateGreaterThanEqualsIfExists"],
      ["2026-01-31T09:00:00Z", "1769850000"],
    ],
    "aws:SourceIp": [
      ["IpAddress", "NotIpAddress", "NotIpAddressIfExists"],
      ["203.0.113.5", "2001:db8::1"],
    ],
    "aws:PrincipalArn": [
      ["ArnLike", "ArnNotLikeIfExists"],
      ["arn:aws:iam::1:user/a", "arn:aws:iam::1:role/a"],
    ],
  };
  const keys = Object.keys(compared);
  const condition = fc
    .array(
      fc.constantFrom(...keys).chain((key) => {
        const [operators, values] = compared[key] ?? [[], []];
        const one = fc.tuple(fc.constantFrom(...operators), list(...values));
        const isNull = fc.tuple(fc.constant("Null"), list("true", "false"));
        return fc
          .oneof({ weight: 4, arbitrary: one }, isNull)
          .map(([operator, wanted]) => ({ [operator]: { [key]: wanted } }));
      }),
      { maxLength: 3 },
    )
    .map((blocks) => {
      const block: Record<string, object> = {};
      for (const [name, content] of blocks.flatMap(Object.entries<object>))
        block[name] = { ...block[name], ...content };
      return block;
    });
  const statement = fc
    .record({
      Effect: fc.constantFrom("Allow", "Deny"),
      not: fc.boolean(),
      notResource: fc.boolean(),
      actions: list(...actionNames, "s3:*", "*"),
      resources: list("*", "arn:aws:s3:::b/*", `arn:aws:iam::*:user/\${aws:ViaAWSService}`),
      Condition: condition,
    })
    .map(({ not, notResource, actions, resources, ...rest }) => ({
      ...rest,
      [not ? "NotAction" : "Action"]: actions,
      [notResource ? "NotResource" : "Resource"]: resources,
    }));
  const document = fc.array(statement, { minLength: 1, maxLength: 4 }).map((statements) => policy(...statements));
  const policies = fc.array(document, { maxLength: 4 });
  const boundaries = fc.option(document, { nil: undefined });
  const valuesFor = (...more: readonly (typeof UNKNOWN)[]) =>
    fc
      .subarray(keys)
      .chain((present) =>
        fc.record(
          Object.fromEntries(
            present.map((key) => [
              key,
              fc.constantFrom<string | typeof UNKNOWN>(...(compared[key]?.[1] ?? []), ...more),
            ]),
          ),
        ),
      );
  const known = valuesFor() as fc.Arbitrary<Record<string, string>>;
  const request = (context: fc.Arbitrary<Record<string, string | typeof UNKNOWN>>) =>
    fc.record({
      action: fc.constantFrom(...actionNames),
      resource: fc.constantFrom("*", "arn:aws:s3:::b/k", "arn:aws:iam::123456789012:user/true"),
      context,
    });
  const anyRequest = request(valuesFor(UNKNOWN));

  propertyTest.prop([policies, statement, anyRequest, boundaries])(
    "another deny never allows more, in a policy or in the boundary",
    (before, more, asked, boundary) => {
      const deny = { ...more, Effect: "Deny" };
      const was = evaluate(before, asked, { boundary }).decision;
      const limited = boundary && policy(...[boundary.Statement].flat(), deny);
      for (const is of [
        evaluate([...before, policy(deny)], asked, { boundary }).decision,
        ...(limited ? [evaluate(before, asked, { boundary: limited }).decision] : []),
      ]) {
        if (is === "allowed") expect(was).toBe("allowed");
        if (was === "explicitDeny") expect(is).toBe("explicitDeny");
        if (was === "implicitDeny") expect(is).not.toBe("allowed");
      }
    },
  );

  propertyTest.prop([policies, document, anyRequest])("a boundary never allows more", (given, boundary, asked) => {
    const [was, is] = [evaluate(given, asked).decision, evaluate(given, asked, { boundary }).decision];
    if (is === "allowed") expect(was).toBe("allowed");
    if (was === "explicitDeny") expect(is).toBe("explicitDeny");
  });

  propertyTest.prop([policies, anyRequest])("the order of policies and statements does not matter", (given, asked) => {
    const turned = given.map((one) => policy(...[one.Statement].flat().reverse())).reverse();
    const [one, other] = [evaluate(given, asked), evaluate(turned, asked)];
    expect(other.decision).toBe(one.decision);
    expect(other.missingContextKeys).toEqual(one.missingContextKeys);
  });

  propertyTest.prop([policies, request(known), fc.subarray(keys), boundaries])(
    "a decision with unknown values is the same for all values",
    (given, asked, hidden, boundary) => {
      const context: RequestContext = {
        ...asked.context,
        ...Object.fromEntries(hidden.map((key) => [key, UNKNOWN] as const)),
      };
      const blind = evaluate(given, { ...asked, context }, { boundary });
      if (blind.decision !== "unknown") expect(evaluate(given, asked, { boundary }).decision).toBe(blind.decision);
      else
        expect(hidden.map((key) => key.toLowerCase())).toEqual(expect.arrayContaining([...blind.missingContextKeys]));
    },
  );

  propertyTest.prop([policies, anyRequest, boundaries])("every decision is explained", (given, asked, boundary) => {
    const evaluation = evaluate(given, asked, { boundary });
    const reasons = explain(given, asked, { boundary }, evaluation);
    expect(reasons.length).toBeGreaterThanOrEqual(Math.max(1, evaluation.matchedStatements.length));
    for (const { why } of reasons) expect(why).not.toBe("");
  });

  propertyTest.prop([
    fc.string({ unit: fc.constantFrom("a", "b", "*", "?") }),
    fc.string({ unit: fc.constantFrom("a", "b") }),
  ])("wildcards match like the equivalent regular expression", (pattern, text) => {
    const expression = new RegExp(`^${pattern.replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`);
    expect(matches(parsePattern(pattern), text)).toBe(expression.test(text));
  });

  /** Counts how often matching reads a character of the text. */
  const looksAt = (pattern: string, length: number): number => {
    let count = 0;
    const text: unknown = new Proxy(
      {},
      {
        get(_, name) {
          if (name !== "length") count += 1;
          return name === "length" ? length : "a";
        },
      },
    );
    matches(parsePattern(pattern), text as string);
    return count;
  };

  propertyTest.prop([fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 40 })])(
    "matching takes linear time in the text, for any pattern",
    (pattern) => {
      // Twice the text takes twice the reads; a matcher that retries every star takes 2^stars as many.
      const [once, twice] = [looksAt(pattern, 400), looksAt(pattern, 800)];
      expect(once).toBeLessThanOrEqual(2 * (pattern.length + 1) * 401);
      expect(twice).toBeLessThanOrEqual(2 * once + 2 * (pattern.length + 1) ** 2);
    },
  );

  test.each([`${"a*".repeat(200)}b`, `${"*a".repeat(200)}b`, `*${"a".repeat(200)}b`])(
    "matching takes linear time for a hostile pattern: %s",
    (pattern) => {
      const [once, twice] = [looksAt(pattern, 2_000), looksAt(pattern, 4_000)];
      expect(once).toBeGreaterThan(0);
      expect(twice / once).toBeLessThan(2.2);
    },
  );
});
