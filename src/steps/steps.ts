// Steps that change an account: each says what it will do, asks AWS whether it is done, is done, written down, and can be
// undone. After a stop the same steps are run again: what AWS has already is not done twice.
import { AwsFailure } from "../aws/failures.ts";
import { CancelledError, type ExitCode, FobError, throwIfCancelled } from "../errors.ts";
import { quote } from "../text.ts";
import { type Facts, type Journal, type JournalEntry, type JournaledStep, listDone, looksSecret } from "./journal.ts";

/** What AWS says of a step. `facts` are what only AWS knew, such as an id that it gave. */
export type Check =
  | { readonly state: "done"; readonly facts?: Facts }
  | { readonly state: "to do" }
  | {
      readonly state: "blocked";
      readonly reason: string;
      readonly hints?: readonly string[];
      readonly exitCode?: ExitCode;
    };

export interface Undo {
  /** What it will do: `remove ben from group RequireMFA`. */
  readonly text: string;
  /** The same as a command line for CloudShell: `aws iam remove-user-from-group …`. */
  readonly command: string;
  /** Undoes the step. What is undone already is no error. */
  readonly run: () => Promise<void>;
}

/** One change. */
export interface Step {
  /** Always the same for the same change: `add-user/ben`. */
  readonly id: string;
  /** What it will do: `add ben to group RequireMFA`. */
  readonly text: string;
  /** Names and ids that are known before it is done. */
  readonly facts?: Facts;
  /** Whether it changes nothing at AWS. */
  readonly isLocal?: boolean;
  /** Looks whether it is done: asks AWS, unless it is local. */
  readonly check: () => Promise<Check>;
  /** Makes the change. @returns what became known by it: names and ids, never a secret */
  readonly do: () => Promise<Facts>;
  /**
   * Asks AWS whether all is well once the step is done, also if it was done before. `to do` is asked again for up to half
   * a minute: IAM needs a while until each of its servers knows of a change.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
   */
  readonly confirm?: () => Promise<Check>;
  /** How to undo it, by its own facts and what `do` or `check` returned. undefined if nothing can be undone with these. */
  readonly undo?: (facts: Facts) => Undo | undefined;
}

export interface StepTools {
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** Tells the user what is being done. */
  readonly note: (message: string) => void;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** A step was blocked, failed or did not hold. The hints hold the commands that undo what this run has done. */
export class StepsStoppedError extends FobError {
  override readonly name = "StepsStoppedError";
  /** The id of the step that stopped the run. */
  readonly step: string;
  /** What this run has done, or undone. */
  readonly done: readonly JournaledStep[];

  constructor(step: string, done: readonly JournaledStep[], why: FobError) {
    super(why.message, why.hints, why.exitCode, why.cause ?? why);
    this.step = step;
    this.done = done;
  }
}

const RUN_AGAIN = "AWS may have made the change; run the same command again, which checks that first";

/**
 * Does what is to do, one step after the other. Nothing is done that cannot be written down first.
 *
 * @returns what this run has done
 * @throws StepsStoppedError
 */
export async function runSteps(steps: readonly Step[], tools: StepTools): Promise<JournaledStep[]> {
  const ids = new Set<string>();
  const listThese = (): JournaledStep[] => listDone(tools.journal.lines).filter(({ step }) => ids.has(step));
  for (const step of steps) {
    try {
      await runStep(step, tools, () => ids.add(step.id));
    } catch (error) {
      const done = listThese();
      const open = listDone(tools.journal.lines).filter(({ step: id, state }) => id === step.id && state === "unknown");
      const mayBeDone = open.length > 0 && !ids.has(step.id) && step.isLocal !== true;
      const hints = mayBeDone ? [RUN_AGAIN, ...formatUndos([...done, ...open])] : formatUndos(done);
      throw new StepsStoppedError(step.id, done, explainStop(step.text, error, hints));
    }
  }
  return listThese();
}

async function runStep(step: Step, tools: StepTools, markDone: () => void): Promise<void> {
  const { journal } = tools;
  throwIfCancelled(tools.signal);
  const found = await step.check();
  if (found.state === "blocked") throw new FobError(found.reason, found.hints, found.exitCode);
  const facts = found.state === "to do" ? await makeChange(step, tools) : takeUp(step, journal, found.facts);
  if (facts) markDone();
  await confirm(step, tools).catch((error: unknown) => {
    markUnverified(step, journal, facts, error);
    throw error;
  });
  // Not before: a run that was killed while it waited for AWS must not count as confirmed.
  if (facts) appendEnd(journal, { event: "done", ...describe(step, facts) }, step.text);
}

/** @returns the facts of what a run has done that was killed, or got no answer; undefined if there was none */
function takeUp(step: Step, { lines }: Journal, found: Facts = {}): Facts | undefined {
  const begun = listDone(lines).find(({ step: id, state }) => id === step.id && state === "unknown");
  return begun && { ...begun.facts, ...found };
}

/** What fob has done, and AWS does not confirm, is not done: the next run has to look at it again. */
function markUnverified(step: Step, journal: Journal, facts: Facts | undefined, error: unknown): void {
  const before = listDone(journal.lines).find(({ step: id, state }) => id === step.id && state === "done");
  if (!facts && !before) return;
  try {
    const entry = describe(step, facts ?? before?.facts ?? {});
    journal.append({ event: "failed", ...entry, ...reasonOf(error), mayHaveChanged: true });
  } catch {
    // What went wrong first is what the user has to know.
  }
}

/** @returns what is known of it then */
async function makeChange(step: Step, { journal, note }: StepTools): Promise<Facts> {
  const before = describe(step, { ...step.facts });
  journal.append({ event: "begin", ...before });
  note(step.text);
  return { ...step.facts, ...(await recordFailure(journal, before, step.do)) };
}

/** @throws DoneError */
function appendEnd(journal: Journal, entry: JournalEntry, text: string): void {
  try {
    journal.append(entry);
  } catch (error) {
    throw new DoneError(`${quote(text)} is done, but was not written down: ${messageOf(error)}`, hintsOf(error));
  }
}

const describe = ({ id, text, undo }: Step, facts: Facts): Omit<JournalEntry, "event"> => ({
  ...{ step: id, text, facts, undo: undo?.(facts)?.command },
});

/** Does it, and writes down if it fails. */
async function recordFailure<T>(
  journal: Journal,
  entry: Omit<JournalEntry, "event">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    try {
      const isOpen = isRefusal(error) ? {} : { mayHaveChanged: true };
      journal.append({ event: "failed", ...entry, ...reasonOf(error), ...isOpen });
    } catch {
      // What went wrong first is what the user has to know; and a step without an end counts as unknown.
    }
    throw error;
  }
}

