// The checks of `fob doctor`, in the order in which it shows them.
import { accountChecks } from "./account.ts";
import type { Check } from "./check.ts";
import { fileChecks } from "./files.ts";
import { profileChecks } from "./profiles.ts";
import { surroundingChecks } from "./surroundings.ts";

export const doctorChecks: readonly Check[] = [...accountChecks, ...fileChecks, ...profileChecks, ...surroundingChecks];
