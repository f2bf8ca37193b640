// The user's browser.
import { findProblem } from "../environment/program.ts";
import type { Environment } from "../environment-variables.ts";
import { FobError } from "../errors.ts";
import { type Desktop, startProgram } from "../process.ts";

/**
 * Has an address opened in the user's browser. The browser may stay with that, or what opens it may end at once: it is not
 * waited for by the address's own server, and never ended.
 *
 * @throws FobError if no browser can be opened
 */
export async function openBrowser(address: string, { env, platform, debug }: Desktop): Promise<void> {
  for (const [program, ...args] of listOpeners(address, platform, env)) {
    const problem = await runOpener(program, args, env);
    if (problem === undefined) return;
    debug(`${program}: ${problem}`);
  }
  throw new FobError("could not open a browser");
}

/** Whether a program is installed that could open a browser. */
export function hasBrowser({ env, platform }: Pick<Desktop, "env" | "platform">): boolean {
  if (platform === "darwin" || platform === "win32") return true;
  return listOpeners("", platform, env).some(([program]) => findProblem(program, env) === undefined);
}

/** What went wrong, once the program has ended; undefined where nothing did. */
function runOpener(program: string, args: readonly string[], env: Environment): Promise<string | undefined> {
  return new Promise((done) => {
    const child = startProgram(program, args, { env, stdio: "ignore", detached: process.platform !== "win32" });
    child.on("error", (error) => done(error.message));
    child.on("exit", (status) => done(status === 0 ? undefined : `exit code ${status ?? "of a signal"}`));
    child.unref();
  });
}

type Opener = readonly [program: string, ...args: string[]];

function listOpeners(address: string, platform: NodeJS.Platform, env: Environment): readonly Opener[] {
  if (platform === "darwin") return [["open", address]];
  if (platform === "win32") return [["rundll32.exe", "url.dll,FileProtocolHandler", address]];
  // Dev containers and remote editors say by BROWSER how to reach the user's own. It is a list, and %s is the address.
  const own = (env.BROWSER ?? "").split(":").flatMap((entry): Opener[] => {
    const [program, ...args] = entry.split(" ").filter((word) => word !== "");
    if (program === undefined) return [];
    const named = args.map((word) => word.replace("%s", address));
    return [[program, ...named, ...(entry.includes("%s") ? [] : [address])]];
  });
  return [...own, ["xdg-open", address], ["wslview", address]];
}
