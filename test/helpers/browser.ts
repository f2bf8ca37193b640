// A real headless Chromium, Debian's. Nothing is downloaded: playwright-core only drives it.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { isNeeded } from "./needed.ts";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** The path of a Chromium on this machine. */
export const chromiumPath = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find(isExecutable);

/** Where it is needed the tests run, and fail without it. */
export const hasChromium = isNeeded || chromiumPath !== undefined;

export async function startBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("chromium is not installed: apt-get install chromium");
  // It refuses to run as root in its own sandbox. The pages are fob's.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({ executablePath: chromiumPath, args });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
