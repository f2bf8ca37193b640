import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/helpers/setup.ts"],
    // Most tests start the built program, some of them on a terminal, on a machine that may be busy.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
