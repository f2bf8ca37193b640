// `fob exec`: a command, with a profile's credentials in its environment.
import { existsSync } from "node:fs";
import { endBy, runInPlace } from "../environment/run.ts";
import { variablesOf, withVariables } from "../environment/variables.ts";
import { throwIfCancelled, UsageError } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { awsFilePaths } from "../profiles/paths.ts";
import { secondsLeft } from "../session/freshness.ts";
import { openStore } from "../session/store.ts";
import { storeFolder } from "../session/store-paths.ts";
import { inWords } from "../terminal/duration.ts";
import { quote, shellWord } from "../text.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { profileCredentials } from "./credentials.ts";
import { defaultProfile, minTtlOf } from "./options.ts";

/** Seconds: what takes longer than that may outlast them. */
const SOON = 3600;

export const execCommand = defineCommand({
  name: "exec",
  description:
    "Runs a command with a profile's credentials and region (--region, else the profile's) in its environment, and " +
    "without what programs would take instead, such as AWS_PROFILE. Streams, terminal, signals, job control and the exit " +
    "code are the command's own. It says so when less than an hour is left of the credentials.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "the session, the source or a role profile (default: AWS_PROFILE, else default)",
  },
  runs: "the program and its arguments; no shell reads them again",
  options: {
    minTtl: { value: "length", text: "renew credentials that last for less than this (default: 15m)" },
  },
  examples: [
    "fob exec work-mfa -- terraform plan",
    "fob exec work-mfa --min-ttl 2h -- terraform apply",
    "fob exec work-mfa -- sh -c 'aws s3 ls | wc -l'",
    "fob exec -- env                # the profile AWS_PROFILE, else default",
  ],
  async run(named, options, context, command) {
    const { env, say } = context;
    if (command === undefined) throw new UsageError("the command has to stand behind --", withDashes(named, context));
    const [profile = defaultProfile(context)] = named;
    if (command.length === 0) throw new UsageError("there is no command behind --", withDashes(named, context));
    const given = await profileCredentials(
      profile,
      { ...options, minTtl: minTtlOf(options.minTtl), command: "fob exec" },
      context,
    );
    const left = secondsLeft(given.credentials, context.now());
    if (left < SOON) say.warning(`the credentials of ${quote(given.profile)} last another ${inWords(left)}`);
    throwIfCancelled(context.signal);

    const outcome = await runInPlace(command, withVariables(env, variablesOf(given)));
    if ("status" in outcome) return outcome.status;
    return "killedBy" in outcome
      ? await endBy(outcome.killedBy)
      : notStarted(command[0] ?? "", outcome.failed, context);
  },
});

/** The line that was meant, from all its words. */
function withDashes([first, ...rest]: readonly string[], context: Context): string {
  if (first === undefined) return "fob exec -- COMMAND";
  const [profile, command] = isProfile(first, context) ? [`${shellWord(first)} `, rest] : ["", [first, ...rest]];
  const isCommand = command.length > 0 && !command[0]?.startsWith("-");
  return `fob exec ${profile}-- ${isCommand ? command.map(shellWord).join(" ") : "COMMAND"}`;
}

function isProfile(name: string, { env, home }: Context): boolean {
  const paths = awsFilePaths(env, home);
  const { credentials, config } = readAwsFiles(paths);
  const stored = openStore(storeFolder(env, paths.credentials)).read(name);
  return credentials.has(name) || config.has(name) || stored.state !== "missing";
}

/** As shells have it: 127 where there is no such program, else 126. @returns the exit code */
function notStarted(program: string, { code, message }: NodeJS.ErrnoException, { say }: Context): number {
  // A script that is there, but not what is to read it, counts as one that cannot be executed.
  const isMissing = code === "ENOENT" && !(program.includes("/") && existsSync(program));
  say.error(isMissing ? `there is no program ${quote(program)}` : `cannot run ${quote(program)}: ${message}`);
  if (process.platform === "win32") say.hint("a batch file, as npm is one, runs like this: fob exec -- cmd /c npm");
  else if (isMissing) say.hint(`if it is a shell's own command: fob exec -- sh -c ${shellWord(program)}`);
  else say.hint(`see what it is: ls -l ${shellWord(program)}`);
  return isMissing ? 127 : 126;
}
