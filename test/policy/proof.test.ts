// Tests the proof, in particular for policies that are nearly right.
import { describe, expect, test } from "vitest";
import { enforceMfaPolicy, listExemptions, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type PolicyDocument, UNKNOWN } from "../../src/policy/engine/evaluate.ts";
import { makeExampleUser, mergeContexts, parseUserArn } from "../../src/policy/engine/subject.ts";
import { findAgeLimits, listAuthMethods, prove } from "../../src/policy/proof.ts";
import { judgeProof, judgeRequirement } from "../../src/policy/verdicts.ts";

const allowAll = { Effect: "Allow", Action: "*", Resource: "*" } as const;
const everything = policy(allowAll);
const mfaFalse = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const deny = { ...allowAll, Effect: "Deny" } as const;

function policy(...statements: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements as PolicyDocument["Statement"] };
}

const marks = { good: "+", bad: "!", note: "-" };

/** Returns the verdicts on policies, each with its mark. */
function verdicts(policies: readonly PolicyDocument[], boundary?: PolicyDocument): string[] {
  const user = makeExampleUser(policies);
  const context = mergeContexts(user.context, { "aws:ViaAWSService": "false" });
  const proof = prove(policies, { boundary }, { user: user.arn, context });
  return judgeProof(proof).map(({ kind, text }) => `${marks[kind]} ${text}`);
}

test("a condition that compares MFA as a number, in a statement about something else, is no obstacle to the proof", () => {
  const odd = { ...deny, Action: "kms:*", Condition: { NumericLessThan: { "aws:MultiFactorAuthPresent": "5" } } };
  expect(verdicts([everything, enforceMfaPolicy(), policy(odd)])[0]).toMatch(/^\+ MFA is enforced/);
});

