// Programs of others, which tests run beside fob or as referees.
import { spawnSync } from "node:child_process";

/** `npm run test:interop` and CI install the programs first, so that none of their tests may be left out. */
export const isNeeded = process.env.CI !== undefined || process.env.FOB_INTEROP !== undefined;

/** Whether this command succeeds. */
export const succeeds = (file: string, ...args: readonly string[]): boolean =>
  spawnSync(file, args, { stdio: "ignore" }).status === 0;

/** Whether a test has its program: this command tells. Where the program is needed the test runs, and fails without it. */
export const isThere = (file: string, ...args: readonly string[]): boolean => isNeeded || succeeds(file, ...args);
