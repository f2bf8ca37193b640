// The user's browser.
import { FobError } from "../errors.ts";
import { howItEnded, runProgram } from "../subprocess.ts";

export interface BrowserTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly signal: AbortSignal;
  /** Only with --debug. */
  readonly debug: (message: string) => void;
}

/** Opens an address in the user's browser. @throws FobError where there is none that can be opened */
export async function openBrowser(address: string, { env, platform, signal, debug }: BrowserTools): Promise<void> {
  for (const [program, ...args] of openersOf(platform, env)) {
    try {
      const ended = await runProgram(program, [...args, address], { env, title: program, timeout: 30, signal });
      if (ended.status === 0) return;
      debug(`${program} ${howItEnded(ended)}`);
    } catch (error) {
      if (signal.aborted || !(error instanceof FobError)) throw error;
      debug(error.message);
    }
  }
  throw new FobError("no browser can be opened here", "print the link instead: fob console --print");
}

type Opener = readonly [program: string, ...args: string[]];

function openersOf(platform: NodeJS.Platform, env: BrowserTools["env"]): readonly Opener[] {
  if (platform === "darwin") return [["open"]];
  if (platform === "win32") return [["rundll32.exe", "url.dll,FileProtocolHandler"]];
  // Dev containers and remote editors say by BROWSER how to reach the user's own; xdg-open would look there too.
  const own: Opener[] = env.BROWSER ? [[env.BROWSER]] : [];
  return [...own, ["xdg-open"], ["wslview"]];
}