describe("the verdict on enforcement", () => {
  const enforced = "+ MFA is enforced: without it, everything is denied except what users need to set it up";
  const firstOf = (statements: readonly object[], boundary?: PolicyDocument) =>
    verdicts([everything, policy(...statements)], boundary)[0];

  test("is good for one or two statements, and if services may make requests on the user's behalf", () => {
    expect(verdicts([everything, enforceMfaPolicy()])[0]).toBe(enforced);
    expect(verdicts([everything, enforceMfaPolicy({ viaAwsService: true, maxAgeSeconds: 3600 })])[0]).toBe(enforced);
    const present = { ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } };
    const absent = { ...deny, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } };
    expect(firstOf([present, absent])).toBe(enforced);
  });

  test.each<[string, readonly object[], RegExp]>([
    [
      "another condition exempts some requests",
      [{ ...deny, Condition: { ...mfaFalse, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }],
      /^! MFA is NOT always enforced: the result depends on aws:SourceIp, which these requests do not set \(--context KEY=VALUE\)$/,
    ],
    [
      "the policy denies everything",
      [deny],
      /^! everyday and dangerous actions are denied even with MFA: users cannot work$/,
    ],
    [
      "the policy denies only some actions",
      [{ ...deny, Action: ["iam:*", "s3:ListAllMyBuckets", "ec2:*", "sts:*"], Condition: mfaFalse }],
      /^! MFA is NOT enforced: only this is denied: iam:\*, s3:ListAllMyBuckets, ec2:\* and sts:\*$/,
    ],
    [
      "a dangerous action is exempt",
      [{ Effect: "Deny", NotAction: ["iam:CreateAccessKey"], Resource: "*", Condition: mfaFalse }],
      /^! MFA is NOT enforced: dangerous actions are exempt: iam:CreateAccessKey \(creates or reactivates an access key, which an attacker can keep\)$/,
    ],
  ])("is bad if %s", (_, statements, verdict) => expect(firstOf(statements)).toMatch(verdict));

  test("is bad for an Allow that requires MFA, because it denies nothing", () => {
    const allow = policy({ ...allowAll, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } });
    const needed = policy({ ...allowAll, Action: ["iam:GetUser", "iam:List*Devices"] });
    for (const policies of [[allow], [allow, needed]])
      expect(verdicts(policies)[0]).toBe(
        "! MFA is NOT enforced: beyond what users need to set it up, these policies neither allow nor deny actions without MFA; other policies may allow them",
      );
    // "Nothing is denied" alone would not say that these policies make it work, nor what.
    const more = policy({ ...allowAll, Action: ["iam:GetUser", "iam:CreateUser"] });
    expect(verdicts([allow, more])[0]).toBe(
      "! MFA is NOT enforced: nothing is denied; dangerous actions work without MFA: iam:CreateUser (creates, renames or deletes users or groups)",
    );
  });

  test.each<[string, readonly object[], string]>([
    [
      "services, and actions of IAM",
      [{ ...allowAll, Action: ["iam:Get*", "s3:*", "iam:PassRole"] }],
      "nothing is denied; dangerous actions work without MFA: iam:PassRole (passes roles to services, which then act without MFA); these work without MFA, but users do not need them to set up MFA: iam:Get*, s3:*",
    ],
    [
      "everything but IAM",
      [{ ...allowAll, Action: undefined, NotAction: ["iam:*", "sts:*"] }],
      "nothing is denied; every action except iam:* and sts:* works without MFA",
    ],
    [
      "some resources",
      [{ ...allowAll, Resource: ["arn:aws:s3:::a", "arn:aws:s3:::b"] }],
      "nothing is denied; every action works without MFA on arn:aws:s3:::a and arn:aws:s3:::b",
    ],
    [
      "more than what is denied",
      [
        { ...allowAll, Action: ["ec2:*", "s3:*"] },
        { ...deny, Action: "s3:*", Condition: mfaFalse },
      ],
      "only this is denied: s3:*; these work without MFA, but users do not need them to set up MFA: ec2:*",
    ],
    [
      "something to access keys only",
      [{ ...allowAll, Action: "ec2:*", Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "true" } } }],
      "with an access key, nothing is denied; these work without MFA, but users do not need them to set up MFA: ec2:*; signed in without MFA, nothing is denied; these policies do not allow it, but other policies may",
    ],
  ])("says what works without MFA if the policies allow %s", (_, statements, text) =>
    expect(verdicts([policy(...statements)])[0]).toBe(`! MFA is NOT enforced: ${text}`),
  );

  test("says if these policies do not allow what they leave open", () => {
    const hole = policy({ Effect: "Deny", NotAction: ["iam:DeactivateMFADevice"], Resource: "*", Condition: mfaFalse });
    const power = policy({ Effect: "Allow", NotAction: "iam:*", Resource: "*" });
    expect(verdicts([power, hole])[0]).toBe(
      "! MFA is NOT enforced: dangerous actions are exempt: iam:DeactivateMFADevice (deactivates a user's device, which removes MFA); these policies do not allow it, but other policies may",
    );
  });

  test("depends on another key if a Deny tests only that key", () => {
    const office = { ...deny, Condition: { NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } };
    expect(verdicts([everything, enforceMfaPolicy(), policy(office)])[0]).toBe(
      "! everyday and dangerous actions are denied even with MFA: the result depends on aws:SourceIp, which these requests do not set (--context KEY=VALUE)",
    );
  });

  test("is good if the boundary allows nothing without MFA", () => {
    const boundary = policy({ ...allowAll, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } });
    expect(verdicts([everything], boundary)[0]).toBe(enforced);
    expect(verdicts([everything], policy({ ...allowAll, Action: "s3:*" }))[4]).toBe(
      "! these everyday actions are denied even with MFA: ec2:DescribeInstances and sts:AssumeRole",
    );
  });
});

