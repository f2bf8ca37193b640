// `fob policy simulate`: evaluates requests against policies, or proves that the policies enforce MFA.
import { exitCodes, UsageError } from "../../../errors.ts";
import { CasesError, readCases } from "../../../policy/cases.ts";
import type { RequestContext } from "../../../policy/engine/evaluate.ts";
import { mergeContexts } from "../../../policy/engine/subject.ts";
import { findActions, guessAction, isKnownService, splitAction, updated } from "../../../policy/lint/known.ts";
import { type Cell, prove } from "../../../policy/proof.ts";
import { judgeProof, judgeRequirement, type Requirement, requirements } from "../../../policy/verdicts.ts";
import { escapeControlCharacters, formatFlag, quote } from "../../../text.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import {
  decideAndExplain,
  type ExplainedDecision,
  formatDecision,
  formatDecisionsJson,
  noteMissingKeys,
  readSetup,
  reportRequestErrors,
  type SimulationSetup,
} from "./decisions.ts";
import { casesLimit, readJsonFile } from "./files.ts";
import { formatProof } from "./proof-table.ts";

export const policySimulateCommand = defineCommand({
  name: "policy simulate",
  description:
    "Evaluates requests against identity-based policies and a permissions boundary, and explains each decision. " +
    "Without --action, shows what a user can do with an access key, with a password but no MFA, and in sessions with " +
    "and without MFA. Without --policy, evaluates fob's enforcement policy for a user who is allowed everything. " +
    "Needs no credentials unless you pass --account.",
  options: {
    policy: { value: "file", many: true, text: "a policy of the user or of one of the user's groups; - for stdin" },
    of: {
      value: "name",
      text: "take only the policies of this user, group or role from files that have more, e.g. 'user alice'",
    },
    boundary: { value: "file", text: "the user's permissions boundary" },
    user: {
      value: "arn",
      text: "the user; sets aws:username, aws:PrincipalArn and other keys that follow from it; with --account and without --policy, a name is enough and the policies are the user's own",
    },
    action: { value: "action", many: true, text: "evaluate this action, e.g. s3:GetObject" },
    resource: { value: "arn", many: true, text: "evaluate it on this resource (default: *)" },
    context: {
      value: "key=value",
      many: true,
      text: "set a condition key in the request; repeat for more values; keys you don't set are absent",
    },
    usersMayChangePassword: {
      text: "assume that the account's password policy lets users change their own password (as a --resource: the user's ARN)",
    },
    cases: { value: "file", text: "evaluate each case of a JSON list; exit with 3 if a decision is not as expected" },
    require: {
      value: "properties",
      many: true,
      choices: requirements,
      text: "exit with 3 unless these hold, separated by commas: enforced (nothing works without MFA but setting it up), enrollable (with these policies, a user without a device can get one)",
    },
    account: {
      text: "compare with AWS's own simulator, using the session of --profile; exit with 3 if it disagrees. With --user and without --policy, read the user's policies from the account",
    },
    profile: {
      value: "profile",
      text: "the profile for --account (default: AWS_PROFILE, keys in the environment, else default); one that fob cannot open is used as the AWS SDKs do",
    },
    printPolicy: { text: "print the policy that --account needs, and do nothing else" },
    json: { text: "print a list of {action, resource, context, decision, because}" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob policy simulate",
    "fob policy simulate --policy mine.json --policy enforce-mfa-policy.json",
    "fob policy simulate --policy mine.json --action s3:GetObject --resource arn:aws:s3:::logs/2026-11.txt",
    "fob policy simulate --policy mine.json --action iam:GetUser --context aws:MultiFactorAuthPresent=true --json",
    "fob policy simulate --policy mine.json --cases expected.json",
    "fob policy simulate --policy mine.json --policy enforce-mfa-policy.json --require enforced,enrollable",
    "fob policy simulate --policy account.json --of 'user alice'",
    "fob policy simulate --policy mine.json --account --profile work",
    "fob policy simulate --account --user alice --require enforced,enrollable",
  ],
  async run(_, options, context) {
    const { action: actions = [], resource: resources = [], cases: casesFile } = options;
    if (casesFile !== undefined && (actions.length > 0 || resources.length > 0)) {
      throw new UsageError(
        "--cases cannot be used with --action or --resource",
        "the file of cases has the actions and resources",
      );
    }
    if (resources.length > 0 && actions.length === 0) {
      throw new UsageError("--resource requires --action", "fob policy simulate --help");
    }
    for (const name of ["profile", "region", "printPolicy"] as const) {
      if (options[name] === undefined || options[name] === false || options.account) continue;
      throw new UsageError(`${formatFlag(name)} requires --account`, "fob policy simulate --help");
    }
    const required = readRequirements(options.require ?? []);
    if (required.length > 0 && (actions.length > 0 || casesFile !== undefined)) {
      throw new UsageError("--require cannot be used with --action or --cases", "fob policy simulate --help");
    }
    if (options.printPolicy) {
      const { printLeastPolicy } = await import("../../administrator.ts");
      return printLeastPolicy(accountPermissions, context);
    }
    const simulation = await readSetup(options, context);
    const outcome =
      casesFile !== undefined
        ? await compareCases(casesFile, simulation)
        : actions.length > 0
          ? simulateRequests(actions, resources.length > 0 ? resources : ["*"], simulation)
          : simulateProof(simulation, required, options.account === true);
    const account = options.account ? await import("./compare-with-aws.ts") : undefined;
    // Before anything is printed: the session may need a code.
    const answers = await account?.askAccount(outcome.results, simulation, options);
    context.stdout.write(simulation.json ? formatDecisionsJson(outcome.results, simulation) : outcome.text);
    if (actions.length > 0 || casesFile !== undefined) await warnAboutActions(outcome.results, context);
    noteMissingKeys(outcome.stated, simulation);
    if (simulation.json) for (const line of outcome.notes ?? []) context.say.note(line);
    if (outcome.problem !== undefined) context.say.error(outcome.problem);
    const isSame = !account || !answers || account.compareDecisions(outcome.results, answers, simulation);
    return outcome.problem === undefined && isSame ? exitCodes.done : exitCodes.notFresh;
  },
});

/** What --account needs, with and without --user. */
const accountPermissions = [
  "iam:GetAccountAuthorizationDetails",
  "iam:GetAccountPasswordPolicy",
  "iam:ListAccountAliases",
  "iam:SimulateCustomPolicy",
];

interface SimulationOutcome {
  readonly results: readonly ExplainedDecision[];
  /** The output without --json. */
  readonly text: string;
  /** The context keys of every request. */
  readonly stated: RequestContext;
  /** The failed cases or requirements, as an error message. */
  readonly problem?: string;
  /** Lines of the text that --json does not have. */
  readonly notes?: readonly string[];
}

function simulateRequests(
  actions: readonly string[],
  resources: readonly string[],
  simulation: SimulationSetup,
): SimulationOutcome {
  const stated = mergeContexts(simulation.subject?.context ?? {}, simulation.stated);
  const results = actions.flatMap((action) =>
    resources.map((resource) => decideAndExplain({ action, resource, context: stated }, simulation)),
  );
  return { results, text: results.map((result) => formatDecision(result, simulation)).join("\n"), stated };
}

/** Reads the values of --require: names, separated by commas. */
function readRequirements(given: readonly string[]): readonly Requirement[] {
  const names = given.flatMap((text) => text.split(",")).map((name) => name.trim());
  const found = names.map((name) => {
    const requirement = requirements.find((each) => each === name);
    if (requirement !== undefined) return requirement;
    throw new UsageError(`invalid --require ${quote(name)}`, `choose from: ${requirements.join(", ")}`);
  });
  return requirements.filter((each) => found.includes(each));
}

/** @param isCompared whether the decisions will be compared with AWS's simulator */
function simulateProof(
  simulation: SimulationSetup,
  required: readonly Requirement[],
  isCompared: boolean,
): SimulationOutcome {
  const { policies, ofRole, evaluationOptions, subject, example } = simulation;
  if (ofRole !== undefined) {
    throw new UsageError(
      `without --action, fob shows what users can do, but ${quote(ofRole.name)} is a policy of a role: requests of roles never carry aws:MultiFactorAuthPresent, so a Deny without MFA denies them for good`,
      [ofRole.lint, "to evaluate requests of the role, add an --action"],
    );
  }
  const own = Object.keys(simulation.stated).find((key) => /^aws:multifactorauth(present|age)$/i.test(key));
  if (own !== undefined)
    throw new UsageError(
      `without --action, ${own} cannot be set`,
      "add an --action, or leave the key out to try all of its values",
    );
  const user = subject ?? example;
  // The user makes the request, not an AWS service on the user's behalf.
  const context = mergeContexts({ ...user.context, "aws:ViaAWSService": "false" }, simulation.stated);
  const isNamed = Object.keys(simulation.stated).some((key) => key.toLowerCase() === "aws:username");
  const isExample = subject === undefined && !isNamed;
  const proven = reportRequestErrors(() => prove(policies, evaluationOptions, { user: user.arn, context, isExample }));
  const cells = proven.rows.flatMap((row) => row.cells);
  // Requests that cannot be decided must be reported as errors.
  const needed =
    simulation.json || isCompared ? cells : cells.filter(({ evaluation }) => evaluation.decision === "unknown");
  const judged = required.map((name) => ({
    name,
    ...(simulation.isCutOff ? unknown : judgeRequirement(proven, name)),
  }));
  const notes = judged.map(({ name, holds, why }) => `${name}: ${holds ? "yes" : "NO"}: ${why}`);
  const failed = judged.filter(({ holds }) => !holds).map(({ name }) => name);
  const proof = formatProof(proven, judgeProof(proven), simulation.context.stdout);
  return {
    results: needed.map((cell) => decideCell(cell, simulation)),
    text: proof + (notes.length > 0 ? `\n${notes.join("\n")}\n` : ""),
    // What all requests have, also what fob assumes of them.
    stated: proven.rows[0]?.cells.at(-1)?.request.context ?? context,
    notes,
    ...(failed.length > 0 ? { problem: `required, but does not hold: ${failed.join(", ")}` } : {}),
  };
}

const unknown = { holds: false, why: "not known: a file is cut off, so there may be more policies" };

function decideCell({ request, awsDenial }: Cell, simulation: SimulationSetup): ExplainedDecision {
  const result = decideAndExplain(request, simulation);
  if (awsDenial === undefined || result.decision !== "allowed") return result;
  return { ...result, reasons: [...result.reasons, { why: `denied anyway: ${awsDenial}` }] };
}

/** Evaluates each case, and reports those that are not as expected. */
async function compareCases(file: string, simulation: SimulationSetup): Promise<SimulationOutcome> {
  const cases = await readCasesFile(file, simulation.context);
  const stated = mergeContexts(simulation.subject?.context ?? {}, simulation.stated);
  const results = cases.map(({ name, expected, context, ...request }, index) => {
    const label = `case ${index + 1}${name === undefined ? "" : ` (${name})`}`;
    const result = decideAndExplain({ ...request, context: mergeContexts(stated, context) }, simulation, `${label}: `);
    return { ...result, expected, label, own: context };
  });
  const different = results.filter(({ decision, expected }) => decision !== expected);
  const lines = different.map(({ label, expected, own, ...result }) => {
    const ownContext =
      Object.keys(own).length === 0 ? "" : `  context of the case: ${escapeControlCharacters(JSON.stringify(own))}\n`;
    return `${escapeControlCharacters(label)}, expected ${expected}: ${formatDecision(result, simulation)}${ownContext}`;
  });
  const count = `${cases.length} ${cases.length === 1 ? "case" : "cases"}, ${different.length} not as expected\n`;
  const problem = `not as expected: ${different.length} of ${cases.length}`;
  const all = results.reduce<RequestContext>((more, { request }) => mergeContexts(more, request.context), stated);
  return { results, text: lines.join("") + count, stated: all, ...(different.length === 0 ? {} : { problem }) };
}

/** Warns about actions that AWS does not have: a typo would be evaluated like any action. */
async function warnAboutActions(results: readonly ExplainedDecision[], { say }: Context): Promise<void> {
  const unknown = [...new Set(results.map(({ request }) => request.action))].filter(
    (action) => findActions(action).length === 0,
  );
  if (unknown.length === 0) return;
  const { lookUpAction, otherUpdated } = await import("../../../policy/lint/other-services.ts");
  const services = new Set<string>();
  for (const action of unknown) {
    const { service = "" } = splitAction(action) ?? {};
    const listed = lookUpAction(action);
    if (listed?.isListed) continue;
    const meant = listed?.meant ?? guessAction(action);
    const as = `as of ${listed === undefined ? updated : otherUpdated}`;
    if (meant?.isSure) say.warning(`there is no action ${quote(action)} (${as})`);
    else if (listed !== undefined || isKnownService(service)) {
      say.warning(`${quote(action)} is not in fob's list of ${service} actions, ${as}`);
    } else services.add(service);
    if (meant !== undefined) say.hint(`did you mean: ${meant.name}`);
  }
  if (services.size > 0) say.note(`not checked: whether AWS has these actions of ${[...services].join(", ")}`);
}

async function readCasesFile(file: string, context: Context): Promise<ReturnType<typeof readCases>> {
  const { value } = await readJsonFile(file, context, casesLimit);
  try {
    return readCases(value);
  } catch (error) {
    if (!(error instanceof CasesError)) throw error;
    throw new UsageError(
      `${quote(file)}: ${error.message}`,
      'for example: [{"action": "s3:GetObject", "resource": "*", "context": {}, "decision": "explicitDeny"}]',
    );
  }
}
