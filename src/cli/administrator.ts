// As whom the administrators' commands ask AWS. A profile that fob can open a session for, with MFA, is used as fob uses
// it; with anything else, the SDK's own chain finds the credentials.
import type { Connection } from "../aws/connection.ts";
import { withAws } from "../aws/connection.ts";
import type { Credentials } from "../aws/types.ts";
import { type ExitCode, exitCodes, FobError, raceSignal } from "../errors.ts";
import { tryCall } from "../iam/try-call.ts";
import { askAs } from "../roles/call-as.ts";
import { canBeOpened } from "../session/candidates.ts";
import { type SessionContext, showNothing } from "../session/context.ts";
import { buildAccess } from "../session/request.ts";
import { readSettings } from "../session/settings.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import { formatJson, quote, quoteShellWord } from "../text.ts";
import { formatLogin } from "../typed-command.ts";
import type { Context } from "./context.ts";
import { createSessionContext } from "./session-context.ts";

export interface AdministratorOptions {
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
  readonly noInput?: boolean | undefined;
  /** Whether the caller shows what the user waits for, and this does not. */
  readonly isQuiet?: boolean;
}

/** The principal whose credentials are used. */
export interface Caller {
  readonly arn: string;
  /** Twelve digits. */
  readonly account: string;
}

/**
 * Does some work as the administrator.
 *
 * @param command the command that it is for, as in `fob policy simulate`
 * @param work is told whether the session is known to have MFA
 * @throws FobError
 */
export async function askAsAdministrator<T>(
  { profile: named, region, noInput, isQuiet = false }: AdministratorOptions,
  command: string,
  context: Context,
  work: (aws: Connection, session: { readonly hasMfa: boolean }) => Promise<T>,
): Promise<T> {
  const shown = createSessionContext(context, { noInput });
  const sessions = isQuiet ? { ...shown, showWhile: showNothing } : shown;
  const snapshot = takeSnapshot(sessions);
  const profile = named ?? (context.env.AWS_PROFILE || undefined);
  // As in the SDKs, keys in the environment come before the default profile, and a profile that is named before them.
  const isInEnvironment = profile === undefined && Boolean(context.env.AWS_ACCESS_KEY_ID);
  const name = profile ?? "default";
  if (!isInEnvironment && canBeOpened(name, snapshot)) {
    return await askAs({ profile: name, region, command }, sessions, (aws) => work(aws, { hasMfa: true }));
  }
  const credentials = await findCredentials(profile, name, sessions);
  // Credentials do not say whether they were made with MFA.
  const access = accessWith(credentials, name, region, snapshot, sessions, command);
  return await withAws({ ...access, sessionProfile: profile }, sessions, (aws) => work(aws, { hasMfa: false }));
}

async function findCredentials(
  profile: string | undefined,
  name: string,
  { signal }: SessionContext,
): Promise<Credentials> {
  const { findDefaultCredentials } = await import("../aws/default-chain.ts");
  try {
    return await raceSignal(signal, findDefaultCredentials(profile));
  } catch (error) {
    if (error instanceof FobError || signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new FobError(
      profile === undefined ? `no credentials found: ${message}` : `no credentials for ${quote(name)}: ${message}`,
      hintFor(profile, message),
    );
  }
}

/** The SDK's message names the command for an expired sign-in, without the profile. */
function hintFor(profile: string | undefined, message: string): string {
  const command = /\baws (?:sso )?login\b/.exec(message)?.[0];
  if (command === undefined) return "name a profile that has some: aws configure list-profiles";
  return profile === undefined ? command : `${command} --profile ${quoteShellWord(profile)}`;
}

function accessWith(
  credentials: Credentials,
  profile: string,
  region: string | undefined,
  { files }: Snapshot,
  { env, home, typed }: SessionContext,
  command: string,
) {
  const pair = { source: profile, session: profile };
  const format = (changes?: Parameters<typeof formatLogin>[2]): string =>
    formatLogin(typed, { profile, options: {} }, changes);
  const settings = readSettings(pair, files, { env, home, formatLogin: format }, { region });
  return { ...buildAccess(credentials, undefined, { settings, pair, formatLogin: format }), command };
}

/** Finds out whose credentials these are, and says it on stderr. @throws FobError */
export async function announceCaller(aws: Connection, { say }: Context): Promise<Caller> {
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const { arn, account } = await getCallerIdentity(aws);
  if (arn === undefined || account === undefined) {
    throw new FobError(
      "AWS did not say who you are",
      "check whether a custom endpoint is set: env | grep AWS_ENDPOINT_URL",
    );
  }
  say.note(`as ${arn} in ${account}${await findAlias(aws)}`);
  return { arn, account };
}

async function findAlias(aws: Connection): Promise<string> {
  const { getAccountAlias } = await import("../aws/iam.ts");
  const alias = await tryCall(() => getAccountAlias(aws));
  return "value" in alias && alias.value !== undefined ? ` (${alias.value})` : "";
}

/** Prints the least policy that allows these actions, for --print-policy. None of them has a narrower resource. */
export function printLeastPolicy(actions: readonly string[], { stdout }: Context): ExitCode {
  const statement = { Sid: "Fob", Effect: "Allow", Action: actions, Resource: "*" };
  stdout.write(formatJson({ Version: "2012-10-17", Statement: [statement] }));
  return exitCodes.done;
}