test("says who can enroll and who can change a password", () => {
  const [, console, key, password, work] = verdicts([enforceMfaPolicy(), selfManagePolicy()]);
  expect([console, key, password].map((verdict) => verdict?.[0])).toEqual(["+", "+", "+"]);
  expect(work).toMatch(
    /^\+ these policies do not allow s3:ListAllMyBuckets, .* with MFA, but the user's other policies may$/,
  );
  // Only access keys can enroll: sign-ins have the condition key, access keys do not.
  const onlyKeys = policy({ ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } });
  const byWay = verdicts([everything, onlyKeys]);
  expect(byWay[1]).toMatch(
    /^! a new user can NOT enroll in the console: iam:CreateVirtualMFADevice, .* are denied, and no other policy can allow them$/,
  );
  expect(byWay[2]).toBe("+ a new user can enroll with an access key");
});

test("a password that users can change only with MFA is what AWS advises, unless MFA does not help either", () => {
  const strict = enforceMfaPolicy({ passwordChange: false });
  const correct =
    "- users with a temporary or expired password cannot change it without MFA; correct (AWS advises this): users change their first password before they join the group";
  const companion = "attach self-manage-mfa-policy too (fob policy show --self-manage) to let users enroll";
  expect(verdicts([strict]).slice(1, -2)).toEqual([`+ correct, but these policies only deny: ${companion}`, correct]);
  const together = verdicts([everything, strict, selfManagePolicy()]);
  expect(together[3]).toBe(correct);
  expect(together.filter((verdict) => verdict.startsWith("!"))).toEqual([]);
  const always = policy({ ...deny, Action: "iam:ChangePassword" });
  for (const policies of [
    [everything, enforceMfaPolicy(), always],
    [everything, policy({ ...deny, Condition: mfaFalse })],
  ])
    expect(verdicts(policies)[3]).toMatch(/^! users with a temporary or expired password are locked out/);
});

test("a limit that ends sessions at once enforces nothing that users can work with", () => {
  const aged = (seconds: number) => [everything, enforceMfaPolicy({ maxAgeSeconds: seconds })];
  expect(verdicts(aged(12))[0]).toBe(
    "! everyday and dangerous actions are denied even with MFA: users cannot work (there is a limit of 12 s)",
  );
  const prover = (policies: readonly PolicyDocument[]) => {
    const { arn, context } = makeExampleUser(policies);
    return prove(policies, {}, { user: arn, context });
  };
  expect(judgeRequirement(prover(aged(12)), "enforced").holds).toBe(false);
  expect(judgeRequirement(prover(aged(900)), "enforced").holds).toBe(true);
  for (const seconds of [12, 43_200_000]) {
    const found = verdicts([enforceMfaPolicy({ maxAgeSeconds: seconds })]);
    expect(found.filter((verdict) => verdict.startsWith("!")).length).toBeGreaterThan(0);
    expect(found.filter((verdict) => verdict.includes("correct"))).toEqual([]);
  }
});

describe("what these policies do not allow", () => {
  const companion = "attach self-manage-mfa-policy too (fob policy show --self-manage)";
  const onlyDenies = `${companion} to let users enroll and change their password`;

  test("is no fault of a policy that only denies", () => {
    expect(verdicts([enforceMfaPolicy()]).slice(1, -2)).toEqual([
      `+ correct, but these policies only deny: ${onlyDenies}`,
    ]);
    expect(verdicts([enforceMfaPolicy()]).filter((verdict) => verdict.startsWith("!"))).toEqual([]);
    expect(verdicts([policy({ ...deny, Action: "ec2:*", Condition: mfaFalse })])[1]).toBe(
      `- these policies only deny: ${onlyDenies}`,
    );
  });

  test("is not called locked out if another policy can allow it", () => {
    const [, console, key, password] = verdicts([policy({ ...allowAll, Action: "s3:*" }), enforceMfaPolicy()]);
    expect(console).toMatch(`- these policies do not let a new user enroll in the console: they do not allow iam:`);
    expect(key).toMatch(`- these policies do not let a new user enroll with an access key: they do not allow iam:`);
    expect(password).toMatch(`expired password change it: ${companion}, or let the account's password policy allow it`);
  });

  test("cannot be helped if a policy denies it or the boundary does not allow it", () => {
    const always = policy({ ...deny, Action: "iam:ChangePassword" });
    expect(verdicts([enforceMfaPolicy(), always])[2]).toMatch(/^! .* locked out: .* no other policy/);
    const boundary = policy({ ...allowAll, Action: ["s3:*", "iam:Get*", "iam:List*", "iam:Create*"] });
    expect(verdicts([enforceMfaPolicy()], boundary)[1]).toBe(
      "! a new user can NOT enroll in the console: iam:EnableMFADevice is denied, and no other policy can allow it",
    );
  });
});

