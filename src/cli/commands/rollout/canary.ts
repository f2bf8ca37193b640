// `fob rollout canary`: proves the enforcement policy on a test user, with real calls, before any other user gets it.
import { randomBytes } from "node:crypto";
import { type Connection, withAws } from "../../../aws/connection.ts";
import type { Credentials } from "../../../aws/types.ts";
import { exitCodes, FobError, UsageError } from "../../../errors.ts";
import { buildEnforcement, findDifferences, findGroup } from "../../../iam/enforcement.ts";
import type { AccountSnapshot } from "../../../iam/snapshot.ts";
import { listExemptions } from "../../../policy/enforcement.ts";
import { listGroupSteps } from "../../../rollout/apply.ts";
import {
  type AdminCalls,
  type CanaryOptions,
  type CanaryUser,
  listCanarySteps,
  listMade,
  type ProofLine,
  proveCanary,
  removeCanary,
  type UserCalls,
} from "../../../rollout/canary.ts";
import { totp } from "../../../sandbox/totp.ts";
import { type Journal, withJournal } from "../../../steps/journal.ts";
import { runSteps, undoTogether } from "../../../steps/steps.ts";
import { findTerminal } from "../../../terminal/tty.ts";
import { escapeControlCharacters, formatJson, quote } from "../../../text.ts";
import { formatCommand, type GivenOptions } from "../../../typed-command.ts";
import { type ReadAccount, sleepUnless, withAccount } from "../../account.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { askOnTerminal } from "../../questions.ts";
import { connectRollout } from "./calls.ts";
import { locateFiles, logInAsCanary, removeFiles } from "./canary-login.ts";
import { confirmAccount } from "./confirm.ts";
import { nameNextCommand } from "./go-on.ts";
import { formatRollout, pickVariant } from "./hints.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions, groupOption, parseGroup, parseVariant, variantOptions } from "./options.ts";

