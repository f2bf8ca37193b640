// What a terminal can show, as far as the environment tells.
import type { Environment } from "../environment-variables.ts";

/** Whether characters beyond ASCII come out right: in a UTF-8 locale, as POSIX chooses it, and where there are none. */
export function showsUnicode(env: Environment, platform: NodeJS.Platform = process.platform): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return platform === "win32" || platform === "darwin" || /utf-?8/i.test(locale);
}

/** Whether to ask with plain lines and numbered lists: for screen readers, and where the cursor cannot be moved. */
export const isPlain = (env: Environment): boolean => env.TERM === "dumb" || Boolean(env.FOB_ACCESSIBLE);
