// The condition keys of requests that users make themselves, whatever the policies say: not those that AWS services make
// on a user's behalf.
import { ABSENT, type RequestContext } from "./engine/evaluate.ts";

/**
 * Users are not AWS services: of other principals, the key is false.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
 */
export const ofEveryUser: RequestContext = { "aws:PrincipalIsAWSService": "false" };

/**
 * The AWS CLI, the SDKs and the console use TLS, and IAM and STS accept nothing else. Whether MFA is enforced must not
 * follow from it: some services accept requests without TLS.
 * https://docs.aws.amazon.com/general/latest/gr/iam-service.html
 */
export const withTls: RequestContext = { "aws:SecureTransport": "true" };

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
