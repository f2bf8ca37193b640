// The rotation of an access key: a new one is made, kept, proved and named in the config before the old one is deactivated
// and deleted. It can be killed anywhere: AWS, the keychain and the config tell what is done, and at each moment the key
// that the config names works.
import type { Connection } from "../aws/connection.ts";
import { AwsFailure } from "../aws/failures.ts";
import type { ListedKey } from "../aws/iam-changes.ts";
import type { Credentials } from "../aws/types.ts";
import { describeAgo } from "../duration.ts";
import { FobError } from "../errors.ts";
import { type JournaledStep, type JournalLine, listDone } from "../steps/journal.ts";
import type { Check, Step } from "../steps/steps.ts";
import { formatOption, maskKeyId, quote } from "../text.ts";
import { type Keychain, keepSecret } from "./keychain.ts";
import type { KeyCalls } from "./list.ts";

export interface RotationCalls extends KeyCalls {
  readonly createAccessKey: (aws: Connection, user: string) => Promise<Credentials>;
  readonly deactivateAccessKey: (aws: Connection, user: string, id: string) => Promise<void>;
  readonly deleteAccessKey: (aws: Connection, user: string, id: string) => Promise<boolean>;
}

/** What a rotation uses of the world. */
export interface RotationTools {
  /** With the session, which has MFA. */
  readonly aws: Connection;
  readonly calls: RotationCalls;
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** All lines of the journal, those of this run too. */
  readonly lines: readonly JournalLine[];
  /** The ARN of whose key this is, asked with the key itself. @throws FobError */
  readonly identify: (key: Credentials) => Promise<string | undefined>;
  /** The key that the config names for the profile, as it is now. */
  readonly readNamed: () => string | undefined;
  /** Names a key in the config instead of another. */
  readonly rename: (old: string, next: string) => Promise<void>;
  /** Binds the running sessions of a key to another. What is bound already is no error. */
  readonly rebind: (old: string, next: string) => Promise<void>;
  /** Asks the user whether a key may be deleted that a killed run seems to have made. Without a user it may not. */
  readonly mayDelete: (key: ListedKey) => Promise<boolean>;
}

export interface Rotation {
  readonly profile: string;
  /** The profile of the session, for commands. */
  readonly session: string;
  /** The user's name, and the ARN. */
  readonly user: string;
  readonly arn: string;
  /** The key that goes. */
  readonly old: string;
  readonly keepsOld: boolean;
}

/** The steps' ids begin with these words; the id of the key that goes follows. */
const [CREATE, SWITCH, DEACTIVATE, DELETE] = ["create-key", "use-key", "deactivate-key", "delete-key"];

/**
 * The key that a rotation replaces which is not at its end, or undefined.
 *
 * @param named by the config
 * @param keys all that the user has
 */
export function findUnfinished(
  lines: readonly JournalLine[],
  named: string,
  keys: readonly ListedKey[],
): string | undefined {
  const done = listDone(lines);
  // A key that the user has deleted by hand needs nothing more.
  const isOpen = (old: string): boolean =>
    keys.some(({ accessKeyId }) => accessKeyId === old) ||
    done.some(({ step, state }) => step === `${DELETE}/${old}` && state === "unknown");
  return listBegun(done).findLast((old) => isOpen(old) && (old === named || getNewKey(lines, old) === named));
}

/** The keys before this one, whose sessions a run that was killed may not have bound to it. @param named by the config */
export const listReplaced = (lines: readonly JournalLine[], named: string): string[] =>
  listBegun(listDone(lines)).filter((old) => getNewKey(lines, old) === named);

const listBegun = (done: readonly JournaledStep[]): string[] =>
  done.filter(({ step }) => step.startsWith(`${CREATE}/`)).map(({ step }) => step.slice(CREATE.length + 1));

const findBegun = (lines: readonly JournalLine[], old: string): JournaledStep | undefined =>
  listDone(lines).find(({ step }) => step === `${CREATE}/${old}`);

const getNewKey = (lines: readonly JournalLine[], old: string): string | undefined =>
  findBegun(lines, old)?.facts.newKey;

/** A rotation under way. */
interface Run extends Rotation {
  /** Known once the first step has looked. */
  newKey: string;
}

