// Tests that no fix of `fob policy lint` allows anything about another user, role or key that the policy did not allow
// before: applies the patches of all findings to generated policies, and asks the evaluator.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listExemptions } from "../../src/policy/enforcement.ts";
import { evaluate, PolicyError, parsePolicy } from "../../src/policy/engine/evaluate.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { type Finding, lint } from "../../src/policy/lint/lint.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { applyPatch } from "../helpers/json-patch.ts";

const find = (policy: unknown): Finding[] => lint(readJson(JSON.stringify(policy)));
const variable = "$" + "{aws:username}";

/** What alice asks about others, in her account and in another one. */
const others = [
  ...["user/bob", "user/team/bob", "user/alice-2", "user/team/alice-2", "role/admin", "role/alice"],
  ...["user/bob", "role/admin"].map((name) => `999999999999:${name}`),
].map((name) => `arn:aws:iam::${name.includes(":") ? name : `123456789012:${name}`}`);
const actions = [
  ...["iam:ChangePassword", "iam:UpdateLoginProfile", "iam:CreateAccessKey", "iam:GetUser", "iam:EnableMFADevice"],
  ...["iam:DeactivateMFADevice", "iam:ListMFADevices", "iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:TagUser"],
  ...["sts:AssumeRole", "iam:PassRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole"],
];
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

/** Whether AWS accepts a policy: another that it rejects allows nothing. */
function isAccepted(json: unknown): boolean {
  try {
    parsePolicy(structuredClone(json));
    return true;
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}

const hasMfa = (context: Readonly<Record<string, string>>): boolean => context["aws:MultiFactorAuthPresent"] === "true";

function expectNoMore(before: unknown, after: unknown, because: unknown): void {
  const had = listAllowed(before);
  const more = [...listAllowed(after)].filter((request) => !had.has(request));
  expect({ because, before, after, more: more.slice(0, 3) }).toMatchObject({ more: [] });
}

const resource = fc.oneof(
  fc.constantFrom("*", "arn:aws:s3:::bucket/*", "arn:aws:iam:*:*:*", "arn:aws:iam", `arn:aws:iam::user/${variable}`),
  fc
    .tuple(
      fc.constantFrom("aws", "aws", "aws", "amazon", "aws-cn"),
      fc.constantFrom("*", "*", "123456789012", "1234-5678-9012", "12345", "", "ACCOUNT_ID"),
      fc.constantFrom("mfa", "mfa", "user", "user", "role", "policy", "group"),
      fc.constantFrom("", "", "*/", "team/"),
      fc.constantFrom(
        variable,
        variable,
        variable,
        `${variable}*`,
        `*${variable}`,
        "*",
        "dave",
        `&{aws:username}`,
        "$" + "{aws:usrname}",
        "$" + "{aws:userid}",
      ),
    )
    .map(([partition, account, type, path, name]) => `arn:${partition}:iam::${account}:${type}/${path}${name}`),
);
const action = fc.oneof(
  fc.constantFrom(...actions),
  fc.constantFrom("*", "iam:*", "iam:*MFA*", "iam:*AccessKey*", "iam:*LoginProfile", "iam:Tag*", "sts:*", "s3:*"),
  fc.constantFrom("iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice", "iam:ListVirtualMFADevices"),
  fc.constantFrom("iam:CreateAcessKey", "iam:UpdateLoginProfil", "sts:AssumeRol", "iam:AttachUserPolcy", "iam:Getusr"),
  fc.constantFrom("iam:UpdateAccountPasswordPolicy", "iam:GetAccountAuthorizationDetails", "iam:ListUsers"),
);
const present = "aws:MultiFactorAuthPresent";
const condition = fc.constantFrom<object | undefined>(
  ...[undefined, undefined, {}],
  ...[{ Bool: { [present]: "false" } }, { Bool: { [present]: "true" } }, { Null: { [present]: "true" } }],
  ...[
    { BoolIfExists: { [present]: "false" } },
    { BoolIfExists: { [present]: "true" } },
    { Null: { [present]: "false" } },
  ],
  ...[{ StringNotEquals: { [present]: "false" } }, { BoolIfExists: { [present]: ["true", "false"] } }],
  ...[{ NumericLessThanIfExists: { "aws:MultiFactorAuthAge": "3600" } }, { Bool: { "aws:MFAPresent": "true" } }],
  ...[{ NumericGreaterThan: { "aws:MultiFactorAuthAge": "3600" } }, { BoolIfExists: { "aws:MFAPresent": "false" } }],
  { Bool: { [present]: "false" }, NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" } },
  ...["12", "43200000"].map((text) => ({ NumericLessThan: { "aws:MultiFactorAuthAge": text } })),
  { Bool: { [present]: "false" }, StringNotLike: { "aws:usernam": ["ci-*"] } },
);
const oneOrMore = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | Value[]> =>
  fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 }));
const statement = fc
  .record({
    Effect: fc.constantFrom("Allow", "Allow", "Deny"),
    actionElement: fc.constantFrom("Action", "Action", "NotAction"),
    resourceElement: fc.constantFrom("Resource", "Resource", "Resource", "NotResource"),
    actions: oneOrMore(action),
    resources: oneOrMore(resource),
    Condition: condition,
  })
  .map(({ Effect, actionElement, resourceElement, actions: list, resources, Condition }) => ({
    Effect,
    [actionElement]: list,
    [resourceElement]: resources,
    ...(Condition && { Condition }),
  }));
const policy = fc
  .record({ Version: fc.constantFrom("2012-10-17", "2012-10-17", "2008-10-17"), Statement: oneOrMore(statement) })
  .filter(isAccepted);

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

test("all fixes together allow no such request either, and come to an end", () => {
  fc.assert(
    fc.property(policy, (before) => {
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
    { numRuns: numRunsOf(800) },
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
    'write "iam:CreateAccessKey", if users may do that with all resources of the statement: it creates or reactivates an access key, which an attacker can keep',
  );
  expect(fixOf("sts:AssumeRole", "arn:aws:iam:::role/admin")).toBe(
    'write the twelve digits of the account: "arn:aws:iam::ACCOUNT:role/admin"',
  );
  expect(fixOf("iam:CreateAccessKey", "arn:amazon:iam::*:user/*")).toBe(
    'write "arn:aws:iam::*:user/*", if that is what you want to allow: the statement then allows it for all matching resources',
  );
  expect(fixOf("iam:UpdateAccountPasswordPolicy", `arn:aws:iam::*:user/dave`)).toBe(
    'remove it; or, to allow it for the whole account, move it to a statement with "Resource": "*"',
  );
});
