// `fob exec`: a command, with a profile's credentials in its environment.

import { formatDuration } from "../../duration.ts";
import { runBeside } from "../../environment/exec.ts";
import { findProblem, type ProgramProblem } from "../../environment/program.ts";
import { lostVariables, scriptOf } from "../../environment/script.ts";
import { buildVariables, type Variables, withPromptVariable, withVariables } from "../../environment/variables.ts";
import { exitCodes, throwIfCancelled, UsageError } from "../../errors.ts";
import { readAwsFiles } from "../../profiles/files.ts";
import { getAwsFilePaths } from "../../profiles/paths.ts";
import { getMargin, getSecondsLeft } from "../../store/freshness.ts";
import { getStoreFolder } from "../../store/paths.ts";
import { openStore } from "../../store/read.ts";
import { quote, quoteProfileArgument, quoteShellWord } from "../../text.ts";
import { type Behind, defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { getDefaultProfile, parseMinTtl } from "../options.ts";
import { type CredentialsOptions, getProfileCredentials } from "../profile-credentials.ts";

/** Seconds: a command may take longer. Of credentials that never last long it is at most a quarter of their whole length. */
const SOON = 3600;

const declared = {
  name: "exec",
  description:
    "Runs a command with a profile's credentials and region in its environment. Removes variables that would override " +
    "them, such as AWS_PROFILE, and sets AWS_VAULT to the profile's name, for prompts. The command replaces fob (except " +
    "on Windows), and its exit code is fob's. Warns if the credentials expire soon.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a session, source or role profile (default: AWS_PROFILE, else default)",
  },
  runs: "the program and its arguments, passed on without a shell",
  options: {
    minTtl: { value: "length", text: "renew credentials that expire sooner than this (default: 15m)" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob exec work-mfa -- terraform plan",
    "fob exec work-mfa --min-ttl 2h -- terraform apply",
    "fob exec work-mfa -- sh -c 'aws s3 ls | wc -l'",
    "fob exec -- env                # the profile AWS_PROFILE, else default",
  ],
} as const;

/** Runs the command as a child. */
export const execCommand = defineCommand({
  ...declared,
  async run(named, options, context, command) {
    const ready = await prepare(named, options, context, command);
    if ("exitCode" in ready) return ready.exitCode;
    const outcome = await runBeside(ready.command, withVariables(context.env, ready.variables));
    if ("status" in outcome) return outcome.status;
    const { code, message } = outcome.failed;
    return reportStartProblem(ready.command[0], { exitCode: code === "ENOENT" ? 127 : 126, reason: message }, context);
  },
});

/** For the shell script in bin/fob: prints with what that becomes the command. */
export const execScriptCommand = defineCommand({
  ...declared,
  async run(named, options, context, command) {
    if (context.stdout.isTerminal) throw new UsageError("the terminal would show the secrets", "fob exec --help");
    const shell = process.ppid;
    // Whoever ends fob ends that shell, and is not heard here.
    const ended = new AbortController();
    const looking = setInterval(() => process.ppid !== shell && ended.abort(), 100);
    const signal = AbortSignal.any([context.signal, ended.signal]);
    try {
      const ready = await prepare(named, options, { ...context, signal }, command);
      if ("exitCode" in ready) return ready.exitCode;
      const { functions, others } = lostVariables(shell, context.env);
      if (others.length > 0) {
        context.say.warning(
          `the command does not get ${others.map(quote).join(", ")}: /bin/sh here drops such variables`,
        );
      }
      context.stdout.write(scriptOf(ready.variables, ready.profile, functions));
      return exitCodes.done;
    } finally {
      clearInterval(looking);
    }
  },
});

type Ready =
  | { readonly command: readonly [string, ...string[]]; readonly profile: string; readonly variables: Variables }
  | { readonly exitCode: number };

/** Whatever has to be said and asked before the command runs. @throws FobError */
async function prepare(
  named: readonly string[],
  options: Omit<CredentialsOptions, "minTtl"> & { readonly minTtl?: string | undefined },
  context: Context,
  command: Behind,
): Promise<Ready> {
  const { env, say } = context;
  if (command === undefined) throw new UsageError("the command has to stand behind --", withDashes(named, context));
  const [program, ...args] = command;
  if (program === undefined) throw new UsageError("there is no command behind --", withDashes(named, context));
  const minTtl = parseMinTtl(options.minTtl);
  const problem = process.platform === "win32" ? undefined : findProblem(program, env.PATH);
  if (problem) return { exitCode: reportStartProblem(program, problem, context) };
  const profile = named[0] ?? getDefaultProfile(context);
  const given = await getProfileCredentials(profile, { ...options, minTtl, command: "fob exec" }, context);
  const { expiration } = given.credentials;
  const left = getSecondsLeft({ expiration }, context.now());
  if (left < getMargin({ issued: given.issued, expiration }, SOON, undefined))
    say.warning(`the credentials of ${quote(given.profile)} last another ${formatDuration(left)}`);
  throwIfCancelled(context.signal);
  const variables = withPromptVariable(buildVariables(given, env), given.profile);
  return { command: [program, ...args], profile: given.profile, variables };
}

/** The line that was meant, from all its words. */
function withDashes([first, ...rest]: readonly string[], context: Context): string {
  if (first === undefined) return "fob exec -- COMMAND";
  const [profile, command] = isProfile(first, context)
    ? [`${quoteProfileArgument(first)} `, rest]
    : ["", [first, ...rest]];
  const isCommand = command.length > 0 && !command[0]?.startsWith("-");
  return `fob exec ${profile}-- ${isCommand ? command.map(quoteShellWord).join(" ") : "COMMAND"}`;
}

function isProfile(name: string, { env, home }: Context): boolean {
  const paths = getAwsFilePaths(env, home);
  const { credentials, config } = readAwsFiles(paths);
  const stored = openStore(getStoreFolder(env, paths.credentials)).read(name);
  return credentials.has(name) || config.has(name) || stored.state !== "missing";
}

/** Says why the program cannot be run. @returns the exit code that shells have for it */
function reportStartProblem(program: string, { exitCode, reason }: ProgramProblem, { say }: Context): number {
  const isMissing = exitCode === 127;
  say.error(isMissing ? `there is no program ${quote(program)}` : `cannot run ${quote(program)}: ${reason}`);
  if (process.platform === "win32") say.hint("a batch file, as npm is one, runs like this: fob exec -- cmd /c npm");
  else if (isMissing) say.hint(`if it is a shell's own command: fob exec -- sh -c ${quoteShellWord(program)}`);
  else say.hint(`see what it is: ls -l ${quoteShellWord(program)}`);
  return exitCode;
}
