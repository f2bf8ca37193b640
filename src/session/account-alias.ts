// The alias of an account: people know it better than the number, and prompts name both.
import { parseDevice } from "../aws/arn.ts";
import { withAws } from "../aws/connection.ts";
import { isOneAws } from "../aws/endpoints.ts";
import type { Session } from "../store/session.ts";
import type { SessionContext } from "./context.ts";
import { buildAccess } from "./request.ts";
import type { Resolution } from "./resolve.ts";

/** Milliseconds to wait for IAM, while the user waits for the login. */
const PATIENCE = 1000;

/**
 * Asks IAM for the alias of a new session's account, with the session, unless it was asked before; keeps the answer in
 * the store. That there is no answer is kept too, so that it costs one login a moment at most. Only under the session's
 * lock. Never fails, and says nothing.
 */
export async function learnAlias(session: Session, resolution: Resolution, context: SessionContext): Promise<Session> {
  const { endpoints } = resolution.settings;
  // What another endpoint gave is not for AWS.
  if (session.accountAlias !== undefined || !isOneAws(endpoints)) return session;
  const known = { ...session, accountAlias: await askForAlias(session, resolution, context) };
  try {
    context.store.annotate(known);
  } catch (error) {
    context.debug(`the account's alias is not kept: ${error instanceof Error ? error.message : String(error)}`);
  }
  return known;
}

/** @returns "" where AWS tells none */
async function askForAlias(
  { credentials, serialNumber }: Session,
  resolution: Resolution,
  { signal, debug, now }: SessionContext,
): Promise<string> {
  const limit = new AbortController();
  // Unlike that of AbortSignal.timeout() it keeps the process alive.
  const timer = setTimeout(() => limit.abort(), PATIENCE);
  const tools = { signal: AbortSignal.any([signal, limit.signal]), debug, now };
  try {
    const { getAccountAlias } = await import("../aws/iam.ts");
    const access = buildAccess(credentials, parseDevice(serialNumber), resolution);
    return (await withAws(access, tools, getAccountAlias)) ?? "";
  } catch (error) {
    debug(`the account's alias is not known: ${error instanceof Error ? error.message : String(error)}`);
    return "";
  } finally {
    clearTimeout(timer);
  }
}
