// The AWS query protocol of STS, IAM and SNS, and its validation of parameters.

import type { Account, Credential } from "./account.ts";
import { AwsError, notModeled } from "./errors.ts";
import type { Region } from "./region.ts";
import { writeElement } from "./xml.ts";

export interface QueryCall {
  readonly account: Account;
  readonly caller: Credential;
  readonly parameters: ReadonlyMap<string, string>;
  readonly region: Region;
}

export interface QueryAction {
  /** The supported parameters, such as `Tags.member.N.Key`; others are rejected. */
  readonly parameters: readonly string[];
  /** Returns the members of the result as XML. */
  readonly run: (call: QueryCall) => string;
}

export interface QueryService {
  readonly version: string;
  readonly namespace: string;
  readonly actions: ReadonlyMap<string, QueryAction>;
}

/** Finds the action that the parameters name. Throws NotImplemented for anything that is not modeled. */
export function findAction(
  serviceName: string,
  service: QueryService,
  parameters: ReadonlyMap<string, string>,
): QueryAction {
  const actionName = parameters.get("Action") ?? "";
  // https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
  if (actionName === "") {
    throw new AwsError("MissingAction", 400, "The request is missing an action or a required parameter.");
  }
  const version = parameters.get("Version") ?? "";
  const action = service.actions.get(actionName);
  if (action === undefined) throw notModeled(`the action ${serviceName}:${actionName}`);
  if (version !== service.version) throw notModeled(`version '${version}' of ${serviceName}`);
  const known = ["Action", "Version", ...action.parameters];
  const isKnown = ([name, value]: [string, string]): boolean =>
    known.includes(name.replace(/\.member\.\d{1,3}(?=\.|$)/g, ".member.N")) ||
    // A list without members.
    (value === "" && known.some((each) => each.startsWith(`${name}.member.N`)));
  const other = [...parameters].find((parameter) => !isKnown(parameter))?.[0];
  if (other !== undefined) throw notModeled(`the parameter ${other} of ${serviceName}:${actionName}`);
  return action;
}

/** A parameter with AWS's constraints: the length of a string, or the bounds of a number. */
export interface Checked {
  readonly name: string;
  readonly value: string | number | undefined;
  /** Default: the parameter is optional. */
  readonly isRequired?: boolean;
  readonly min: number;
  readonly max: number;
  /** For strings: AWS's regular expression. */
  readonly pattern?: string;
}

/** Throws one ValidationError for all violated constraints. */
export function validate(...checks: readonly Checked[]): void {
  const problems = checks.flatMap(({ name, value, isRequired = false, min, max, pattern }) => {
    if (value === undefined) {
      return isRequired ? [`Value null at '${name}' failed to satisfy constraint: Member must not be null`] : [];
    }
    const [measure, size] = typeof value === "string" ? ["length", value.length] : ["value", value];
    const problem = (constraint: string) => `Value '${value}' at '${name}' failed to satisfy constraint: ${constraint}`;
    return [
      ...(size < min ? [problem(`Member must have ${measure} greater than or equal to ${min}`)] : []),
      ...(size > max ? [problem(`Member must have ${measure} less than or equal to ${max}`)] : []),
      ...(pattern !== undefined && !new RegExp(`^(?:${pattern})$`, "u").test(String(value))
        ? [problem(`Member must satisfy regular expression pattern: ${pattern}`)]
        : []),
    ];
  });
  if (problems.length === 0) return;
  const detected = `${problems.length} validation ${problems.length === 1 ? "error" : "errors"} detected`;
  throw new AwsError("ValidationError", 400, `${detected}: ${problems.join("; ")}`);
}

/** Lists the numbers of a list's members, in order: `Tags.member.1.Key` belongs to member 1 of `Tags`. */
export function listMembers(parameters: ReadonlyMap<string, string>, list: string): readonly number[] {
  const numbers = [...parameters.keys()].flatMap((name) => {
    const [found, , number] = name.split(".");
    return found === list && number !== undefined ? [Number(number)] : [];
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** Returns the strings of a list, in order: `ActionNames.member.1`. */
export function readTexts(parameters: ReadonlyMap<string, string>, list: string): readonly string[] {
  const named = [...parameters].filter(([name]) => name.startsWith(`${list}.member.`));
  const number = (name: string): number => Number(name.slice(`${list}.member.`.length));
  return named.sort(([a], [b]) => number(a) - number(b)).map(([, text]) => text);
}

/** Reads a 32-bit integer. Throws MalformedInput for anything else (the code is AWS's, the message is not). */
export function readInteger(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const value = /^[+-]?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || Math.abs(value) > 2 ** 31 - 1) {
    throw new AwsError("MalformedInput", 400, `${name} must be an integer`);
  }
  return value;
}

/** Reads a Boolean as AWS was observed to read it. Throws MalformedInput for anything else; the message is inferred. */
export function readBoolean(parameters: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new AwsError("MalformedInput", 400, `${name} must be true or false`);
}

const writeMarker = (offset: number): string => Buffer.from(`from ${offset}`).toString("base64");

/** Returns the members of the page that the parameters `Marker` and `MaxItems` ask for, and the XML that says what follows. */
export function takePage<T>(
  parameters: ReadonlyMap<string, string>,
  items: readonly T[],
): { readonly page: readonly T[]; readonly isTruncated: string; readonly marker: string } {
  const first = readOffset(parameters);
  const most = readInteger(parameters, "MaxItems");
  validate({ name: "maxItems", value: most, min: 1, max: 1000 });
  const page = items.slice(first, first + (most ?? 100));
  const next = first + page.length;
  const isTruncated = next < items.length;
  return {
    page,
    isTruncated: writeElement("IsTruncated", String(isTruncated)),
    marker: isTruncated ? writeElement("Marker", writeMarker(next)) : "",
  };
}

function readOffset(parameters: ReadonlyMap<string, string>): number {
  const marker = parameters.get("Marker");
  validate({ name: "marker", value: marker, min: 1, max: 320, pattern: "[\\u0020-\\u00FF]+" });
  if (marker === undefined) return 0;
  const offset = /^from (\d{1,6})$/.exec(Buffer.from(marker, "base64").toString())?.[1];
  if (offset === undefined || writeMarker(Number(offset)) !== marker) {
    throw new AwsError("InvalidInput", 400, "Invalid marker for pagination.");
  }
  return Number(offset);
}
