// `fob login`: from the command line to a fresh session.
import { fstatSync } from "node:fs";
import { createOptionProvider, createStdinProvider, type MfaCodeProvider } from "../../codes/sources.ts";
import { exitCodes, UsageError } from "../../errors.ts";
import { adviseOnObstacle } from "../../profiles/advice.ts";
import type { AwsFiles } from "../../profiles/files.ts";
import { classifyOwnKeys, classifyProcess } from "../../profiles/inspect.ts";
import { adviseOnSerial, findSerialsInRoles, resolveRoleChain } from "../../roles/chain.ts";
import { type LoginOutcome, login } from "../../session/login.ts";
import { resolve } from "../../session/resolve.ts";
import { takeSnapshot } from "../../session/snapshot.ts";
import { defaultMinTtl } from "../../store/freshness.ts";
import type { Role } from "../../store/session.ts";
import { formatOption, quote, quoteShellWord } from "../../text.ts";
import { formatCommand, type TypedCommand } from "../../typed-command.ts";
import { chooseProfile } from "../choose-profile.ts";
import { type commonOptions, defineCommand, regionOption, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { noteLogin } from "../note-session.ts";
import { getDefaultProfile, parseMinTtl, warnOfVariables } from "../options.ts";
import { createSessionContext } from "../session-context.ts";

const loginOptions = {
  to: { value: "profile", text: "write the session to this profile (default: the last one used, else <source>-mfa)" },
  serial: {
    value: "serial",
    text: "use this MFA device: a name, an ARN, or a hardware token's number (digits, or like GAHT12345678)",
  },
  duration: { value: "length", text: "set the length of a new session, 15m to 36h (default: 12h)" },
  minTtl: { value: "length", text: "reuse the session if at least this much time is left (default: 1h)" },
  force: { text: "start a new session even if the current one is still valid" },
  code: { value: "code", text: "pass the MFA code (skips the prompt)" },
  codeStdin: { text: "read the MFA code from stdin" },
  sourceEnv: { text: "use the access key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" },
  replaceLongTerm: { text: "back up and overwrite long-term credentials in the session profile" },
  ...regionOption,
} as const;

type LoginOptions = Values<typeof loginOptions & typeof commonOptions>;

export const loginCommand = defineCommand({
  name: "login",
  description:
    "Logs in with an MFA code and writes the session to a profile of its own. Prompts only if the current session is " +
    "about to expire. Prints the session profile's name on stdout.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a source or session profile (default: AWS_PROFILE, else default, else you choose)",
  },
  options: loginOptions,
  common: ["noInput", "debug"],
  examples: [
    "fob login                  # the profile AWS_PROFILE, else default",
    "fob login work             # starts or reuses the session work-mfa",
    "fob login work --duration 8h --to work-day",
    'profile=$(fob login work) && export AWS_PROFILE="$profile"',
    "ykman oath accounts code --single aws-work | fob login work --code-stdin",
  ],
  async run([named], options, context) {
    const { say } = context;
    const code = readCodeOptions(options, context);
    const unnamed = createSessionContext(context, options);
    const snapshot = takeSnapshot(unnamed);
    const retype = (name: string): string => formatCommand(context.typed, { profile: name });
    const choice = { snapshot, sessions: unnamed, retype };
    const isChosen = named === undefined && !options.sourceEnv;
    const profile = isChosen ? await chooseProfile(choice, context) : (named ?? getDefaultProfile(context));
    const role = findRole(profile, snapshot.files, context.typed);
    const typed = { ...context.typed, named: [profile] };
    // Where the hints are pasted, AWS_PROFILE may name another one.
    const sessions = { ...unnamed, typed };
    const minTtl = parseMinTtl(options.minTtl);
    const request = {
      profile: role?.sourceProfile ?? profile,
      to: options.to,
      serial: options.serial,
      duration: options.duration,
      region: options.region,
      fromEnvironment: options.sourceEnv ?? false,
    };
    const outcome = await login(
      resolve(request, snapshot, sessions),
      {
        wish: defaultMinTtl.login,
        minTtl,
        force: options.force ?? false,
        replaceLongTerm: options.replaceLongTerm ?? false,
        code,
        hasPipedStdin: isPiped(0),
      },
      sessions,
    );
    noteLogin(outcome, context, role ? profile : undefined);
    advise(outcome, context);
    if (role) warnOfOtherSource(role, profile, outcome, context);
    warnOfVariables(context);
    const selected = role ? profile : outcome.session.profile;
    const isInProfile = outcome.unwritten.credentials === undefined;
    // A script reads the name from stdout, a person what to type.
    if (typed.as === "mfa") say.aside(`AWS_PROFILE is now ${selected}`);
    if (!context.stdout.isTerminal) context.stdout.write(`${selected}\n`);
    else if (isInProfile && context.env.AWS_PROFILE !== selected) {
      say.next(`export AWS_PROFILE=${quoteShellWord(selected)}`);
    }
    if (!outcome.isNew && options.duration !== undefined) {
      say.hint(
        `--duration applies to new sessions; to start one now: ${formatCommand(typed, { set: { force: true } })}`,
      );
    }
    return exitCodes.done;
  },
});

