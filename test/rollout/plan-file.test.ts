// Plans that were edited, or cut, are refused: nothing else of them reaches fob rollout apply.
import { expect, test } from "vitest";
import { FobError } from "../../src/errors.ts";
import { assertSameAccount } from "../../src/rollout/apply.ts";
import { makePlan, type Plan } from "../../src/rollout/plan.ts";
import { parsePlan } from "../../src/rollout/plan-file.ts";
import { Model, makeRandom } from "./model.ts";

function makeSmallPlan(): Plan {
  const model = new Model(makeRandom(7));
  while (model.users.length < 3) model.addUser();
  return makePlan(model.snapshot(), {
    ...{ group: "RequireMFA", policy: { passwordChange: true, maxAgeSeconds: null, viaAwsService: false } },
    ...{ batchSize: 3, exclude: [], include: model.users.map(({ name }) => name), breakGlass: [], now: model.now },
  });
}

const typeOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

/** Where the values are, from the top: `["users", "0", "arn"]`. */
const listPaths = (value: unknown): string[][] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, part]) => [[key], ...listPaths(part).map((rest) => [key, ...rest])])
    : [];

function takeAt(holder: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (found as Record<string, unknown>)[key], holder);
}

/** What a value may be besides its type, or what fob reads in no plan. */
const mayBe: Readonly<Record<string, readonly string[]>> = {
  maxAgeSeconds: ["number", "null"],
  withoutMfa: ["null"],
  reportGenerated: ["null", "string"],
};

test("what fob has written is read again", () => {
  const plan = makeSmallPlan();
  expect(plan.batches.length).toBeGreaterThan(0);
  expect(parsePlan("plan.json", JSON.stringify(plan))).toEqual(plan);
});

test("a value of another type is refused, wherever it is, and so is one that is missing", () => {
  const plan = makeSmallPlan();
  const accepted: string[] = [];
  for (const path of listPaths(plan)) {
    const key = path.at(-1) ?? "";
    const before = takeAt(plan, path);
    for (const value of [null, 5, "x", true, [], {}, undefined]) {
      const type = typeOf(value);
      const isElement = Array.isArray(takeAt(plan, path.slice(0, -1)));
      if (type === typeOf(before) || mayBe[key]?.includes(type) || (isElement && value === undefined)) continue;
      const edited = structuredClone(plan);
      (takeAt(edited, path.slice(0, -1)) as Record<string, unknown>)[key] = value;
      try {
        parsePlan("plan.json", JSON.stringify(edited));
        accepted.push(`${path.join(".")} = ${JSON.stringify(value)}`);
      } catch (error) {
        expect(error).toBeInstanceOf(FobError);
      }
    }
  }
  expect(accepted).toEqual([]);
});

test("a plan that was cut is refused", () => {
  const text = JSON.stringify(makeSmallPlan());
  for (let length = 0; length < text.length; length += 7) {
    expect(() => parsePlan("plan.json", text.slice(0, length))).toThrow("is not a plan that can be applied: not JSON");
  }
});

test.each<[unknown, string]>([
  ["1", 'its version is "1", not 1'],
  [2, "its version is 2, not 1"],
  [undefined, "it has no version"],
])("a plan of version %j", (version, message) => {
  expect(() => parsePlan("plan.json", JSON.stringify({ ...makeSmallPlan(), version }))).toThrow(message);
});

test("a plan of another account or partition names what differs", () => {
  const check = (account: string, partition: string) => () =>
    assertSameAccount({ account: "123456789012", partition: "aws" }, { account, partition }, "fob rollout apply");
  expect(check("123456789012", "aws")).not.toThrow();
  expect(check("999999999999", "aws")).toThrow("of account 123456789012, and these credentials are of account 999999");
  expect(check("123456789012", "aws-cn")).toThrow("of partition aws, and these credentials are of partition aws-cn");
});
