import fc from "fast-check";
import { afterEach, expect } from "vitest";
import { takeWrongHints } from "./hints.ts";
import { takeLeaks } from "./leaks.ts";

// Properties are tried on the same inputs every time; another seed is a matter of FC_SEED=1234 npm test.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_260_131) });

afterEach(() => expect(takeLeaks()).toEqual([]));
afterEach(async () => expect(await takeWrongHints()).toEqual([]));
