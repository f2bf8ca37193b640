// HTML from texts that are not trusted.
import { escapeControlCharacters } from "./text.ts";

/** HTML that is safe to put into a page. Only `html` and `trustMarkup` make it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly Value[];

/** A template of HTML: what is put into it is escaped, for an element or for an attribute in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.reduce((text, string, index) => text + format(values[index - 1] ?? "") + string));
}

/** HTML that is written in fob's own files. Never of what comes from AWS or from a file. */
export const trustMarkup = (text: string): Markup => new Markup(text);

function format(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? escapeHtml(value) : value.map(format).join("");
}

const entities: Readonly<Record<string, string>> = {
  ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" },
};

/** Characters that reorder a line or are not to be seen become visible escapes, as on a terminal. */
function escapeHtml(text: string): string {
  return escapeControlCharacters(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? character);
}
