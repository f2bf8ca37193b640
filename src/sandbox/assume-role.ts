// AssumeRole: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

import type { RequestContext } from "../policy/engine/evaluate.ts";
import type { Credential } from "./account.ts";
import { AwsError, accessDenied, notModeled } from "./errors.ts";
import { describeRequestTags, type Tags } from "./iam/tags.ts";
import { checkMfa, listMfaChecks } from "./mfa.ts";
import { listMembers, type QueryAction, readInteger, validate } from "./query.ts";
import { authorizeOnRole, makeAssumedRole } from "./roles.ts";
import { readSessionPolicies, sessionPolicyParameters } from "./session-policies.ts";
import { readSessionTags, sessionTagParameters } from "./session-tags.ts";
import { writeCredentials, writeElement } from "./xml.ts";

export const assumeRole: QueryAction = {
  parameters: [
    ...["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "SerialNumber", "TokenCode", "SourceIdentity"],
    ...sessionTagParameters,
    "TransitiveTagKeys.member.N",
    ...sessionPolicyParameters,
  ],
  run: (call) => {
    const { account, caller } = call;
    const request = readAssumeRoleRequest(call.parameters);
    rejectCaller(caller, caller.principal === account.root, request);
    const { roleArn: resource, sessionName, duration = 3600, sourceIdentity, tags } = request;

    const { documents: policies, packedSize } = readSessionPolicies(call);
    const withMfa = checkMfa(call, request.serialNumber, request.tokenCode);
    // The role's policies and the caller's policies see the same context.
    const context: RequestContext = {
      ...account.context(caller),
      ...(withMfa ? { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0" } : {}),
      "sts:RoleSessionName": sessionName,
      ...(request.externalId === undefined ? {} : { "sts:ExternalId": request.externalId }),
      ...(sourceIdentity === undefined ? {} : { "sts:SourceIdentity": sourceIdentity }),
      ...describeRequestTags(tags),
      ...account.resourceContext(resource),
    };
    const role = account.findRole(resource);
    authorizeOnRole(account, caller, role, { action: "sts:AssumeRole", resource, context });
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    const actions = [
      Object.keys(tags).length > 0 && "sts:TagSession",
      sourceIdentity !== undefined && "sts:SetSourceIdentity",
    ];
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
      ...{ kind: "role", tags, policies, isChained, passesOn },
    });
    const user = writeElement("AssumedRoleId", principal.userId) + writeElement("Arn", principal.arn);
    const source = sourceIdentity === undefined ? "" : writeElement("SourceIdentity", sourceIdentity);
    return `${writeCredentials(credential)}<AssumedRoleUser>${user}</AssumedRoleUser>${packedSize}${source}`;
  },
};

interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly duration: number | undefined;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly serialNumber: string | undefined;
  readonly tokenCode: string | undefined;
  readonly tags: Tags;
  readonly hasTransitiveTags: boolean;
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
  const tags = readSessionTags(parameters);
  const hasTransitiveTags = readTransitiveKeys(parameters, tags).length > 0;
  const arn = roleArn ?? "";
  if (!/^arn:[\w-]+:iam::\d{12}:role\//.test(arn)) throw invalid(`${arn} is invalid`);
  const request = { roleArn: arn, sessionName: sessionName ?? "", duration, externalId, sourceIdentity };
  return { ...request, serialNumber, tokenCode, tags, hasTransitiveTags };
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

/** Reads the tags that role chaining passes on. The error message is AWS's. */
function readTransitiveKeys(parameters: ReadonlyMap<string, string>, tags: Tags): readonly string[] {
  const keys = listMembers(parameters, "TransitiveTagKeys").map(
    (number) => parameters.get(`TransitiveTagKeys.member.${number}`) ?? "",
  );
  const tagged = new Set(Object.keys(tags).map((key) => key.toLowerCase()));
  if (keys.some((key) => !tagged.has(key.toLowerCase()))) {
    const message = "The specified transitive tag key must be included in the requested tags.";
    throw new AwsError("InvalidParameterValue", 400, message);
  }
  return keys;
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationError", 400, message);
}
