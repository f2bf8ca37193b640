// Writing Terraform's language, laid out as `terraform fmt` does it.
// https://developer.hashicorp.com/terraform/language/syntax/configuration

/** A value other than a string, a switch or a list of them. */
interface Written {
  readonly kind: "expression" | "document";
  readonly text: string;
}

/** What stands in braces: a block, or the value of an argument. */
interface Braced {
  readonly kind: "block" | "mapping";
  readonly body: Body;
}

type Value = string | boolean | Written | Braced | readonly (string | Written)[];

export interface Body {
  readonly [name: string]: Value;
}

/** A reference, or whatever else is Terraform's own. */
export const expression = (text: string): Written => ({ kind: "expression", text });
/** The same inside a text. */
export const interpolation = (text: string): string => `\${${text}}`;

export const block = (body: Body): Braced => ({ kind: "block", body });
export const mapping = (body: Body): Braced => ({ kind: "mapping", body });

/**
 * Text as it is, whatever it holds: `${aws:username}` is IAM's, and Terraform would take it for its own.
 * https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences-1
 */
export const verbatim = (text: string): Written => template(escaped(text));

/** Lines in which `${…}` is Terraform's. */
export const template = (text: string): Written => ({ kind: "document", text });

const escaped = (text: string): string => text.replace(/[$%](?=\{)/g, "$&$&");

/** A block with its labels, as it stands at the top of a file. */
export function topLevel(type: string, labels: readonly string[], body: Body): string {
  return `${[type, ...labels.map(quoted)].join(" ")} ${braces(body, "")}`;
}

function braces(body: Body, indent: string): string {
  const entries = Object.entries(body);
  const lines = entries.filter(([, value]) => isLine(value));
  const longer = entries.filter(([, value]) => !isLine(value));
  // The equals signs of neighbouring lines stand below each other.
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  const inner = `${indent}  `;
  const parts = [
    lines.map(([name, value]) => `${inner}${name.padEnd(width)}${written(value, inner)}`).join(""),
    ...longer.map(([name, value]) => `${inner}${name}${written(value, inner)}`),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "{}\n" : `{\n${parts.join("\n")}${indent}}\n`;
}

const kindOf = (value: Value): string => (typeof value === "object" && "kind" in value ? value.kind : "literal");
const isLine = (value: Value): boolean => ["literal", "expression"].includes(kindOf(value));

/** What stands behind a name. */
function written(value: Value, indent: string): string {
  if (typeof value !== "object" || !("kind" in value)) return ` = ${literal(value)}\n`;
  switch (value.kind) {
    case "expression":
      return ` = ${value.text}\n`;
    case "document":
      return ` = <<EOT\n${value.text}\nEOT\n`;
    case "mapping":
      return ` = ${braces(value.body, indent)}`;
    case "block":
      return ` ${braces(value.body, indent)}`;
  }
}

function literal(value: string | boolean | readonly (string | Written)[]): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean") return String(value);
  return `[${value.map((one) => (typeof one === "string" ? quoted(one) : one.text)).join(", ")}]`;
}

/** What JSON makes of a text without control characters is Terraform's too. */
const quoted = (text: string): string => escaped(JSON.stringify(text));
