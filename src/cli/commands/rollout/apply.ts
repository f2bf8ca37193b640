// `fob rollout apply`: puts the next batch of a plan under the enforcement policy.
import { exitCodes, FobError, UsageError } from "../../../errors.ts";
import { buildEnforcement, getVariantOptions } from "../../../iam/enforcement.ts";
import { isBreakGlass, isMember } from "../../../iam/parts.ts";
import { indexPolicies, type PoliciesOf } from "../../../iam/policies-of.ts";
import { snapshotActions } from "../../../iam/read.ts";
import type { AccountSnapshot, User } from "../../../iam/snapshot.ts";
import {
  assertSameAccount,
  chooseBatch,
  listApplySteps,
  listGroupSteps,
  type Override,
  type RolloutCalls,
  withoutOverridden,
} from "../../../rollout/apply.ts";
import {
  checkBatch,
  checkUser,
  describeCaller,
  guardIds,
  type Refusal,
  type Situation,
} from "../../../rollout/guards.ts";
import { type Batch, decideFor, describeAge, makePlan, type Plan } from "../../../rollout/plan.ts";
import { parsePlan } from "../../../rollout/plan-file.ts";
import { listDone, readJournal, withJournal } from "../../../steps/journal.ts";
import { runSteps } from "../../../steps/steps.ts";
import { formatJson, quote } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { type ReadAccount, sleepUnless, withAccount } from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { readTextFile } from "../policy/files.ts";
import { connectRollout } from "./calls.ts";
import { confirmAccount } from "./confirm.ts";
import { nameNextCommand } from "./go-on.ts";
import { formatRollout } from "./hints.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions } from "./options.ts";

export const rolloutApplyCommand = defineCommand({
  name: "rollout apply",
  description:
    "Puts one batch of a plan into the group that enforces MFA: the first batch that is not done, or the one you name. " +
    "Makes the group and its two policies if they do not exist. Checks the guards for every user again first, asks for " +
    "the account number, then adds one user after the other and verifies each. Stops at the first doubt, and prints the " +
    "commands that undo what was done. Run it again to go on.",
  options: {
    plan: { value: "file", text: "the plan, from fob rollout plan --out" },
    batch: { value: "number", text: "apply this batch" },
    override: { value: "user:guard", many: true, text: "let this user pass this guard, e.g. ben:G13" },
    breakGlass: { value: "user", many: true, text: "treat this user as a break-glass user, as the tag fob-role does" },
    yes: {
      text: "do not ask for the account number; refused if the users' states are not those of the plan, or the plan is older than 7 days",
    },
    json: { text: "print what was done as JSON" },
    printPolicy: { text: "print the policy that this command needs, and do nothing else" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob rollout apply --plan plan.json",
    "fob rollout apply --plan plan.json --batch 2",
    "fob rollout apply --plan plan.json --yes --json",
  ],
  async run(_, options, context) {
    if (options.printPolicy) return printLeastPolicy([...snapshotActions, ...applyPermissions].sort(), context);
    if (options.plan === undefined) throw new UsageError("--plan is missing", "fob rollout plan --out plan.json");
    const { plan: path } = options;
    const plan = parsePlan(path, (await readTextFile(path, context, planLimit)).text);
    const overrides = (options.override ?? []).map(parseOverride);
    const number = parseBatchNumber(options.batch, plan);
    const breakGlass = [...plan.breakGlass, ...(options.breakGlass ?? [])];
    return await withAccount(options, "fob rollout apply", context, (account) =>
      applyPlan(plan, { ...options, plan: path, number, overrides, breakGlass }, account, context),
    );
  },
});

/** A plan of ten thousand users. */
const planLimit = { bytes: 50_000_000, size: "50 MB", hint: "fob rollout plan --out plan.json" };

const applyPermissions = [
  "cloudtrail:LookupEvents",
  ...["iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:CreateGroup", "iam:CreatePolicy", "iam:ListGroupsForUser"],
  ...["iam:RemoveUserFromGroup", "iam:SimulatePrincipalPolicy"],
];

/** @throws UsageError */
function parseOverride(text: string): Override {
  const at = text.lastIndexOf(":");
  const guard = guardIds.find((id) => id === text.slice(at + 1).toUpperCase());
  if (at > 0 && guard !== undefined) return { user: text.slice(0, at), guard };
  throw new UsageError(
    `invalid --override ${quote(text)}`,
    "name the user and the guard, for example: --override ben:G13",
  );
}

/** @throws UsageError */
function parseBatchNumber(text: string | undefined, { batches }: Plan): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (batches.some((batch) => batch.number === number)) return number;
  throw new UsageError(
    `the plan has no batch ${quote(text)}`,
    batches.length === 0 ? "fob rollout plan" : `choose from 1 to ${batches.length}`,
  );
}

/** @throws UsageError for an override that would do nothing */
function checkOverrides(overrides: readonly Override[], { number, users }: Batch): void {
  const names = users.map((user) => user.toLowerCase());
  const other = overrides.find(({ user }) => !names.includes(user.toLowerCase()));
  if (other === undefined) return;
  throw new UsageError(
    `${quote(other.user)} (from --override) is not in batch ${number}`,
    `name a user of the batch: ${users.join(", ")}`,
  );
}

