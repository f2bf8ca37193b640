// `fob keys rotate`: a new access key instead of the old one, with a session that has MFA.
import { getUserName, isRoot } from "../../../aws/arn.ts";
import { type Connection, withAws } from "../../../aws/connection.ts";
import type { ListedKey } from "../../../aws/iam-changes.ts";
import { formatUtcTime } from "../../../duration.ts";
import { exitCodes, FobError } from "../../../errors.ts";
import { listHeldKeys } from "../../../keys/list.ts";
import { renameKey } from "../../../keys/move.ts";
import { findUnfinished, listReplaced, planRotation, type Rotation, type RotationTools } from "../../../keys/rotate.ts";
import { readAwsFiles } from "../../../profiles/files.ts";
import { findKeychainId } from "../../../profiles/inspect.ts";
import { askAs } from "../../../roles/call-as.ts";
import type { SessionContext } from "../../../session/context.ts";
import { resolveProfilePair } from "../../../session/profile-pair.ts";
import { rebindSessions } from "../../../session/rebind.ts";
import { takeSnapshot } from "../../../session/snapshot.ts";
import { type Journal, readJournal, withJournal } from "../../../steps/journal.ts";
import { runSteps } from "../../../steps/steps.ts";
import { findTerminal } from "../../../terminal/tty.ts";
import { maskKeyId, quote, quoteProfileArgument } from "../../../text.ts";
import { sleepUnless } from "../../account.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { explainDenial } from "../../denied.ts";
import { getDefaultProfile } from "../../options.ts";
import { askOnTerminal } from "../../questions.ts";
import { createSessionContext } from "../../session-context.ts";

