// `fob sandbox`: a local AWS to try fob in, with the environment that leads there.
import { existsSync } from "node:fs";
import { runBeside } from "../../environment/exec.ts";
import { formatVariables } from "../../environment/formats.ts";
import { findProblem } from "../../environment/program.ts";
import { detectShell, formatNamed, readParentName } from "../../environment/shell.ts";
import { withVariables } from "../../environment/variables.ts";
import { CancelledError, throwIfCancelled, UsageError } from "../../errors.ts";
import { findNearest } from "../../nearest.ts";
import type { Rehearsal } from "../../sandbox/rehearsal.ts";
import { findScenario, type Scenario, scenarioNames } from "../../sandbox/scenarios.ts";
import { formatFlag, quote, quoteShellWord } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import type { AdministratorOptions } from "../administrator.ts";
import { defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { readMilliseconds } from "../milliseconds.ts";
import { reportFailedStart, reportStartProblem } from "../start-problem.ts";

/** cmd has no quotes for a path that holds a percent sign. */
const shells = ["bash", "zsh", "fish", "powershell"] as const;

type Shell = (typeof shells)[number];

export const sandboxCommand = defineCommand({
  name: "sandbox",
  description:
    "Starts a local AWS (STS and IAM, which enforce MFA) with a small team in it. Prints the environment variables that " +
    "lead fob and AWS tools there, for you to paste in another terminal, and runs until you press Ctrl-C. With a command " +
    "after --, runs that command with these variables instead, and stops with its exit code. Your AWS files, sessions " +
    "and AWS_ variables are not used, and nothing is left behind unless you --save it. Each user with an access key " +
    "has a profile of the same name; fob sandbox code prints the code of a user's MFA device.",
  runs: "the program and its arguments, passed on without a shell",
  options: {
    scenario: {
      value: "name|file",
      text: `${scenarioNames.join(", ")} (default: team), or a file with an account`,
      choices: scenarioNames,
    },
    load: { value: "file", text: "start with the account that --save wrote" },
    fromAccount: {
      text: "start with a copy of your AWS account, without secrets: users get keys, devices and passwords of the same kind",
    },
    profile: {
      value: "profile",
      text: "the profile for --from-account (default: AWS_PROFILE, keys in the environment, else default); one that fob cannot open is used as the AWS SDKs do",
    },
    printPolicy: { text: "print the policy that --from-account needs, and do nothing else" },
    stale: {
      value: "length",
      text: "let IAM's answers to List and Get calls be so old, e.g. 5s, as on AWS after a change (default: changes are seen at once)",
    },
    save: { value: "file", text: "when the sandbox stops, write its account to this file" },
    ...regionOption,
    shell: { value: "shell", text: `print for ${shells.join(", ")} (default: your shell)`, choices: shells },
  },
  common: ["noInput", "debug"],
  examples: [
    "fob sandbox",
    "fob sandbox -- bash",
    "fob sandbox -- sh -c 'fob sandbox code ben | fob login ben --code-stdin'",
    "fob sandbox --scenario team-enforced -- bash",
    "fob sandbox --load mine.json --save mine.json -- bash",
    "fob sandbox --from-account --profile admin --save copy.json",
  ],
  async run(words, options, context, command = []) {
    if (words.length > 0) throw createWordsError(words, context);
    for (const name of ["profile", "region", "printPolicy"] as const) {
      if (options[name] === undefined || options[name] === false || options.fromAccount) continue;
      throw new UsageError(`${formatFlag(name)} requires --from-account`, "fob sandbox --help");
    }
    if (options.printPolicy) {
      const [{ printLeastPolicy }, { snapshotActions }] = await Promise.all([
        import("../administrator.ts"),
        import("../../iam/read.ts"),
      ]);
      return printLeastPolicy([...snapshotActions].sort(), context);
    }
    const [program] = command;
    const { env, signal } = context;
    const shell = program === undefined ? chooseShell(options.shell, context) : undefined;
    const problem = program === undefined ? undefined : findProblem(program, env);
    if (program !== undefined && problem) return reportStartProblem(program, problem, context);
    const files = await import("../../sandbox/scenario-file.ts");
    if (options.save !== undefined) files.assertSavable(options.save);
    const scenario = await chooseScenario(options, files, context);
    const staleMs = readMilliseconds("--stale", options.stale ?? "0");
    const { startRehearsal: start } = await import("../../sandbox/rehearsal.ts");
    throwIfCancelled(signal);
    const rehearsal = await start(scenario, env, staleMs);
    try {
      throwIfCancelled(signal);
      for (const gap of rehearsal.gaps) context.say.warning(gap);
      if (shell !== undefined) return await printAndWait(shell, scenario, rehearsal, context);
      const outcome = await runBeside(command, withVariables(env, rehearsal.variables));
      return "status" in outcome ? outcome.status : reportFailedStart(program ?? "", outcome.failed, context);
    } finally {
      await stop(rehearsal, options.save, files.writeScenarioFile, context);
    }
  },
});

async function printAndWait(
  shell: Shell,
  scenario: Scenario,
  { account, url, variables }: Rehearsal,
  { say, signal, stdout }: Context,
): Promise<never> {
  say.note(`a local AWS is running at ${url} (account ${account}, scenario ${scenario.name}); press Ctrl-C to stop it`);
  if (stdout.isTerminal) say.note("paste these lines in another terminal:");
  stdout.write(formatVariables(shell, variables, scenario.name));
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
    if (signal.aborted) resolve();
  });
  throw new CancelledError("the sandbox and its files are gone");
}

