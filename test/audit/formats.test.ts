// Names, paths, tags and policies may hold anything: in no format do they become more than text.
import { createHash } from "node:crypto";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { prepareAudit, runChecks } from "../../src/audit/audit.ts";
import { formatAuditHtml } from "../../src/cli/commands/audit/html/report.ts";
import { formatAudit, formatAuditMarkdown, listRows } from "../../src/cli/commands/audit/text.ts";
import { formatCsv } from "../../src/csv.ts";
import { html } from "../../src/html.ts";
import { escapeControlCharacters, formatJson } from "../../src/text.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { makeAccountOf, now } from "./account-of.ts";

const hostile = [
  ...[
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</style>",
    "<!--",
  ],
  ...[
    "]]>",
    "&lt;",
    "javascript:alert(1)",
    "=cmd()",
    "+1",
    "-1",
    "@sum(1)",
    "\t=1",
    "＝1",
    " =1",
    'a"b,c',
    "a|b",
    "`id`",
  ],
  ...["[x](https://example.com)", "# h", "- x", "\u001b[31m", "\u202eabc", "\u2066", "a\nb", "a\r\nb", "\u2028", "\0"],
  ...["https://example.com/a", "www.example.com", "a;=cmd()", "a;\t=cmd()", "{0}"],
  ...["$(id)", "x".repeat(64), "\ud800", "$&", "$1", "__proto__"],
];
const texts = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: "binary", maxLength: 64 }),
  fc.array(fc.constantFrom(...hostile), { minLength: 2, maxLength: 3 }).map((parts) => parts.join("")),
);

/** All properties have the same texts: the seed is the same. */
const formatted = new Map<string, ReturnType<typeof formatAll>>();
function format(text: string) {
  const found = formatted.get(text) ?? formatAll(text);
  formatted.set(text, found);
  return found;
}

function formatAll(text: string) {
  const { snapshot, options } = makeAccountOf(text);
  const input = prepareAudit(snapshot, options);
  const audit = runChecks(input);
  return {
    audit,
    table: formatAudit(audit, now, 100),
    csv: formatCsv(listRows(audit)),
    markdown: formatAuditMarkdown(audit),
    page: formatAuditHtml(audit, input),
  };
}

const harmless = format("ben");
/** What moves a cursor, reorders a line or is not to be seen; lines may end. */
const isPlain = (text: string): boolean =>
  escapeControlCharacters(text.replace(/\r?\n/g, "")) === text.replace(/\r?\n/g, "");
const property = (check: (text: string) => void) =>
  fc.assert(fc.property(texts, check), { numRuns: numRunsOf(400), examples: hostile.map((text) => [text]) });

/** Its tags, with the names of attributes. */
const listTags = (page: string): readonly string[] =>
  [...page.matchAll(/<(\/?[!\w]+)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
    ([, name, attributes = ""]) => `${name} ${attributes.replaceAll(/="[^"]*"/g, "")}`,
  );

test("HTML: hostile texts add no tag and no attribute", () => {
  const tags = listTags(harmless.page);
  expect(tags.length).toBeGreaterThan(200);
  property((text) => {
    const { page } = format(text);
    expect(listTags(page)).toEqual(tags);
    expect(page.match(/</g)).toHaveLength(harmless.page.match(/</g)?.length ?? 0);
    expect(isPlain(page)).toBe(true);
  });
});

test("HTML: what a browser reads is the text that it was", () => {
  property((text) => {
    const { text: written } = html`<p title="${text}">${[text, html`<b>${text}</b>`]}</p>`;
    const [, ...parts] = /^<p title="([^"<>]*)">([^"<>]*)<b>([^"<>]*)<\/b><\/p>$/.exec(written) ?? [];
    expect(parts.map(unescapeHtml)).toEqual(Array(3).fill(escapeControlCharacters(text)));
  });
});

const unescapeHtml = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#96;", "`")
    .replaceAll("&amp;", "&");

test("HTML: the policy of the page allows its own style and script, by their hashes, and nothing else", () => {
  const { page } = harmless;
  const contentOf = (tag: string): string =>
    new RegExp(`<${tag}(?: type="module")?>(.*?)</${tag}>`, "s").exec(page)?.[1] ?? "";
  const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  expect(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'")).toBe(
    `default-src 'none'; style-src ${hash(contentOf("style"))}; script-src ${hash(contentOf("script"))}; base-uri 'none'; form-action 'none'`,
  );
  expect(page).not.toMatch(/\s(style|src|on\w+)=|@import|url\(/);
});

test("CSV: a cell is what it was, and no formula", () => {
  const rows = harmless.csv.split("\r\n").length;
  property((text) => {
    const { csv } = format(text);
    const cells: string[][] = parse(csv, { relax_column_count: false });
    expect(cells).toHaveLength(rows - 1);
    // Excel splits at semicolons too, where it takes no notice of the quotes.
    const parts = cells.flat().flatMap((cell) => cell.split(/[;\t]/));
    expect(parts.filter((part) => /^\s*[=+\-@＝＋－＠]/.test(part))).toEqual([]);
    expect(isPlain(csv)).toBe(true);
  });
});

test("Markdown: no markup, no new line, no new cell", () => {
  const shape = (markdown: string): readonly string[] =>
    markdown
      .split("\n")
      .map((line) => (line.startsWith("|") ? `${line.split(/(?<!\\)\|/).length} cells` : line.slice(0, 2)));
  property((text) => {
    const { markdown } = format(text);
    expect(shape(markdown)).toEqual(shape(harmless.markdown));
    // In a command nothing is markup, until the backtick that ends it.
    const rest = markdown.replaceAll(/\\[\\`*_{}[\]<>()#+!|~&@:.]/g, "").replaceAll(/`[^`\n]*`/g, "");
    expect(rest.match(/[<>[\]`]/)).toBeNull();
    // GitHub makes links of bare addresses.
    expect(rest.match(/(?<!\\):\/\/|www\./i)).toBeNull();
    expect(isPlain(markdown)).toBe(true);
  });
});

test("table: nothing moves the cursor or reorders a line", () => {
  property((text) => {
    expect(isPlain(format(text).table)).toBe(true);
  });
});

test("JSON: valid, in ASCII, and what it was", () => {
  property((text) => {
    const { audit } = format(text);
    const json = formatJson(audit);
    expect(json).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(audit)));
  });
});
