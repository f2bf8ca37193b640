import { defineConfig } from "vitest/config";
import { minutes, shared } from "./vitest.config.mts";

// The rollout in detail: plans and batches, killed at every step, each guard overridden, and what goes wrong beside it.
// And a kill or a fault at every file-system call. `npm run test:complete`
export default defineConfig({
  test: {
    ...shared,
    include: [...minutes, "test/long/kills.test.ts"],
    env: { ...shared.env, FOB_TEST_BROAD: "1", FOB_TEST_COMPLETE: "1" },
    maxWorkers: 2,
  },
});
