// Reads what `fob policy simulate` evaluates from the command line, and formats its decisions.
import { UsageError } from "../../../errors.ts";
import { findNearest, measureDifference } from "../../../nearest.ts";
import { allowAllPolicy, enforceMfaPolicy } from "../../../policy/enforcement.ts";
import {
  type AuthorizationRequest,
  type Decision,
  type EvaluationOptions,
  evaluate,
  listContextKeys,
  type PolicyDocument,
  type RequestContext,
  RequestError,
} from "../../../policy/engine/evaluate.ts";
import { explain, type Reason } from "../../../policy/engine/explain.ts";
import { makeExampleUser, parseUserArn, type Subject } from "../../../policy/engine/subject.ts";
import { guessKey } from "../../../policy/lint/known.ts";
import { listDocuments } from "../../../policy/proof.ts";
import { hangText } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson, quote, quoteShellWord } from "../../../text.ts";
import type { AdministratorOptions } from "../../administrator.ts";
import type { Context } from "../../context.ts";
import { type OtherPolicy, readPrincipalPolicies } from "./principal.ts";

/** What requests are evaluated against. */
export interface SimulationSetup {
  /** The names of the policies in messages. */
  readonly names: readonly string[];
  readonly policies: readonly PolicyDocument[];
  /** A policy of a role: its requests can be evaluated, but nothing about users can be proved of it. */
  readonly ofRole: OtherPolicy | undefined;
  /** Whether a file with them is cut off, so that there may be more. */
  readonly isCutOff: boolean;
  /** Whether they were read from the account. */
  readonly isFromAccount: boolean;
  readonly evaluationOptions: EvaluationOptions;
  /** The user given with --user, or whose policies they are. */
  readonly subject: Subject | undefined;
  /** A made-up user, for when --user is not given. */
  readonly example: Subject;
  /** The context keys given with --context. */
  readonly stated: RequestContext;
  readonly json: boolean;
  readonly context: Context;
}