export const rolloutCanaryCommand = defineCommand({
  name: "rollout canary",
  description:
    "Makes a test user with an access key, a console password and one harmless permission, puts it into the group that " +
    "enforces MFA, and proves with real calls that everything is denied without MFA, that the user can enroll a device, " +
    "and that it works with MFA. Makes the group and its two policies if they do not exist. Asks you to try the console " +
    "sign-in too. Prints the proof on stdout, line by line. Then removes the test user, its keys and its device. Exits " +
    "with 3 if something does not hold. If it was killed, --resume starts over, and --clean only removes what is left.",
  options: {
    user: { value: "user", text: "the name of the test user (default: test-mfa-user)" },
    ...groupOption,
    ...variantOptions,
    noConsole: { text: "do not ask for a console sign-in" },
    clean: { text: "only remove what a run before has left" },
    resume: {
      text: "remove what a run before has left, then start over: no secret of the test user is kept to go on with",
    },
    yes: { text: "do not ask for the account number" },
    json: { text: "print the proof as JSON" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob rollout canary --profile admin",
    "fob rollout canary --yes >proof.txt",
    "fob rollout canary --clean",
    "fob rollout canary --resume --no-console",
  ],
  async run(_, options, context) {
    const group = parseGroup(options.group);
    const policy = parseVariant(options);
    const user = options.user ?? "test-mfa-user";
    if (!/^[\w+=,.@-]{1,64}$/.test(user)) {
      throw new UsageError(
        `${quote(user)} (from --user) is not a name of a user`,
        "fob rollout canary --user test-mfa-user",
      );
    }
    if (options.clean && options.resume) {
      throw new UsageError("--clean and --resume cannot be used together", "use one or the other");
    }
    return await withAccount(options, "fob rollout canary", context, async (account) => {
      const { partition, account: number } = account.snapshot;
      const enforcement = buildEnforcement(account.snapshot, findGroup(account.snapshot, group)?.name ?? group, policy);
      const retype = (set: GivenOptions): string => formatCommand(context.typed, { set, without: ["clean", "resume"] });
      const canary: CanaryOptions = {
        ...{ user, group: enforcement.group, deviceArn: `arn:${partition}:iam::${number}:mfa/${user}` },
        exempt: listExemptions({ passwordChange: policy.passwordChange }).map(({ action }) => action),
        ifLeft: [`to start over: ${retype({ resume: true })}`, `to remove it only: ${retype({ clean: true })}`],
        forOther: formatCommand(context.typed, { set: { user: "NAME" } }),
      };
      if (options.clean) return await clean(canary, account, context);
      const [difference] = findDifferences(account.snapshot, enforcement);
      if (difference !== undefined) {
        const hint = `see all that differs: ${formatRollout(context.typed, "status", pickVariant(context.typed))}`;
        throw new FobError(difference.detail, hint, exitCodes.notFresh);
      }
      assertDeviceIsFree(canary, account.snapshot);
      if (!options.yes) await confirmAccount(number, options, context);
      return await runCanary(canary, options, account, enforcement, context);
    });
  },
});

/** The canary's own device is only there together with its user. @throws FobError */
function assertDeviceIsFree({ user, deviceArn, forOther }: CanaryOptions, snapshot: AccountSnapshot): void {
  const { users, unassignedVirtualDevices } = snapshot;
  if (users.some(({ name }) => name === user)) return;
  const assigned = users.flatMap(({ devices }) => ("value" in devices ? devices.value : []));
  const unassigned = "value" in unassignedVirtualDevices ? unassignedVirtualDevices.value : [];
  if (![...assigned.map(({ serialNumber }) => serialNumber), ...unassigned].includes(deviceArn)) return;
  throw new FobError(`there is a device ${deviceArn} that fob did not make`, `choose another name: ${forOther}`);
}

interface RunOptions {
  readonly resume?: boolean | undefined;
  readonly noConsole?: boolean | undefined;
  readonly noInput?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Where the journal of the canary is, and the files of the test user. */
function locate(account: string, context: Context) {
  const { store } = locateJournal(account, context);
  return { store, name: `canary-${account}`, folder: locateFiles(store, account) };
}

async function clean(canary: CanaryOptions, { snapshot, aws }: ReadAccount, context: Context): Promise<number> {
  const { folder, ...place } = locate(snapshot.account, context);
  const found = await withJournal({ ...place, signal: context.signal, now: context.now }, (journal) =>
    removeAll(canary, { folder, journal, aws }, context),
  );
  if (found === "not there") context.say.note(`there is no user ${canary.user}`);
  return exitCodes.done;
}

async function runCanary(
  canary: CanaryOptions,
  options: RunOptions,
  { snapshot, aws }: ReadAccount,
  enforcement: ReturnType<typeof buildEnforcement>,
  context: Context,
): Promise<number> {
  const { say, signal, now, stdout } = context;
  const sleep = (milliseconds: number): Promise<void> => sleepUnless(signal, milliseconds);
  const user: CanaryUser = { password: makePassword(), key: undefined, isOfOther: false };
  const lines: ProofLine[] = [];
  const write = (line: string): void => {
    if (!options.json) stdout.write(`${escapeControlCharacters(line)}\n`);
  };
  const report = (line: ProofLine): void => {
    lines.push(line);
    const detail = line.detail === undefined ? "" : `: ${line.detail}`;
    write(`${line.holds ? "yes" : "NO "}  ${line.text}${detail}`);
  };
  const admin = await connectAdmin(aws);
  const userSteps = listCanarySteps(canary, user, admin);
  const groupSteps = listGroupSteps({ account: snapshot, enforcement }, await connectRollout(aws));
  // The user first: if a user has the name already, nothing else is made.
  const steps = [...userSteps.slice(0, 1), ...groupSteps, ...userSteps.slice(1)];
  const { folder, ...place } = locate(snapshot.account, context);
  const prove = async (journal: Journal): Promise<boolean> => {
    const made = { folder, journal, aws };
    if (options.resume && (await removeAll(canary, made, context)) === "removed") {
      await waitUntilGone(canary.user, admin, sleep);
    }
    const isNew = (await admin.getUser(canary.user)) === undefined;
    try {
      await runSteps(steps, { journal, signal, note: (message: string) => say.note(message), sleep });
      const { key } = user;
      if (key === undefined) throw new FobError("AWS returned no access key", canary.ifLeft);
      const other = makePassword();
      const time = `${new Date(now()).toISOString().slice(0, 19)}Z`;
      write(`Account ${snapshot.account}, group ${canary.group}, test user ${canary.user}, ${time}`);
      const isProved = await proveCanary(canary, key, [user.password, other], {
        ...{ sleep, now, report, computeCode: (seed: string, at: number) => totp(seed, at) },
        as: (credentials, work) => actAs(credentials, aws, context, work),
        logIn: (credentials, code) => logInAsCanary({ key: credentials, code, folder }, aws.access, context),
      });
      if (!isProved || options.noConsole) return isProved;
      const password = canary.exempt.includes("iam:ChangePassword") ? other : user.password;
      return await confirmSignIn(canary, password, snapshot.account, options, context, report);
    } finally {
      if (isNew && !user.isOfOther) await removeAll(canary, made, context);
    }
  };
  const holds = await withJournal({ ...place, signal, now }, (journal) =>
    nameNextCommand(context.typed, () => prove(journal)),
  );
  if (options.json) {
    stdout.write(formatJson({ version: 1, account: snapshot.account, group: canary.group, holds, proof: lines }));
  }
  write(holds ? "Everything holds." : "The proof does not hold.");
  if (!holds) {
    say.error("the proof does not hold: do not put users under this policy yet");
    say.hint(`correct what the lines with NO say, then prove it again: ${formatCommand(context.typed)}`);
    return exitCodes.notFresh;
  }
  say.hint(formatRollout(context.typed, "plan", { ...pickVariant(context.typed), out: "plan.json" }));
  return exitCodes.done;
}

interface Made {
  readonly folder: string;
  readonly journal: Journal;
  readonly aws: Connection;
}

/** Also after Ctrl-C: a test user with an access key must not stay. */
async function removeAll(
  canary: CanaryOptions,
  { folder, journal, aws: { access } }: Made,
  { say, now }: Context,
): Promise<"removed" | "not there"> {
  removeFiles(folder);
  const tools = { signal: new AbortController().signal, debug: say.debug, now };
  return await withAws(access, tools, async (aws) => {
    const admin = await connectAdmin(aws);
    const found = await undoTogether(listMade(canary, journal.lines), journal, () => removeCanary(canary, admin));
    if (found === "removed") say.note(`${canary.user} and all that belongs to it is removed`);
    return found;
  });
}

/** IAM shows what it has removed for some seconds. Where that takes longer, the first step says that the user is there. */
async function waitUntilGone(user: string, admin: AdminCalls, sleep: (ms: number) => Promise<void>): Promise<void> {
  for (let pause = 500; pause < 16_000 && (await admin.getUser(user)) !== undefined; pause *= 2) await sleep(pause);
}

/** Long enough for every password policy, with all kinds of characters. */
const makePassword = (): string => `${randomBytes(24).toString("base64url")}aA1!`;

async function confirmSignIn(
  { user }: CanaryOptions,
  password: string,
  account: string,
  { noInput }: RunOptions,
  context: Context,
  report: (line: ProofLine) => void,
): Promise<boolean> {
  const terminal = noInput ? undefined : findTerminal();
  const text = `in the console, ${user} signs in with the password and a code`;
  if (terminal === undefined) {
    context.say.warning("the console sign-in was not tried: there is no terminal to ask on");
    return true;
  }
  const before = [
    `sign in at https://console.aws.amazon.com/ in a private window: account ${account}, user ${user}`,
    `the password, once: ${password}`,
    "the console asks for a code of the device, which only fob has: seeing that question is the proof",
  ].join("\n");
  const problem = (answer: string): string | undefined =>
    /^(y|yes|n|no)$/i.test(answer.trim()) ? undefined : "type y or n";
  const message = "Did the console ask for an MFA code? (y/n)";
  const holds = /^y/i.test(await askOnTerminal(terminal, { message, before, problem }, context));
  report({ text, holds });
  return holds;
}

async function actAs<T>(
  credentials: Credentials,
  { access }: Connection,
  { signal, say, now }: Context,
  work: (calls: UserCalls) => Promise<T>,
): Promise<T> {
  const iam = await import("../../../aws/iam-changes.ts");
  const { getAccountAlias, listMfaDevices } = await import("../../../aws/iam.ts");
  const { getPasswordPolicy, listVirtualMfaDevices } = await import("../../../aws/iam-account.ts");
  return await withAws({ ...access, credentials }, { signal, debug: say.debug, now }, async (aws) => {
    const { getCallerIdentity } = await import("../../../aws/sts.ts");
    const name = (await getCallerIdentity(aws)).arn?.split("/").at(-1) ?? "";
    return await work({
      listAccountAliases: () => getAccountAlias(aws),
      getUser: () => iam.getUser(aws, name),
      listMfaDevices: () => listMfaDevices(aws, name),
      listVirtualMfaDevices: () => listVirtualMfaDevices(aws),
      getMfaDevice: (serialNumber) => iam.getMfaDevice(aws, name, serialNumber),
      getPasswordPolicy: () => getPasswordPolicy(aws),
      resyncMfaDevice: (serialNumber, codes) => iam.resyncMfaDevice(aws, name, serialNumber, codes),
      changePassword: (before, after) => iam.changePassword(aws, before, after),
      createVirtualMfaDevice: (device) => iam.createVirtualMfaDevice(aws, device),
      enableMfaDevice: (serialNumber, codes) => iam.enableMfaDevice(aws, name, serialNumber, codes),
    });
  });
}

async function connectAdmin(aws: Connection): Promise<AdminCalls> {
  const iam = await import("../../../aws/iam-changes.ts");
  const { listMfaDevices } = await import("../../../aws/iam.ts");
  return {
    getUser: (user) => iam.getUser(aws, user),
    createUser: (name, tags) => iam.createUser(aws, { name, tags }),
    putUserPolicy: (user, name, document) => iam.putUserPolicy(aws, user, { name, document: JSON.stringify(document) }),
    createLoginProfile: (user, password) => iam.createLoginProfile(aws, user, { password, isResetRequired: false }),
    createAccessKey: (user) => iam.createAccessKey(aws, user),
    addUserToGroup: (user, group) => iam.addUserToGroup(aws, user, group),
    listGroupsForUser: (user) => iam.listGroupsForUser(aws, user),
    removeUserFromGroup: (user, group) => iam.removeUserFromGroup(aws, user, group),
    listMfaDevices: (user) => listMfaDevices(aws, user),
    deactivateMfaDevice: (user, serialNumber) => iam.deactivateMfaDevice(aws, user, serialNumber),
    deleteVirtualMfaDevice: (serialNumber) => iam.deleteVirtualMfaDevice(aws, serialNumber),
    listAccessKeys: (user) => iam.listAccessKeys(aws, user),
    deleteAccessKey: (user, accessKeyId) => iam.deleteAccessKey(aws, user, accessKeyId),
    deleteLoginProfile: (user) => iam.deleteLoginProfile(aws, user),
    listUserPolicies: (user) => iam.listUserPolicies(aws, user),
    deleteUserPolicy: (user, name) => iam.deleteUserPolicy(aws, user, name),
    deleteUser: (user) => iam.deleteUser(aws, user),
  };
}
