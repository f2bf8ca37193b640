// Options that several commands share.

import { parseDuration } from "../duration.ts";
import { adviseOnKeyVariables } from "../environment/variables.ts";
import { UsageError } from "../errors.ts";
import { quote } from "../text.ts";
import type { Context } from "./context.ts";

/** The profile that a command works on when none is named. */
export function getDefaultProfile({ env }: Context): string {
  return env.AWS_PROFILE || "default";
}

/** Says that credentials in this environment come before what a profile has. */
export function warnOfVariables({ env, say }: Context): void {
  const advice = adviseOnKeyVariables(env);
  if (advice === undefined) return;
  say.warning(advice.message);
  say.hint(advice.fix);
}

/** `--min-ttl` in seconds. @throws UsageError */
export function parseMinTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new UsageError(`${quote(text)} (from --min-ttl) is not a duration`, "use a duration like 1h, 15m or 900");
}

/** `--format`, for which `--json` is short where it is json; the first of the formats by default. @throws UsageError */
export function chooseFormat<const Format extends string>(
  { format, json }: { readonly format?: string | undefined; readonly json?: boolean | undefined },
  formats: readonly [Format, ...Format[]],
): Format {
  const name = format ?? (json ? "json" : formats[0]);
  const found = formats.find((known) => known === name);
  if (found === undefined) {
    throw new UsageError(`invalid --format ${quote(name)}`, `choose one of: ${formats.join(", ")}`);
  }
  if (json && found !== "json") {
    throw new UsageError(`--json cannot be used with --format ${found}`, "--json is short for --format json");
  }
  return found;
}