interface SimulateOptions extends AdministratorOptions {
  readonly account?: boolean | undefined;
  readonly policy?: readonly string[] | undefined;
  readonly of?: string | undefined;
  readonly boundary?: string | undefined;
  readonly user?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly usersMayChangePassword?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** @throws UsageError, FobError for files that are not valid policies */
export async function readSetup(given: SimulateOptions, context: Context): Promise<SimulationSetup> {
  const { account, user, policy } = given;
  // Before AWS is asked: that may need a code.
  const stated = readContext(given.context ?? []);
  const setup =
    account && user !== undefined && policy === undefined
      ? await readSetupFromAccount(user, given, context)
      : await readSetupFromFiles(given, context);
  return { ...setup, stated, json: given.json === true, context };
}

/** The policies, and whose requests are evaluated. */
type Evaluated = Omit<SimulationSetup, "stated" | "json" | "context">;

/** With the policies that the user really has. */
async function readSetupFromAccount(user: string, given: SimulateOptions, context: Context): Promise<Evaluated> {
  if (given.boundary !== undefined) {
    throw new UsageError(
      "--boundary cannot be used with the policies of the account",
      "leave out --boundary: the user's boundary is read from the account",
    );
  }
  const { readAccountUser } = await import("./account-user.ts");
  const { names, policies, boundary, subject, mayChangePassword } = await readAccountUser(user, given, context);
  for (const name of names) context.say.note(`read: ${name}`);
  const isAllowed = mayChangePassword || given.usersMayChangePassword === true;
  return {
    ...{ names, policies, ofRole: undefined, isCutOff: false, isFromAccount: true, subject, example: subject },
    evaluationOptions: { boundary, mayChangePassword: isAllowed ? subject.arn : undefined },
  };
}

async function readSetupFromFiles(given: SimulateOptions, context: Context): Promise<Evaluated> {
  const files = given.policy ?? [];
  const all = [...files, ...(given.boundary === undefined ? [] : [given.boundary])];
  if (all.filter((file) => file === "-").length > 1)
    throw new UsageError("stdin can be read only once", "use - for one file only");
  const own = {
    names: ["a policy that allows everything", "enforce-mfa-policy"],
    policies: [allowAllPolicy, enforceMfaPolicy()],
  };
  const principals = await Promise.all(files.map((file) => readPrincipalPolicies(file, given.of, context)));
  const read = principals.flatMap((each) => each.policies);
  const others = principals.flatMap((each) => each.others);
  refuseServiceControl(others);
  const ofRole = others.find(({ kind }) => kind === "role");
  if (ofRole !== undefined && given.user !== undefined) {
    throw new UsageError(`--user cannot be used with ${quote(ofRole.name)}: it is a policy of a role`, ofRole.lint);
  }
  const { names, policies } =
    given.policy === undefined
      ? own
      : { names: read.map(({ name }) => name), policies: read.map(({ policy }) => policy) };
  if (given.policy === undefined) context.say.note("for a user who is allowed everything, with enforce-mfa-policy");
  const boundary = given.boundary === undefined ? undefined : await readBoundary(given.boundary, context);
  const subject = chooseSubject(
    given.user,
    principals.flatMap((each) => each.subject ?? []),
  );
  if (subject !== undefined && given.user === undefined) context.say.note(`requests are those of ${subject.arn}`);
  const example = makeExampleUser(policies);
  const mayChangePassword = given.usersMayChangePassword ? (subject ?? example).arn : undefined;
  return {
    names,
    policies,
    ofRole,
    isCutOff: principals.some((each) => each.isCutOff),
    isFromAccount: false,
    evaluationOptions: { boundary, mayChangePassword },
    subject,
    example,
  };
}

/** @throws UsageError: such a policy only limits what users' policies allow */
function refuseServiceControl(others: readonly OtherPolicy[]): void {
  const found = others.find(({ kind }) => kind === "scp");
  if (found === undefined) return;
  throw new UsageError(
    `${quote(found.name)} is a service control policy, not a user's policy: it limits all users and roles of an account and allows nothing by itself`,
    found.lint,
  );
}

/** @throws UsageError if the file has several policies */
async function readBoundary(file: string, context: Context): Promise<PolicyDocument> {
  const { policies } = await readPrincipalPolicies(file, undefined, context);
  const [first, ...more] = policies;
  if (first !== undefined && more.length === 0) return first.policy;
  throw new UsageError(
    `${quote(file)} has ${more.length + 1} policies, but a permissions boundary is a single one`,
    "name a file with that policy only",
  );
}

/** @param found the users whose policies the files have */
function chooseSubject(user: string | undefined, found: readonly Subject[]): Subject | undefined {
  if (user !== undefined) {
    const given = readUser(user);
    // The file knows more about the user.
    return found.find(({ arn }) => arn === given.arn) ?? given;
  }
  const [first, ...more] = found;
  const other = more.find(({ arn }) => arn !== first?.arn);
  if (first === undefined || other === undefined) return first;
  throw new UsageError(
    `these are policies of different users: ${first.arn} and ${other.arn}`,
    `name the user: --user ${first.arn}`,
  );
}

function readUser(arn: string): Subject {
  const subject = parseUserArn(arn);
  if (subject) return subject;
  throw new UsageError(
    `${quote(arn)} (from --user) is not the ARN of an IAM user`,
    "for example: --user arn:aws:iam::123456789012:user/alice; a name is enough with --account",
  );
}

/** Reads `KEY=VALUE` options; a key may have several values. */
function readContext(given: readonly string[]): RequestContext {
  const values = new Map<string, { key: string; list: string[] }>();
  for (const text of given) {
    const [, key, value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key === undefined) {
      throw new UsageError(
        `invalid --context ${quote(text)}: expected KEY=VALUE`,
        "for example: --context aws:MultiFactorAuthPresent=true",
      );
    }
    if (!key.includes(":")) {
      const meant = guessKey(key)?.name;
      throw new UsageError(
        `${quote(key)} (from --context) is not a condition key: its prefix is missing`,
        meant === undefined
          ? "for example: --context aws:MultiFactorAuthPresent=true"
          : `did you mean: ${quoteShellWord(meant)}`,
      );
    }
    const entry = values.get(key.toLowerCase()) ?? { key, list: [] };
    entry.list.push(value);
    values.set(key.toLowerCase(), entry);
  }
  return Object.fromEntries(
    [...values.values()].map(({ key, list }) => [key, list.length === 1 ? (list[0] ?? "") : list]),
  );
}

/** A request, the decision, and the reasons for it. */
export interface ExplainedDecision {
  readonly request: AuthorizationRequest;
  readonly decision: Decision;
  readonly reasons: readonly Reason[];
  /** The decision that a case expects. */
  readonly expected?: Decision;
}

/**
 * Evaluates a request and explains the decision.
 *
 * @param which names the request at the start of error messages
 * @throws UsageError for a request that is invalid or cannot be decided
 */
export function decideAndExplain(
  request: AuthorizationRequest,
  { policies, evaluationOptions }: SimulationSetup,
  which = "",
): ExplainedDecision {
  if (request.resource !== "*" && !/^arn(:[^:]*){4}:./s.test(request.resource)) {
    throw new UsageError(`${which}${quote(request.resource)} is neither "*" nor an ARN`, "fob policy simulate --help");
  }
  return reportRequestErrors(() => {
    const evaluation = evaluate(policies, request, evaluationOptions);
    const reasons = explain(policies, request, evaluationOptions, evaluation);
    if (evaluation.decision !== "unknown") return { request, decision: evaluation.decision, reasons };
    const [key = ""] = evaluation.missingContextKeys;
    throw new UsageError(
      `${which}${quote(request.action)} cannot be decided: the policies compare a single value of ${quote(key)}, but the request has several`,
      `give it one value: --context ${quoteShellWord(key)}=VALUE; only ForAnyValue: and ForAllValues: compare several`,
    );
  }, which);
}

/** Does some work; turns invalid requests into usage errors. */
export function reportRequestErrors<T>(work: () => T, which = ""): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RequestError) {
      const hint = error.message.startsWith("invalid action") ? "name one action, such as s3:GetObject" : undefined;
      throw new UsageError(which + error.message, hint ?? "fob policy simulate --help");
    }
    throw error;
  }
}

