// Asks for the account number before something is changed.
import { exitCodes, FobError } from "../../../errors.ts";
import { isPlain } from "../../../terminal/abilities.ts";
import { findTerminal } from "../../../terminal/tty.ts";
import { formatCommand } from "../../../typed-command.ts";
import type { Context } from "../../context.ts";

/** @throws FobError without a terminal; CancelledError if the user does not want to */
export async function confirmAccount(
  account: string,
  { noInput }: { readonly noInput?: boolean | undefined },
  { env, signal, typed }: Context,
): Promise<void> {
  const terminal = noInput ? undefined : findTerminal();
  if (terminal === undefined) {
    throw new FobError(
      "nothing was changed: without a terminal you cannot confirm it",
      formatCommand({ ...typed, options: { ...typed.options, yes: true } }),
      exitCodes.codeNeeded,
    );
  }
  const { askLine } = await (isPlain(env)
    ? import("../../../terminal/plain-prompts.ts")
    : import("../../../terminal/prompts.ts"));
  const problem = (answer: string): string | undefined =>
    answer.replaceAll(/[\s-]/g, "") === account ? undefined : "that is not the number; Ctrl-C changes nothing";
  await askLine(terminal, { message: `Type the account number (${account}) to do it:`, problem, signal });
}
