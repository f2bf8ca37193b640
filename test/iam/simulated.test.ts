// AWS's simulator beside fob's evaluator: where they disagree, nothing is known.
import { expect, test } from "vitest";
import {
  compareWithSimulator as compare,
  listPlanQuestions,
  type SimulatedQuestion,
  simulatedCalls,
} from "../../src/iam/simulated.ts";

const user = { arn: "arn:aws:iam::123456789012:user/eng/ben" };
const denyWithoutMfa = (_: object, method: string) => (method === "MFA" ? "allowed" : "explicitDeny");
const answer = ({ actions, method }: SimulatedQuestion) => actions.map(() => denyWithoutMfa({}, method));

test("every decision is compared, in as many calls as --help says, on resources that the actions support", async () => {
  const asked: SimulatedQuestion[] = [];
  const compared = await compare(user, listPlanQuestions(user), denyWithoutMfa, (_, question) => {
    asked.push(question);
    return Promise.resolve({ value: answer(question) });
  });
  expect(asked.length).toBe(simulatedCalls);
  expect(asked.map(({ resource }) => resource)).toEqual(["*", "*", "arn:aws:iam::123456789012:mfa/phone", user.arn]);
  expect(compared).toEqual({
    value: {
      agreed: asked.flatMap(({ actions }) => actions).length,
      allowed: expect.any(Number) as number,
      disagreements: [],
    },
  });
});

test("a decision that differs is named; one that fob does not know counts for neither", async () => {
  const compared = await compare(
    user,
    listPlanQuestions(user),
    ({ action }, method) => (action === "iam:GetUser" ? "unknown" : denyWithoutMfa({}, method)),
    (_, question) =>
      Promise.resolve({
        value: question.actions.map((action) =>
          action === "iam:ListUsers" && question.method === "key" ? "allowed" : denyWithoutMfa({}, question.method),
        ),
      }),
  );
  expect(compared).toEqual({
    value: { agreed: 10, allowed: 4, disagreements: ["iam:ListUsers without MFA: fob explicitDeny, AWS allowed"] },
  });
});

test("what AWS does not answer is unknown", async () => {
  const denied = { unknown: "AWS denied it" };
  expect(await compare(user, listPlanQuestions(user), denyWithoutMfa, () => Promise.resolve(denied))).toEqual(denied);
  const short = await compare(user, listPlanQuestions(user), denyWithoutMfa, () => Promise.resolve({ value: [] }));
  expect(short).toHaveProperty("unknown");
});