export const keysRotateCommand = defineCommand({
  name: "keys rotate",
  description:
    "Replaces the access key of a profile: creates a new one with a session (which has MFA), saves it in the keychain, " +
    "proves it, and then deactivates and deletes the old one. If it is interrupted, run it again: it goes on where it " +
    "was. Running sessions stay.",
  takes: { name: "profile", atMost: 1, text: "the profile (default: AWS_PROFILE, else default)" },
  options: {
    keepOld: { text: "deactivate the old key, but do not delete it; the next run does" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: ["fob keys rotate work", "fob keys rotate work --keep-old"],
  async run([named], options, context) {
    const sessions = createSessionContext(context, options);
    const snapshot = takeSnapshot(sessions);
    const pair = resolveProfilePair(named ?? getDefaultProfile(context), snapshot, context.typed);
    const { source: profile, session } = pair;
    const key = readKeyInKeychain(profile, sessions);
    const journal = { store: sessions.store.folder, name: `keys-${profile}`, signal: context.signal, now: context.now };
    // A run that was killed may not have come to it, and the session would not be found.
    for (const old of listReplaced(readJournal(journal.store, journal.name), key)) {
      await rebindSessions(old, key, sessions);
    }
    const request = { profile, region: options.region, command: "fob keys rotate" };
    return await askAs(request, sessions, (aws) =>
      withJournal(journal, (open) =>
        rotate({ profile, session, keepsOld: options.keepOld ?? false }, options, open, aws, sessions, context),
      ),
    );
  },
});

/** The id of the profile's key in the keychain. @throws FobError where it is elsewhere, too */
function readKeyInKeychain(profile: string, { paths }: Pick<SessionContext, "paths">): string {
  const held = listHeldKeys(readAwsFiles(paths));
  const own = held.find((key) => key.profile === profile);
  const plain = held.find(({ accessKeyId, where }) => accessKeyId === own?.accessKeyId && where !== "keychain");
  if (plain) {
    throw new FobError(
      `the access key of ${quote(plain.profile)} is in plaintext in ${quote(plain.where)}`,
      `move it to the keychain first: fob keys import ${quoteProfileArgument(plain.profile)}`,
    );
  }
  if (own) return own.accessKeyId;
  throw new FobError(
    `the profile ${quote(profile)} has no access key in the keychain`,
    `fob keys add ${quoteProfileArgument(profile)}`,
  );
}

async function rotate(
  { profile, session, keepsOld }: Pick<Rotation, "profile" | "session" | "keepsOld">,
  options: { readonly noInput?: boolean | undefined },
  journal: Journal,
  aws: Connection,
  sessions: SessionContext,
  context: Context,
): Promise<number> {
  const { say, signal } = context;
  const mayDelete = createQuestion(options, context);
  const tools = { ...(await connect(profile, journal, aws, sessions)), mayDelete };
  const arn = await tools.identify(aws.access.credentials);
  if (arn === undefined || isRoot(arn)) {
    throw new FobError("the root user's access key is not rotated", "delete it: root needs no access key");
  }
  const user = getUserName(arn);
  const listed = explainDenial(
    tools.calls.listAccessKeys(aws, user),
    profile,
    "rotate access keys",
    "--with-access-keys",
  );
  const keys = (await listed) ?? [];
  // Only under the journal's lock does it stay.
  const named = readKeyInKeychain(profile, sessions);
  const old = findUnfinished(journal.lines, named, keys) ?? named;
  if (!keys.some(({ accessKeyId }) => accessKeyId === old) && old === named) {
    throw new FobError(`AWS has no access key ${maskKeyId(old)} for ${user}`, "fob keys list");
  }
  const rotation = { profile, session, user, arn, old, keepsOld };
  await runSteps(planRotation(rotation, keys, tools), {
    ...{ journal, signal, note: say.note },
    sleep: (milliseconds) => sleepUnless(signal, milliseconds),
  });
  const now = tools.readNamed() ?? "";
  say.note(`${quote(profile)} has the access key ${maskKeyId(now)} instead of ${maskKeyId(old)}; its sessions stay`);
  if (keepsOld) say.note("the old key is inactive; the next rotation without --keep-old deletes it");
  return exitCodes.done;
}

/** Asks about a key that an interrupted run seems to have made, whose secret is lost then. */
function createQuestion(options: { readonly noInput?: boolean | undefined }, context: Context) {
  return async ({ accessKeyId, created }: ListedKey): Promise<boolean> => {
    const terminal = options.noInput ? undefined : findTerminal();
    if (!terminal) return false;
    const time = created === undefined ? "" : ` at ${formatUtcTime(created)}`;
    context.say.note(
      `the interrupted run seems to have made ${accessKeyId}${time}; the keychain does not have its secret`,
    );
    context.say.note("do not delete it if another computer or program has made it at that time");
    const problem = (answer: string): string | undefined =>
      /^\s*(|\S{16,128})\s*$/.test(answer) ? undefined : "type the access key ID, or press Enter";
    const message = `Type the ID (${accessKeyId}) to delete it (Enter: keep it):`;
    return (await askOnTerminal(terminal, { message, problem }, context)) === accessKeyId;
  };
}

async function connect(
  profile: string,
  { lines }: Journal,
  aws: Connection,
  sessions: SessionContext,
): Promise<Omit<RotationTools, "mayDelete">> {
  const { keychain, signal, now, paths, debug } = sessions;
  const [iam, { getCallerIdentity }] = await Promise.all([
    import("../../../aws/iam-changes.ts"),
    import("../../../aws/sts.ts"),
  ]);
  return {
    ...{ aws, keychain, signal, now, lines },
    calls: {
      ...{ listAccessKeys: iam.listAccessKeys, getAccessKeyLastUsed: iam.getAccessKeyLastUsed },
      ...{ createAccessKey: iam.createAccessKey, deleteAccessKey: iam.deleteAccessKey },
      deactivateAccessKey: iam.deactivateAccessKey,
    },
    identify: async (credentials) =>
      (await withAws({ ...aws.access, credentials }, { signal, debug, now }, getCallerIdentity)).arn,
    readNamed: () => findKeychainId(readAwsFiles(paths), profile),
    rename: (old, next) => renameKey(profile, old, next, sessions),
    rebind: (old, next) => rebindSessions(old, next, sessions),
  };
}
