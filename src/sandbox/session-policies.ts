// Session policies, which limit a session that AssumeRole or GetFederationToken creates.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session

import type { PolicyDocument } from "../policy/engine/evaluate.ts";
import { isAwsManaged } from "./aws-managed-policies.ts";
import { AwsError, notModeled } from "./errors.ts";
import { readGivenPolicy } from "./policies.ts";
import { listMembers, type QueryCall, validate } from "./query.ts";
import { writeElement } from "./xml.ts";

export const sessionPolicyParameters: readonly string[] = ["Policy", "PolicyArns.member.N.arn"];

/** "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters." */
const mostCharacters = 2048;
const mostPolicyArns = 10;

/** The session policies of a request. */
export interface SessionPolicies {
  /** Undefined where the request has none. */
  readonly documents: readonly PolicyDocument[] | undefined;
  /** The XML of PackedPolicySize: AWS's packed form is not documented, so this is the share of the characters (inferred). */
  readonly packedSize: string;
}

/**
 * Reads the parameters Policy and PolicyArns. A managed policy counts as it is now (inferred).
 *
 * @throws AwsError ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge or NotImplemented
 */
export function readSessionPolicies({ account, parameters }: QueryCall): SessionPolicies {
  const text = parameters.get("Policy");
  const numbers = listMembers(parameters, "PolicyArns");
  const arns = numbers.map((number) => parameters.get(`PolicyArns.member.${number}.arn`) ?? "");
  validate(
    { name: "policy", value: text, min: 1, max: mostCharacters, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" },
    ...arns.map((value, index) => ({ name: `policyArns.${index + 1}.member.arn`, value, min: 20, max: 2048 })),
  );
  if (text === undefined && arns.length === 0) return { documents: undefined, packedSize: "" };
  if (arns.length > mostPolicyArns) throw notModeled(`more than ${mostPolicyArns} session policies, as AWS`);
  const managed = arns.map((arn) => {
    const policy = account.findManagedPolicy(arn);
    if (policy === undefined && isAwsManaged(arn)) throw notModeled(`the AWS managed policy ${arn}`);
    const version = policy?.versions.get(policy.defaultVersion);
    if (version === undefined) throw new AwsError("ValidationError", 400, `The policy ${arn} was not found.`);
    return version.policy;
  });
  const policies = [...(text === undefined ? [] : [readGivenPolicy(text)]), ...managed];
  const characters = policies.reduce((sum, policy) => sum + policy.text.length, 0);
  const percent = Math.ceil((100 * characters) / mostCharacters);
  if (percent > 100) {
    const message = `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`;
    throw new AwsError("PackedPolicyTooLarge", 400, message);
  }
  const documents = policies.map(({ document }) => document);
  return { documents, packedSize: writeElement("PackedPolicySize", String(percent)) };
}
