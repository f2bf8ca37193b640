// Credentials as the SDKs find them: environment variables, IAM Identity Center, a credential process, a web identity, the
// container or the instance. Heavy: import() it, and only when they are needed.
import { STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { withoutNotice } from "./notice.ts";
import type { Credentials } from "./types.ts";

const ignore = (): void => undefined;

/** The SDK would tell fob's users of several sources of credentials; fob says whose credentials these are. */
const logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * Finds credentials by the default chain of the SDK for JavaScript.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 *
 * @param profile undefined for the one that the environment names, or none
 * @throws Error in the SDK's words
 */
export async function findDefaultCredentials(profile: string | undefined): Promise<Credentials> {
  // The chain makes clients while it looks, and the SDK's notice comes with the first client of a process.
  withoutNotice(() => new STSClient({ region: "us-east-1" })).destroy();
  const provider = fromNodeProviderChain({ logger, ...(profile === undefined ? {} : { profile }) });
  const { accessKeyId, secretAccessKey, sessionToken } = await provider();
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
