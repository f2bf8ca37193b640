// The command line: which commands there are, and the one map from errors to exit codes.
import { bugsAddress } from "../bugs-address.ts";
import { type ExitCode, exitCodes, FobError, StdoutClosedError, UsageError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import { quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { parseArguments } from "./arguments.ts";
import { statusCommand } from "./commands/status.ts";
import { processContext } from "./context.ts";
import type { Listed } from "./help.ts";
import { stdout, writeLine } from "./output.ts";

/** The commands, as `--help` groups them. Only what is asked for is loaded. */
export const commands: readonly Listed[] = [
  {
    name: "login",
    group: "Daily",
    takes: "[profile]",
    summary: "log in with an MFA code",
    load: async () => (await import("./commands/login.ts")).loginCommand,
  },
  {
    name: "status",
    group: "Daily",
    takes: "[profile...]",
    summary: "show sessions and the time left",
    // It is in the same file: quick, and asked for most.
    load: () => Promise.resolve(statusCommand),
  },
  {
    name: "exec",
    group: "Daily",
    takes: "[profile] [-- <command>]",
    summary: "run a command with credentials",
    load: async () => (await import("./commands/exec.ts")).execCommand,
  },
  {
    name: "env",
    group: "Daily",
    takes: "[profile]",
    summary: "print credentials as shell variables",
    load: async () => (await import("./commands/env.ts")).envCommand,
  },
  {
    name: "console",
    group: "Daily",
    takes: "[profile]",
    summary: "open the AWS console as a role",
    load: async () => (await import("./commands/console.ts")).consoleCommand,
  },
  {
    name: "refresh",
    group: "Daily",
    takes: "[profile...]",
    summary: "renew sessions; --watch keeps them valid",
    load: async () => (await import("./commands/refresh.ts")).refreshCommand,
  },
  {
    name: "logout",
    group: "Daily",
    takes: "[profile...]",
    summary: "delete sessions",
    load: async () => (await import("./commands/logout.ts")).logoutCommand,
  },
  {
    name: "setup",
    group: "Set up",
    takes: "[profile]",
    summary: "begin here: key, device, shell, first login",
    load: async () => (await import("./commands/setup/setup.ts")).setupCommand,
  },
  {
    name: "doctor",
    group: "Set up",
    takes: "",
    summary: "find what is wrong, and how to fix it",
    load: async () => (await import("./commands/doctor/doctor.ts")).doctorCommand,
  },
  {
    name: "shell-init",
    group: "Set up",
    takes: "<shell>",
    summary: "set up mfa, a prompt and TAB completion",
    load: async () => (await import("./commands/shell-init.ts")).shellInitCommand,
  },
  {
    name: "completion",
    group: "Set up",
    takes: "<shell>",
    summary: "print a completion script",
    inRowOf: "shell-init",
    load: async () => (await import("./commands/completion.ts")).completionCommand,
  },
  {
    name: "credential-process",
    group: "Set up",
    takes: "[profile]",
    summary: "provide credentials to AWS tools and SDKs",
    load: async () => (await import("./commands/credential-process.ts")).credentialProcessCommand,
  },
  {
    name: "keys add",
    group: "Set up",
    takes: "[profile]",
    summary: "save an access key in the keychain",
    load: async () => (await import("./commands/keys/add.ts")).keysAddCommand,
  },
  {
    name: "keys import",
    group: "Set up",
    takes: "[profile]",
    summary: "move an access key from the AWS files to the keychain",
    load: async () => (await import("./commands/keys/import.ts")).keysImportCommand,
  },
  {
    name: "keys list",
    group: "Set up",
    takes: "",
    summary: "show access keys, their age and last use",
    load: async () => (await import("./commands/keys/list.ts")).keysListCommand,
  },
  {
    name: "keys rotate",
    group: "Set up",
    takes: "[profile]",
    summary: "replace an access key with a new one",
    load: async () => (await import("./commands/keys/rotate.ts")).keysRotateCommand,
  },
  {
    name: "keys remove",
    group: "Set up",
    takes: "[profile]",
    summary: "delete an access key from the keychain",
    load: async () => (await import("./commands/keys/remove.ts")).keysRemoveCommand,
  },
  {
    name: "device list",
    group: "Set up",
    takes: "[profile]",
    summary: "show your MFA devices",
    load: async () => (await import("./commands/device/list.ts")).deviceListCommand,
  },
  {
    name: "device enroll",
    group: "Set up",
    takes: "[profile]",
    summary: "enroll a new device, with a QR code on the terminal",
    load: async () => (await import("./commands/device/enroll.ts")).deviceEnrollCommand,
  },
  {
    name: "device resync",
    group: "Set up",
    takes: "[profile]",
    summary: "resynchronize a device whose codes AWS rejects",
    load: async () => (await import("./commands/device/resync.ts")).deviceResyncCommand,
  },
  {
    name: "device remove",
    group: "Set up",
    takes: "[profile]",
    summary: "remove a device, with MFA",
    load: async () => (await import("./commands/device/remove.ts")).deviceRemoveCommand,
  },
  {
    name: "password",
    group: "Set up",
    takes: "[profile]",
    summary: "change your console password",
    load: async () => (await import("./commands/password.ts")).passwordCommand,
  },
  {
    name: "policy show",
    group: "Administrators",
    takes: "",
    summary: "print the policy that denies everything without MFA",
    load: async () => (await import("./commands/policy/show.ts")).policyShowCommand,
  },
  {
    name: "policy lint",
    group: "Administrators",
    takes: "<file>",
    summary: "check a policy and suggest fixes",
    load: async () => (await import("./commands/policy/lint.ts")).policyLintCommand,
  },
  {
    name: "policy simulate",
    group: "Administrators",
    takes: "",
    summary: "show what policies allow with and without MFA, or evaluate single requests",
    load: async () => (await import("./commands/policy/simulate.ts")).policySimulateCommand,
  },
  {
    name: "policy export",
    group: "Administrators",
    takes: "",
    summary: "print the policy and its group as code",
    load: async () => (await import("./commands/policy/export.ts")).policyExportCommand,
  },
  {
    name: "audit",
    group: "Administrators",
    takes: "",
    summary: "check whether MFA is enforced for everyone",
    load: async () => (await import("./commands/audit/audit.ts")).auditCommand,
  },
  {
    name: "rollout plan",
    group: "Administrators",
    takes: "",
    summary: "find out who can be put under the policy, and in which batches",
    load: async () => (await import("./commands/rollout/plan.ts")).rolloutPlanCommand,
  },
  {
    name: "rollout canary",
    group: "Administrators",
    takes: "",
    summary: "prove the policy on a test user, with real calls",
    load: async () => (await import("./commands/rollout/canary.ts")).rolloutCanaryCommand,
  },
  {
    name: "rollout apply",
    group: "Administrators",
    takes: "",
    summary: "put the next batch of a plan under the policy",
    load: async () => (await import("./commands/rollout/apply.ts")).rolloutApplyCommand,
  },
  {
    name: "rollout status",
    group: "Administrators",
    takes: "",
    summary: "show how far it is, and what has changed that should not have",
    load: async () => (await import("./commands/rollout/status.ts")).rolloutStatusCommand,
  },
  {
    name: "rollout undo",
    group: "Administrators",
    takes: "",
    summary: "take users out of the group again",
    load: async () => (await import("./commands/rollout/undo.ts")).rolloutUndoCommand,
  },
  {
    name: "rollout break-glass",
    group: "Administrators",
    takes: "",
    summary: "check the administrator who gets in when all others are locked out",
    load: async () => (await import("./commands/rollout/break-glass.ts")).rolloutBreakGlassCommand,
  },
  {
    name: "sandbox",
    group: "Learn",
    takes: "[-- <command>]",
    summary: "start a local AWS with a small team",
    load: async () => (await import("./commands/sandbox.ts")).sandboxCommand,
  },
  {
    name: "sandbox code",
    group: "Learn",
    takes: "<user>",
    summary: "print a code of a sandbox user's MFA device",
    load: async () => (await import("./commands/sandbox-code.ts")).sandboxCodeCommand,
  },
  {
    name: "sandbox fault",
    group: "Learn",
    takes: "[operation...]",
    summary: "make calls in the sandbox slow, fail or stale",
    load: async () => (await import("./commands/sandbox-fault.ts")).sandboxFaultCommand,
  },
  {
    name: "sandbox sign-in",
    group: "Learn",
    takes: "<user>",
    summary: "sign a sandbox user in to the console",
    load: async () => (await import("./commands/sandbox-sign-in.ts")).sandboxSignInCommand,
  },
  {
    name: "demo",
    group: "Learn",
    takes: "",
    summary: "try fob on a local AWS, without an account",
    inRowOf: "sandbox",
    load: async () => (await import("./commands/demo.ts")).demoCommand,
  },
];

/** What the commands do that share a first word. */
export const families: Readonly<Record<string, string>> = {
  keys: "keep access keys in the keychain",
  device: "enroll, list and remove your MFA devices",
  policy: "print, check and export MFA policies",
  rollout: "enforce MFA in batches, without lockouts",
  sandbox: "try fob on a local AWS, without an account",
};

/** For the shell script in bin/fob alone. */
const execScript: Listed = {
  name: "exec-script",
  group: "Daily",
  takes: "",
  summary: "",
  load: async () => (await import("./commands/exec.ts")).execScriptCommand,
};

/** What the shell function `mfa` runs as `fob login`, so that hints are about `mfa`. */
const mfaLogin = "mfa-login";

/** Names that run a command as its own does: the second is the SDKs' spelling. */
const otherNames = new Map([
  [mfaLogin, "login"],
  ["credential_process", "credential-process"],
]);

/** Runs a command line (without Node's and the program's own names). @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = argv;
    if (name === undefined || isHelp(name)) return await printHelp("");
    if (name === "help") return await printHelp(rest.join(" "));
    if (name === "complete") {
      const { complete } = await import("./complete.ts");
      return await complete(
        rest,
        commands,
        await processContext({ debug: false, typed: { name, named: rest, options: {} } }),
      );
    }
    if (listFamily(name).length > 0 && (isHelp(rest[0]) || rest[0] === "help")) return await printHelp(name);
    const { found, words } = await find(argv);
    const command = await found.load();
    const given = parseArguments(command, argv.slice(words));
    if (given.help) return await printHelp(found.name);
    const { named, options, command: behind } = given;
    // bin/fob has put its own command in the place of the user's.
    const typed = {
      name: found === execScript ? "exec" : command.name,
      named,
      options,
      behind,
      as: name === mfaLogin ? "mfa" : undefined,
    };
    const context = await processContext({ debug: options.debug === true, typed });
    return await command.run(named, options, context, behind);
  } catch (error) {
    const exitCode = report(error, argv);
    if (!(error instanceof StdoutClosedError)) await printFailure(argv);
    return exitCode;
  }
}

/** What the program that reads stdout is told of a failure. */
async function printFailure(argv: readonly string[]): Promise<void> {
  if (stdout.isTerminal) return;
  const command = await commands.find(({ name }) => name === argv[0])?.load();
  if (!command?.formatFailure) return;
  try {
    stdout.write(command.formatFailure(argv, process.env));
  } catch {
    // It cannot be written, as what went before: that has been said.
  }
}

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";

/** The command that a command line begins with, and how many words its name takes. @throws UsageError */
async function find(argv: readonly string[]): Promise<{ found: Listed; words: 1 | 2 }> {
  const [first = "", second] = argv;
  const called = otherNames.get(first) ?? first;
  const member = commands.find(({ name }) => name === `${first} ${second}`);
  if (member) return { found: member, words: 2 };
  const found = first === execScript.name ? execScript : commands.find(({ name }) => name === called);
  if (found) return { found, words: 1 };
  if (first.startsWith("-")) throw createNoCommandError(argv);
  const family = listFamily(first);
  if (family.length > 0 && (second === undefined || second.startsWith("-"))) {
    const members = family.map(({ name }) => restOf(name)).join(", ");
    throw new UsageError(`${quote(`fob ${first}`)} needs a subcommand: ${members}`, `fob ${first} --help`);
  }
  if (family.length === 0) {
    const meant = synonyms.get(first) ?? ((await hasProfile(first)) ? formatMeant(argv) : undefined);
    if (meant !== undefined) throw new UsageError(`unknown command ${quote(first)}`, `did you mean: fob ${meant}`);
  }
  // Of commands with two words, the one that is wrong is compared.
  const known =
    family.length === 0 ? commands.map(({ name }) => getFirstWord(name)) : family.map(({ name }) => restOf(name));
  const meant = findNearest(family.length === 0 ? first : (second ?? ""), known);
  const prefix = family.length === 0 ? "" : `${first} `;
  throw new UsageError(
    `unknown command ${quote(family.length === 0 ? first : `${first} ${second}`)}`,
    meant === undefined ? `fob ${prefix}--help` : `did you mean: fob ${prefix}${meant}`,
  );
}

/** For a command line that begins with an option. It does not repeat an option's value, which may be a code. */
function createNoCommandError([first = "", ...rest]: readonly string[]): UsageError {
  const flag = first.replace(/=.*/s, "");
  const meant = findNearest(flag, ["--version", "--help"]);
  if (meant !== undefined) return new UsageError(`unknown option ${quote(flag)}`, `did you mean: fob ${meant}`);
  const [command = "", ...others] = rest;
  const isCommand = flag === first && commands.some(({ name }) => name === command);
  const isPlain = !rest.some((word) => /\d{3}/.test(word));
  return new UsageError(
    `${quote(flag)} must come after the command`,
    isCommand && isPlain ? `like this: fob ${[command, first, ...others].map(quoteShellWord).join(" ")}` : "fob --help",
  );
}

/** What other tools call these commands. */
const synonyms = new Map([
  ["list", "status"],
  ["ls", "status"],
  ["version", "--version"],
]);

/** The command line that was meant where a profile is named in place of a command; without what may be a code. */
function formatMeant([profile = "", ...rest]: readonly string[]): string {
  const command = rest.includes("--") ? "exec" : "login";
  const hasCode = command === "login" && rest.some((word) => /\d{3}/.test(word));
  return [command, quoteProfileArgument(profile), ...(hasCode ? [] : rest.map(quoteShellWord))].join(" ");
}

async function hasProfile(name: string): Promise<boolean> {
  try {
    const { env, home } = await processContext({ debug: false, typed: { name, named: [], options: {} } });
    const paths = getAwsFilePaths(env, home);
    const { credentials, config } = readAwsFiles(paths);
    return credentials.has(name) || config.has(name);
  } catch {
    // The command is unknown, whatever is wrong with the files.
    return false;
  }
}

const getFirstWord = (name: string): string => name.split(" ")[0] ?? "";
const restOf = (name: string): string => name.slice(getFirstWord(name).length + 1);

/** The commands whose names begin with this word and have another. */
function listFamily(word: string): readonly Listed[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

/** `fob help`, of a command, of those whose names begin alike, or of a topic. */
async function printHelp(topic: string): Promise<ExitCode> {
  const {
    exitCodesHelp,
    formatFamilyHelp: familyOf,
    formatCommandHelp: helpOf,
    formatOverview: overviewOf,
  } = await import("./help.ts");
  const command = commands.find(({ name }) => name === topic);
  const family = listFamily(topic);
  const { columns } = stdout;
  if (topic === "") stdout.write(overviewOf(commands, families, columns));
  else if (command) stdout.write(helpOf(await command.load(), columns));
  else if (family.length > 0) stdout.write(familyOf(topic, family, columns));
  else if (topic === "exit-codes") stdout.write(exitCodesHelp);
  else {
    const topics = [...commands.map(({ name }) => name), ...Object.keys(families), "exit-codes"];
    const meant = findNearest(topic, topics);
    throw new UsageError(
      `unknown command ${quote(topic)}`,
      meant === undefined ? "fob help" : `did you mean: fob help ${meant}`,
    );
  }
  return exitCodes.done;
}

const isUnderSudo = (): boolean => Boolean(process.env.SUDO_USER) && process.geteuid?.() === 0;

/** Says what went wrong. @returns the exit code for it */
export function report(error: unknown, argv: readonly string[]): ExitCode {
  if (error instanceof StdoutClosedError) return error.exitCode;
  if (error instanceof FobError) {
    // What the user cancelled is no error.
    writeLine(error.message, error.exitCode === exitCodes.cancelled ? "note" : "error");
    // Files of root's instead of the user's, or the user's files as root's.
    const first = isUnderSudo() && error.exitCode === exitCodes.failed ? ["run fob without sudo"] : [];
    const hints = [...first, ...error.hints];
    for (const hint of hints) writeLine(hint, "hint");
    return error.exitCode;
  }
  writeLine(`internal error: ${error instanceof Error ? error.message : String(error)}`, "error");
  writeLine(`report it at ${bugsAddress}, with the output of the same command and --debug`, "hint");
  if (argv.includes("--debug") && error instanceof Error) writeLine(error.stack ?? "", "debug");
  return exitCodes.failed;
}
