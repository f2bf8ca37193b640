import { execFileSync } from "node:child_process";
import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { maskKeyId, neutralise, shellWord } from "../src/text.ts";

test("control characters become visible", () => {
  expect(neutralise("a\u001b[2Jb\r\nc\u009bd\u202ee")).toBe("a\\x1b[2Jb\\x0d\\x0ac\\x9bd\\x202ee");
});

property.prop([fc.string({ unit: "binary" })])("nothing that moves a cursor is left", (text) => {
  expect(neutralise(text)).not.toMatch(/\p{Cc}/u);
});

property.prop([fc.stringMatching(/^[ -~]{0,20}$/)], { numRuns: 40 })(
  "a word in a hint is one word to a shell",
  (word) => {
    expect(execFileSync("sh", ["-c", `printf %s ${shellWord(word)}`], { encoding: "utf8" })).toBe(word);
  },
);

test("a key id is shown as little as recognising it takes", () => {
  expect(maskKeyId("AKIAIOSFODNN7EXAMPLE")).toBe("AKIA…MPLE");
});
