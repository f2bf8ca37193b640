// The credentials of any profile that fob serves: a session's, or a role's by way of its session.

import { deviceOf } from "../aws/arn.ts";
import { AwsFailure, awsFailure } from "../aws/failures.ts";
import { FobError } from "../errors.ts";
import type { Holder } from "../files/lock.ts";
import { type AwsFiles, propertyValue, readAwsFiles } from "../profiles/files.ts";
import { lastChangeOf } from "../profiles/paths.ts";
import { isFresh, wanted } from "../session/freshness.ts";
import { codeSource } from "../session/login.ts";
import { accessOf, accountOf, callContext, HOUR, obtain, roleRequest } from "../session/obtain.ts";
import { isSame, loginCommand, type Plan, planOf, undisputedPlan } from "../session/plan.ts";
import { askingFor, orOld, type ServeRequest, type ServeTools, serveSession } from "../session/serve.ts";
import type { Role, Session } from "../session/session.ts";
import { inWords } from "../terminal/duration.ts";
import { quote, shellWord } from "../text.ts";
import { roleChain } from "./chain.ts";

/**
 * The credentials of a profile: of its session, asked for once however many programs want it; or of its role, which never
 * asks for a code of its own as long as a session will do.
 *
 * @throws FobError
 */
export async function credentialsOf(request: ServeRequest, tools: ServeTools): Promise<Session> {
  const files = readAwsFiles(tools.paths);
  const chain = roleChain(request.profile, files);
  return chain.length === 0 ? await serveSession(request, tools) : await ofRole(chain, files, request, tools);
}

/** The region that a profile's programs use: the option's, the role profile's own, else the session's. */
export function regionOf({ profile, region }: ServeRequest, tools: ServeTools): string | undefined {
  const files = readAwsFiles(tools.paths);
  const [first] = roleChain(profile, files);
  const { settings } = planOf({ profile: first?.by ?? profile }, tools);
  return region ?? (first && propertyValue(files, profile, "region")) ?? settings.region?.region;
}

async function ofRole(
  chain: readonly Role[],
  files: AwsFiles,
  request: ServeRequest,
  tools: ServeTools,
): Promise<Session> {
  const [first] = chain;
  const role = chain.at(-1);
  if (!first || !role) throw new TypeError("a chain of roles has at least one");
  const { store, now, signal } = tools;
  const lastChange = lastChangeOf(tools.paths);
  const base = { ...request, profile: first.by, isRenewal: true };
  const plan = planOf(base, tools);
  const again = { ...tools, again: loginCommand(first.by, plan) };
  const stored = (): Session | undefined => storedRole(chain, plan, tools);
  const fresh = (): Session | undefined => {
    const session = stored();
    return session && isFresh(spanOf(session), wanted.use, request.minTtl, now()) ? session : undefined;
  };
  const kept = fresh();
  if (kept) {
    const undisputed = undisputedPlan(first.by, tools);
    if (undisputed && storedRole(chain, undisputed, tools)) store.vouch(role.profile, lastChange, now());
    return kept;
  }
  const waiting = {
    signal,
    patience: tools.program?.patience ?? Number.POSITIVE_INFINITY,
    onWait: ({ pid }: Holder) =>
      tools.debug(`waiting for another fob (process ${pid}) that asks for ${quote(role.profile)}`),
  };
  return await orOld(stored, request, tools, async () => {
    const work = async (): Promise<Session> => {
      const session = fresh();
      if (session) return session;
      return (await direct(role, chain, plan, again)) ?? (await chained(role, chain, files, plan, request, again));
    };
    const made = await store.locked(role.profile, waiting, work, () => fresh() !== undefined);
    return made ?? fresh() ?? (await ofRole(chain, files, request, tools));
  });
}

