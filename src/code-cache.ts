// Code that V8 compiled when the program was built. docs/decisions/code-cache.md
import { readFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * From now on a file of this folder that has a code cache beside it (`NAME.js.cache`) is loaded with that. V8 ignores a
 * cache that another version of it has made, or other flags.
 */
export async function useCodeCaches(folder: string): Promise<void> {
  const { Script } = await import("node:vm");
  // Deprecated since 2011, and still the one documented way to load a file differently without an option of Node.js.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- as said above
  const { extensions } = require;
  const load = extensions[".js"];
  extensions[".js"] = (module: NodeJS.Module, filename: string) => {
    const cachedData = dirname(filename) === folder ? readCache(filename) : undefined;
    if (cachedData === undefined) {
      load(module, filename);
      return;
    }
    const source = `(function (exports, require, module) {${readFileSync(filename, "utf8")}\n})`;
    const run = new Script(source, { filename, cachedData }).runInThisContext() as (...of: readonly unknown[]) => void;
    run.call(module.exports, module.exports, (id: string): unknown => module.require(id), module);
  };
}

function readCache(filename: string): Buffer | undefined {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}
