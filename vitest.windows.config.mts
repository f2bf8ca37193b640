import { defineConfig } from "vitest/config";
import { shared } from "./vitest.config.mts";

// The built program on Windows: what needs neither a terminal nor a program of Unix. `npm run test:windows`
export default defineConfig({
  test: {
    ...shared,
    isolate: false,
    include: [
      "test/windows/**/*.test.ts",
      "test/scripts/{status,login,env,exec,codes,credential-process,keys}.test.ts",
    ],
    maxWorkers: 1,
  },
});