/**
 * The first role of a role profile's chain: its source is what the code is for. Undefined for a profile that is no role
 * profile, or holds the access key itself.
 */
function findRole(profile: string, files: AwsFiles, typed: TypedCommand): Role | undefined {
  const [role] = classifyOwnKeys(files, profile) === "long-term" ? [] : resolveRoleChain(profile, files);
  if (role && typed.options.to !== undefined) {
    throw new UsageError(
      `--to cannot be used with the role profile ${quote(profile)}`,
      `log in with its source profile: ${formatCommand(typed, { profile: role.sourceProfile })}`,
    );
  }
  return role;
}

/** Whether a pipe or a file is there to be read; nothing is read. */
function isPiped(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor);
    return found.isFIFO() || found.isFile();
  } catch {
    return false;
  }
}

/** What the user should know of her files. The session is there by now, so no fault of theirs is an error. */
function advise(outcome: LoginOutcome, context: Context): void {
  for (const advice of [warnOfObstacles, warnOfRolesThatAsk]) {
    try {
      advice(outcome, context);
    } catch (error) {
      context.say.debug(error instanceof Error ? error.message : String(error));
    }
  }
}

function warnOfObstacles({ session, files }: LoginOutcome, { say }: Context): void {
  for (const file of [files.credentials, files.config]) {
    const obstacle = file.obstacle([session.source.profile, session.profile]);
    if (!obstacle) continue;
    const { message, fix } = adviseOnObstacle(file.path, obstacle);
    say.warning(message);
    say.hint(fix);
  }
}

function warnOfRolesThatAsk({ session, files }: LoginOutcome, { say }: Context): void {
  for (const found of findSerialsInRoles((profile) => profile === session.profile, files)) {
    const { message, fix } = adviseOnSerial(found);
    say.warning(message);
    say.hint(fix);
  }
}

/** Programs other than fob take a role with the credentials of its source_profile, and only a session has MFA. */
function warnOfOtherSource(role: Role, profile: string, { session, files }: LoginOutcome, { say }: Context): void {
  if (role.sourceProfile === session.profile || classifyProcess(files, profile) === "fob") return;
  say.warning(
    `programs assume the role of ${quote(profile)} with ${quote(role.sourceProfile)}, its source_profile, not with the session`,
  );
  const source = `source_profile ${quoteShellWord(session.profile)} ${formatOption("--profile", role.profile)}`;
  say.hint(`aws configure set ${source}`);
}

function readCodeOptions(options: LoginOptions, context: Context): MfaCodeProvider | undefined {
  if (options.code !== undefined && options.codeStdin) {
    throw new UsageError("--code and --code-stdin cannot be used together", "use one or the other");
  }
  if (options.code !== undefined) return createOptionProvider(options.code);
  if (!options.codeStdin) return undefined;
  const stdin = context.stdin();
  if (stdin.isTTY) {
    throw new UsageError(
      "--code-stdin reads from a pipe, but stdin is a terminal",
      "leave out --code-stdin to be prompted",
    );
  }
  return createStdinProvider(stdin);
}
