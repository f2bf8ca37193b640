// What to do next where steps were stopped: by Ctrl-C, a terminal that was closed, an error, or a doubt.
import { CancelledError, FobError } from "../../../errors.ts";
import { StepsStoppedError } from "../../../steps/steps.ts";
import { formatCommand, type TypedCommand } from "../../../typed-command.ts";

/** Runs steps. Where they are stopped, names the command that goes on. */
export async function nameNextCommand<T>(typed: TypedCommand, runSteps: () => Promise<T>): Promise<T> {
  try {
    return await runSteps();
  } catch (error) {
    if (!(error instanceof StepsStoppedError || error instanceof CancelledError)) throw error;
    throw new FobError(error.message, [...error.hints, `to go on: ${formatCommand(typed)}`], error.exitCode, error);
  }
}
