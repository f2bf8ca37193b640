import { defineConfig } from "vitest/config";
import { minutes, shared } from "./vitest.config.mts";

// The rollout in detail: plans and batches, killed at every step, each guard overridden, and what goes wrong beside it.
// `npm run test:rollout`
export default defineConfig({
  test: { ...shared, include: minutes, env: { ...shared.env, FOB_TEST_BROAD: "1" }, maxWorkers: 2 },
});
