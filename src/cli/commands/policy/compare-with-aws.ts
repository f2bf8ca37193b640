// `fob policy simulate --account`: asks AWS's own simulator the same questions.
import { type Answer, askSimulator, explainDifference } from "../../../policy/aws-simulator.ts";
import { escapeControlCharacters } from "../../../text.ts";
import { type AdministratorOptions, announceCaller, askAsAdministrator } from "../../administrator.ts";
import type { ExplainedDecision, SimulationSetup } from "./decisions.ts";

/** Returns what AWS's simulator decides, in the order of the results. Prints nothing, except the prompts of a login. */
export async function askAccount(
  results: readonly ExplainedDecision[],
  { policies, evaluationOptions, subject, isFromAccount, context }: SimulationSetup,
  options: AdministratorOptions,
): Promise<readonly Answer[]> {
  const { simulate } = await import("../../../aws/iam.ts");
  const simulated = { policies, boundary: evaluationOptions.boundary, user: subject?.arn };
  const questions = results.map(({ request }) => request);
  return await askAsAdministrator(options, "fob policy simulate", context, async (aws) => {
    // To read the policies, it was said already.
    if (!isFromAccount) await announceCaller(aws, context);
    return await askSimulator(questions, simulated, (call) => simulate(aws, call));
  });
}

/**
 * Prints where AWS's simulator disagrees. It evaluates policies only, so some differences are expected.
 *
 * @returns whether all differences are expected
 */
export function compareDecisions(
  results: readonly ExplainedDecision[],
  answers: readonly Answer[],
  { evaluationOptions, json, context }: SimulationSetup,
): boolean {
  const different = results.flatMap(({ request, decision: ours }, index) => {
    const { decision: theirs } = answers[index] as Answer;
    if (theirs === ours) return [];
    const reason = explainDifference(request.action, { ours, theirs }, evaluationOptions);
    return { request, both: `AWS says ${theirs}, fob ${ours}`, reason };
  });
  const known = new Map<string, number>();
  const unknown: string[] = [];
  for (const { request, both, reason } of different) {
    const { action, resource, context: stated } = request;
    if (reason === undefined) {
      unknown.push(`${both}: ${action} on ${resource} with ${JSON.stringify(stated)}`);
      continue;
    }
    const line = `${both}, as expected: ${action} ${reason}`;
    known.set(line, (known.get(line) ?? 0) + 1);
  }
  const lines = [
    `AWS's simulator agrees on ${results.length - different.length} of ${results.length} decisions`,
    ...[...known].map(([line, count]) => `${line}; ${count} request${count === 1 ? "" : "s"}`),
    ...unknown,
  ];
  if (json) for (const line of lines) context.say.note(line);
  else context.stdout.write(`\n${lines.map(escapeControlCharacters).join("\n")}\n`);
  if (unknown.length > 0)
    context.say.error(`AWS's simulator disagrees on ${unknown.length} of ${results.length} requests`);
  return unknown.length === 0;
}
