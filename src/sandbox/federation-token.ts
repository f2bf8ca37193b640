// GetFederationToken: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html

import type { Account, Principal } from "./account.ts";
import { describeRequestTags } from "./iam/tags.ts";
import { type QueryAction, readInteger, validate } from "./query.ts";
import { readSessionPolicies, sessionPolicyParameters } from "./session-policies.ts";
import { readSessionTags, sessionTagParameters } from "./session-tags.ts";
import { writeCredentials, writeElement } from "./xml.ts";

/** The session has what both the caller's policies and the session policies allow: without session policies, nothing. */
export const getFederationToken: QueryAction = {
  parameters: ["Name", "DurationSeconds", ...sessionTagParameters, ...sessionPolicyParameters],
  run: (call) => {
    const { account, caller, parameters } = call;
    const value = parameters.get("Name");
    const duration = readInteger(parameters, "DurationSeconds");
    validate(
      { name: "name", value, isRequired: true, min: 2, max: 32, pattern: "[\\w+=,.@-]*" },
      { name: "durationSeconds", value: duration, min: 900, max: 129_600 },
    );
    const { documents = [], packedSize } = readSessionPolicies(call);
    const principal = makeFederatedUser(account, caller.principal, value as string);
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_enable-create.html
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    const tags = readSessionTags(parameters);
    const actions = ["sts:GetFederationToken", ...(Object.keys(tags).length > 0 ? ["sts:TagSession"] : [])];
    for (const action of actions) {
      account.authorize(caller, action, principal.arn, principal.arn, describeRequestTags(tags));
    }
    const isRoot = caller.principal === account.root;
    const seconds = isRoot ? Math.min(duration ?? 3600, 3600) : (duration ?? 43_200);
    const credential = account.addSession(principal, seconds, { kind: "federated", tags, policies: documents });
    const user = writeElement("FederatedUserId", principal.userId) + writeElement("Arn", principal.arn);
    return `${writeCredentials(credential)}<FederatedUser>${user}</FederatedUser>${packedSize}`;
  },
};

/** A principal with the policies of the user who federates it. */
function makeFederatedUser(account: Account, { holder, user }: Principal, name: string): Principal {
  const arn = `arn:${account.partition}:sts::${account.id}:federated-user/${name}`;
  const userId = `${account.id}:${name}`;
  return { name: undefined, arn, userId, holder, devices: [], ...(user === undefined ? {} : { user }) };
}
