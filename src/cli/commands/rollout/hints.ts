// Commands that the rollout's commands suggest: for the same account and the same group as the one that was typed.
import { getProperty } from "../../../profiles/files.ts";
import { isResolvable } from "../../../session/candidates.ts";
import { resolveProfilePair } from "../../../session/profile-pair.ts";
import { takeSnapshot } from "../../../session/snapshot.ts";
import { formatOption } from "../../../text.ts";
import { formatCommand, type GivenOptions, type TypedCommand } from "../../../typed-command.ts";
import type { Context } from "../../context.ts";
import { createSessionContext } from "../../session-context.ts";
import { variantOptions } from "./options.ts";

/** Another command of the rollout, with the options by which the one that was typed finds the account and the group. */
export function formatRollout({ options }: TypedCommand, name: string, set: GivenOptions = {}): string {
  const shared = Object.entries(options).filter(([option]) => ["group", "profile", "region"].includes(option));
  return formatCommand({ name: `rollout ${name}`, named: [], options: { ...Object.fromEntries(shared), ...set } });
}

/** The options of the command that was typed which choose the variant of the policy. */
export const pickVariant = ({ options }: TypedCommand): GivenOptions =>
  Object.fromEntries(Object.entries(options).filter(([option]) => option in variantOptions));

/**
 * What commands of the aws program end with, to act as the profile that was named; empty if none was. The aws program takes
 * the session from the session profile, where one was written.
 */
export function formatAsProfile(named: string | undefined, context: Context): string {
  if (named === undefined) return "";
  const sessions = createSessionContext(context, { noInput: true });
  const snapshot = takeSnapshot(sessions);
  const session = isResolvable(named, snapshot) ? resolveProfilePair(named, snapshot, context.typed).session : named;
  const isWritten = ["aws_session_token", "credential_process"].some(
    (key) => getProperty(snapshot.files, session, key) !== undefined,
  );
  return ` ${formatOption("--profile", isWritten ? session : named)}`;
}
