// Where STS and IAM are, when it is not AWS's own place for the region.
import type { Environment } from "../environment-variables.ts";
import { FobError } from "../errors.ts";
import { quoteSetting } from "./secrets.ts";

/** Endpoint URLs that take the place of AWS's own; undefined means AWS's own. */
export interface Endpoints {
  readonly sts: string | undefined;
  readonly iam: string | undefined;
  /** The console's sign-in service. */
  readonly signin: string | undefined;
}

/** Services beside those, which only administrators' commands ask, by their names in variables and profiles. */
export type OtherService =
  | "cloudtrail"
  | "cloudwatch"
  | "cloudwatch_logs"
  | "config_service"
  | "eventbridge"
  | "organizations"
  | "sns";

/**
 * Configured endpoints, in the SDKs' order: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, then what the profile says.
 *
 * @param ofProfile the URL that the profile has for a service
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 * @throws FobError for a URL to which a code must not be sent
 */
export function readConfiguredEndpoints(
  env: Environment,
  ofProfile: (service: keyof Endpoints) => string | undefined,
): Endpoints {
  const endpoint = (service: keyof Endpoints): string | undefined =>
    readConfiguredEndpoint(env, service, () => ofProfile(service));
  return { sts: endpoint("sts"), iam: endpoint("iam"), signin: endpoint("signin") };
}

/** The same for one service. */
export function readConfiguredEndpoint(
  env: Environment,
  service: keyof Endpoints | OtherService,
  ofProfile: () => string | undefined,
): string | undefined {
  const url = env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || env.AWS_ENDPOINT_URL || ofProfile();
  return url ? checkEndpoint(url, service) : undefined;
}

/** The host (and port) of an endpoint that is not AWS's own, else undefined. */
export function findCustomEndpointHost(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const { host, hostname, protocol } = new URL(endpoint);
  return protocol === "https:" && isAwsSts(hostname) ? undefined : host;
}

/**
 * Whether STS and IAM are one AWS: its own, or both at one place that is not AWS's. What one of them has given must not be
 * sent to the other otherwise.
 */
export function isOneAws({ sts, iam }: Endpoints): boolean {
  return findCustomEndpointHost(sts) === undefined ? iam === undefined : iam === sts;
}

/**
 * Whether a host is one of STS's own. Not every host below amazonaws.com is AWS's: load balancers, buckets and API
 * gateways of anybody are there too.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/sts.html
 */
function isAwsSts(hostname: string): boolean {
  // A region, and not just any label: "sts" may be a bucket in sts.s3.amazonaws.com.
  const region = "[a-z]+(-[a-z]+)+-\\d{1,2}";
  const regional = new RegExp(`^sts(-fips)?\\.${region}\\.(${domains.join("|")})$`);
  const privateLink = new RegExp(`^vpce-[a-z0-9-]+\\.sts(-fips)?\\.${region}\\.vpce\\.(${domains.join("|")})$`);
  return hostname === "sts.amazonaws.com" || regional.test(hostname) || privateLink.test(hostname);
}

/** AWS's domains for its services, each partition's with that for dual-stack endpoints, as regular expressions. */
const domains = [
  "amazonaws\\.com|api\\.aws",
  "amazonaws\\.com\\.cn|api\\.amazonwebservices\\.com\\.cn",
  "c2s\\.ic\\.gov|api\\.aws\\.ic\\.gov",
  "sc2s\\.sgov\\.gov|api\\.aws\\.scloud",
  "cloud\\.adc-e\\.uk|api\\.cloud-aws\\.adc-e\\.uk",
  "csp\\.hci\\.ic\\.gov|api\\.aws\\.hci\\.ic\\.gov",
  "amazonaws\\.eu|api\\.amazonwebservices\\.eu",
];

function checkEndpoint(url: string, service: string): string {
  const hint = `find where it is set: env | grep AWS_ENDPOINT_URL; grep -n endpoint_url ~/.aws/config`;
  // Wherever it stands: "https://user:1#2@host" is a URL without a password, for the host "user".
  if (url.includes("@")) {
    throw new FobError(`the endpoint for ${service} contains a user name or password, which AWS does not accept`, hint);
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new FobError(`the endpoint ${quoteSetting(url)} for ${service} is not a URL`, hint);
  }
  if (parsed.protocol === "https:" || (parsed.protocol === "http:" && isLoopback(parsed.hostname))) return url;
  throw new FobError(
    `the endpoint ${quoteSetting(url)} for ${service} is not https, so anyone on the network could read your credentials`,
    hint,
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
