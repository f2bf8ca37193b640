import { type Command, Option } from "commander";
import { readCode } from "../codes/code.ts";
import { type CodeSource, codeFromCommand, codeFromOption, codeFromStdin } from "../codes/sources.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { awsFilePaths } from "../profiles/files.ts";
import { secondsLeft } from "../session/freshness.ts";
import type { LoginOutcome, LoginTools, Person } from "../session/login.ts";
import { storeFolder } from "../session/store.ts";
import { openWritableStore } from "../session/store-writer.ts";
import { clockTime, inWords } from "../terminal/duration.ts";
import { findTerminal, type Terminal } from "../terminal/tty.ts";
import { neutralise, quote, shellWord } from "../text.ts";
import type { Context } from "./context.ts";
import { action, type CommonOptions, declareCommon, defaultProfile, minTtlOf } from "./options.ts";

interface LoginOptions extends CommonOptions {
  readonly to?: string;
  readonly serial?: string;
  readonly duration?: string;
  readonly minTtl?: string;
  readonly force?: boolean;
  readonly code?: string;
  readonly codeStdin?: boolean;
  readonly sourceEnv?: boolean;
  readonly replaceLongTerm?: boolean;
}

export function declareLogin(program: Command, exit: (code: ExitCode) => void): void {
  const command = program
    .command("login")
    .summary("make sure that the session profile has a fresh session")
    .description(
      "Makes sure that the session profile has a fresh session; asks for an MFA code only when it must. Prints the " +
        "session profile's name on stdout.",
    )
    .argument("[profile]", "the source or the session profile (default: AWS_PROFILE, else default)")
    .option("--to <profile>", "the session profile (default: the one used before, else <source>-mfa)")
    .option("--serial <serial>", "the MFA device: its ARN, or a hardware token's number")
    .option("--duration <length>", "how long a new session lasts, 15m to 36h (default: 12h)")
    .option("--min-ttl <length>", "how much must remain of a session that is kept (default: 1h)")
    .option("--force", "open a new session although the old one is fresh")
    .option("--code <code>", "the code, instead of a question")
    .addOption(new Option("--code-stdin", "read the code from stdin").conflicts("code"))
    .option("--source-env", "take the access key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    .option("--replace-long-term", "overwrite long-term credentials in the session profile, after a backup");
  declareCommon(command, [
    "fob login                  # the profile AWS_PROFILE, else default",
    "fob login work             # opens or keeps the session work-mfa",
    "fob login work --duration 8h --to work-day",
    'profile=$(fob login work) && export AWS_PROFILE="$profile"',
    "ykman oath accounts code --single aws-work | fob login work --code-stdin",
  ]).action(action(exit, run));
}

async function run([profile]: readonly string[], options: LoginOptions, context: Context): Promise<ExitCode> {
  const { env, home, say } = context;
  const paths = awsFilePaths(env, home);
  const tools: LoginTools = {
    ...context,
    ...say,
    warn: say.warning,
    paths,
    store: openWritableStore(storeFolder(env, paths.credentials)),
    connect: async (access) => (await import("../aws/clients.ts")).connect(access),
    codeFromCommand: (command, of) => codeFromCommand(command, of, env),
    person: () => (options.input ? personAt(findTerminal()) : undefined),
    again: commandLine(profile, options),
  };
  const { login } = await import("../session/login.ts");
  const outcome = await login(
    {
      profile: profile ?? defaultProfile(context),
      to: options.to,
      serial: options.serial,
      duration: options.duration,
      region: options.region,
      minTtl: minTtlOf(options.minTtl),
      force: options.force ?? false,
      fromEnvironment: options.sourceEnv ?? false,
      replaceLongTerm: options.replaceLongTerm ?? false,
      code: codeOf(options, context),
    },
    tools,
  );
  render(outcome, context);
  if (!outcome.isNew && options.duration !== undefined) {
    say.hint(`the length counts for new sessions; to open one now: ${tools.again} --force`);
  }
  return exitCodes.done;
}

function render({ session, isNew }: LoginOutcome, { env, now, say, stdout }: Context): void {
  const { expiration } = session.credentials;
  const left = inWords(secondsLeft({ expiration }, now()) + (isNew ? 1 : 0));
  say.note(
    `${quote(session.profile)} is good until ${clockTime(expiration, now())} (${left})${isNew ? "" : ", no code needed"}`,
  );
  if (env.AWS_PROFILE !== session.profile) say.hint(`export AWS_PROFILE=${shellWord(session.profile)}`);
  stdout.write(`${session.profile}\n`);
}

/** The command line that makes the same session, for hints: without a code, and without what asks for a new one. */
function commandLine(profile: string | undefined, options: LoginOptions): string {
  const valued = ["to", "serial", "duration", "region"] as const;
  const flags = [
    ...valued.flatMap((name) => (options[name] === undefined ? [] : [`--${name}`, shellWord(options[name])])),
    ...(options.sourceEnv ? ["--source-env"] : []),
    ...(options.replaceLongTerm ? ["--replace-long-term"] : []),
  ];
  return ["fob login", ...(profile === undefined ? [] : [shellWord(profile)]), ...flags].join(" ");
}

function codeOf(options: LoginOptions, context: Context): CodeSource | undefined {
  if (options.code !== undefined) return codeFromOption(options.code);
  if (!options.codeStdin) return undefined;
  const stdin = context.stdin();
  if (stdin.isTTY) {
    throw new UsageError("--code-stdin reads a pipe, and stdin is a terminal", "leave --code-stdin out to be asked");
  }
  return codeFromStdin(stdin);
}

function personAt(terminal: Terminal | undefined): Person | undefined {
  if (!terminal) return undefined;
  const prompts = () => import("../terminal/prompts.ts");
  return {
    canAskAgain: true,
    ask: async ({ profile, serialNumber, again, signal }) => {
      const device = serialNumber.slice(serialNumber.lastIndexOf("/") + 1);
      const message = `MFA code for the profile ${quote(profile)} (device ${neutralise(device)}):`;
      const problem = (text: string): string | undefined => {
        const read = readCode(text);
        return "code" in read ? undefined : read.problem;
      };
      const typed = await (await prompts()).askLine(terminal, { message, before: again, problem, signal });
      return typed.replace(/\s/g, "");
    },
    choose: async (message, choices, signal) => (await prompts()).choose(terminal, message, choices, signal),
  };
}
