import { defineConfig } from "vitest/config";

/** What `npm run test:long` shares. */
export const shared = {
  setupFiles: ["test/helpers/setup.ts"],
  globalSetup: ["test/helpers/global-setup.ts"],
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  // The style of the HTML report is a text, and no style of the tests.
  css: true,
  // node-pty gives up on the last output of a program 200 ms after its end, which a very busy machine does not keep.
  retry: process.env.CI ? 2 : 0,
  // Most tests start the built program, some of them on a terminal, on a machine that may be busy.
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

/** What takes a quarter of an hour together has a command of its own. */
export const minutes = [
  ...["agreement", "lint-fixes", "lint-fixes-yaml", "policy-script"],
  ...["apply", "guards", "kills", "plan", "trouble"].map((name) => `rollout-${name}`),
].map((name) => `test/long/${name}.test.ts`);

// They replace parts of Node.js, or look at their own process as it was when it began.
const alone = [
  "cli/output",
  "codes/graphical",
  "console/one-shot",
  "console/peer",
  "files/create",
  "files/read",
  "process",
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  test: {
    ...shared,
    // Tests mostly wait for the programs that they start.
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          // To load the same modules for every file again takes a quarter of the time.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: ["test/long/**", "test/interop/**", "test/windows/**", ...alone],
        },
      },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
