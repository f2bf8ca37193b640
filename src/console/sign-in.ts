// Sign-in links for the AWS console, from temporary credentials of a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";

/** Where a partition's console and its federation endpoint are. */
const places: Readonly<Record<string, { readonly signIn: string; readonly console: string } | undefined>> = {
  aws: { signIn: "signin.aws.amazon.com", console: "console.aws.amazon.com" },
  "aws-cn": { signIn: "signin.amazonaws.cn", console: "console.amazonaws.cn" },
  "aws-us-gov": { signIn: "signin.amazonaws-us-gov.com", console: "console.amazonaws-us-gov.com" },
  "aws-eusc": { signIn: "signin.amazonaws-eusc.eu", console: "console.amazonaws-eusc.eu" },
};

/** The federation endpoint of a partition. @param endpoint where it is configured to be instead @throws FobError */
export function buildFederationUrl(partition: string, endpoint: string | undefined): URL {
  return new URL("/federation", endpoint ?? `https://${findHosts(partition).signIn}`);
}

/** The console's first page. @throws FobError for a partition whose console fob does not know */
export function buildConsoleUrl(partition: string, region: string | undefined, service = "console"): URL {
  const url = new URL(`https://${findHosts(partition).console}/${service}/home`);
  if (region !== undefined) url.searchParams.set("region", region);
  return url;
}

/** The link itself: anyone who opens it within 15 minutes is signed in. */
export function buildLoginUrl(federation: URL, token: string, destination: URL): URL {
  const url = new URL(federation);
  url.search = new URLSearchParams({
    Action: "login",
    Issuer: "fob",
    Destination: destination.href,
    SigninToken: token,
  }).toString();
  return url;
}

function findHosts(partition: string): { readonly signIn: string; readonly console: string } {
  const place = places[partition];
  if (place) return place;
  throw new FobError(
    `fob does not know the console URL of the partition ${quote(partition)}`,
    "ask your organization how to sign in",
  );
}
