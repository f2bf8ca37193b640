// The AWS JSON protocol of AWS Config, EventBridge, CloudWatch and CloudTrail, and its validation of parameters.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html

import type { Account, Credential } from "./account.ts";
import { AwsError, notModeled } from "./errors.ts";
import { validate } from "./query.ts";
import type { Region } from "./region.ts";
import type { HttpRequest } from "./sigv4.ts";

export interface JsonCall {
  readonly account: Account;
  readonly caller: Credential;
  readonly region: Region;
}

/** A value of an answer. Dates are written as seconds since 1970; what is undefined is left out. */
export type JsonValue =
  | string
  | number
  | boolean
  | Date
  | undefined
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export interface JsonOperation {
  /** Returns the answer; undefined if AWS's has no content. Throws AwsError. */
  readonly run: (call: JsonCall, input: unknown) => JsonValue;
}

export interface JsonService {
  /** What precedes the operation in the header X-Amz-Target; some clients use another than others. */
  readonly targets: readonly string[];
  readonly version: "1.0" | "1.1";
  readonly operations: Readonly<Record<string, JsonOperation>>;
  /** The service's code for a violated constraint. */
  readonly invalidCode: string;
}

/** Whether a request is of this protocol. */
export const isJson = (request: Pick<HttpRequest, "headers">): boolean => request.headers["x-amz-target"] !== undefined;

/** Returns the name of the operation; throws UnknownOperationException unless it is one of the service. */
export function readOperationName({ headers }: HttpRequest, { targets }: JsonService): string {
  const [given = ""] = headers["x-amz-target"] ?? [];
  const target = targets.find((each) => given.startsWith(`${each}.`));
  if (target === undefined) throw new AwsError("UnknownOperationException", 400, "Unknown operation");
  return given.slice(target.length + 1);
}

/** Runs the operation that a request names. Throws NotImplemented for anything that is not modeled. */
export function runOperation(
  serviceName: string,
  service: JsonService,
  request: HttpRequest,
  call: JsonCall,
): JsonValue {
  const name = readOperationName(request, service);
  const operation = Object.hasOwn(service.operations, name) ? service.operations[name] : undefined;
  if (operation === undefined) throw notModeled(`the action ${serviceName}:${name}`);
  if (request.method !== "POST") throw notModeled("this HTTP method here");
  return operation.run(call, parseBody(request.body));
}

function parseBody(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
  } catch {
    throw malformed("The request body is not JSON");
  }
}

export const writeJson = (value: JsonValue): string => (value === undefined ? "" : JSON.stringify(convertDates(value)));

function convertDates(value: JsonValue): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(convertDates);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, convertDates(each)]));
}

/**
 * Codes of this protocol for errors that all services have. CloudWatch Logs was observed to send them with status 400.
 * https://docs.aws.amazon.com/config/latest/APIReference/CommonErrors.html
 */
const commonCodes: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDeniedException",
  ExpiredToken: "ExpiredTokenException",
  IncompleteSignature: "IncompleteSignatureException",
  InvalidClientTokenId: "UnrecognizedClientException",
  MissingAuthenticationToken: "MissingAuthenticationTokenException",
  SignatureDoesNotMatch: "InvalidSignatureException",
};

/** Translates an error that all services have into this protocol. @param service undefined if it is not known */
export function translateError(error: AwsError, service: JsonService | undefined): AwsError {
  const code =
    error.code === "ValidationError" ? (service?.invalidCode ?? "ValidationException") : commonCodes[error.code];
  return code === undefined ? error : new AwsError(code, 400, error.message);
}

export const writeJsonError = ({ code, message }: AwsError): string => JSON.stringify({ __type: code, message });

const malformed = (problem: string): AwsError => new AwsError("SerializationException", 400, problem);

/** Reads a parameter; undefined and null are an absent one. `name` is the one in AWS's messages. Throws AwsError. */
export type Reader<T> = (value: unknown, name: string) => T;

type Members = Readonly<Record<string, Reader<unknown>>>;
type Input<M extends Members> = { readonly [Name in keyof M]: ReturnType<M[Name]> };

/** Defines an operation with the parameters that are supported; others are rejected. */
export function defineOperation<M extends Members>(
  members: M,
  run: (call: JsonCall, input: Input<M>) => JsonValue,
): JsonOperation {
  const read = structure(members);
  return { run: (call, input) => run(call, read(input, "")) };
}

