import { defineConfig } from "vitest/config";
import config from "./vitest.config.mts";

// What takes minutes: kills and faults at every call. `npm run test:long`
export default defineConfig({
  test: { ...config.test, include: ["test/long/**/*.test.ts"], exclude: [], hookTimeout: 120_000 },
});
