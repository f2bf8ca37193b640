// `fob doctor`: finds what is wrong with this computer's AWS files and settings, and names the command that fixes it.
import { realpathSync } from "node:fs";
import { askAws } from "../../../doctor/ask.ts";
import { type Diagnosis, diagnose, type Repair } from "../../../doctor/check.ts";
import { doctorChecks } from "../../../doctor/doctor.ts";
import type { Facts } from "../../../doctor/facts.ts";
import { repair } from "../../../doctor/fix.ts";
import { readPrograms } from "../../../doctor/programs.ts";
import { readFacts } from "../../../doctor/read.ts";
import { CancelledError, exitCodes, FobError } from "../../../errors.ts";
import type { SessionContext } from "../../../session/context.ts";
import { type Snapshot, takeSnapshot } from "../../../session/snapshot.ts";
import { formatJson } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand } from "../../command.ts";
import { type Context, sayError } from "../../context.ts";
import { createSessionContext } from "../../session-context.ts";
import { describeSummary, formatDiagnosis, summarize } from "./text.ts";

export const doctorCommand = defineCommand({
  name: "doctor",
  description:
    "Checks this computer's AWS files, variables and fob's own files, and names the command that fixes what it finds. " +
    "What it could not look at is not known, and is no pass. Exits with 3 unless all is fine; notes do not count. " +
    "docs/doctor.md lists the checks.",
  options: {
    fix: {
      text: "fix what can be fixed without harm: file modes, expired sessions of other tools, stale aws_security_token, the launcher",
    },
    json: { text: "print JSON" },
  },
  common: ["debug"],
  examples: ["fob doctor", "fob doctor --fix", "fob doctor --json"],
  async run(_, options, context) {
    const sessions = createSessionContext(context, { ...options, noInput: true });
    const look = await createLook(sessions, context);
    const first = diagnose(doctorChecks, look());
    const diagnosis =
      options.fix && (await repairAll(chooseRepairs(first, context), sessions, context)) ? again(look) : first;
    const { checks } = diagnosis;
    const summary = summarize(checks);
    if (options.json) context.stdout.write(formatJson({ version: 1, summary, checks }));
    else context.stdout.write(formatDiagnosis(diagnosis, context.stdout.columns));
    context.say.note(describeSummary(summary));
    if (!options.fix && diagnosis.repairs.length > 0)
      context.say.hint(`fix what can be fixed without harm: ${formatCommand(context.typed, { set: { fix: true } })}`);
    return summary.found + summary.unknown > 0 ? exitCodes.notFresh : exitCodes.done;
  },
});

/** With a wrong clock, a session that is valid seems to have expired. */
function chooseRepairs({ checks, repairs }: Diagnosis, { say }: Context): readonly Repair[] {
  if (checks.some(({ id, result }) => id === "clock" && result === "ok")) return repairs;
  const kept = repairs.filter(({ kind }) => kind !== "expired session");
  if (kept.length < repairs.length)
    say.note("kept expired sessions: this computer's clock is wrong, or could not be checked");
  return kept;
}

const again = (look: () => Facts): Diagnosis => diagnose(doctorChecks, look());

/** Reads what a repair changes each time it is called, and the rest once. */
async function createLook(sessions: SessionContext, { env, signal }: Context): Promise<() => Facts> {
  const { platform, versions } = process;
  const [programs, answers] = await sessions.showWhile(
    "Asking AWS…",
    Promise.all([readPrograms(env, signal, versions.node), ask(sessions)]),
  );
  const running = { program: findProgram(), platform, user: process.geteuid?.(), programs, answers };
  return () => readFacts(sessions, running);
}

/** Where the AWS files cannot be read, nothing tells what to ask. */
async function ask(sessions: SessionContext): Promise<Facts["answers"]> {
  let snapshot: Snapshot;
  try {
    snapshot = takeSnapshot(sessions);
  } catch (error) {
    if (error instanceof FobError) return { unknown: error.message };
    throw error;
  }
  return { value: await askAws(snapshot, sessions) };
}

const findProgram = (): string => realpathSync(process.argv[1] ?? "");

/** @returns whether anything was done */
async function repairAll(repairs: readonly Repair[], sessions: SessionContext, { say }: Context): Promise<boolean> {
  const { store, paths } = sessions;
  const installation = { store: store.folder, paths, node: process.execPath, program: findProgram() };
  let isChanged = false;
  for (const each of repairs) {
    try {
      const done = await repair(each, sessions, installation);
      if (done === undefined) continue;
      say.note(done);
      isChanged = true;
    } catch (error) {
      // The others can be repaired all the same.
      if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
      sayError(error, say);
    }
  }
  if (!isChanged) say.note("there was nothing to fix without harm");
  return isChanged;
}
