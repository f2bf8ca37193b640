// AssumeRole: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

import type { RequestContext } from "../policy/engine/evaluate.ts";
import type { Credential } from "./account.ts";
import { AwsError, accessDenied, notModeled } from "./errors.ts";
import { describeRequestTags } from "./iam/tags.ts";
import { checkMfa, listMfaChecks } from "./mfa.ts";
import { type Checked, listMembers, type QueryAction, readInteger, validate } from "./query.ts";
import { authorizeOnRole, makeAssumedRole } from "./roles.ts";
import { readSessionPolicies, sessionPolicyParameters } from "./session-policies.ts";
import { writeCredentials, writeElement } from "./xml.ts";

export const assumeRole: QueryAction = {
  parameters: [
    ...["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "SerialNumber", "TokenCode", "SourceIdentity"],
    ...["Tags.member.N.Key", "Tags.member.N.Value", "TransitiveTagKeys.member.N"],
    ...sessionPolicyParameters,
  ],
  run: (call) => {
    const { account, caller } = call;
    const request = readAssumeRoleRequest(call.parameters);
    rejectCaller(caller, caller.principal === account.root, request);
    const { roleArn: resource, sessionName, duration = 3600, sourceIdentity, tags } = request;

    const sessionTags = Object.fromEntries(tags);
    const { documents: policies, packedSize } = readSessionPolicies(call);
    const withMfa = checkMfa(call, request.serialNumber, request.tokenCode);
    // The role's policies and the caller's policies see the same context.
    const context: RequestContext = {
      ...account.context(caller),
      ...(withMfa ? { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0" } : {}),
      "sts:RoleSessionName": sessionName,
      ...(request.externalId === undefined ? {} : { "sts:ExternalId": request.externalId }),
      ...(sourceIdentity === undefined ? {} : { "sts:SourceIdentity": sourceIdentity }),
      ...describeRequestTags(sessionTags),
      ...account.resourceContext(resource),
    };
    const role = account.findRole(resource);
    authorizeOnRole(account, caller, role, { action: "sts:AssumeRole", resource, context });
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    const actions = [tags.size > 0 && "sts:TagSession", sourceIdentity !== undefined && "sts:SetSourceIdentity"];
    for (const action of actions) {
      if (action) authorizeOnRole(account, caller, role, { action, resource, context });
    }
    if (duration > role.maxSessionSeconds) {
      throw invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }

    const principal = makeAssumedRole(account, role, sessionName);
    const isChained = caller.session !== undefined;
    const passesOn = request.hasTransitiveTags || sourceIdentity !== undefined;
    const credential = account.addSession(principal, duration, {
      ...{ kind: "role", tags: sessionTags, policies, isChained, passesOn },
    });
    const user = writeElement("AssumedRoleId", principal.userId) + writeElement("Arn", principal.arn);
    const source = sourceIdentity === undefined ? "" : writeElement("SourceIdentity", sourceIdentity);
    return `${writeCredentials(credential)}<AssumedRoleUser>${user}</AssumedRoleUser>${packedSize}${source}`;
  },
};

interface AssumeRoleRequest extends Tags {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly duration: number | undefined;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly serialNumber: string | undefined;
  readonly tokenCode: string | undefined;
}

function readAssumeRoleRequest(parameters: ReadonlyMap<string, string>): AssumeRoleRequest {
  const [roleArn, sessionName] = [parameters.get("RoleArn"), parameters.get("RoleSessionName")];
  const [externalId, sourceIdentity] = [parameters.get("ExternalId"), parameters.get("SourceIdentity")];
  const [serialNumber, tokenCode] = [parameters.get("SerialNumber"), parameters.get("TokenCode")];
  const duration = readInteger(parameters, "DurationSeconds");
  const name = { min: 2, max: 64, pattern: "[\\w+=,.@-]*" };
  validate(
    { name: "roleArn", value: roleArn, isRequired: true, min: 20, max: 2048 },
    { name: "roleSessionName", value: sessionName, isRequired: true, ...name },
    { name: "durationSeconds", value: duration, min: 900, max: 43_200 },
    { name: "externalId", value: externalId, min: 2, max: 1224, pattern: "[\\w+=,.@:\\/-]*" },
    { name: "sourceIdentity", value: sourceIdentity, ...name },
    ...listMfaChecks(serialNumber, tokenCode),
  );
  const tags = readTags(parameters);
  const arn = roleArn ?? "";
  if (!/^arn:[\w-]+:iam::\d{12}:role\//.test(arn)) throw invalid(`${arn} is invalid`);
  const request = { roleArn: arn, sessionName: sessionName ?? "", duration, externalId, sourceIdentity };
  return { ...request, serialNumber, tokenCode, ...tags };
}

/** Rejects requests that the caller's credentials do not allow, whatever the role. */
function rejectCaller({ session }: Credential, isRoot: boolean, request: AssumeRoleRequest): void {
  if (isRoot) throw accessDenied("Roles may not be assumed by root accounts.");
  if (session === undefined) return;
  // "If you assume a role using role chaining and provide a DurationSeconds parameter value greater than one hour, the
  // operation fails." That holds for sessions from GetSessionToken as well:
  // https://repost.aws/knowledge-center/iam-role-chaining-limit
  if (request.duration !== undefined && request.duration > 3600) {
    throw invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  }
  const hasMfa = request.serialNumber !== undefined || request.tokenCode !== undefined;
  if (hasMfa) throw notModeled("AssumeRole with a code and session credentials");
  if (session.passesOn) throw notModeled("role chaining with transitive tags or a source identity");
}

interface Tags {
  readonly tags: ReadonlyMap<string, string>;
  readonly hasTransitiveTags: boolean;
}

/** Reads the session tags of a request. The error messages are AWS's. */
function readTags(parameters: ReadonlyMap<string, string>): Tags {
  const given = listMembers(parameters, "Tags").map((number) => ({
    number,
    key: parameters.get(`Tags.member.${number}.Key`),
    value: parameters.get(`Tags.member.${number}.Value`),
  }));
  const pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
  validate(
    ...given.flatMap(({ number, key, value }): Checked[] => [
      { name: `tags.${number}.member.key`, value: key, isRequired: true, min: 1, max: 128, pattern },
      { name: `tags.${number}.member.value`, value, isRequired: true, min: 0, max: 256, pattern },
    ]),
  );
  if (given.length > 50) throw notModeled("more than 50 session tags, which AWS does not allow");
  const tags = new Map(given.map(({ key = "", value = "" }) => [key, value]));
  const keys = new Set([...tags.keys()].map((key) => key.toLowerCase()));
  if (keys.size < given.length) {
    const message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    throw invalid(message, "InvalidParameterValue");
  }
  const transitive = listMembers(parameters, "TransitiveTagKeys").map((n) =>
    parameters.get(`TransitiveTagKeys.member.${n}`),
  );
  if (transitive.some((key = "") => !keys.has(key.toLowerCase()))) {
    const message = "The specified transitive tag key must be included in the requested tags.";
    throw invalid(message, "InvalidParameterValue");
  }
  return { tags, hasTransitiveTags: transitive.length > 0 };
}

function invalid(message: string, code = "ValidationError"): AwsError {
  return new AwsError(code, 400, message);
}
