// `fob policy simulate`: what policies allow, request by request or as the proof that they enforce MFA.
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { type Case, CasesError, readCases } from "../policy/cases.ts";
import { enforceMfaPolicy } from "../policy/enforcement.ts";
import {
  type AuthorizationRequest,
  type Circumstances,
  type Decision,
  evaluate,
  keysOf,
  type PolicyDocument,
  type Context as RequestContext,
  RequestError,
} from "../policy/evaluate.ts";
import { explain, type Reason } from "../policy/explain.ts";
import { ageLimitOf, prove, rowsOf, verdictsOf, waysOf } from "../policy/proof.ts";
import { exampleUser, type Subject, subjectOf, withMore } from "../policy/subject.ts";
import { neutralise, quote } from "../text.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { readJsonFile, readPolicyFile } from "./policy-files.ts";
import { proofText } from "./proof-table.ts";

export const policySimulateCommand = defineCommand({
  name: "policy simulate",
  description:
    "Decides on requests as AWS does, from identity-based policies and a permissions boundary, and says why. Without " +
    "--action it prints the proof: what may be done with an access key, signed in without MFA, in sessions without and " +
    "with MFA and in an old one, and what that comes to. Without --policy it is about the enforcement policy of fob, " +
    "for a user who may do everything. No credentials are needed.",
  options: {
    policy: { value: "file", many: true, text: "a policy of the user or of one of the user's groups; - is stdin" },
    boundary: { value: "file", text: "the user's permissions boundary" },
    user: { value: "arn", text: "the user: fills in aws:username, aws:PrincipalArn and what else follows from it" },
    action: { value: "action", many: true, text: "decide on this action: s3:GetObject" },
    resource: { value: "arn", text: "on this resource (default: *)" },
    context: {
      value: "key=value",
      many: true,
      text: "the request says so; a key may have several values, others are absent",
    },
    usersMayChangePassword: { text: "the account's password policy lets users change their own password" },
    cases: { value: "file", text: "decide on each case of a JSON list, and exit with 3 unless all are as expected" },
    json: { text: "print a list of {action, resource, context, decision, because}" },
  },
  examples: [
    "fob policy simulate",
    "fob policy simulate --policy mine.json --policy enforce-mfa-policy.json",
    "fob policy simulate --policy mine.json --action s3:GetObject --resource 'arn:aws:s3:::logs/*'",
    "fob policy simulate --policy mine.json --action iam:GetUser --context aws:MultiFactorAuthPresent=true --json",
    "fob policy simulate --policy mine.json --cases expected.json",
  ],
  async run(_, options, context) {
    const { action: actions = [], resource, cases: casesFile } = options;
    if (casesFile !== undefined && (actions.length > 0 || resource !== undefined)) {
      throw new UsageError("--cases has the actions and resources in its file", "leave --action and --resource out");
    }
    if (resource !== undefined && actions.length === 0) {
      throw new UsageError("--resource belongs to an --action", "fob policy simulate --help");
    }
    const simulation = await simulationOf(options, context);
    const { subject, stated, example } = simulation;
    const base = withMore(subject?.context ?? {}, stated);
    if (casesFile !== undefined) return checkCases(await readCasesFile(casesFile, context), base, simulation);
    if (actions.length === 0) return proof(subject ?? example, simulation);
    const results = actions.map((action) => decide({ action, resource: resource ?? "*", context: base }, simulation));
    context.stdout.write(
      simulation.json ? toJson(results, simulation) : results.map((each) => inLines(each, simulation)).join("\n"),
    );
    sayWhatIsMissing(base, simulation);
    return exitCodes.done;
  },
});

/** What the command line says that requests are decided with. */
interface Simulation {
  /** What the policies are called in messages. */
  readonly names: readonly string[];
  readonly policies: readonly PolicyDocument[];
  readonly circumstances: Circumstances;
  /** The user that was named. */
  readonly subject: Subject | undefined;
  /** Somebody for when none was. */
  readonly example: Subject;
  /** What --context says. */
  readonly stated: RequestContext;
  readonly json: boolean;
  readonly context: Context;
}

interface Given {
  readonly policy?: readonly string[] | undefined;
  readonly boundary?: string | undefined;
  readonly user?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly usersMayChangePassword?: boolean | undefined;
  readonly json?: boolean | undefined;
}

async function simulationOf(given: Given, context: Context): Promise<Simulation> {
  const files = given.policy ?? [];
  const all = [...files, ...(given.boundary === undefined ? [] : [given.boundary])];
  if (all.filter((file) => file === "-").length > 1) throw new UsageError("stdin can be read once", "name files");
  const own = {
    names: ["a policy that allows everything", "enforce-mfa-policy"],
    policies: [allowAll, enforceMfaPolicy()],
  };
  const read = { names: files, policies: await inTurn(files, (file) => readPolicyFile(file, context)) };
  const { names, policies } = given.policy === undefined ? own : read;
  if (given.policy === undefined) context.say.note("for a user who may do everything, under enforce-mfa-policy");
  const boundary = given.boundary === undefined ? undefined : await readPolicyFile(given.boundary, context);
  const subject = given.user === undefined ? undefined : readUser(given.user);
  const example = exampleUser(policies);
  const mayChangePassword = given.usersMayChangePassword ? (subject ?? example).arn : undefined;
  return {
    names,
    policies,
    circumstances: { boundary, mayChangePassword },
    subject,
    example,
    stated: readContext(given.context ?? []),
    json: given.json === true,
    context,
  };
}

const allowAll: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

function readUser(arn: string): Subject {
  const subject = subjectOf(arn);
  if (subject) return subject;
  throw new UsageError(
    `${quote(arn)} is not the ARN of a user`,
    "write it like this: arn:aws:iam::123456789012:user/alice",
  );
}

