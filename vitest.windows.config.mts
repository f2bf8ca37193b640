import { defineConfig } from "vitest/config";
import { shared } from "./vitest.config.mts";

// The built program on Windows: what needs neither a terminal nor a program of Unix. `npm run test:windows`
export default defineConfig({
  test: {
    ...shared,
    isolate: false,
    include: [
      "test/windows/**/*.test.ts",
      "test/interop/{credential-process,session-profile,role-profile,exported-variables}.test.ts",
      "test/long/{duplicates,install,limits,logout,once,refresh,role-arn,roles,sources,white-space}.test.ts",
      "test/scripts/{codes,credential-process,demo,env,first-errors,keys,login,secrets,status}.test.ts",
    ],
    // Programs start one after the other in Wine.
    maxWorkers: 1,
  },
});