interface ApplyOptions {
  /** The plan's file. */
  readonly plan: string;
  readonly number: number | undefined;
  readonly overrides: readonly Override[];
  readonly breakGlass: readonly string[];
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly noInput?: boolean | undefined;
}

async function applyPlan(
  plan: Plan,
  options: ApplyOptions,
  { snapshot, caller, aws, readAgain }: ReadAccount,
  context: Context,
): Promise<number> {
  assertSameAccount(plan, snapshot, formatCommand(context.typed, { set: { profile: "NAME" } }));
  const { say, signal } = context;
  const place = locateJournal(plan.account, context);
  const batch = chooseBatch(plan, snapshot.users, options.number, listUnsure(plan.group, place));
  if (batch === undefined) {
    say.note(`all ${plan.batches.length} batches of the plan are done`);
    return finish(plan, undefined, [], options, context);
  }
  checkOverrides(options.overrides, batch);
  const calls = warnWithoutSimulator(await connectRollout(aws), say);
  const check = async (read: AccountSnapshot): Promise<Checked> => {
    const checked = await checkLive({ plan, batch, caller, snapshot: read, calls, now: context.now() }, options);
    if (options.json && checked.refusals.length > 0) {
      const { refusals } = checked;
      context.stdout.write(formatJson({ version: 1, account: plan.account, batch, refusals }));
    }
    sayRefusals(checked.refusals, batch, context);
    return checked;
  };
  let checked = await check(snapshot);
  if (checked.refusals.length > 0) return exitCodes.notFresh;
  await sayBatch(checked.situation, plan, calls, say);
  const age = describeAge(plan, context.now());
  const settings = { group: plan.group, ...getVariantOptions(plan.policy) };
  const planAgain = formatRollout(context.typed, "plan", { ...settings, out: options.plan });
  warnCaller(checked.situation, say);
  if (options.yes) {
    if (age !== undefined) throw new FobError(`nothing was changed: ${age}`, planAgain, exitCodes.notFresh);
    assertAsPlanned(plan, batch, checked.situation.account, context.now());
  } else {
    if (age !== undefined) {
      say.warning(age);
      say.hint(planAgain);
    }
    await confirmAccount(plan.account, options, context);
    // While the question was open, others may have changed the account.
    checked = await check(await readAgain());
    if (checked.refusals.length > 0) return exitCodes.notFresh;
  }
  const steps = listApplySteps(checked.situation, checked.policiesOf, options.overrides, calls).map((step) => ({
    ...step,
    facts: { ...step.facts, plan: plan.made },
  }));
  const done = await withJournal({ ...place, signal, now: context.now }, (journal) =>
    nameNextCommand(context.typed, () =>
      runSteps(steps, {
        ...{ journal, signal, note: (message: string) => say.note(message) },
        sleep: (milliseconds: number) => sleepUnless(signal, milliseconds),
      }),
    ),
  );
  say.note(`batch ${batch.number} is done: ${batch.users.join(", ")}`);
  return finish(plan, batch, done, options, context);
}

interface Checked {
  readonly situation: Situation;
  readonly policiesOf: PoliciesOf;
  readonly refusals: readonly Refusal[];
}

/** Checks the guards with the account as it is, and what its users have now. */
async function checkLive(
  given: Pick<Situation, "batch" | "caller" | "now"> & {
    readonly plan: Plan;
    readonly snapshot: AccountSnapshot;
    readonly calls: RolloutCalls;
  },
  { breakGlass, overrides }: ApplyOptions,
): Promise<Checked> {
  const { plan, batch, caller, snapshot, calls, now } = given;
  const users = await refreshUsers(batch, snapshot, calls);
  const ofBatch = new Map(users.map((user) => [user.name, user]));
  const readOne = async (user: User): Promise<User | undefined> =>
    ofBatch.get(user.name) ?? (isBreakGlass(user, breakGlass) ? await calls.readBreakGlass(user) : user);
  const read = await Promise.all(snapshot.users.map(readOne));
  const account: AccountSnapshot = { ...snapshot, users: read.filter((user) => user !== undefined) };
  const policiesOf = indexPolicies(account);
  const situation: Situation = {
    ...{ account, batch, caller, breakGlass, now },
    enforcement: buildEnforcement(account, plan.group, plan.policy),
    decisionsOf: (user) => decideFor(user, policiesOf),
    planned: (name) => plan.users.find(({ user }) => user === name),
  };
  return { situation, policiesOf, refusals: findRefusals(situation, users, overrides) };
}

/** Users of whom the journal does not know whether they were added: fob was killed, or no clear answer came. */
function listUnsure(group: string, { store, name }: ReturnType<typeof locateJournal>): readonly string[] {
  return listDone(readJournal(store, name)).flatMap(({ state, facts }) =>
    state === "unknown" && facts.group === group ? (facts.user ?? []) : [],
  );
}