/** `KEY=VALUE`, several times. */
function readContext(given: readonly string[]): RequestContext {
  const values = new Map<string, { key: string; list: string[] }>();
  for (const text of given) {
    const [, key, value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key === undefined) {
      throw new UsageError(
        `${quote(text)} (from --context) has no "="`,
        "write it like this: --context aws:MultiFactorAuthPresent=true",
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

async function readCasesFile(file: string, context: Context): Promise<readonly Case[]> {
  const { value } = await readJsonFile(file, context);
  try {
    return readCases(value);
  } catch (error) {
    if (!(error instanceof CasesError)) throw error;
    throw new UsageError(
      `${quote(file)}: ${error.message}`,
      'write it like this: [{"action": "s3:GetObject", "resource": "*", "context": {}, "decision": "explicitDeny"}]',
    );
  }
}

/** A request and what becomes of it. */
interface Result {
  readonly request: AuthorizationRequest;
  readonly decision: Decision;
  readonly reasons: readonly Reason[];
}

/** @throws UsageError for a request that is none */
function decide(request: AuthorizationRequest, { policies, circumstances }: Simulation): Result {
  try {
    const evaluation = evaluate(policies, request, circumstances);
    const reasons = explain(policies, request, circumstances, evaluation);
    if (evaluation.decision !== "unknown") return { request, decision: evaluation.decision, reasons };
    const why = [...new Set(reasons.map((reason) => reason.why))].join("; ");
    throw new UsageError(`${quote(request.action)} cannot be decided: ${why}`, "give each of these keys one value");
  } catch (error) {
    if (error instanceof RequestError) throw new UsageError(error.message, "fob policy simulate --help");
    throw error;
  }
}

function proof(subject: Subject, simulation: Simulation): ExitCode {
  const { policies, circumstances, stated, json, context } = simulation;
  const own = Object.keys(stated).find((key) => /^aws:multifactorauth(present|age)$/i.test(key));
  if (own !== undefined) throw new UsageError(`${own} is what the proof varies`, "name an --action, or leave it out");
  const limit = ageLimitOf(policies);
  const ways = waysOf(limit);
  const base = withMore(subject.context, stated);
  const rows = rowsOf(subject.arn);
  if (json) {
    const results = rows.flatMap(({ action, resource }) =>
      ways.map((way) => decide({ action, resource, context: { ...base, ...way.context } }, simulation)),
    );
    context.stdout.write(toJson(results, simulation));
  } else {
    const table = prove(policies, circumstances, { rows, ways, context: base });
    context.stdout.write(proofText(table, ways, verdictsOf(table, limit), context.stdout));
  }
  sayWhatIsMissing({ ...base, ...ways.at(-1)?.context }, simulation);
  return exitCodes.done;
}

/** Decides on each case, and says which are not as expected. */
function checkCases(cases: readonly Case[], base: RequestContext, simulation: Simulation): ExitCode {
  const { json, context } = simulation;
  const results = cases.map(({ expected, context: own, ...request }) => ({
    expected,
    ...decide({ ...request, context: withMore(base, own) }, simulation),
  }));
  const different = results.filter(({ decision, expected }) => decision !== expected);
  if (json) context.stdout.write(toJson(results, simulation));
  else {
    for (const result of different) context.stdout.write(`expected ${result.expected}: ${inLines(result, simulation)}`);
    context.stdout.write(
      `${cases.length} ${cases.length === 1 ? "case" : "cases"}, ${different.length} not as expected\n`,
    );
  }
  if (different.length === 0) return exitCodes.done;
  context.say.error(`${different.length} of ${cases.length} decisions are not as expected`);
  return exitCodes.notFresh;
}

/** `because` with the policies' names. */
function named({ policy, ...reason }: Reason, { names }: Simulation) {
  return { ...(policy === undefined ? {} : { policy: policy === "boundary" ? policy : names[policy] }), ...reason };
}

function toJson(results: readonly Result[], simulation: Simulation): string {
  const list = results.map(({ request: { action, resource, context }, decision, reasons }) => ({
    action,
    resource,
    context,
    decision,
    because: reasons.map((reason) => named(reason, simulation)),
  }));
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

const words: Readonly<Record<Decision, string>> = {
  allowed: "allowed",
  explicitDeny: "denied by a policy (explicitDeny)",
  implicitDeny: "not allowed by any policy (implicitDeny)",
  unknown: "unknown",
};

function inLines({ request, decision, reasons }: Result, simulation: Simulation): string {
  const lines = reasons.map((reason) => {
    const { policy, statement, sid, why } = named(reason, simulation);
    if (policy === undefined || statement === undefined) return `  ${why}`;
    const file = policy === "boundary" ? "the permissions boundary" : quote(policy);
    return `  ${file}, statement ${statement + 1}${sid === undefined ? "" : ` (${sid})`}: ${why}`;
  });
  return `${[`${request.action} on ${request.resource}: ${words[decision]}`, ...lines].map(neutralise).join("\n")}\n`;
}

/** What the policies ask for and the requests do not say, and what was not looked at. */
function sayWhatIsMissing(stated: RequestContext, { policies, circumstances, context }: Simulation): void {
  const known = new Set(Object.keys(stated).map((key) => key.toLowerCase()));
  const all = [...policies, ...(circumstances.boundary === undefined ? [] : [circumstances.boundary])];
  const missing = [...new Set(all.flatMap(keysOf))].filter((key) => !known.has(key)).sort();
  if (missing.length > 0)
    context.say.note(`absent from the requests, though the policies ask for them: ${missing.join(", ")}`);
  context.say.note("not looked at: service and resource control policies, resource-based policies, session policies");
}
