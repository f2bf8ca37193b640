// `fob exec`: a command, with a profile's credentials in its environment.

import { userInfo } from "node:os";
import { basename, isAbsolute } from "node:path";
import { isatty } from "node:tty";
import { formatClockTime, formatDuration } from "../../duration.ts";
import { runBeside } from "../../environment/exec.ts";
import { findProblem } from "../../environment/program.ts";
import { lostVariables, scriptOf } from "../../environment/script.ts";
import { buildVariables, type Variables, withPromptVariable, withVariables } from "../../environment/variables.ts";
import type { Environment } from "../../environment-variables.ts";
import { exitCodes, FobError, throwIfCancelled, UsageError } from "../../errors.ts";
import { readAwsFiles } from "../../profiles/files.ts";
import { getAwsFilePaths } from "../../profiles/paths.ts";
import { getMargin, getSecondsLeft } from "../../store/freshness.ts";
import { getStoreFolder } from "../../store/paths.ts";
import { openStore } from "../../store/read.ts";
import { quote } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { type Behind, defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { parseMinTtl } from "../options.ts";
import { type CredentialsOptions, getProfileCredentials, roleOptions } from "../profile-credentials.ts";
import { reportFailedStart, reportStartProblem } from "../start-problem.ts";

/** Seconds: a command may take longer. Of credentials that never last long it is at most a quarter of their whole length. */
const SOON = 900;

const declared = {
  name: "exec",
  description:
    "Runs a command with a profile's credentials and region in its environment. Removes variables that would override " +
    "them, such as AWS_PROFILE, and sets AWS_VAULT to the profile's name, for prompts. The command replaces fob (except " +
    "on Windows), and its exit code is fob's. Without a command it opens your shell.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a session, source or role profile, or a role's ARN (default: AWS_PROFILE, else default, else you choose)",
  },
  runs: "the program and its arguments, passed on without a shell",
  options: {
    minTtl: { value: "length", text: "renew credentials that expire sooner than this (default: 15m)" },
    ...roleOptions,
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob exec work-mfa -- terraform plan",
    "fob exec work-mfa --min-ttl 2h -- terraform apply",
    "fob exec work-mfa -- sh -c 'aws s3 ls | wc -l'",
    "fob exec work-mfa              # opens your shell",
    "fob exec arn:aws:iam::123456789012:role/deploy --source work -- aws s3 ls",
  ],
} as const;

/** Runs the command as a child. */
export const execCommand = defineCommand({
  ...declared,
  async run(named, options, context, command) {
    const hasTerminal = isatty(0) && context.stdout.isTerminal;
    const ready = await prepare(named, options, context, { command, hasTerminal });
    if ("exitCode" in ready) return ready.exitCode;
    const outcome = await runBeside(ready.command, withVariables(context.env, ready.variables));
    if ("status" in outcome) return outcome.status;
    return reportFailedStart(ready.command[0], outcome.failed, context);
  },
});

/** For the shell script in bin/fob: prints with what that becomes the command. */
export const execScriptCommand = defineCommand({
  ...declared,
  async run(named, options, context, command) {
    if (context.stdout.isTerminal) throw new UsageError("this would print secrets on your terminal", "fob exec --help");
    // What bin/fob sets when it runs this in the background.
    const { fob_shell: waiting } = context.env;
    const shell = waiting === undefined ? process.ppid : Number(waiting);
    // A signal that ends fob ends that shell, and is not heard here.
    const ended = new AbortController();
    const looking = setInterval(() => process.ppid !== shell && ended.abort(), 100);
    const signal = AbortSignal.any([context.signal, ended.signal]);
    try {
      const ready = await prepare(named, options, { ...context, signal }, { command, hasTerminal: isatty(0) });
      if ("exitCode" in ready) return ready.exitCode;
      const { functions, others } = lostVariables(shell, context.env);
      if (others.length > 0) {
        context.say.warning(
          `the command runs without ${others.map(quote).join(", ")}: /bin/sh drops variables with such names`,
        );
      }
      const script = scriptOf(ready, functions);
      if (waiting !== undefined) assertFitsPipe(script);
      context.stdout.write(script);
      return exitCodes.done;
    } finally {
      clearInterval(looking);
    }
  },
});

/** Bytes that a pipe holds on Linux and macOS. */
const PIPE_SIZE = 65_536;

