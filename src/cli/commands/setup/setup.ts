// `fob setup`: the guided first run. Everything is asked first, then said, then done step by step.
import { CancelledError, type ExitCode, exitCodes, FobError } from "../../../errors.ts";
import { getProperty } from "../../../profiles/files.ts";
import { getSessionProfileName, type ProfilePair } from "../../../session/profile-pair.ts";
import { findMatching } from "../../../session/resolve.ts";
import { takeSnapshot } from "../../../session/snapshot.ts";
import { findOtherSessions, getIncluded, planLink, planRoles } from "../../../setup/adopt.ts";
import type { ProfileEdit } from "../../../setup/edits.ts";
import { type Choices, planSetup, type SetupTools } from "../../../setup/plan.ts";
import { planSettings, planTeamRoles } from "../../../setup/profiles.ts";
import { readTeamFile } from "../../../setup/team-file.ts";
import { withJournal } from "../../../steps/journal.ts";
import { runSteps, type Step, StepsStoppedError } from "../../../steps/steps.ts";
import { getSecondsLeft } from "../../../store/freshness.ts";
import { quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { sleepUnless } from "../../account.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { offerFirstLogin } from "../../first-login.ts";
import { installProfile } from "../../install-process.ts";
import { askAsUser, describeOwnProfile, type OwnProfile, proveKey } from "../../own-user.ts";
import { needTerminal } from "../../questions.ts";
import { createSessionContext } from "../../session-context.ts";
import { enrollDevice } from "../device/enroll.ts";
import { type Asking, askWhether } from "./asking.ts";
import { type ChosenDevice, chooseDevice, hasUsableDevice } from "./device.ts";
import { adviseOnRest, type ChosenKey, chooseKey, chooseRegion, chooseSource, command, formatAgain } from "./key.ts";
import { chooseMode, chooseSession, findLinked, isForeign } from "./session.ts";
import { type ChosenShell, chooseShell } from "./shell.ts";

export const setupCommand = defineCommand({
  name: "setup",
  description:
    "Guides you from an access key to the first session: checks the key, keeps it in the system's keychain or the " +
    "credentials file, finds your MFA device or enrolls one, writes the config, sets up your shell and logs in. Asks " +
    "first, shows what it will change, and changes it when you agree. You can skip each step, and run it again.",
  takes: { name: "profile", atMost: 1, text: "the profile of your access key, new or existing (default: you choose)" },
  options: {
    keyFile: {
      value: "file",
      text: "read the access key from a file: the console's .csv, JSON from create-access-key, or a credentials file",
    },
    from: { value: "file", text: "take names, region, roles and account from a team's file, see docs/onboarding.md" },
    printOnly: { text: "print the commands that do the same, and the lines of the files; ask and change nothing" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob setup",
    "fob setup work --key-file accessKeys.csv",
    "fob setup --from team.json",
    "fob setup work --print-only",
  ],
  async run([named], options, context) {
    const team = options.from === undefined ? undefined : readTeamFile(options.from);
    const sessions = createSessionContext(context, options);
    const snapshot = takeSnapshot(sessions);
    if (options.printOnly) {
      const { printSetup } = await import("./print.ts");
      return await printSetup({ named, region: options.region, keyFile: options.keyFile, team, snapshot }, context);
    }
    const terminal = needTerminal(options, "what to set up", [
      `run it in a terminal: ${formatCommand(context.typed, { without: ["noInput"] })}`,
      `or see the commands: ${formatCommand(context.typed, { set: { printOnly: true }, without: ["noInput"] })}`,
    ]);
    const asking: Asking = { context, sessions, snapshot, team, terminal };
    const chosen = await chooseAll(named ?? team?.profile, options, asking).catch(sayNothingChanged);
    const steps = planSetup(chosen.choices, connectTools(chosen, asking));
    await confirm(steps, asking).catch(sayNothingChanged);
    await make(steps, chosen, asking);
    adviseOnRest(chosen.key, asking);
    return await finish(chosen, asking);
  },
});

/** @throws always the error; a cancellation says that nothing was done */
function sayNothingChanged(error: unknown): never {
  const isBare = error instanceof CancelledError && error.message === new CancelledError().message;
  throw isBare ? new CancelledError("nothing is changed") : error;
}

interface Chosen {
  readonly choices: Choices;
  readonly key: ChosenKey;
  readonly device: ChosenDevice | undefined;
  readonly shell: ChosenShell;
  readonly region: string | undefined;
}

/** Asks everything; nothing is changed meanwhile. @throws FobError, CancelledError */
async function chooseAll(
  named: string | undefined,
  options: { readonly region?: string | undefined; readonly keyFile?: string | undefined },
  asking: Asking,
): Promise<Chosen> {
  const { files } = asking.snapshot;
  const source = await chooseSource(named, asking);
  const included =
    getProperty(files, source, "region") === undefined ? getIncluded(files, source, "region") : undefined;
  const region = await chooseRegion(source, options.region ?? asking.team?.region ?? included, asking);
  const key = await chooseKey(source, { region, keyFile: options.keyFile }, asking);
  if (asking.team !== undefined && key.owner === undefined) {
    throw new FobError("without an access key the account of the team file cannot be checked; nothing is changed", [
      `run it again once you have one: ${formatCommand(asking.context.typed)}`,
    ]);
  }
  const device = key.owner && (await chooseDevice(key.owner, asking));
  const linked = key.owner && findLinked(key.owner.own.resolution.pair, asking);
  const session = await chooseSession(source, linked, findOtherSessions(source, files), asking);
  const pair = { source, session };
  const installs = key.owner === undefined ? false : await chooseMode(session, asking);
  const roles = await chooseRoles(pair, asking);
  const edits = [
    ...planSettings(source, { region, mfa_serial: device?.serial, fob_duration: asking.team?.duration }, files),
    ...planLink(pair, session === getSessionProfileName(source), files),
    ...planTeamRoles(pair, asking.team?.roles ?? [], files),
    ...roles,
  ];
  const shell = await chooseShell(asking);
  const choices = {
    ...{ source, session, key: key.choice, edits, installs },
    ...{ enrolls: device?.enrolls ?? false, shell: shell.line },
  };
  return { choices, key, device, shell, region };
}

/** @throws CancelledError */
async function chooseRoles(pair: ProfilePair, asking: Asking): Promise<readonly ProfileEdit[]> {
  const ofTeam = new Set(asking.team?.roles.map(({ profile }) => profile));
  const edits = planRoles(pair, asking.snapshot.files).filter(({ profile }) => !ofTeam.has(profile));
  if (edits.length === 0) return [];
  for (const { text } of edits) asking.context.say.note(text);
  const question = "Change these role profiles? Programs then need no code of their own, because the session has MFA.";
  return (await askWhether(asking, question)) ? edits : [];
}

function connectTools({ choices, region }: Chosen, asking: Asking): SetupTools {
  const { context, sessions, terminal } = asking;
  const { source, session } = choices;
  const asOwn = (): OwnProfile => describeOwnProfile(source, region, takeSnapshot(sessions), sessions);
  const typed = { name: "device enroll", named: [source], options: {} };
  return {
    ...{ paths: sessions.paths, keychain: sessions.keychain, signal: context.signal, note: context.say.note },
    prove: (profile, key) => proveKey(profile, key, command, sessions),
    again: formatAgain(source, asking),
    hasDevice: () => hasUsableDevice(asOwn(), asking),
    enroll: () => enrollDevice(asOwn(), {}, terminal, { ...context, typed }),
    install: () => installProfile(session, {}, context),
  };
}

/** @throws CancelledError unless the user agrees */
async function confirm(steps: readonly Step[], asking: Asking): Promise<void> {
  const { say } = asking.context;
  if (steps.length === 0) {
    say.note("everything is set up already; nothing is to be changed");
    return;
  }
  say.note("this will be done:");
  for (const [index, { text }] of steps.entries()) say.note(`  ${index + 1}. ${text}`);
  if (!(await askWhether(asking, "Do it?"))) throw new CancelledError("nothing is changed");
}

/** @throws FobError that says what was done before it */
async function make(steps: readonly Step[], { choices }: Chosen, asking: Asking): Promise<void> {
  if (steps.length === 0) return;
  const { context, sessions } = asking;
  const { signal, say, now } = context;
  try {
    await withJournal({ store: sessions.store.folder, name: "setup", signal, now }, (journal) =>
      runSteps(steps, { journal, signal, note: say.note, sleep: (pause) => sleepUnless(signal, pause) }),
    );
  } catch (error) {
    if (!(error instanceof StepsStoppedError)) throw error;
    const done = error.done.map(({ text }) => `done and kept: ${text}`);
    const goOn = `to go on: ${formatAgain(choices.source, asking)}`;
    throw new FobError(error.message, [...error.hints, ...done, goOn], error.exitCode, error);
  }
}

/** Logs in, shows that it works, and says what to do from now on. @returns the exit code: that of the login */
async function finish({ choices, device, shell, region, key }: Chosen, asking: Asking): Promise<ExitCode> {
  const { context, sessions, terminal } = asking;
  const { source, session } = choices;
  if (key.owner && device?.canLogIn) {
    const own = describeOwnProfile(source, region, takeSnapshot(sessions), sessions);
    const stored = findMatching(own.resolution, own.resolution.snapshot.store);
    const isFresh = stored !== undefined && getSecondsLeft(stored.credentials, sessions.now()) > 0;
    const force = isForeign(session, asking);
    const isNewDevice = choices.enrolls;
    const login = isFresh ? "done" : await offerFirstLogin(own, { isNewDevice, force }, terminal, context);
    if (login === "cancelled") return exitCodes.cancelled;
    if (login === "failed") return exitCodes.failed;
    if (login === "done") await check({ source, session }, region, asking);
  }
  if (key.owner) sayNext(choices, shell, context);
  else context.say.hint(`there is no access key yet; once you have one: ${formatAgain(source, asking)}`);
  return exitCodes.done;
}

/** A call with the session, so that the user sees that it works. */
async function check({ source, session }: ProfilePair, region: string | undefined, asking: Asking): Promise<void> {
  const { sessions, context } = asking;
  const own = describeOwnProfile(source, region, takeSnapshot(sessions), sessions);
  const { name, account, hasMfa } = await askAsUser(own, { command }, (_, user) => Promise.resolve(user));
  if (!hasMfa)
    throw new FobError(`there is no session in ${quote(session)}`, `fob login ${quoteProfileArgument(source)}`);
  const text = `${name} (${account}), with MFA, through the profile ${quote(session)}`;
  context.say.done(`AWS knows you as ${text}`, `AWS knows you as ${text}`);
}

function sayNext({ source }: Choices, { hasMfa, line, later }: ChosenShell, { say }: Context): void {
  if (later !== undefined) say.hint(`to set up your shell later: ${later}`);
  const login = `${hasMfa ? "mfa" : "fob login"} ${quoteProfileArgument(source)}`;
  say.note(`every morning${line ? ", in a new shell" : ""}: ${login}`);
}
