// `fob policy simulate --account`: AWS's own simulator is asked the same questions.
import { neutralise } from "../text.ts";
import { loginTools } from "./login-tools.ts";
import { defaultProfile } from "./options.ts";
import type { Result, Simulation } from "./simulation.ts";

/**
 * Prints where AWS's simulator decides otherwise. It looks at policies only, so some differences are known beforehand.
 *
 * @returns whether there are no others
 */
export async function compareWithAccount(
  results: readonly Result[],
  { policies, circumstances, subject, json, context }: Simulation,
  options: {
    readonly profile?: string | undefined;
    readonly region?: string | undefined;
    readonly noInput?: boolean | undefined;
  },
): Promise<boolean> {
  const { askAs } = await import("../roles/ask.ts");
  const { askSimulator, knownDifference } = await import("../policy/simulator.ts");
  const command = "fob policy simulate";
  const simulated = { policies, boundary: circumstances.boundary, user: subject?.arn };
  const answers = await askAs(
    { profile: options.profile ?? defaultProfile(context), region: options.region, command },
    { permission: "iam:SimulateCustomPolicy", command },
    loginTools(context, options),
    (aws) =>
      askSimulator(
        results.map(({ request }) => request),
        simulated,
        aws,
      ),
  );
  const different = results.flatMap(({ request, decision }, index) => {
    const theirs = answers[index]?.decision;
    if (theirs === undefined || theirs === decision) return [];
    return { request, decision, theirs, reason: knownDifference(request.action) };
  });
  const unknown = different.filter(({ reason }) => reason === undefined);
  const known = new Map(
    different.flatMap(({ request: { action }, reason }) => (reason === undefined ? [] : [[action, reason]])),
  );
  const lines = [
    `AWS's simulator: ${results.length - different.length} of ${results.length} decisions are the same`,
    ...[...known].map(([action, reason]) => `as expected, not the same: ${action} ${reason}`),
    ...unknown.map(({ request: { action, resource, context: stated }, decision, theirs }) => {
      return `AWS says ${theirs}, fob ${decision}: ${action} on ${resource} with ${JSON.stringify(stated)}`;
    }),
  ];
  if (json) for (const line of lines) context.say.note(line);
  else context.stdout.write(`\n${lines.map(neutralise).join("\n")}\n`);
  if (unknown.length > 0)
    context.say.error(`AWS's simulator decides otherwise on ${unknown.length} of ${results.length} requests`);
  return unknown.length === 0;
}
