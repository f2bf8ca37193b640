// Random accounts go through random sequences of plan, apply, enroll, undo and what administrators do beside them.
// FOB_TEST_STEPS makes it longer, FOB_TEST_SEED tries other accounts.
import { expect, test } from "vitest";
import { isMember } from "../../src/iam/parts.ts";
import { Model, makeRandom } from "./model.ts";

const steps = Number(process.env.FOB_TEST_STEPS ?? 400);
const seed = Number(process.env.FOB_TEST_SEED ?? 20_260_131);
const stepsOfAccount = 40;

test(`without an override the rollout locks out no user and no last administrator (seed ${seed}, ${steps} steps)`, async () => {
  const random = makeRandom(seed);
  const outcomes = new Map<string, number>();
  for (let done = 0; done < steps; done += stepsOfAccount) {
    const model = new Model(random);
    const history: string[] = [];
    for (let step = 0; step < stepsOfAccount; step++) {
      const before = new Set(model.users.filter((user) => model.canWork(user)).map(({ name }) => name));
      const administrators = model.listAbleAdministrators();
      const what = await model.step();
      history.push(what);
      const word = what.split(":")[0] ?? "";
      outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
      const lockedOut = model.users.filter(
        (user) =>
          isMember(user, "RequireMFA") && before.has(user.name) && !model.canWork(user) && !model.canEnroll(user),
      );
      expect({ seed, history, lockedOut: lockedOut.map((user) => JSON.stringify(user)) }).toMatchObject({
        lockedOut: [],
      });
      if (what.startsWith("apply") && administrators.length > 0) {
        expect({ seed, history, left: model.listAbleAdministrators().length }).not.toMatchObject({ left: 0 });
      }
    }
  }
  // Otherwise it has shown nothing.
  expect(outcomes.get("apply done")).toBeGreaterThan(0);
  expect(outcomes.get("apply refused")).toBeGreaterThan(0);
}, 3_600_000);
