// The errors of this local AWS, with AWS's codes, HTTP statuses and messages.

/** The services on the port. */
export type Service = "sts" | "iam" | "s3" | "sns" | "config" | "events" | "logs" | "monitoring" | "cloudtrail";

/** An error that is sent to the client as AWS would send it. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Reports something that AWS supports and this does not, so that a gap is not mistaken for AWS's behavior. */
export function notModeled(what: string): AwsError {
  return new AwsError("NotImplemented", 501, `This local AWS does not model ${what}`);
}

/** The caller is not allowed to do this. */
export function accessDenied(message: string): AwsError {
  return new AwsError("AccessDenied", 403, message);
}

const badSignature =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
  "and signing method. Consult the service documentation for details.";

/**
 * Why a request cannot be authenticated, in the words of [IAM and STS](
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html), whose codes json.ts translates, and of [S3](
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
 */
const authenticationErrors = {
  missing: {
    query: ["MissingAuthenticationToken", 403, "Request is missing Authentication Token"],
    s3: ["AccessDenied", 403, "Access Denied"],
  },
  incomplete: {
    query: ["IncompleteSignature", 400, "The request signature does not conform to AWS standards."],
    s3: ["AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid."],
  },
  unknownKey: {
    query: ["InvalidClientTokenId", 403, "The security token included in the request is invalid."],
    s3: ["InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."],
  },
  wrongToken: {
    query: ["InvalidClientTokenId", 403, "The security token included in the request is invalid."],
    s3: ["InvalidToken", 400, "The provided token is malformed or otherwise invalid."],
  },
  expiredToken: {
    query: ["ExpiredToken", 403, "The security token included in the request is expired"],
    s3: ["ExpiredToken", 400, "The provided token has expired."],
  },
  clock: {
    query: ["SignatureDoesNotMatch", 403, "Signature expired"],
    s3: ["RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."],
  },
  scope: {
    query: ["SignatureDoesNotMatch", 403, badSignature],
    s3: ["AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid."],
  },
  unsignedHeader: {
    query: ["SignatureDoesNotMatch", 403, badSignature],
    s3: ["AccessDenied", 403, "There were headers present in the request which were not signed"],
  },
  signature: {
    query: ["SignatureDoesNotMatch", 403, badSignature],
    s3: [
      "SignatureDoesNotMatch",
      403,
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ],
  },
} as const;

/** Creates a service's error for a request that cannot be authenticated; `detail` replaces the message of STS and IAM. */
export function authenticationError(
  reason: keyof typeof authenticationErrors,
  service: Service,
  detail?: string,
): AwsError {
  const [code, status, message] = authenticationErrors[reason][service === "s3" ? "s3" : "query"];
  return new AwsError(code, status, service === "s3" ? message : (detail ?? message));
}
