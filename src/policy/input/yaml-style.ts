// How a YAML text is written: indentation and quotes. What fob adds is written like it.
import { Document, isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import type { Item } from "./read-yaml.ts";

export interface Style {
  /** How many blanks a mapping in a mapping is indented by. */
  readonly indent: number;
  /** Whether a list in a mapping is indented. */
  readonly isListIndented: boolean;
  /** The quotes of texts that need some. */
  readonly quote: "single" | "double";
  /** Whether texts have quotes that need none. */
  readonly isQuoted: boolean;
}

export function findStyle(root: Item): Style {
  const items = listItems(root);
  const texts = items.flatMap(({ node }) => (isScalar(node) && typeof node.value === "string" ? [node] : []));
  const [single, double] = [count(texts, "QUOTE_SINGLE"), count(texts, "QUOTE_DOUBLE")];
  const harmless = texts.filter(({ value }) => isPlain(value as string, false));
  return {
    indent: findIndent(items, isMap) ?? 2,
    isListIndented: (findIndent(items, isSeq) ?? 2) > 0,
    quote: single > double ? "single" : "double",
    isQuoted: count(harmless, "PLAIN") < harmless.length / 2,
  };
}

const listItems = (item: Item): readonly Item[] => [item, ...[...item.members.values()].flatMap(listItems)];

const count = (scalars: readonly Scalar[], wanted: Scalar["type"]): number =>
  scalars.filter(({ type }) => type === wanted).length;

/** Of the first block of a kind that is a member of a block: how far it is indented. */
function findIndent(items: readonly Item[], isKind: (node: Node) => boolean): number | undefined {
  for (const item of items) {
    if (!isMap(item.node) || item.node.flow) continue;
    for (const { key, node } of item.members.values()) {
      const [above, below] = [key?.srcToken, node.srcToken];
      if (!isKind(node) || above === undefined || below === undefined || !("indent" in below)) continue;
      if (below.type === "block-map" || below.type === "block-seq") return below.indent - indentOf(item.node);
    }
  }
  return undefined;
}

function indentOf({ srcToken }: Node): number {
  return srcToken !== undefined && "indent" in srcToken ? srcToken.indent : 0;
}

/** Formats a value as the lines of a block. */
export function formatBlock(value: unknown, { indent, isListIndented, quote, isQuoted }: Style): string[] {
  // YAML 1.1 takes more texts for dates and switches: they get quotes.
  const document = new Document(value, { version: "1.1", aliasDuplicateObjects: false });
  const text = document.toString({
    // The library breaks long texts wrongly.
    lineWidth: 0,
    ...{ indent: Math.max(indent, 1), indentSeq: isListIndented, directives: false, defaultKeyType: "PLAIN" },
    ...{ singleQuote: quote === "single", doubleQuotedAsJSON: true },
    defaultStringType: isQuoted ? (quote === "single" ? "QUOTE_SINGLE" : "QUOTE_DOUBLE") : "PLAIN",
  });
  return text.trimEnd().split("\n");
}

/**
 * Formats a text, number, truth value, null or an empty container in one line.
 *
 * @param like what is written in the same way
 */
export function formatScalar(value: unknown, like: Scalar | undefined, style: Style, isInFlow: boolean): string {
  if (typeof value !== "string") return JSON.stringify(value);
  const type = like?.type ?? (style.isQuoted ? undefined : "PLAIN");
  if (type === "PLAIN" && isPlain(value, isInFlow)) return value;
  const isSingle = type === "QUOTE_SINGLE" || (type !== "QUOTE_DOUBLE" && style.quote === "single");
  return isSingle && /^[ -&(-~]*$/.test(value) ? `'${value}'` : JSON.stringify(value);
}

export function formatKey(name: string, like: Scalar | undefined): string {
  if (like?.type === "PLAIN" && isPlain(name, false)) return name;
  return like?.type === "QUOTE_SINGLE" && /^[ -&(-~]*$/.test(name) ? `'${name}'` : JSON.stringify(name);
}

/** Whether every reader of YAML takes a text without quotes for the same text. */
function isPlain(text: string, isInFlow: boolean): boolean {
  if (/^(null|true|false|yes|no|on|off|y|n)$/i.test(text)) return false;
  return (isInFlow ? /^[A-Za-z]([\w:*/.@=+$-]*[\w*/.@=+$-])?$/ : /^[A-Za-z]([\w:*/.@=+${}-]*[\w*/.@=+${}-])?$/).test(
    text,
  );
}
