// Writing Terraform's language, laid out as `terraform fmt` does it; docs/decisions/own-terraform-writer.md says why.
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
export const makeExpression = (text: string): Written => ({ kind: "expression", text });
/** The same inside a text. */
export const interpolate = (text: string): string => `\${${text}}`;

export const makeBlock = (body: Body): Braced => ({ kind: "block", body });
export const makeMapping = (body: Body): Braced => ({ kind: "mapping", body });

/**
 * Text as it is, whatever it holds: `${aws:username}` is IAM's, and Terraform would take it for its own.
 * https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences-1
 */
export const escapeDocument = (text: string): Written => makeDocument(escapeTemplate(text));

/** Lines in which `${…}` is Terraform's. */
export const makeDocument = (text: string): Written => ({ kind: "document", text });

const escapeTemplate = (text: string): string => text.replace(/[$%](?=\{)/g, "$&$&");

/** A block with its labels, as it stands at the top of a file. */
export function writeBlock(type: string, labels: readonly string[], body: Body): string {
  return `${[type, ...labels.map(writeString)].join(" ")} ${writeBraces(body, "")}`;
}

function writeBraces(body: Body, indent: string): string {
  const entries = Object.entries(body);
  const lines = entries.filter(([, value]) => isLine(value));
  const longer = entries.filter(([, value]) => !isLine(value));
  // The equals signs of neighbouring lines stand below each other.
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  const inner = `${indent}  `;
  const parts = [
    lines.map(([name, value]) => `${inner}${name.padEnd(width)}${writeValue(value, inner)}`).join(""),
    ...longer.map(([name, value]) => `${inner}${name}${writeValue(value, inner)}`),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "{}\n" : `{\n${parts.join("\n")}${indent}}\n`;
}

const kindOf = (value: Value): string => (typeof value === "object" && "kind" in value ? value.kind : "literal");
const isLine = (value: Value): boolean => ["literal", "expression"].includes(kindOf(value));

/** What stands behind a name. */
function writeValue(value: Value, indent: string): string {
  if (typeof value !== "object" || !("kind" in value)) return ` = ${writeLiteral(value)}\n`;
  switch (value.kind) {
    case "expression":
      return ` = ${value.text}\n`;
    case "document":
      return ` = <<EOT\n${value.text}\nEOT\n`;
    case "mapping":
      return ` = ${writeBraces(value.body, indent)}`;
    case "block":
      return ` ${writeBraces(value.body, indent)}`;
  }
}

function writeLiteral(value: string | boolean | readonly (string | Written)[]): string {
  if (typeof value === "string") return writeString(value);
  if (typeof value === "boolean") return String(value);
  return `[${value.map((one) => (typeof one === "string" ? writeString(one) : one.text)).join(", ")}]`;
}

/** What JSON makes of a text without control characters is Terraform's too. */
const writeString = (text: string): string => escapeTemplate(JSON.stringify(text));