export function structure<M extends Members>(members: M): Reader<Input<M>> {
  return (value, name) => {
    const given = requireValue(value, name);
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw malformed(`${name || "The request"} is not a structure`);
    const place = name === "" ? "" : `${name}.`;
    const other = Object.keys(given).find((each) => !Object.hasOwn(members, each));
    if (other !== undefined) throw notModeled(`the parameter ${place}${other}`);
    const fields = given as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.entries(members).map(([each, read]) => [each, read(fields[each], place + lowerFirst(each))]),
    ) as Input<M>;
  };
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, name) => (value === undefined || value === null ? undefined : read(value, name));
}

export function listOf<T>(read: Reader<T>, length: { min?: number; max?: number } = {}): Reader<readonly T[]> {
  return (value, name) => {
    const given = requireValue(value, name);
    if (!Array.isArray(given)) throw malformed(`${name} is not a list`);
    const { min = 0, max = Number.POSITIVE_INFINITY } = length;
    if (given.length < min || given.length > max) {
      const [word, bound] = given.length < min ? ["greater", min] : ["less", max];
      throw invalid(name, "[…]", `Member must have length ${word} than or equal to ${bound}`);
    }
    return given.map((each, index) => read(each, `${name}.${index + 1}.member`));
  };
}

export function text(min = 0, max = 4096, pattern?: string): Reader<string> {
  return (value, name) => {
    const given = requireValue(value, name);
    if (typeof given !== "string") throw malformed(`${name} is not a string`);
    validate({ name, value: given, min, max, ...(pattern === undefined ? {} : { pattern }) });
    return given;
  };
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Reader<Word> {
  return (value, name) => {
    const given = text()(value, name);
    const word = words.find((each) => each === given);
    if (word === undefined) throw invalid(name, given, `Member must satisfy enum value set: [${words.join(", ")}]`);
    return word;
  };
}

export function integer(min: number, max: number): Reader<number> {
  return (value, name) => {
    const given = requireValue(value, name);
    if (!Number.isInteger(given)) throw malformed(`${name} is not an integer`);
    validate({ name, value: given as number, min, max });
    return given as number;
  };
}

export const number: Reader<number> = (value, name) => {
  const given = requireValue(value, name);
  if (typeof given !== "number") throw malformed(`${name} is not a number`);
  return given;
};

export const boolean: Reader<boolean> = (value, name) => {
  const given = requireValue(value, name);
  if (typeof given !== "boolean") throw malformed(`${name} is not a Boolean`);
  return given;
};

/** Reads a time, which is sent in seconds since 1970. @returns ms since 1970 */
export const timestamp: Reader<number> = (value, name) => number(value, name) * 1000;

const invalid = (name: string, value: string, constraint: string): AwsError =>
  new AwsError(
    "ValidationError",
    400,
    `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: ${constraint}`,
  );

function requireValue(value: unknown, name: string): unknown {
  if (value === undefined || value === null) {
    const constraint = `Value null at '${name}' failed to satisfy constraint: Member must not be null`;
    throw new AwsError("ValidationError", 400, `1 validation error detected: ${constraint}`);
  }
  return value;
}

/**
 * Returns a page of a list, and the token of the next one.
 *
 * @param token of the page; undefined for the first
 * @param fail makes the service's error for a token that it did not return
 */
export function takeTokenPage<T>(
  items: readonly T[],
  token: string | undefined,
  size: number,
  fail: () => AwsError,
): { readonly page: readonly T[]; readonly nextToken: string | undefined } {
  const first = token === undefined ? 0 : readToken(token);
  if (first === undefined) throw fail();
  const page = items.slice(first, first + size);
  const next = first + page.length;
  return { page, nextToken: next < items.length ? writeToken(next) : undefined };
}

const writeToken = (offset: number): string => Buffer.from(`page from ${offset}`).toString("base64");

function readToken(token: string): number | undefined {
  const offset = /^page from (\d{1,6})$/.exec(Buffer.from(token, "base64").toString())?.[1];
  return offset !== undefined && writeToken(Number(offset)) === token ? Number(offset) : undefined;
}