/** The steps of a rotation. @param keys all keys that the user has now */
export function planRotation(rotation: Rotation, keys: readonly ListedKey[], tools: RotationTools): Step[] {
  const run: Run = { ...rotation, newKey: "" };
  const steps = [createStep(run, keys, tools), switchStep(run, tools), deactivateStep(run, tools)];
  return rotation.keepsOld ? steps : [...steps, deleteStep(run, tools)];
}

function createStep(run: Run, keys: readonly ListedKey[], tools: RotationTools): Step {
  const { user, old, profile } = run;
  const { aws, calls, keychain, signal } = tools;
  const before = findBegun(tools.lines, old);
  // Of a run that was killed: what it has created since is not among them.
  const known = before?.facts.known ?? keys.map(({ accessKeyId }) => accessKeyId).join(" ");
  let lost: string | undefined;
  return {
    ...{ id: `${CREATE}/${old}`, text: `create a new access key for ${user}`, facts: { user, profile, known } },
    async check() {
      const others = ((await calls.listAccessKeys(aws, user)) ?? []).filter(({ accessKeyId }) => accessKeyId !== old);
      for (const { accessKeyId } of others) {
        if (!(await isOfRotation(accessKeyId, known, before, tools))) continue;
        run.newKey = accessKeyId;
        return { state: "done", facts: { newKey: accessKeyId } };
      }
      const [other] = others;
      if (other === undefined) return { state: "to do" };
      const seemsLost = await isLost(other, known, before, tools);
      lost = seemsLost && (await tools.mayDelete(other)) ? other.accessKeyId : undefined;
      if (lost !== undefined && others.length === 1) return { state: "to do" };
      return await explainTwoKeys(run, other, seemsLost, tools);
    },
    async do() {
      if (lost !== undefined) await calls.deleteAccessKey(aws, user, lost);
      const key = await calls.createAccessKey(aws, user);
      try {
        await keepSecret(keychain, key.accessKeyId, key.secretAccessKey, signal);
      } catch (error) {
        // Nothing has its secret.
        await calls.deleteAccessKey(aws, user, key.accessKeyId);
        throw error;
      }
      run.newKey = key.accessKeyId;
      return { newKey: key.accessKeyId };
    },
    confirm: () => prove(run, tools),
  };
}

/** Whether a killed run has made this key and kept its secret. */
async function isOfRotation(
  id: string,
  known: string,
  before: JournaledStep | undefined,
  { keychain }: RotationTools,
): Promise<boolean> {
  if (!before || known.split(" ").includes(id)) return false;
  return (await keychain.get(id)) !== undefined;
}

/** Milliseconds by which the clocks of AWS and this computer may differ, and a call may last. */
const SLACK = 600_000;

/**
 * Whether a killed run seems to have made this key, whose secret is lost then: it came when that run did, and AWS does not
 * say that it was used. Another program may have made it all the same, and AWS tells of a use only after some minutes.
 */
async function isLost(
  { accessKeyId, created }: ListedKey,
  known: string,
  before: JournaledStep | undefined,
  { aws, calls }: RotationTools,
): Promise<boolean> {
  if (before?.state !== "unknown" || known.split(" ").includes(accessKeyId)) return false;
  if (created === undefined || Math.abs(created - Date.parse(before.time)) > SLACK) return false;
  return (await calls.getAccessKeyLastUsed(aws, accessKeyId)) === undefined;
}

async function describeUse(
  accessKeyId: string,
  aws: Connection,
  { getAccessKeyLastUsed }: RotationCalls,
  now: number,
): Promise<string> {
  try {
    const last = await getAccessKeyLastUsed(aws, accessKeyId);
    return last === undefined ? "AWS knows of no use" : `last used ${describeAgo(now - last.at)} (${last.service})`;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return "AWS does not say when it was last used";
  }
}

/** What to do about a second key: AWS allows no third. */
async function explainTwoKeys(
  { user, session }: Rotation,
  { accessKeyId, isActive }: ListedKey,
  seemsLost: boolean,
  { aws, calls, now }: RotationTools,
): Promise<Check> {
  const use = await describeUse(accessKeyId, aws, calls, now());
  const of = formatKeyOptions(user, accessKeyId, session);
  return {
    state: "blocked",
    reason: `${user} has two access keys, and AWS allows no third; the other is ${accessKeyId}, ${isActive ? "active" : "inactive"}: ${use}`,
    hints: [
      ...(seemsLost ? ["the interrupted run may have made it; the keychain does not have its secret"] : []),
      ...(isActive ? [`if nothing uses it, deactivate it: aws iam update-access-key --status Inactive ${of}`] : []),
      `then delete it: aws iam delete-access-key ${of}`,
    ],
  };
}

