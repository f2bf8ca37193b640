import { defineConfig } from "vitest/config";
import config from "./vitest.config.mts";

// What takes minutes: kills and faults at every call, storms, programs in other languages. `npm run test:long`
export default defineConfig({
  test: {
    ...config.test,
    include: ["test/long/**/*.test.ts", "test/interop/**/*.test.ts"],
    exclude: [],
    // Programs wait for a minute at most: what starts 200 of them needs most of the machine.
    maxWorkers: 2,
    hookTimeout: 120_000,
  },
});
