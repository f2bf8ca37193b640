// Tests how fob calls AWS's policy simulator and reads its pages. test/sandbox/policy-simulator.test.ts tests what AWS
// itself accepts and returns.
import { describe, expect, test } from "vitest";
import type { Simulation, SimulationPage, SimulationResult } from "../../src/aws/types.ts";
import { askSimulator, explainDifference, type Question, type Simulated } from "../../src/policy/aws-simulator.ts";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { ABSENT, type PolicyDocument, type RequestContext, UNKNOWN } from "../../src/policy/engine/evaluate.ts";

const everything: PolicyDocument = {
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "*", Resource: "*" },
};
const alice = "arn:aws:iam::123456789012:user/team/alice";
const subject: Simulated = { policies: [everything], user: alice };

const question = (action: string, more: Partial<Question> = {}): Question => ({
  ...{ action, resource: "*", context: {} },
  ...more,
});

/** A simulator that allows actions containing "Get", and the calls it got. */
function fake(page: (call: Simulation, results: SimulationResult[]) => SimulationPage) {
  const calls: Simulation[] = [];
  // Asynchronous, so that errors of `page` reject the promise.
  const simulate = async (call: Simulation) => {
    await Promise.resolve();
    calls.push(call);
    const results = call.actions.map((action) => ({
      ...{ action, decision: action.includes("Get") ? "allowed" : "explicitDeny" },
    }));
    return page(call, results);
  };
  return { calls, simulate };
}

const onePage = () => fake((_, results) => ({ results, marker: undefined }));

