import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Most tests start the built program, some of them on a terminal, on a machine that may be busy.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
