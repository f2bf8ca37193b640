// The condition key aws:ViaAWSService, which tells whether an AWS service makes a request on the user's behalf.
import { ABSENT, type RequestContext } from "./engine/evaluate.ts";

export const viaService = "aws:viaawsservice";

/**
 * Services whose requests do not have the key: "The following services do not currently support aws:ViaAWSService".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-viaawsservice
 */
export const servicesWithoutViaService = ["ec2", "glue", "lakeformation", "opsworks"];

/** Returns the context of a request to one of these services. */
export function withoutViaService(context: RequestContext): RequestContext {
  const others = Object.entries(context).filter(([key]) => key.toLowerCase() !== viaService);
  return { ...Object.fromEntries(others), "aws:ViaAWSService": ABSENT };
}

/** Whether a request is one that the user makes directly. */
export function isDirect(context: RequestContext): boolean {
  const [, value] = Object.entries(context).find(([key]) => key.toLowerCase() === viaService) ?? [];
  return value === "false";
}
