import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/long/**", "test/interop/**", "**/node_modules/**"],
    setupFiles: ["test/helpers/setup.ts"],
    // Tests mostly wait for the programs that they start.
    maxWorkers: 3,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    // node-pty gives up on the last output of a program 200 ms after its end, which a very busy machine does not keep.
    retry: process.env.CI ? 2 : 0,
    // Most tests start the built program, some of them on a terminal, on a machine that may be busy.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