describe("who can enroll", () => {
  const needed = listExemptions().map(({ action }) => action);
  const enforce = (...missing: readonly string[]) =>
    policy({
      ...deny,
      Action: undefined,
      NotAction: needed.filter((name) => !missing.includes(name)),
      Condition: mfaFalse,
    });
  const enrollment = (...policies: readonly PolicyDocument[]) => verdicts(policies).slice(1, 3);

  test("does not need to view the user or list devices with an access key", () => {
    expect(enrollment(everything, enforce("iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"))).toEqual([
      "! a new user can NOT enroll in the console: iam:GetUser, iam:ListMFADevices and iam:ListVirtualMFADevices are denied, and no other policy can allow them",
      "+ a new user can enroll with an access key",
    ]);
  });

  test("may have to name the device like the user, if an Allow or a Deny says so", () => {
    const own = [`arn:aws:iam::*:mfa/\${aws:username}`, `arn:aws:iam::*:user/\${aws:username}`];
    const allow = policy({ ...allowAll, Action: "iam:*", Resource: own });
    const others = policy({ ...deny, Action: "iam:CreateVirtualMFADevice", Resource: undefined, NotResource: own });
    const named = "but the virtual device must have the user's name (mfa/alice)";
    for (const policies of [
      [allow, policy({ ...allowAll, Action: "iam:List*" })],
      [everything, others],
    ])
      expect(enrollment(...policies, enforce())).toEqual([
        `- a new user can enroll in the console, ${named}`,
        `- a new user can enroll with an access key, ${named}`,
      ]);
    expect(verdicts([enforceMfaPolicy(), others])[2]).toBe(
      "- to enroll: the virtual device must have the user's name (mfa/alice)",
    );
  });

  test("may be limited to passkeys and hardware tokens", () => {
    const denied = "iam:CreateVirtualMFADevice is denied";
    expect(enrollment(everything, enforce("iam:CreateVirtualMFADevice"))).toEqual([
      `- a new user can enroll in the console, but only passkeys and hardware tokens: ${denied}`,
      `- a new user can enroll with an access key, but only hardware tokens: ${denied}`,
    ]);
  });

  test("with a passkey does not need a list of virtual devices", () => {
    const [console] = enrollment(everything, enforce("iam:CreateVirtualMFADevice", "iam:ListVirtualMFADevices"));
    expect(console).toMatch(/^- a new user can enroll in the console, but only passkeys and hardware tokens: /);
  });

  test("may list virtual devices by the ARN that AWS names in its errors", () => {
    const list = (resource: string) => policy({ ...allowAll, Action: "iam:ListVirtualMFADevices", Resource: resource });
    const others = policy({ ...allowAll, Action: ["iam:Create*", "iam:Enable*", "iam:Get*", "iam:ListMFADevices"] });
    for (const resource of ["*", "arn:aws:iam::*:mfa/*", "arn:aws:iam::123456789012:mfa/"])
      expect(enrollment(list(resource), others)[0]).toBe("+ a new user can enroll in the console");
    expect(enrollment(list("arn:aws:iam::*:mfa/phone"), others)[0]).toMatch(
      /: they do not allow iam:ListVirtualMFADevices; attach/,
    );
    const denied = policy({ ...deny, Action: "iam:ListVirtualMFADevices", Resource: "arn:aws:iam::*:mfa/*" });
    expect(enrollment(list("*"), others, denied)[0]).toMatch(/^! .* iam:ListVirtualMFADevices is denied/);
  });

  test("does not need to list users, which AWS's errors ask of user/", () => {
    const row = (...policies: readonly PolicyDocument[]) =>
      prove(policies, {}, { user: makeExampleUser(policies).arn, context: {}, isExample: true })
        .rows.find(({ action }) => action === "iam:ListUsers")
        ?.cells.map(({ evaluation }) => evaluation.decision);
    const list = (resource: string) => policy({ ...allowAll, Action: "iam:ListUsers", Resource: resource });
    for (const resource of ["*", "arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/"]) {
      expect(row(list(resource))).toEqual(Array.from({ length: 5 }, () => "allowed"));
      expect(row(everything, policy({ ...deny, Action: "iam:ListUsers", Resource: resource }))?.[0]).toBe(
        "explicitDeny",
      );
    }
    expect(row(list("arn:aws:iam::*:user/alice"))?.[0]).toBe("implicitDeny");
    const some = policy({ ...deny, Action: "iam:ListUsers", Condition: { StringLike: { "aws:username": "b*" } } });
    const policies = [everything, enforceMfaPolicy(), some];
    const proof = prove(policies, {}, { user: makeExampleUser(policies).arn, context: {}, isExample: true });
    expect(judgeRequirement(proof, "enrollable").holds).toBe(true);
  });

  test("may depend on keys that requests need not have", () => {
    const office = policy({ ...deny, Condition: { NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } });
    expect(enrollment(everything, enforce(), office)[0]).toMatch(
      /are denied, and the result depends on aws:SourceIp, which these requests do not set \(--context KEY=VALUE\)$/,
    );
  });
});

