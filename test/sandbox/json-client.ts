// A client of the local AWS's services that speak JSON.
import type { Service } from "../../src/sandbox/errors.ts";
import { type Answer, type Draft, type Key, send, sign } from "./client.ts";

/** The beginning of X-Amz-Target, which the SDKs send. */
const targets = {
  cloudtrail: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
  config: "StarlingDoveService",
  events: "AWSEvents",
  logs: "Logs_20140328",
  monitoring: "GraniteServiceVersion20100801",
} as const;

export type JsonServiceName = keyof typeof targets & Service;

export interface JsonAnswer extends Answer {
  readonly json: unknown;
  /** `CODE STATUS: message` of an error, otherwise "accepted". */
  readonly refusal: string;
}

interface JsonRequest {
  readonly url: string;
  readonly key: Key;
  readonly service: JsonServiceName;
  readonly operation: string;
  readonly input?: unknown;
  readonly atMs: number;
  readonly region?: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Changes the signed request. */
  readonly change?: (draft: Draft) => void;
}

export async function sendJson(request: JsonRequest): Promise<JsonAnswer> {
  const { url, key, service, operation, input = {}, atMs, region = "eu-central-1", change } = request;
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": `${targets[service]}.${operation}`,
    ...request.headers,
  };
  const body = typeof input === "string" ? input : JSON.stringify(input);
  const draft = sign({ method: "POST", target: "/", headers, body }, url, key, { service, atMs, region });
  change?.(draft);
  const answer = await send(draft, url);
  const json: unknown = answer.body === "" ? undefined : JSON.parse(answer.body);
  const { __type: code, message } = (json ?? {}) as { readonly __type?: string; readonly message?: string };
  const refusal = code === undefined ? "accepted" : `${code} ${answer.status}: ${message ?? ""}`;
  return { ...answer, json, refusal };
}
