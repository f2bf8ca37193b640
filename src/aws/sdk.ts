// What the SDK's clients are given. Heavy: loaded with the modules of the services.
import { StandardRetryStrategy } from "@smithy/core/retry";
import type { CallKind, Connection } from "./connection.ts";
import { TransportError } from "./failures.ts";
import { requestHandler } from "./http.ts";

const attempts: Readonly<Record<CallKind, number>> = { read: 3, "bulk read": 8, write: 1, "with a code": 1 };

/** Who does not answer in time will hardly do so the next time. */
class RetryStrategy extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(
    ...[token, info]: Parameters<StandardRetryStrategy["refreshRetryTokenForRetry"]>
  ) {
    if (info.error instanceof TransportError && info.error.isTimeout) throw info.error;
    return await super.refreshRetryTokenForRetry(token, info);
  }
}

/** Fills the quota up, as a success of so many retries would. */
const fullQuota = { getRetryCount: () => 0, getRetryDelay: () => 0, getRetryCost: () => Number.POSITIVE_INFINITY };

/**
 * For the many calls that read an account. The SDK's clients stop repeating calls once too many have been repeated, which
 * a few hundred throttled look-ups are; here each call has its own number of attempts.
 */
class PatientRetryStrategy extends RetryStrategy {
  override async refreshRetryTokenForRetry(
    ...[token, info]: Parameters<StandardRetryStrategy["refreshRetryTokenForRetry"]>
  ) {
    this.recordSuccess(fullQuota);
    return await super.refreshRetryTokenForRetry(token, info);
  }
}

const ignore = (): void => undefined;

/** Without info(): the SDK copies every answer for it, also where it does nothing. */
const logger = { trace: ignore, debug: ignore, warn: ignore, error: ignore } as typeof console;

/** The configuration of a client: everything, because what it is not given it looks up in the AWS files, which it parses again. */
export function clientConfiguration(aws: Connection, service: "sts" | "iam", kind: CallKind) {
  const { credentials, endpoints, useFips, useDualstack } = aws.access;
  const endpoint = endpoints[service];
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    region: aws.regionFor(service),
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...(endpoint === undefined ? {} : { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: useFips && endpoint === undefined,
    useDualstackEndpoint: useDualstack && endpoint === undefined,
    defaultsMode: "standard" as const,
    retryMode: "standard" as const,
    retryStrategy: new (kind === "bulk read" ? PatientRetryStrategy : RetryStrategy)(attempts[kind]),
    maxAttempts: attempts[kind],
    authSchemePreference: [],
    // A wrong clock is said, not corrected in silence. Left out, it would be looked up in the AWS files.
    disableClockSkewCorrection: true,
    userAgentAppId: () => Promise.resolve(undefined),
    logger,
    requestHandler: requestHandler(aws, kind),
  };
}
