// The texts of a policy that are compared with a request: with wildcards, and with variables whose values the request has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
import { escapeLiteral, type Pattern, parsePattern } from "./wildcard.ts";

export interface Template {
  /** As the policy says it. */
  readonly text: string;
  readonly parts: readonly (Pattern | Variable)[];
  /** The pattern itself, where no variable is in it. */
  readonly pattern: Pattern | undefined;
}

export interface Variable {
  /** The context key as the policy spells it. */
  readonly key: string;
  /** What it is where the request does not have the key. */
  readonly otherwise: string | undefined;
}

/** @param has whether wildcards and variables mean something where the text stands */
export function readTemplate(text: string, has: { wildcards: boolean; variables: boolean }): Template {
  const constant = has.wildcards ? parsePattern : escapeLiteral;
  if (!has.variables || !text.includes("${")) {
    const pattern = constant(text);
    return { text, parts: [pattern], pattern };
  }
  // What is in braces and no name of a key, as in "${}", stands for itself.
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

/** The context keys of the variables in a template. */
export function listVariables({ parts }: Template): string[] {
  return parts.flatMap((part) => (typeof part === "string" ? [] : part.key));
}

/** The value of a context key: several, none at all, or one that the caller cannot tell. */
export type KeyValue = readonly string[] | undefined | typeof UNKNOWN;

/** Stands for the value of a condition key that may have any value, or be absent. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/**
 * The pattern of a template for one request. Undefined where a variable has no value. A list of keys where it hangs on
 * those: they are unknown, or have several values, which no variable takes.
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