describe("calls", () => {
  test("makes one call per resource and context, and returns the answers in the order of the questions", async () => {
    const { calls, simulate } = onePage();
    const withMfa = { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60" };
    const answers = await askSimulator(
      [
        question("iam:GetUser", { resource: alice }),
        question("s3:ListAllMyBuckets", { context: withMfa }),
        question("iam:DeleteUser", { resource: alice }),
        // The same context in another order.
        question("s3:GetObject", { context: { "aws:MultiFactorAuthAge": "60", "aws:MultiFactorAuthPresent": "true" } }),
        question("iam:GetUser", { resource: alice }),
      ],
      subject,
      simulate,
    );
    expect(answers.map(({ decision }) => decision)).toEqual([
      ...["allowed", "explicitDeny", "explicitDeny", "allowed", "allowed"],
    ]);
    expect(calls.map(({ resource, actions }) => [resource, actions])).toEqual([
      [alice, ["iam:GetUser", "iam:DeleteUser"]],
      ["*", ["s3:ListAllMyBuckets", "s3:GetObject"]],
    ]);
  });

  test("sends AWS's types of keys, sends lists, and leaves out absent keys", async () => {
    const { calls, simulate } = onePage();
    const context: RequestContext = {
      ...{ "aws:multifactorauthpresent": "false", "aws:MultiFactorAuthAge": "60", "aws:SourceIp": "192.0.2.1" },
      ...{ "aws:CurrentTime": "2026-01-31T09:00:00Z", "aws:PrincipalTag/team": "red", "aws:TagKeys": ["a", "b"] },
      ...{ "aws:ViaAWSService": ABSENT, "aws:CalledVia": [] },
    };
    await askSimulator([question("iam:GetUser", { context })], subject, simulate);
    expect(calls[0]?.context.map(({ name, type, values }) => [name, type, ...values])).toEqual([
      ["aws:CurrentTime", "date", "2026-01-31T09:00:00Z"],
      ["aws:MultiFactorAuthAge", "numeric", "60"],
      ["aws:PrincipalTag/team", "string", "red"],
      ["aws:SourceIp", "ip", "192.0.2.1"],
      ["aws:TagKeys", "stringList", "a", "b"],
      ["aws:multifactorauthpresent", "boolean", "false"],
    ]);
    const unknown = question("iam:GetUser", { context: { "aws:SourceIp": UNKNOWN } });
    await expect(askSimulator([unknown], subject, simulate)).rejects.toThrow("aws:SourceIp");
  });

  test("sends policies with characters that AWS accepts, and their user", async () => {
    const { calls, simulate } = onePage();
    const named: PolicyDocument = { ...everything, Id: "für Ω" };
    const policies = [named, enforceMfaPolicy()];
    await askSimulator([question("iam:GetUser")], { policies, boundary: everything }, simulate);
    await askSimulator([question("iam:GetUser")], { policies, user: alice }, simulate);
    const [custom, own] = calls;
    expect(custom).toMatchObject({ caller: undefined, boundary: JSON.stringify(everything) });
    expect(custom?.policies[0]).toContain('"für \\u03a9"');
    expect(custom?.policies.map((text) => JSON.parse(text) as unknown)).toEqual(policies);
    expect(own).toMatchObject({ caller: alice, boundary: undefined });
  });

  test("sends at most 100 actions per call", async () => {
    const { calls, simulate } = onePage();
    const questions = Array.from({ length: 250 }, (_, number) => question(`ec2:Get${number}`));
    expect(await askSimulator(questions, subject, simulate)).toHaveLength(250);
    expect(calls.map(({ actions }) => actions.length)).toEqual([100, 100, 50]);
  });
});

describe("answers", () => {
  test("reads answers from several pages, in another order and case", async () => {
    const { calls, simulate } = fake(({ marker, actions }, results) => {
      const at = marker === undefined ? actions.length - 1 : Number(marker);
      const result = results[at];
      const page = result ? [{ ...result, action: result.action.toUpperCase() }] : [];
      // A page may be empty although more follow.
      return {
        results: at === 1 ? [...page, ...results.slice(0, 0)] : page,
        marker: at > 0 ? String(at - 1) : undefined,
      };
    });
    const answers = await askSimulator(
      ["a:Get", "a:Put", "a:GetMore"].map((name) => question(name)),
      subject,
      simulate,
    );
    expect(answers.map(({ decision }) => decision)).toEqual(["allowed", "explicitDeny", "allowed"]);
    expect(calls.map(({ marker }) => marker)).toEqual([undefined, "1", "0"]);
  });

  test.each([
    ["has no result", []],
    ["has an unknown decision", [{ action: "a:Get", decision: "maybe" }]],
  ])("rejects an answer that %s", async (_, results) => {
    const { simulate } = fake(() => ({ results, marker: undefined }));
    await expect(askSimulator([question("a:Get")], subject, simulate)).rejects.toThrow(
      'AWS\'s policy simulator returned no decision for "a:Get" on "*"',
    );
  });
});

describe("actions that AWS rejects in one call", () => {
  const refusal = (actions: readonly string[]) =>
    new Error(`Invalid Input Actions: [${actions.join("] and [")}] require different authorization information.`);
  const roles = ["iam:PassRole", "sts:AssumeRole"];
  const isMixed = (actions: readonly string[]) => roles.some((role) => actions.includes(role)) && actions.length > 1;
  const names = ["iam:PassRole", "iam:GetUser", "sts:AssumeRole", "s3:PutObject", "s3:GetObject"];
  const questions = names.map((name) => question(name));

  test("are split in halves until AWS accepts them, and all get answers", async () => {
    const { calls, simulate } = fake(({ actions }, results) => {
      if (isMixed(actions)) throw refusal(actions);
      return { results, marker: undefined };
    });
    const answers = await askSimulator(questions, subject, simulate);
    expect(answers.map(({ decision }) => decision)).toEqual([
      ...["explicitDeny", "allowed", "explicitDeny", "explicitDeny", "allowed"],
    ]);
    expect(calls.map(({ actions }) => actions)).toEqual([
      names,
      ...[names.slice(0, 3), names.slice(0, 2), ["iam:PassRole"], ["iam:GetUser"], ["sts:AssumeRole"]],
      names.slice(3),
    ]);
  });

  test("fail if AWS rejects one of them alone", async () => {
    const { calls, simulate } = fake(({ actions }) => {
      throw refusal(actions);
    });
    await expect(askSimulator(questions, subject, simulate)).rejects.toThrow("[iam:PassRole] require different");
    expect(calls.map(({ actions }) => actions.length)).toEqual([5, 3, 2, 1]);
  });

  test("are not split after other errors", async () => {
    const { calls, simulate } = fake(() => {
      throw new Error("Rate exceeded");
    });
    await expect(askSimulator(questions, subject, simulate)).rejects.toThrow("Rate exceeded");
    expect(calls).toHaveLength(1);
  });
});

describe("expected differences", () => {
  const noOptions = {};
  const mayChange = { mayChangePassword: alice };
  const known = (...[action, ours, theirs, options = mayChange]: readonly unknown[]) =>
    explainDifference(...([action, { ours, theirs }, options] as Parameters<typeof explainDifference>));
  const page = /AWS's simulator evaluates policies only \(https:\/\/docs\.aws\.amazon\.com\/\S+\)$/;

  test.each([
    ["sts:GetSessionToken", "implicitDeny", noOptions],
    ["STS:getcalleridentity", "explicitDeny", noOptions],
    ["iam:ChangePassword", "implicitDeny", mayChange],
    ["iam:getaccountpasswordpolicy", "implicitDeny", mayChange],
  ])("are explained with AWS's page: fob allowed %s, AWS says %s", (action, theirs, options) => {
    expect(known(action, "allowed", theirs, options)).toMatch(page);
  });

  test.each([
    ["another action", "iam:GetUser", "allowed", "implicitDeny"],
    ["an unknown action", "constructor", "allowed", "implicitDeny"],
    ["AWS allows it and fob does not", "sts:GetSessionToken", "implicitDeny", "allowed"],
    ["neither allows it", "sts:GetSessionToken", "implicitDeny", "explicitDeny"],
    ["users may not change their password", "iam:ChangePassword", "allowed", "implicitDeny", noOptions],
    ["a policy denies the change", "iam:ChangePassword", "allowed", "explicitDeny"],
  ])("do not include: %s", (_, ...difference) => {
    expect(known(...difference)).toBeUndefined();
  });
});