describe("old sessions", () => {
  const aged = (operator: string, seconds: string, action = "*") =>
    policy({ ...deny, Action: action, Condition: { [operator]: { "aws:MultiFactorAuthAge": seconds } } });
  const last = (...policies: readonly PolicyDocument[]) => verdicts([everything, ...policies]).at(-1);

  test.each<[string, readonly PolicyDocument[], string]>([
    ["no limit", [], "+ no policy limits the age of a session; AWS ends every session after at most 36 h"],
    ["12 h", [aged("NumericGreaterThan", "43200")], "+ old sessions are denied until the user enters a new code"],
    [
      "half a second",
      [aged("NumericGreaterThan", "0.5")],
      "! a limit of 0 s denies almost every request; the limit is in seconds",
    ],
    [
      "12 seconds",
      [aged("NumericGreaterThanIfExists", "12")],
      "! a limit of 12 s denies almost every request; the limit is in seconds: 12 h is 43200",
    ],
    [
      "5 min, which may be meant",
      [aged("NumericGreaterThan", "300")],
      "+ old sessions are denied until the user enters a new code; a limit of 5 min is shorter than AWS's shortest session, 15 min",
    ],
    [
      "12 h in milliseconds",
      [aged("NumericGreaterThan", "43200000")],
      "! a limit of 12000 h has no effect: AWS ends every session after at most 36 h; the limit is in seconds: 12 h is 43200",
    ],
    [
      "12 h in the statement that requires MFA",
      [policy({ ...deny, Condition: { ...mfaFalse, NumericGreaterThan: { "aws:MultiFactorAuthAge": "43200" } } })],
      "! the limit of 12 h never takes effect: no request with MFA meets the other conditions of its statement",
    ],
    [
      "1 h for IAM, 12 h for all",
      [aged("NumericGreaterThan", "3600", "iam:*"), aged("NumericGreaterThan", "43200")],
      "+ old sessions are denied until the user enters a new code; use --action to check lower limits (1 h)",
    ],
    [
      "some actions",
      [aged("NumericGreaterThan", "3600", "s3:*")],
      "! a session older than 1 h can still call ec2:DescribeInstances, sts:AssumeRole, iam:DeactivateMFADevice, iam:DeleteVirtualMFADevice, iam:CreateAccessKey, iam:CreateLoginProfile, iam:UpdateLoginProfile, iam:AttachUserPolicy, iam:PutUserPolicy, iam:AddUserToGroup, iam:RemoveUserFromGroup and iam:CreateUser",
    ],
    [
      "a week",
      [aged("NumericGreaterThan", "604800")],
      "! a limit of 168 h has no effect: AWS ends every session after at most 36 h",
    ],
  ])("%s", (_, policies, verdict) => expect(last(...policies)).toBe(verdict));

  test("are one second older than the limit", () => {
    const [, , , , old] = listAuthMethods(findAgeLimits([aged("NumericGreaterThan", "43200")]));
    expect(old).toMatchObject({
      text: "in a session with MFA older than 12 h",
      context: { "aws:MultiFactorAuthAge": "43201" },
    });
  });

  test("are checked against limits of an Allow and of the boundary", () => {
    const young = { ...allowAll, Condition: { NumericLessThan: { "aws:MultiFactorAuthAge": "3600" } } };
    expect(verdicts([policy(young)]).at(-1)).toBe(
      "+ these policies do not allow old sessions, but the user's other policies may",
    );
    expect(verdicts([everything], policy(young)).at(-1)).toBe(
      "+ old sessions are denied until the user enters a new code",
    );
  });

  test("may have thousands of limits", () => {
    const many = Array.from({ length: 200_000 }, (_, index) => String(index + 1));
    expect(
      listAuthMethods(
        findAgeLimits([
          aged("NumericGreaterThan", "1"),
          policy({ ...deny, Condition: { NumericEquals: { "aws:MultiFactorAuthAge": many } } }),
        ]),
      ),
    ).toHaveLength(5);
  });
});

