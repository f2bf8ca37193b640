// The texts of a policy that requests are compared with, with their wildcards and policy variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
import { escapeLiteral, type Pattern, parsePattern } from "./wildcard.ts";

export interface Template {
  /** As written in the policy. */
  readonly text: string;
  readonly parts: readonly (Pattern | Variable)[];
  /** The pattern, if the text has no variables. */
  readonly pattern: Pattern | undefined;
}

export interface Variable {
  /** The context key as written in the policy. */
  readonly key: string;
  /** The default value, for requests without the key. */
  readonly otherwise: string | undefined;
}

/** @param has whether wildcards and variables work in this text */
export function readTemplate(text: string, has: { wildcards: boolean; variables: boolean }): Template {
  const constant = has.wildcards ? parsePattern : escapeLiteral;
  if (!has.variables || !text.includes("${")) {
    const pattern = constant(text);
    return { text, parts: [pattern], pattern };
  }
  // Braces without the name of a key, such as "${}", are plain text.
  const pieces = text.split(/(\$\{[^{}]*\})/);
  const parts = pieces.filter((piece) => piece !== "").map((piece) => readVariable(piece) ?? constant(piece));
  const isConstant = parts.every((part) => typeof part === "string");
  return { text, parts, pattern: isConstant ? (parts.join("") as Pattern) : undefined };
}

function readVariable(piece: string): Pattern | Variable | undefined {
  const escaped = /^\$\{([*?$])\}$/.exec(piece)?.[1];
  if (escaped !== undefined) return escapeLiteral(escaped);
  const found = /^\$\{\s*([^\s,'{}]+)\s*(?:,\s*'([^']*)'\s*)?\}$/.exec(piece);
  return found?.[1] === undefined ? undefined : { key: found[1], otherwise: found[2] };
}

/** Lists the context keys of the variables in a template. */
export function listVariables({ parts }: Template): string[] {
  return parts.flatMap((part) => (typeof part === "string" ? [] : part.key));
}

/** The values of a context key; undefined if it is absent. */
export type KeyValue = readonly string[] | undefined | typeof UNKNOWN;

/** The value of a condition key that may have any value, or be absent. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/**
 * Returns the pattern of a template for one request, or undefined if a variable has no value. Returns a list of keys if it
 * depends on them: their values are unknown, or they have several, which variables do not support.
 */
export function resolveVariables(
  template: Template,
  lookUp: (key: string) => KeyValue,
): Pattern | undefined | readonly string[] {
  if (template.pattern !== undefined) return template.pattern;
  const unknown: string[] = [];
  let pattern = "";
  let isWhole = true;
  for (const part of template.parts) {
    if (typeof part === "string") {
      pattern += part;
      continue;
    }
    const value = lookUp(part.key.toLowerCase());
    if (value === UNKNOWN || (value !== undefined && value.length > 1)) unknown.push(part.key.toLowerCase());
    else {
      const text = value?.[0] ?? part.otherwise;
      if (text === undefined) isWhole = false;
      else pattern += escapeLiteral(text);
    }
  }
  if (!isWhole) return undefined;
  return unknown.length > 0 ? unknown : (pattern as Pattern);
}