const formatKeyOptions = (user: string, accessKeyId: string, session: string): string =>
  `${formatOption("--user-name", user)} --access-key-id ${accessKeyId} ${formatOption("--profile", session)}`;

/** Asks AWS who the new key belongs to, with the key itself: until each server knows it, that is to do. */
async function prove({ newKey: accessKeyId, arn }: Run, { keychain, identify }: RotationTools): Promise<Check> {
  const secretAccessKey = await keychain.get(accessKeyId);
  if (secretAccessKey === undefined) {
    return { state: "blocked", reason: `${keychain.title} does not have the new key ${maskKeyId(accessKeyId)}` };
  }
  try {
    const found = await identify({ accessKeyId, secretAccessKey });
    if (found === arn) return { state: "done" };
    return { state: "blocked", reason: `the new key belongs to ${found ?? "an unknown user"}` };
  } catch (error) {
    const cause = error instanceof FobError ? error.cause : undefined;
    if (cause instanceof Error && /^InvalidClientTokenId/.test(cause.name)) return { state: "to do" };
    throw error;
  }
}

/** @throws FobError where the new key does not work: then the old one must stay */
async function assertProven(run: Run, tools: RotationTools): Promise<void> {
  const found = await prove(run, tools);
  if (found.state === "done") return;
  throw new FobError("the new access key does not work", "wait a minute, then run the same command again");
}

function switchStep(run: Run, tools: RotationTools): Step {
  const { old, profile, user } = run;
  return {
    ...{ id: `${SWITCH}/${old}`, text: `use the new access key for ${quote(profile)}`, facts: { user, profile } },
    check: () => Promise.resolve(tools.readNamed() === run.newKey ? { state: "done" } : { state: "to do" }),
    async do() {
      await tools.rename(old, run.newKey);
      return { newKey: run.newKey };
    },
    async confirm() {
      await tools.rebind(old, run.newKey);
      return { state: "done" };
    },
  };
}

function deactivateStep(run: Run, tools: RotationTools): Step {
  const { old, user, profile, session } = run;
  const { aws, calls, now } = tools;
  const of = formatKeyOptions(user, old, session);
  const wasInactive = listDone(tools.lines).some(
    ({ step, state }) => step === `${DEACTIVATE}/${old}` && state === "done",
  );
  return {
    ...{ id: `${DEACTIVATE}/${old}`, text: `deactivate the old access key ${old}`, facts: { user, profile } },
    async check() {
      const key = (await calls.listAccessKeys(aws, user))?.find(({ accessKeyId }) => accessKeyId === old);
      if (!key?.isActive) return { state: "done" };
      if (!wasInactive) return { state: "to do" };
      // Someone needs it: the other computer of docs/keys.md.
      return {
        state: "blocked",
        reason: `the old access key ${old} was activated again: ${await describeUse(old, aws, calls, now())}`,
        hints: [
          `once nothing uses it, deactivate it: aws iam update-access-key --status Inactive ${of}`,
          `then delete it: aws iam delete-access-key ${of}`,
        ],
      };
    },
    async do() {
      await assertProven(run, tools);
      await calls.deactivateAccessKey(aws, user, old);
      return {};
    },
    confirm: () => prove(run, tools),
    undo: () => ({
      text: `activate the access key ${old} again`,
      command: `aws iam update-access-key --status Active ${of}`,
      run: () => Promise.reject(new FobError("fob does not activate access keys")),
    }),
  };
}

function deleteStep(run: Run, tools: RotationTools): Step {
  const { old, user, profile } = run;
  const { aws, calls, keychain } = tools;
  return {
    ...{ id: `${DELETE}/${old}`, text: `delete the old access key ${old}`, facts: { user, profile } },
    async check() {
      const keys = (await calls.listAccessKeys(aws, user)) ?? [];
      return keys.some(({ accessKeyId }) => accessKeyId === old) ? { state: "to do" } : { state: "done" };
    },
    async do() {
      await assertProven(run, tools);
      await calls.deleteAccessKey(aws, user, old);
      return {};
    },
    async confirm() {
      await keychain.remove(old);
      return { state: "done" };
    },
  };
}
