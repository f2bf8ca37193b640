// Accounts that others describe in public, as saved accounts.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** In the files, times are like `5 days ago`. */
export function readAccountFile(name: string): unknown {
  const text = readFileSync(join(import.meta.dirname, "../long/accounts", `${name}.json`), "utf8");
  const now = Date.now();
  const formatAgo = (days: string): string => new Date(now - Number(days) * 86_400_000).toISOString().slice(0, 19);
  return JSON.parse(text.replaceAll(/(\d+) days ago/g, (_, days: string) => `${formatAgo(days)}Z`));
}
