// Credentials as the SDKs find them: environment variables, IAM Identity Center, a credential process, a web identity, the
// container or the instance. Heavy: import() it, and only when they are needed.
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { withoutNotice } from "./notice.ts";
import type { Credentials } from "./types.ts";

/**
 * Finds credentials by the default chain of the SDK for JavaScript.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 *
 * @param profile undefined for the one that the environment names, or none
 * @throws Error in the SDK's words
 */
export async function findDefaultCredentials(profile: string | undefined): Promise<Credentials> {
  const provider = withoutNotice(() => fromNodeProviderChain(profile === undefined ? {} : { profile }));
  const { accessKeyId, secretAccessKey, sessionToken } = await provider();
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
