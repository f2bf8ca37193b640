import { execFileSync } from "node:child_process";
import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { escapeControlCharacters, formatAsciiJson, formatJson, maskKeyId, quoteShellWord } from "../src/text.ts";

test("control characters become visible", () => {
  expect(escapeControlCharacters("a\u001b[2Jb\r\nc\u009bd\u202ee")).toBe("a\\x1b[2Jb\\x0d\\x0ac\\x9bd\\x202ee");
});

test.each([
  ["soft hyphen", "a\u00adb", "a\\xadb"],
  ["tag character", "a\u{e0041}b", "a\\xe0041b"],
  ["variation selectors", "a\ufe0f\u{e0100}b", "a\\xfe0f\\xe0100b"],
  ["filler", "a\u3164b", "a\\x3164b"],
  ["combining grapheme joiner", "a\u034fb", "a\\x34fb"],
  ["Mongolian vowel separator", "a\u180eb", "a\\x180eb"],
  ["interlinear annotation", "a\ufff9b", "a\\xfff9b"],
  ["half a surrogate pair", "a\ud83db", "a\\xd83db"],
])("what is not to be seen becomes visible: %s", (_, text, visible) => {
  expect(escapeControlCharacters(text)).toBe(visible);
});

test("letters, accents and emoji stay as they are", () => {
  const text = "Zoë e\u0301 東京 दिल्ली العربية 🔑👍🏽 ✓ €";
  expect(escapeControlCharacters(text)).toBe(text);
});

property.prop([fc.string({ unit: "binary" })])("nothing that moves a cursor or hides is left", (text) => {
  expect(escapeControlCharacters(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u);
});

property.prop([fc.string({ unit: "binary" })])("JSON is ASCII, and the same value", (text) => {
  for (const json of [formatJson({ text }), formatAsciiJson({ text })]) {
    expect(json).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(json)).toEqual({ text });
  }
});

property.prop([fc.stringMatching(/^[ -~]{0,20}$/)], { numRuns: 40 })(
  "a word in a hint is one word to a shell",
  (word) => {
    expect(execFileSync("sh", ["-c", `printf %s ${quoteShellWord(word)}`], { encoding: "utf8" })).toBe(word);
  },
);

test("a key id is shown as little as recognising it takes", () => {
  expect(maskKeyId("AKIAIOSFODNN7EXAMPLE")).toBe("AKIA…MPLE");
});