/** Says once for each user that AWS's simulator gave no answer. */
function warnWithoutSimulator(calls: RolloutCalls, say: Context["say"]): RolloutCalls {
  const warned = new Set<string>();
  return {
    ...calls,
    simulateWithoutMfa: async (arn, action) => {
      const decision = await calls.simulateWithoutMfa(arn, action);
      if ("unknown" in decision && !warned.has(arn)) {
        warned.add(arn);
        say.warning(`not verified with AWS's simulator: ${arn}: ${decision.unknown}`);
      }
      return decision;
    },
  };
}

async function refreshUsers(batch: Batch, { users, account }: AccountSnapshot, calls: RolloutCalls): Promise<User[]> {
  const found = await Promise.all(
    batch.users.map(async (name) => {
      const user = users.find((each) => each.name === name);
      return user && (await calls.readUser(user));
    }),
  );
  const missing = batch.users.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return found.filter((user) => user !== undefined);
  throw new FobError(
    `batch ${batch.number} is not applied: no user ${missing.map(quote).join(", ")} in account ${account} any more`,
    "fob rollout plan --out plan.json",
    exitCodes.notFresh,
  );
}

function findRefusals(
  situation: Situation,
  users: readonly User[],
  overrides: readonly Override[],
): readonly Refusal[] {
  const { enforcement } = situation;
  const open = users.filter((user) => !isMember(user, enforcement.group));
  return [
    ...checkBatch(situation),
    ...withoutOverridden(
      open.flatMap((user) => checkUser(user, situation)),
      overrides,
    ),
  ];
}

function sayRefusals(refusals: readonly Refusal[], { number }: Batch, { say, typed }: Context): void {
  if (refusals.length === 0) return;
  say.error(`batch ${number} is not applied, and nothing was changed`);
  for (const { rule, subject, message, fix } of refusals) {
    say.error(`${rule}: ${subject}: ${message}`);
    say.hint(fix);
  }
  if (refusals.some(({ canOverride }) => !canOverride)) return;
  const users = [...new Set(refusals.map(({ subject }) => subject))];
  const exclude = users.map((user) => ` --exclude ${user}`).join("");
  say.hint(`to leave out ${users.join(", ")}: fob rollout plan${exclude} --out plan.json`);
  const { override } = typed.options;
  const before = typeof override === "object" ? override : [];
  const set = { override: [...before, ...refusals.map(({ subject, rule }) => `${subject}:${rule}`)] };
  say.hint(`to take the risk: ${formatCommand(typed, { set })}`);
}

/** What will be done: what the group still needs, then the users. */
async function sayBatch(
  { batch, enforcement, account }: Situation,
  plan: Plan,
  calls: RolloutCalls,
  say: Context["say"],
): Promise<void> {
  const isThere = (name: string): boolean =>
    account.users.some((user) => user.name === name && isMember(user, enforcement.group));
  say.note(`batch ${batch.number} of ${plan.batches.length} in account ${plan.account}, group ${enforcement.group}:`);
  for (const step of listGroupSteps({ account, enforcement }, calls)) {
    if ((await step.check()).state === "to do") say.note(`  ${step.text}`);
  }
  for (const name of batch.users) {
    const planned = plan.users.find(({ user }) => user === name);
    const loses = planned?.withoutMfa?.loses.map((pattern) => pattern.split(" ")[0]) ?? [];
    const lost = loses.length === 0 ? "" : `, who loses without MFA: ${[...new Set(loses)].slice(0, 8).join(", ")}`;
    say.note(isThere(name) ? `  ${name} is in the group already` : `  add ${name}${lost}`);
  }
}

/** Who cannot take users out of the group cannot undo what goes wrong. */
function warnCaller(situation: Situation, say: Context["say"]): void {
  const problem = describeCaller(situation);
  if (problem === undefined) return;
  say.warning(`${problem}, so you may not be able to undo this batch`);
  say.hint("see which permissions you need: fob rollout apply --print-policy");
}

/** @throws FobError if a user's state is not the one of the plan any more */
function assertAsPlanned(plan: Plan, batch: Batch, account: AccountSnapshot, now: number): void {
  const { group, policy, breakGlass } = plan;
  const current = makePlan(account, { group, policy, batchSize: 3, exclude: [], include: [], breakGlass, now });
  const changed = batch.users.flatMap((name) => {
    const before = plan.users.find(({ user }) => user === name)?.state;
    const after = current.users.find(({ user }) => user === name)?.state;
    return before === after || after === "enforced" ? [] : [`${name} was ${before} and is ${after}`];
  });
  if (changed.length === 0) return;
  throw new FobError(
    `the account is not as the plan says: ${changed.join(", ")}`,
    "make a new plan: fob rollout plan --out plan.json",
    exitCodes.notFresh,
  );
}

function finish(
  { account, group }: Plan,
  batch: Batch | undefined,
  done: readonly { readonly step: string; readonly text: string }[],
  { json }: ApplyOptions,
  { stdout, say }: Context,
): number {
  const steps = done.map(({ step, text }) => ({ step, text }));
  if (json) stdout.write(formatJson({ version: 1, account, group, batch: batch ?? null, done: steps }));
  else if (batch !== undefined) say.hint("see how far it is: fob rollout status");
  return exitCodes.done;
}
