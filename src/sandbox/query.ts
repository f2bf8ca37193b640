// What STS and IAM have in common: the AWS query protocol, and how it complains about parameters.

import type { Account, Credential } from "./account.ts";
import { AwsError, notModelled } from "./errors.ts";

export interface QueryCall {
  readonly account: Account;
  readonly caller: Credential;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface QueryAction {
  /** The parameters that are modelled, of a list as `Tags.member.N.Key`; any other is refused. */
  readonly parameters: readonly string[];
  /** Returns the members of the result, in XML. */
  readonly run: (call: QueryCall) => string;
}

export interface QueryService {
  readonly version: string;
  readonly namespace: string;
  readonly actions: ReadonlyMap<string, QueryAction>;
}

/** Finds the action that the parameters name, and refuses what is not modelled of it. */
export function findAction(
  serviceName: string,
  service: QueryService,
  parameters: ReadonlyMap<string, string>,
): QueryAction {
  const asked = parameters.get("Action") ?? "";
  const version = parameters.get("Version") ?? "";
  const action = service.actions.get(asked);
  if (action === undefined) throw notModelled(`the action ${serviceName}:${asked}`);
  if (version !== service.version) throw notModelled(`version '${version}' of ${serviceName}`);
  const known = ["Action", "Version", ...action.parameters];
  const isKnown = ([name, value]: [string, string]): boolean =>
    known.includes(name.replace(/\.member\.\d{1,3}(?=\.|$)/g, ".member.N")) ||
    // A list without members.
    (value === "" && known.some((each) => each.startsWith(`${name}.member.N`)));
  const other = [...parameters].find((parameter) => !isKnown(parameter))?.[0];
  if (other !== undefined) throw notModelled(`the parameter ${other} of ${serviceName}:${asked}`);
  return action;
}

/** A parameter as AWS's constraints see it: lengths of a string, or bounds of a number. */
export interface Checked {
  readonly name: string;
  readonly value: string | number | undefined;
  /** Default: the parameter may be left out. */
  readonly isRequired?: boolean;
  readonly min: number;
  readonly max: number;
  /** For strings: the expression as AWS writes it. */
  readonly pattern?: string;
}

/** Throws one ValidationError for all constraints that are not met. */
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

/** The numbers of a list's members that are given, in order: `Tags.member.1.Key` is of member 1 of `Tags`. */
export function listMembers(parameters: ReadonlyMap<string, string>, list: string): readonly number[] {
  const numbers = [...parameters.keys()].flatMap((name) => {
    const [found, , number] = name.split(".");
    return found === list && number !== undefined ? [Number(number)] : [];
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The texts of a list that holds nothing else, in order: `ActionNames.member.1`. */
export function readTexts(parameters: ReadonlyMap<string, string>, list: string): readonly string[] {
  const named = [...parameters].filter(([name]) => name.startsWith(`${list}.member.`));
  const number = (name: string): number => Number(name.slice(`${list}.member.`.length));
  return named.sort(([a], [b]) => number(a) - number(b)).map(([, text]) => text);
}

/** A 32-bit integer of the query protocol. What is none is MalformedInput (the code is AWS's, the words are not). */
export function readInteger(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const value = /^[+-]?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || Math.abs(value) > 2 ** 31 - 1) {
    throw new AwsError("MalformedInput", 400, `${name} must be an integer`);
  }
  return value;
}