/** The credentials in the store, if they are of just these roles, by way of just that session. */
function storedRole(chain: readonly Role[], plan: Plan, { store }: ServeTools): Session | undefined {
  const found = store.read(chain.at(-1)?.profile ?? "");
  if (found.state !== "readable") return undefined;
  const { session } = found;
  const isOfChain = JSON.stringify(session.roles) === JSON.stringify(chain);
  return isOfChain && isSame(session, plan.source, plan.settings) ? session : undefined;
}

const spanOf = ({ issued, credentials }: Session) => ({ issued, expiration: credentials.expiration });

/**
 * Asks for the role with a code of its own, where a session cannot give it for as long as its profile says: AWS counts a
 * session as one role before it, and ends what comes after within the hour. Undefined where that does not help, or nobody
 * can be asked.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
 */
async function direct(role: Role, chain: readonly Role[], plan: Plan, tools: ServeTools): Promise<Session | undefined> {
  if ((role.duration ?? HOUR) <= HOUR || chain.length > 1) return undefined;
  const why = `the role of ${quote(role.profile)} is wanted for ${inWords(role.duration ?? HOUR)}; AWS gives more than an hour only for a code of its own`;
  const asking = askingFor(tools);
  const codes = codeSource(plan, asking);
  if (!codes) return undefined;
  const make = async () => (await obtain({ plan, codes, role: { role, why } }, asking)).session;
  try {
    return asking.guard ? await asking.guard(role.profile, make) : await make();
  } catch (error) {
    throw refusedRole(error, role);
  }
}

/** Asks for the role with the credentials of the profile before it. */
async function chained(
  role: Role,
  chain: readonly Role[],
  files: AwsFiles,
  plan: Plan,
  request: ServeRequest,
  tools: ServeTools,
): Promise<Session> {
  const { store, signal, debug, now } = tools;
  const before = chain.slice(0, -1);
  const parent =
    before.length > 0
      ? await ofRole(before, files, request, tools)
      : await serveSession({ ...request, profile: role.by }, tools);
  if ((role.duration ?? HOUR) > HOUR) {
    tools.warn(
      `the role of ${quote(role.profile)} lasts for an hour, and not for ${inWords(role.duration ?? HOUR)}: AWS gives no more to who asks with a session or another role`,
    );
  }
  const region = regionFor(role, request, files);
  const settings = region === undefined ? plan.settings : { ...plan.settings, region };
  const device = deviceOf(parent.serialNumber);
  const aws = await tools.connect({ ...accessOf(parent.credentials, device, settings, plan.link), signal, debug });
  try {
    const asked = roleRequest(role, parent.user, parent.source.profile);
    const credentials = await aws.assumeRole({ ...asked, duration: Math.min(asked.duration, HOUR) });
    const session: Session = {
      ...parent,
      ...{ profile: role.profile, credentials, roles: chain, writtenTo: [], issued: now() },
      account: accountOf(role.arn),
    };
    store.save(session);
    return session;
  } catch (error) {
    if (signal.aborted) throw error;
    const context = callContext(plan.link, parent.credentials, device, settings, tools);
    throw refusedRole(awsFailure(error, context), role);
  } finally {
    aws.close();
  }
}

/** The region whose STS is asked: the role profile's own comes first, as with the SDKs. */
function regionFor(role: Role, request: ServeRequest, files: AwsFiles): { region: string; from: string } | undefined {
  if (request.region !== undefined) return undefined;
  const region = propertyValue(files, role.profile, "region");
  return region === undefined ? undefined : { region, from: `region of the profile ${quote(role.profile)}` };
}

/** Says which role of a chain it was, and where to look. */
function refusedRole(error: unknown, { profile, arn, by }: Role): unknown {
  if (!(error instanceof AwsFailure) || error.consequence !== "refused") return error;
  return new FobError(
    `the role profile ${quote(profile)}: ${error.message}`,
    [
      `the role's trust policy must allow it, and a policy of who asks (${quote(by)}) must allow sts:AssumeRole on ${arn}`,
      `see what is asked for: aws configure list --profile ${shellWord(profile)}`,
    ],
    undefined,
    error,
  );
}