/** Saves the account, if the user wants that, and stops. @throws FobError if it cannot be saved */
async function stop(
  rehearsal: Rehearsal,
  save: string | undefined,
  write: (path: string, text: string) => void,
  { say }: Context,
): Promise<void> {
  try {
    if (save === undefined) return;
    write(save, rehearsal.format());
    say.note(`saved the account to ${quote(save)}; fob sandbox --load ${quoteShellWord(save)} starts with it`);
  } finally {
    await rehearsal.close();
  }
}

interface ScenarioOptions extends AdministratorOptions {
  readonly scenario?: string | undefined;
  readonly load?: string | undefined;
  readonly fromAccount?: boolean | undefined;
}

type Files = typeof import("../../sandbox/scenario-file.ts");

/** @throws UsageError, or FobError for a file or an account */
async function chooseScenario(options: ScenarioOptions, files: Files, context: Context): Promise<Scenario> {
  const given = (["scenario", "load", "fromAccount"] as const).filter((name) => options[name]);
  const [first = "", second] = given.map(formatFlag);
  if (second !== undefined) {
    throw new UsageError(`${second} and ${first} cannot be used together`, "use one or the other");
  }
  const { scenario, load, fromAccount } = options;
  if (load !== undefined) return files.readScenarioFile(load);
  return fromAccount ? await readRealAccount(options, files, context) : findNamed(scenario ?? "team", files);
}

async function readRealAccount(options: AdministratorOptions, files: Files, context: Context): Promise<Scenario> {
  const { withAccount } = await import("../account.ts");
  return await withAccount(options, "fob sandbox --from-account", context, ({ snapshot }) =>
    files.copyAccount(snapshot),
  );
}

function findNamed(name: string, { readScenarioFile }: Files): Scenario {
  const found = findScenario(name);
  if (found !== undefined) return found;
  if (/[./\\]/.test(name) || existsSync(name)) return readScenarioFile(name);
  throw new UsageError(`unknown scenario ${quote(name)}`, `choose one of: ${scenarioNames.join(", ")}`);
}

/** @throws UsageError */
function chooseShell(name: string | undefined, { env }: Context): Shell {
  const format = name === undefined ? (detectShell(env, readParentName()) ?? "bash") : formatNamed(name);
  const found = shells.find((known) => known === format);
  if (found !== undefined) return found;
  throw new UsageError(
    `fob sandbox cannot print variables for ${quote(name ?? format ?? "")}`,
    name === undefined ? "run a shell in the sandbox: fob sandbox -- cmd" : `choose one of: ${shells.join(", ")}`,
  );
}

function createWordsError([first = "", ...rest]: readonly string[], { typed }: Context): UsageError {
  const meant = rest.length <= 1 ? findNearest(first, ["code", "sign-in"]) : undefined;
  if (meant !== undefined) {
    return new UsageError(`unknown command ${quote(`sandbox ${first}`)}`, [
      `did you mean: ${formatCommand({ name: `sandbox ${meant}`, named: rest.length === 0 ? ["USER"] : rest, options: {} })}`,
    ]);
  }
  return new UsageError("put the command after --", formatCommand({ ...typed, named: [], behind: [first, ...rest] }));
}
