import { defineConfig } from "vitest/config";
import config from "./vitest.config.mts";

// Of their tables, npm test takes a few.
const broad = [
  "credential-process/launcher",
  "environment/formats",
  "files/lock",
  "network/endpoints",
  "network/limits",
  "network/proxy",
  "sandbox/aws-command",
  "scripts/refused-edits",
  "scripts/white-space",
];

// What takes minutes: kills and faults at every call, storms, programs in other languages. `npm run test:long`
export default defineConfig({
  test: {
    ...config.test,
    include: ["test/long/**/*.test.ts", "test/interop/**/*.test.ts", ...broad.map((name) => `test/${name}.test.ts`)],
    exclude: [],
    env: { ...config.test?.env, FOB_TEST_BROAD: "1" },
    // Programs wait for a minute at most: what starts 200 of them needs most of the machine.
    maxWorkers: 2,
    hookTimeout: 120_000,
  },
});
