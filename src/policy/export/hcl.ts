// Writes Terraform's language, formatted like `terraform fmt`; docs/decisions/own-terraform-writer.md says why.
// https://developer.hashicorp.com/terraform/language/syntax/configuration

/** A value other than a string, a Boolean or a list. */
interface Written {
  readonly kind: "expression" | "document";
  readonly text: string;
}

/** Content in braces: a block, or the value of an argument. */
interface Braced {
  readonly kind: "block" | "mapping";
  readonly body: Body;
}

type Value = string | boolean | Written | Braced | readonly (string | Written)[];

export interface Body {
  readonly [name: string]: Value;
}

/** A reference or another Terraform expression. */
export const makeExpression = (text: string): Written => ({ kind: "expression", text });
/** An expression inside a text. */
export const interpolate = (text: string): string => `\${${text}}`;

export const makeBlock = (body: Body): Braced => ({ kind: "block", body });
export const makeMapping = (body: Body): Braced => ({ kind: "mapping", body });

/**
 * Escapes text so that Terraform keeps it as it is: `${aws:username}` is an IAM variable, not a Terraform expression.
 * https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences-1
 */
export const escapeDocument = (text: string): Written => makeDocument(escapeTemplate(text));

/** Lines in which `${…}` is a Terraform expression. */
export const makeDocument = (text: string): Written => ({ kind: "document", text });

const escapeTemplate = (text: string): string => text.replace(/[$%](?=\{)/g, "$&$&");

/** Writes a top-level block with its labels. */
export function writeBlock(type: string, labels: readonly string[], body: Body): string {
  return `${[type, ...labels.map(writeString)].join(" ")} ${writeBraces(body, "")}`;
}

function writeBraces(body: Body, indent: string): string {
  const entries = Object.entries(body);
  const lines = entries.filter(([, value]) => isLine(value));
  const longer = entries.filter(([, value]) => !isLine(value));
  // Align the equals signs of adjacent lines.
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

/** Writes everything after a name. */
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

/** JSON strings without control characters are valid in Terraform too. */
const writeString = (text: string): string => escapeTemplate(JSON.stringify(text));
