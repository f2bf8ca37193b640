// Asks AWS's policy simulator about users, as the administrator.
import type { Connection } from "../aws/connection.ts";
import type { SimulatedKey } from "../aws/types.ts";
import type { Method } from "../iam/decisions.ts";
import type { AskSimulator } from "../iam/simulated.ts";
import type { PolicyDocument } from "../policy/engine/document.ts";

const contexts: Readonly<Record<Method, readonly SimulatedKey[]>> = {
  key: [],
  "sign-in": [{ name: "aws:MultiFactorAuthPresent", type: "boolean", values: ["false"] }],
  MFA: [
    { name: "aws:MultiFactorAuthAge", type: "numeric", values: ["60"] },
    { name: "aws:MultiFactorAuthPresent", type: "boolean", values: ["true"] },
  ],
};

/** @param policies that the users do not have yet */
export function connectSimulator(aws: Connection): (policies: readonly PolicyDocument[]) => AskSimulator {
  return (policies) => {
    // An empty list is not the same to AWS as none.
    const more = policies.length === 0 ? {} : { policies: policies.map((policy) => JSON.stringify(policy)) };
    return async (arn, { actions, resource, method }) => {
      const { simulatePrincipal } = await import("../aws/iam-changes.ts");
      const simulation = { arn, actions, resource, context: contexts[method], ...more };
      const found = await simulatePrincipal(aws, simulation);
      if (found === undefined) return { unknown: "the user is gone" };
      const byAction = new Map(found.map(({ action, decision }) => [action.toLowerCase(), decision]));
      const decisions = actions.flatMap((action) => byAction.get(action.toLowerCase()) ?? []);
      return decisions.length === actions.length
        ? { value: decisions }
        : { unknown: "AWS's simulator did not answer about every action" };
    };
  };
}
