// Asking AWS something as the user or the role of a profile.

import { deviceOf } from "../aws/arn.ts";
import type { Aws } from "../aws/aws.ts";
import { awsFailure, type CallContext } from "../aws/failures.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { accessOf, callContext } from "../session/obtain.ts";
import { planOf } from "../session/plan.ts";
import type { ServeRequest, ServeTools } from "../session/serve.ts";
import { roleChain } from "./chain.ts";
import { credentialsOf } from "./credentials.ts";

/**
 * Does some work with the session of a profile, or with its role by way of the session, and never with the access key:
 * where MFA is enforced that is denied nearly everything. A session that is not fresh is renewed first.
 *
 * @param call for the words of failures: the permission that the work needs, and the command that it is for
 * @throws FobError
 */
export async function askAs<T>(
  request: ServeRequest,
  call: NonNullable<CallContext["call"]>,
  tools: ServeTools,
  work: (aws: Aws) => Promise<T>,
): Promise<T> {
  const [first] = roleChain(request.profile, readAwsFiles(tools.paths));
  const { link, settings } = planOf({ ...request, profile: first?.by ?? request.profile, isRenewal: true }, tools);
  const session = await credentialsOf(request, tools);
  const device = deviceOf(session.serialNumber);
  const { signal, debug } = tools;
  const aws = await tools.connect({ ...accessOf(session.credentials, device, settings, link), signal, debug });
  try {
    return await work(aws);
  } catch (error) {
    if (signal.aborted) throw error;
    const context = callContext(link, session.credentials, device, settings, tools);
    throw awsFailure(error, { ...context, profile: request.profile, endpoint: settings.endpoints.iam, call });
  } finally {
    aws.close();
  }
}