describe("other users", () => {
  const proveFor = (policies: readonly PolicyDocument[], more: object) => {
    const user = makeExampleUser(policies);
    return prove(policies, {}, { user: user.arn, context: user.context, ...more });
  };
  const except = { ...mfaFalse, StringNotLike: { "aws:username": ["b*", "ci-*"] } };
  const policies = [everything, policy({ ...deny, Action: "s3:*", Condition: except }), enforceMfaPolicy()];

  test("may not be under the policy that an example is under", () => {
    const statement = { ...deny, Action: undefined, NotAction: listExemptions().map(({ action }) => action) };
    const some = [everything, policy({ ...statement, Condition: except })];
    const [example] = judgeProof(proveFor(some, { isExample: true }));
    expect(example).toEqual({
      kind: "bad",
      text: "MFA is NOT enforced for every user: it is enforced for alice (an example), but for others that depends on aws:username",
    });
    const [named, ...more] = judgeProof(proveFor(some, {}));
    expect(named?.kind).toBe("good");
    expect(more.at(-1)?.text).toBe(
      "other users may get other results (--user ARN): the policies have conditions on aws:username (StringNotLike b*, ci-*)",
    );
    // Another statement covers everybody.
    expect(judgeProof(proveFor(policies, { isExample: true }))[0]?.kind).toBe("good");
  });

  test("who cannot enroll are no proof that all can", () => {
    const bob = policy({ ...deny, Action: "iam:EnableMFADevice", Resource: "arn:aws:iam::111122223333:user/eng/bob" });
    const proof = proveFor([enforceMfaPolicy(), selfManagePolicy(), bob], { isExample: true });
    expect(proof.user).toBe("arn:aws:iam::111122223333:user/alice");
    expect(judgeRequirement(proof, "enrollable")).toEqual({
      holds: false,
      why: "alice (an example) can enroll, but for others that depends on a Deny for bob (--user ARN)",
    });
    const tagged = policy({ ...allowAll, Action: "iam:*", Condition: { StringEquals: { "aws:username": "alice" } } });
    expect(judgeRequirement(proveFor([tagged], { isExample: true }), "enrollable").holds).toBe(false);
    expect(judgeRequirement(proveFor([tagged], {}), "enrollable").holds).toBe(true);
  });

  test("are others who cannot enroll only if a Deny without MFA keeps them from it", () => {
    const enrollable = (...more: readonly object[]) =>
      judgeRequirement(
        proveFor([enforceMfaPolicy(), selfManagePolicy(), policy(...more)], { isExample: true }),
        "enrollable",
      );
    const of = (resource: string) => `arn:aws:iam::111122223333:${resource}`;
    const enable = { ...deny, Action: "iam:*" };
    for (const [resource, name] of [
      ["user/b*", "b*"],
      ["user/eng/*", "eng/*"],
      ["user/bob", "bob"],
    ] as const)
      expect(enrollable({ ...enable, Resource: of(resource) }).why).toContain(`depends on a Deny for ${name} (`);
    const allBut = { ...enable, Resource: undefined, NotResource: [of("mfa/*"), of("user/a*")] };
    expect(enrollable(allBut).why).toContain("depends on a Deny for all but a* (");
    // Bob can give a device another name; changes with MFA, and what an Allow for one user adds, do not matter.
    const withMfa = { Bool: { "aws:MultiFactorAuthPresent": "true" }, StringEquals: { "aws:username": "bob" } };
    for (const statement of [
      { ...enable, Resource: of("mfa/bob") },
      { ...enable, Condition: withMfa },
      { ...allowAll, Condition: { StringEquals: { "aws:username": "bob" } } },
      { ...enable, Action: "iam:CreateVirtualMFADevice", Condition: { StringEquals: { "aws:username": "bob" } } },
    ])
      expect(enrollable(statement).holds).toBe(true);
  });

  test("a condition on aws:PrincipalAccount is about other users, whatever the account of the example", () => {
    const denies = (operator: string, account: string): PolicyDocument =>
      policy({ ...deny, Condition: { ...mfaFalse, [operator]: { "aws:PrincipalAccount": account } } });
    for (const account of ["123456789012", "999999999999"]) {
      const only = [everything, selfManagePolicy(), denies("StringEquals", account)];
      const others = [everything, enforceMfaPolicy(), denies("StringNotEquals", account)];
      expect(makeExampleUser(only).arn).toBe(`arn:aws:iam::${account}:user/alice`);
      expect(makeExampleUser(others).arn).not.toContain(account);
      for (const policies of [only, others]) {
        const proof = proveFor(policies, { isExample: true });
        expect(proof.identityConditions).toEqual([expect.stringContaining(`aws:PrincipalAccount (String`)]);
        expect(judgeRequirement(proof, "enrollable").holds).toBe(false);
      }
      const enforce = enforceMfaPolicy();
      const limited = [enforce.Statement].flat().map((statement) => ({
        ...statement,
        Condition: { ...statement.Condition, StringEquals: { "aws:PrincipalAccount": account } },
      }));
      const proof = proveFor([everything, policy(...limited)], { isExample: true });
      expect(judgeRequirement(proof, "enforced")).toEqual({
        holds: false,
        why: "MFA is NOT enforced for every user: it is enforced for alice (an example), but for others that depends on aws:PrincipalAccount",
      });
      expect(judgeRequirement(proveFor([everything, policy(...limited)], {}), "enforced").holds).toBe(true);
    }
  });

  test("the policies do not name the example user", () => {
    const named = policy({ ...allowAll, Resource: ["arn:aws-cn:iam::*:user/alice", "arn:aws-cn:iam::*:mfa/carol"] });
    expect(makeExampleUser([named]).arn).toBe("arn:aws-cn:iam::123456789012:user/dave");
  });
});

test("parses user ARNs with and without a path, and later context values win", () => {
  expect(parseUserArn("arn:aws-cn:iam::123456789012:user/a/b/li")?.context).toMatchObject({ "aws:username": "li" });
  for (const arn of [
    "alice",
    "arn:aws:iam::123456789012:role/x",
    "arn:aws:iam::1:user/x",
    "arn:aws:iam::123456789012:user/",
  ]) {
    expect(parseUserArn(arn)).toBeUndefined();
  }
  expect(mergeContexts({ "aws:username": "alice", other: "x" }, { "AWS:UserName": UNKNOWN })).toEqual({
    other: "x",
    "AWS:UserName": UNKNOWN,
  });
});
