// The login that follows a set-up: offered, with the code of `fob login`.
import { untilNextCode } from "../codes/next-code.ts";
import { CancelledError, FobError } from "../errors.ts";
import type { Terminal } from "../terminal/tty.ts";
import { quoteProfileArgument } from "../text.ts";
import type { GivenOptions } from "../typed-command.ts";
import { type Context, sayError } from "./context.ts";
import type { OwnProfile } from "./own-user.ts";
import { askYesNo, countDown } from "./questions.ts";

/** STS knows a new device some seconds later than IAM does, and the codes that enabled it should not be typed again. */
const settling = 15_000;

/**
 * Offers a login. What goes wrong is said, and no failure: what was set up before stays.
 *
 * @param options.isNewDevice a device was enrolled just now
 * @param options.force a new session, also in the place of one that another tool has left
 * @returns what came of it; only "done" has a session
 */
export async function offerFirstLogin(
  { source, sessions }: Pick<OwnProfile, "source" | "sessions">,
  { isNewDevice = false, force = false }: { readonly isNewDevice?: boolean; readonly force?: boolean },
  terminal: Terminal,
  context: Context,
): Promise<"done" | "declined" | "cancelled" | "failed"> {
  const again = `fob login ${quoteProfileArgument(source)}`;
  const ready = sessions.now() + Math.max(settling, untilNextCode(sessions.now(), sessions.now()));
  try {
    if (!(await askYesNo(terminal, isNewDevice ? "Log in with it now?" : "Log in now?", context))) {
      context.say.next(again);
      return "declined";
    }
    if (isNewDevice) {
      await countDown(
        Math.max(0, ready - sessions.now()),
        "AWS is getting to know the device; next code in",
        sessions,
        context,
      );
    }
    const { loginCommand } = await import("./commands/login.ts");
    const options: GivenOptions = force ? { force: true } : {};
    await loginCommand.run(
      [source],
      options,
      { ...context, typed: { name: "login", named: [source], options } },
      undefined,
    );
    return "done";
  } catch (error) {
    if (!(error instanceof FobError)) throw error;
    const isCancelled = error instanceof CancelledError;
    if (isCancelled) context.say.note(isNewDevice ? "the device is enrolled; no login" : "no login");
    else sayError(error, context.say);
    context.say.hint(`log in later: ${again}`);
    return isCancelled ? "cancelled" : "failed";
  }
}