function reasonOf(error: unknown): { reason?: string } {
  const reason = messageOf(error);
  return looksSecret(reason) ? {} : { reason };
}

/** Whether it is certain that AWS has not made the change. */
const isRefusal = (error: unknown): boolean =>
  error instanceof AwsFailure && error.consequence !== "no answer" && error.consequence !== "server error";

/** @throws DoneError */
async function confirm(step: Step, { sleep, signal }: StepTools): Promise<void> {
  if (!step.confirm) return;
  for (let pause = 500; ; pause *= 2) {
    throwIfCancelled(signal);
    const found = await step.confirm();
    if (found.state === "done") return;
    const isDone = `${quote(step.text)} is done, but`;
    if (found.state === "blocked") throw new DoneError(`${isDone} ${found.reason}`, found.hints, found.exitCode);
    if (pause > 16_000) {
      throw new DoneError(`${isDone} AWS does not show it`, "wait a minute, then run the same command again");
    }
    await sleep(pause);
  }
}

/** What is wrong although the step is done: the message says so itself. */
class DoneError extends FobError {}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const hintsOf = (error: unknown): readonly string[] => (error instanceof FobError ? error.hints : []);

/** @param hints what to do then, beside what the error itself says */
function explainStop(text: string, error: unknown, hints: readonly string[]): FobError {
  const isOwnText = error instanceof DoneError || error instanceof CancelledError;
  const message = isOwnText ? error.message : `cannot ${text}: ${messageOf(error)}`;
  const exitCode = error instanceof FobError ? error.exitCode : undefined;
  return new FobError(message, [...hintsOf(error), ...hints], exitCode, error);
}

const formatUndos = (done: readonly JournaledStep[]): string[] =>
  [...done].reverse().flatMap(({ text, undo }) => (undo === undefined ? [] : `to undo ${quote(text)}: ${undo}`));

/**
 * Undoes steps, the last one first. Those without a command to undo them are left out: there is nothing to undo.
 *
 * @param steps some of {@link listDone}
 * @param undoOf how to undo one, by its id and facts
 * @returns what was undone
 * @throws StepsStoppedError
 */
export async function undoSteps(
  steps: readonly JournaledStep[],
  undoOf: (step: JournaledStep) => Undo | undefined,
  { journal, signal, note }: Omit<StepTools, "sleep">,
): Promise<JournaledStep[]> {
  const left = [...steps];
  const undone: JournaledStep[] = [];
  for (let step = left.at(-1); step; step = left.at(-1)) {
    const undo = undoOf(step);
    try {
      throwIfCancelled(signal);
      if (!undo && step.undo !== undefined) throw new FobError("this version of fob does not know how");
      if (undo) {
        const { step: id, text, facts } = step;
        const entry = { step: id, text, facts, undo: undo.command };
        journal.append({ event: "undo-begin", ...entry });
        note(undo.text);
        await recordFailure(journal, entry, undo.run);
        appendEnd(journal, { event: "undone", ...entry }, undo.text);
        undone.push(step);
      }
    } catch (error) {
      const why = explainStop(undo?.text ?? `undo ${quote(step.text)}`, error, formatUndos(left));
      throw new StepsStoppedError(step.step, undone, why);
    }
    left.pop();
  }
  return undone;
}

/**
 * Undoes steps by one piece of work. It is done even where it cannot be written down first: what must not stay is more
 * than what the journal tells.
 *
 * @param steps some of {@link listDone}
 */
export async function undoTogether<T>(
  steps: readonly JournaledStep[],
  journal: Journal,
  work: () => Promise<T>,
): Promise<T> {
  const entries = steps.toReversed().map(({ step, text, facts, undo }) => ({ step, text, facts, undo }));
  try {
    for (const entry of entries) journal.append({ event: "undo-begin", ...entry });
  } catch {
    // The disk may be full: the journal has the steps as done, and the next removal corrects that.
  }
  const result = await work();
  for (const entry of entries) journal.append({ event: "undone", ...entry });
  return result;
}