/** The shell reads when this process has ended. @throws FobError */
function assertFitsPipe(script: string): void {
  const size = Buffer.byteLength(script);
  if (size <= PIPE_SIZE) return;
  throw new FobError(
    `cannot pass on the exported functions of bash: ${size} bytes are more than the ${PIPE_SIZE} of a pipe`,
    "run the command without them: export -nf NAME",
  );
}

type ExecOptions = Omit<CredentialsOptions, "minTtl"> & { readonly minTtl?: string | undefined };

type Ready =
  | {
      readonly command: readonly [string, ...string[]];
      /** Whether the command is the user's shell, because none was named. */
      readonly isShell: boolean;
      readonly profile: string;
      readonly variables: Variables;
    }
  | { readonly exitCode: number };

interface Wanted {
  /** Nothing, or no words, for a shell. */
  readonly command: Behind;
  /** Whether a shell would have one. */
  readonly hasTerminal: boolean;
}

/** Everything that has to be said and asked before the command runs. @throws FobError */
async function prepare(
  named: readonly string[],
  options: ExecOptions,
  context: Context,
  { command: behind, hasTerminal }: Wanted,
): Promise<Ready> {
  const { env, say } = context;
  const isShell = behind === undefined || behind.length === 0;
  if (isShell) assertShellWanted(named, context, { command: behind, hasTerminal });
  const command = isShell ? ([findUserShell(env)] as const) : (behind as readonly [string, ...string[]]);
  const [program] = command;
  const minTtl = parseMinTtl(options.minTtl);
  const problem = findProblem(program, env);
  if (problem) return { exitCode: reportStartProblem(program, problem, context) };
  const given = await getProfileCredentials(named[0], { ...options, minTtl }, context);
  const { expiration } = given.credentials;
  const left = getSecondsLeft({ expiration }, context.now());
  // Those that last for less than fob renews for are warned of where they are served instead of new ones.
  if (minTtl !== undefined && left < getMargin({ issued: given.issued, expiration }, SOON, undefined))
    say.warning(`the credentials of ${quote(given.profile)} expire in ${formatDuration(left)}`);
  throwIfCancelled(context.signal);
  if (isShell) {
    const until = formatClockTime(expiration, context.now());
    say.note(
      `opening ${basename(program)} with the credentials of ${quote(given.profile)} (valid until ${until}); type exit to leave`,
    );
  }
  const variables = withPromptVariable(buildVariables(given, env), given.profile);
  return { command, isShell, profile: given.profile, variables };
}

/** @throws UsageError where there is no terminal for a shell, or a command was meant, or there is such a shell already */
function assertShellWanted(named: readonly string[], context: Context, { command, hasTerminal }: Wanted): void {
  const { env, typed } = context;
  const [first] = named;
  const isMeant =
    command !== undefined && (first === undefined || first.startsWith("arn:") || isProfile(first, context));
  if (!isMeant || !hasTerminal) {
    throw new UsageError("put the command after --", formatWithDashes(named, context));
  }
  if (env.AWS_VAULT) {
    throw new UsageError(`this shell already has the credentials of ${quote(env.AWS_VAULT)}`, [
      "leave it first: exit",
      `or open one inside it: unset AWS_VAULT; ${formatCommand(typed)}`,
    ]);
  }
}

/** The shell that the user lives in. */
function findUserShell({ SHELL, ComSpec }: Environment): string {
  if (process.platform === "win32") return ComSpec || "cmd.exe";
  if (SHELL && isAbsolute(SHELL)) return SHELL;
  try {
    return userInfo().shell || "/bin/sh";
  } catch {
    return "/bin/sh";
  }
}

/** The line that was meant, from all its words. */
function formatWithDashes([first, ...rest]: readonly string[], context: Context): string {
  const isFirstProfile = first !== undefined && (first.startsWith("arn:") || isProfile(first, context));
  const command = isFirstProfile || first === undefined ? rest : [first, ...rest];
  const isCommand = command.length > 0 && !command[0]?.startsWith("-");
  const named = isFirstProfile ? [first] : [];
  return formatCommand({ ...context.typed, named, behind: isCommand ? command : ["COMMAND"] });
}

function isProfile(name: string, { env, home }: Context): boolean {
  const paths = getAwsFilePaths(env, home);
  const { credentials, config } = readAwsFiles(paths);
  const stored = openStore(getStoreFolder(env, paths.credentials)).read(name);
  return credentials.has(name) || config.has(name) || stored.state !== "missing";
}
