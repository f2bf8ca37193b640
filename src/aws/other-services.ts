// Calls of services whose clients fob does not bring: what an administrator's commands ask CloudTrail, alarms and AWS Config.
// Heavy: import() it, and only when AWS is really called.
import { setTimeout as sleep } from "node:timers/promises";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Connection } from "./connection.ts";
import type { OtherService } from "./endpoints.ts";
import { AwsFailure } from "./failures.ts";
import { requestHandler } from "./http.ts";
import { getDnsSuffix } from "./partitions.ts";

/** How a service is spoken to: the name in its host and in signatures, and its protocol. */
const services = {
  cloudtrail: {
    ...{ name: "cloudtrail", version: "1.1", target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" },
  },
  cloudwatch: { name: "monitoring", version: "1.0", target: "GraniteServiceVersion20100801" },
  cloudwatch_logs: { name: "logs", version: "1.1", target: "Logs_20140328" },
  config_service: { name: "config", version: "1.1", target: "StarlingDoveService" },
  eventbridge: { name: "events", version: "1.1", target: "AWSEvents" },
  organizations: { name: "organizations", version: "1.1", target: "AWSOrganizationsV20161128" },
  sns: { name: "sns", version: "2010-03-31", target: undefined },
} as const satisfies Record<OtherService, { name: string; version: string; target: string | undefined }>;

export interface OtherCall {
  readonly service: OtherService;
  /** `LookupEvents` */
  readonly operation: string;
  readonly region: string;
  /** For services that speak JSON any value; for SNS texts. */
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * Makes a call that reads something, and repeats it while AWS has too many of them.
 *
 * @returns the text of the answer: JSON, SNS's is XML
 * @throws AwsFailure
 */
export async function askService(aws: Connection, { service, operation, region, input }: OtherCall): Promise<string> {
  const { name, version, target } = services[service];
  const url = findUrl(aws, service, region);
  const body =
    target === undefined
      ? new URLSearchParams({ Action: operation, Version: version, ...(input as Record<string, string>) }).toString()
      : JSON.stringify(input);
  const headers: Readonly<Record<string, string>> =
    target === undefined
      ? { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }
      : { "content-type": `application/x-amz-json-${version}`, "x-amz-target": `${target}.${operation}` };
  const call = { service, name: `${name}:${operation}`, kind: "bulk read", region, endpoint: url.custom } as const;
  return await aws.call(call, async (abortSignal) => {
    for (let attempt = 1; ; attempt++) {
      const request = await signRequest(aws, { url: url.url, region, name, headers, body });
      const { response } = await requestHandler(aws, "bulk read").handle(request, { abortSignal });
      const text = Buffer.from(response.body as Uint8Array).toString("utf8");
      if (response.statusCode === 200) return text;
      const error = readError(response.statusCode, response.headers, text);
      if (attempt >= mostAttempts || !isPassing(error, response.statusCode)) throw error;
      await sleep(pause, undefined, { signal: abortSignal });
    }
  });
}

/** CloudTrail takes two look-ups a second. */
const mostAttempts = 12;
const pause = 600;

const isPassing = ({ name }: Error, status: number): boolean =>
  /throttl|TooManyRequests|RequestLimitExceeded/i.test(name) || (status >= 500 && status !== 501);

/** Credentials of what is not AWS are not sent to AWS. @throws AwsFailure */
function findUrl({ access }: Connection, service: OtherService, region: string): { url: URL; custom?: string } {
  const custom = access.findEndpoint?.(service);
  if (custom !== undefined) return { url: new URL(custom), custom };
  if (access.endpoints.iam !== undefined || access.endpoints.sts !== undefined) {
    const variable = `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
    throw new AwsFailure("refused", `no endpoint is configured for ${service}`, `set it, as for IAM: ${variable}`);
  }
  const host = `${services[service].name}${access.useFips ? "-fips" : ""}.${region}.${getDnsSuffix(region)}`;
  return { url: new URL(`https://${host}/`) };
}

interface Unsigned {
  readonly url: URL;
  readonly region: string;
  /** The service's name in signatures. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function signRequest({ access, now }: Connection, { url, region, name, headers, body }: Unsigned) {
  const { sessionToken, ...key } = access.credentials;
  const credentials = sessionToken === undefined ? key : { ...key, sessionToken };
  const request = new HttpRequest({
    ...{ method: "POST", protocol: url.protocol, hostname: url.hostname, path: "/", body },
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    headers: {
      ...headers,
      ...{ host: url.host, "user-agent": userAgent, "content-length": String(Buffer.byteLength(body)) },
    },
  });
  const signer = new SignatureV4({ service: name, region, credentials, sha256: Sha256 });
  return HttpRequest.clone(await signer.sign(request, { signingDate: new Date(now()) }));
}

/** By which CloudTrail's events tell that fob made a call itself. */
export const userAgent = "fob";

/** An error of the form that the SDK's have. */
function readError(status: number, headers: Readonly<Record<string, string>>, text: string): Error {
  const { code, message } = text.startsWith("<") ? readXmlError(text) : readJsonError(text);
  const error = new Error(message);
  error.name = code;
  return Object.assign(error, {
    ...{ $metadata: { httpStatusCode: status }, $response: { statusCode: status, headers } },
    ...(code === "Unknown" ? {} : { $fault: status >= 500 ? "server" : "client" }),
  });
}

function readXmlError(text: string): { readonly code: string; readonly message: string } {
  const code = findXmlTexts(text, "Code")[0] ?? "Unknown";
  // SNS has its own code for what others call AccessDenied.
  return {
    code: code === "AuthorizationError" ? "AccessDenied" : code,
    message: findXmlTexts(text, "Message")[0] ?? "",
  };
}

function readJsonError(text: string): { readonly code: string; readonly message: string } {
  try {
    const { __type, message, Message } = JSON.parse(text) as Record<string, unknown>;
    return {
      code: typeof __type === "string" ? __type.replace(/^.*#/, "") : "Unknown",
      message: [message, Message].find((each) => typeof each === "string") ?? "",
    };
  } catch {
    return { code: "Unknown", message: "" };
  }
}

/** The texts of all elements of a name, which have no elements in them. */
export const findXmlTexts = (text: string, element: string): readonly string[] =>
  [...text.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map(([, content = ""]) =>
    unescapeXml(content),
  );

const unescapeXml = (text: string): string =>
  text
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, "&");