function addPolicyName({ policy, ...reason }: Reason, { names }: SimulationSetup) {
  return { ...(policy === undefined ? {} : { policy: policy === "boundary" ? policy : names[policy] }), ...reason };
}

export function formatDecisionsJson(results: readonly ExplainedDecision[], simulation: SimulationSetup): string {
  const list = results.map(({ request: { action, resource, context }, decision, reasons, expected }) => ({
    action,
    resource,
    context,
    decision,
    ...(expected === undefined ? {} : { expected }),
    because: reasons.map((reason) => addPolicyName(reason, simulation)),
  }));
  return formatJson(list);
}

const words: Readonly<Record<Decision, string>> = {
  allowed: "allowed",
  explicitDeny: "denied by a policy (explicitDeny)",
  implicitDeny: "not allowed (implicitDeny)",
  unknown: "unknown",
};

export function formatDecision({ request, decision, reasons }: ExplainedDecision, simulation: SimulationSetup): string {
  const lines = reasons.map((reason) => {
    const { policy, statement, sid, why } = addPolicyName(reason, simulation);
    if (policy === undefined || statement === undefined) return why;
    const file = policy === "boundary" ? "the permissions boundary" : quote(policy);
    return `${file}, statement ${statement + 1}${sid === undefined ? "" : ` (${sid})`}: ${why}`;
  });
  const { columns } = simulation.context.stdout;
  const texts = [`${request.action} on ${request.resource}: ${words[decision]}`, ...lines].map(escapeControlCharacters);
  return texts.map((text, index) => `${hangText(index === 0 ? "" : "  ", text, columns)}\n`).join("");
}

/** Notes which context keys the policies test but the requests lack, likely typos in --context, and what is not evaluated. */
export function noteMissingKeys(
  stated: RequestContext,
  { policies, evaluationOptions, context }: SimulationSetup,
): void {
  const known = new Set(Object.keys(stated).map((key) => key.toLowerCase()));
  const tested = new Map(
    listDocuments(policies, evaluationOptions)
      .flatMap(listContextKeys)
      .map((key) => [key.toLowerCase(), key]),
  );
  const missing = [...tested]
    .filter(([key]) => !known.has(key))
    .map(([, key]) => key)
    .sort();
  for (const key of Object.keys(stated).filter((name) => !tested.has(name.toLowerCase()))) {
    const meant = findNearest(key, missing);
    // Keys that differ more are other keys; many start alike.
    if (meant === undefined || measureDifference(key, meant) > 2) continue;
    context.say.warning(`no policy tests ${quote(key)}`);
    context.say.hint(`did you mean: ${quoteShellWord(meant)}`);
  }
  if (missing.length > 0)
    context.say.note(`the policies test these keys, but the requests do not set them: ${missing.join(", ")}`);
  context.say.note("not evaluated: service and resource control policies, resource-based policies, session policies");
}
