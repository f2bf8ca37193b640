// `fob keys list`: which access keys there are, where they are, how old, and when they were last used.
import { getUserName, parseDevice } from "../../../aws/arn.ts";
import { withAws } from "../../../aws/connection.ts";
import { describeAgo } from "../../../duration.ts";
import { exitCodes, FobError } from "../../../errors.ts";
import { askForKeys, type HeldKey, type KeyFacts, type Known, listHeldKeys } from "../../../keys/list.ts";
import type { SessionContext } from "../../../session/context.ts";
import { buildAccess } from "../../../session/request.ts";
import { findMatching, resolve } from "../../../session/resolve.ts";
import { type Snapshot, takeSnapshot } from "../../../session/snapshot.ts";
import { formatExpiration } from "../../../store/session.ts";
import { formatTable } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson, quote, quoteProfileArgument } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { createSessionContext } from "../../session-context.ts";

/** One key. The profile is undefined for another key of the same user, whose secret no profile has. */
interface Row {
  readonly profile: string | undefined;
  readonly accessKeyId: string;
  readonly where: string | undefined;
  readonly facts: Known<KeyFacts>;
}

export const keysListCommand = defineCommand({
  name: "keys list",
  description:
    "Shows the access keys of your profiles: where each is kept, its age and its last use. AWS is asked with the " +
    "sessions that are valid, and no code is asked for; what AWS does not tell is unknown.",
  options: { json: { text: "print JSON" } },
  common: ["debug"],
  examples: ["fob keys list", "fob keys list --json"],
  async run(_, options, context) {
    const sessions = createSessionContext(context, { noInput: true });
    const snapshot = takeSnapshot(sessions);
    const rows: Row[] = [];
    for (const held of listHeldKeys(snapshot.files)) rows.push(...(await describe(held, snapshot, sessions)));
    const unique = rows.filter(
      ({ profile, accessKeyId }, index) =>
        profile !== undefined || rows.findIndex((other) => other.accessKeyId === accessKeyId) === index,
    );
    const now = context.now();
    if (options.json) context.stdout.write(formatJson({ version: 1, keys: unique.map(toJson) }));
    else if (unique.length > 0) context.stdout.write(format(unique, now));
    else context.say.note("no access keys");
    if (!options.json) sayReasons(unique, context.say);
    return exitCodes.done;
  },
});

async function describe(held: HeldKey, snapshot: Snapshot, sessions: SessionContext): Promise<Row[]> {
  const all = await askAws(held, snapshot, sessions);
  if ("unknown" in all) return [{ ...held, facts: all }];
  const own = all.value.find(({ accessKeyId }) => accessKeyId === held.accessKeyId);
  const facts: Known<KeyFacts> = own ? { value: own } : { unknown: "the user of the session does not have this key" };
  const others = all.value.filter((key) => key !== own);
  return [
    { ...held, facts },
    ...others.map((key) => ({
      accessKeyId: key.accessKeyId,
      profile: undefined,
      where: undefined,
      facts: { value: key },
    })),
  ];
}

const noSession = "there is no session";

/** Asks with the session of the profile, if there is one: a code is not worth it. */
async function askAws(
  { profile }: HeldKey,
  snapshot: Snapshot,
  sessions: SessionContext,
): Promise<Known<readonly KeyFacts[]>> {
  try {
    const resolution = resolve({ profile, isRenewal: true }, snapshot, sessions);
    const session = findMatching(resolution, snapshot.store);
    if (!session || session.credentials.expiration <= sessions.now()) {
      return { unknown: noSession };
    }
    const access = buildAccess(session.credentials, parseDevice(session.serialNumber), resolution);
    const [calls, { getCallerIdentity }] = await Promise.all([
      import("../../../aws/iam-changes.ts"),
      import("../../../aws/sts.ts"),
    ]);
    return await withAws({ ...access, command: "fob keys list" }, sessions, async (aws) => {
      const { arn } = await getCallerIdentity(aws);
      return await askForKeys(aws, getUserName(arn ?? ""), calls);
    });
  } catch (error) {
    if (!(error instanceof FobError) || error.exitCode === exitCodes.cancelled) throw error;
    return { unknown: error.message };
  }
}

function format(rows: readonly Row[], now: number): string {
  const heading = ["PROFILE", "KEY", "WHERE", "STATE", "AGE", "LAST USE"];
  const cells = rows.map(({ profile, accessKeyId, where, facts }) => [
    profile ?? "(none)",
    accessKeyId,
    where ?? "not here",
    ...("unknown" in facts ? ["unknown", "unknown", "unknown"] : describeFacts(facts.value, now)),
  ]);
  return formatTable(
    heading,
    cells.map((row) => row.map(escapeControlCharacters)),
  );
}

function describeFacts({ isActive, created, lastUsed }: KeyFacts, now: number): string[] {
  const age = created === undefined ? "unknown" : `${Math.floor((now - created) / 86_400_000)} days`;
  return [isActive ? "active" : "inactive", age, describeUse(lastUsed, now)];
}

function describeUse(lastUsed: KeyFacts["lastUsed"], now: number): string {
  if ("unknown" in lastUsed) return "unknown";
  return lastUsed.value === undefined ? "never" : `${describeAgo(now - lastUsed.value.at)} (${lastUsed.value.service})`;
}

/** Why something is unknown. */
function sayReasons(rows: readonly Row[], { note, hint }: Context["say"]): void {
  const reasons = rows.flatMap(({ profile, accessKeyId, facts }) => {
    const lastUse = "value" in facts ? facts.value.lastUsed : facts;
    return "unknown" in lastUse ? [{ name: profile ?? accessKeyId, reason: lastUse.unknown }] : [];
  });
  for (const { name, reason } of reasons) if (reason !== noSession) note(`unknown for ${quote(name)}: ${reason}`);
  const without = reasons.filter(({ reason }) => reason === noSession).map(({ name }) => name);
  const [first] = without;
  if (first === undefined) return;
  note(`unknown without a session: ${without.map(quote).join(", ")}`);
  hint(`log in, then list again: fob login ${quoteProfileArgument(first)}`);
}

function toJson({ profile, accessKeyId, where, facts }: Row) {
  const key = { profile: profile ?? null, accessKeyId, where: where ?? null };
  if ("unknown" in facts) return { ...key, unknown: facts.unknown };
  const { isActive, created, lastUsed } = facts.value;
  const time = (at: number | undefined): string | null => (at === undefined ? null : formatExpiration(at));
  return {
    ...{ ...key, active: isActive, created: time(created) },
    ...("unknown" in lastUsed
      ? { unknown: lastUsed.unknown }
      : { lastUsed: time(lastUsed.value?.at), lastUsedService: lastUsed.value?.service ?? null }),
  };
}
