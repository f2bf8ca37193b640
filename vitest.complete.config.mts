import { defineConfig } from "vitest/config";
import { minutes, shared } from "./vitest.config.mts";

// Of their tables, npm test takes a few.
const broad = [
  ...["files/lock", "policy/lint", "profiles/edit.property", "steps/crashes", "steps/steps.property", "scripts/exec"],
].map((name) => `test/${name}.test.ts`);

// The rollout in detail: plans and batches, killed at every step, each guard overridden, and what goes wrong beside it.
// A kill or a fault at every file-system call. Policies by the thousands, and scripts with the aws command.
// `npm run test:complete`
export default defineConfig({
  test: {
    ...shared,
    include: [
      ...minutes,
      ...broad,
      ...["kills", "device-kills", "keys-kills", "keys-rotate"].map((name) => `test/long/${name}.test.ts`),
    ],
    env: { ...shared.env, FOB_TEST_BROAD: "1", FOB_TEST_COMPLETE: "1" },
    maxWorkers: 2,
  },
});
