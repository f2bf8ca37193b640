// Frees what is no longer used. V8 alone lets its heap grow to four times of what is used: with AWS's answers about
// thousands of users, 50 MB more than without. To look through the heap takes some 30 ms, and saves as much later.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** With fewer users it is not worth the time. */
const manyUsers = 1000;

/** @param users how many the account has */
export function freeMemoryOf(users: number): void {
  if (users < manyUsers) return;
  setFlagsFromString("--expose-gc");
  (runInNewContext("globalThis.gc") as (() => void) | undefined)?.();
}
