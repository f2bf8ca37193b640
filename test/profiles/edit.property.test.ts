import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BreaksFile, editSection, removeKeys } from "../../src/profiles/edit.ts";
import {
  DuplicateSection,
  encode,
  type FileKind,
  findSection,
  parseLine,
  parseProperties,
  scan,
  splitLines,
  UnparsableText,
} from "../../src/profiles/scan.ts";
import { SPACE, trimBytes } from "../../src/profiles/white-space.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { type Reader, type Reading, readers } from "./readers.ts";
import { change, ownKeys, type Sample, sample, setting, wildText } from "./samples.ts";

const uniform = sample({ indents: ["", "  ", "\t", "\u00c2\u00a0"], mayLack: true });
const ragged = sample({ indents: ["", " ", "  ", "    ", "\t", "\u00e3\u0080\u0080"], isRagged: true });
const whole = ({ before, section, after }: Sample): string => before + section + after;
const removed = Object.fromEntries(ownKeys.map((key) => [key, undefined]));
const fileKind = fc.constantFrom<FileKind>("credentials", "config");

/** Edits a text that may hold anything; undefined where fob refuses it. */
function edit<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if ([UnparsableText, DuplicateSection, BreaksFile].some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** What a section says, without what stands for the keys of a change. */
const without = (properties: Readonly<Record<string, string>> = {}, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => !keys.includes(key.toLowerCase())));

const others = (reading: Reading, name: string): Reading =>
  Object.fromEntries(Object.entries(reading).filter(([other]) => other !== name));

describe.each(Object.values(readers))("$name", (reader: Reader) => {
  test.skipIf(!reader.isThere)("reads every value as it was written, and everything else as before", async () => {
    const property = fc.asyncProperty(uniform, setting, async (file, some) => {
      const wanted = { ...removed, ...some };
      const { kind, profile, before, after, bare, indent } = file;
      const edited = editSection(whole(file), kind, profile, wanted);
      const reading = await reader.read(edited, kind);
      const name = reader.nameOf(profile, kind);
      // Only npm's ini may have to give up: at nested blocks, and at the comments that headers keep.
      if (reader === readers.ini && !reading) return;
      expect(reading).toBeDefined();
      // Everything that is not the section's reads as if the section were not there.
      const apart = await reader.read(before + after, kind);
      expect(others(reading ?? {}, name ?? "")).toEqual(others(apart ?? {}, name ?? ""));
      if (name === undefined) return;
      for (const key of Object.keys(wanted)) {
        const value = wanted[key];
        if (value === undefined || reader.keeps(value)) expect(reading?.[name]?.[key]).toBe(value);
      }
      // An indented section is one nested block to the SDK for JavaScript, from its first block on.
      if (indent !== "" && reader === readers.sdk) return;
      const expected = await reader.read(before + bare + after, kind);
      if (reader === readers.ini && !expected) return;
      expect(without(reading?.[name], ownKeys)).toEqual(without(expected?.[name], ownKeys));
    });
    await fc.assert(property, { numRuns: numRunsOf(300) });
  });

  test.skipIf(!reader.isThere)("reads every value back from a section that was indented in any way", async () => {
    const property = fc.asyncProperty(ragged, setting, async (file, wanted) => {
      const { kind, profile } = file;
      const edited = edit(() => editSection(whole(file), kind, profile, { ...removed, ...wanted }));
      if (edited === undefined) return;
      const reading = await reader.read(edited, kind);
      const name = reader.nameOf(profile, kind);
      if (name === undefined || (reader === readers.ini && !reading)) return;
      // It may have been unreadable to begin with.
      if (!reading && !(await reader.read(whole(file), kind))) return;
      for (const [key, value] of Object.entries(wanted)) {
        if (reader.keeps(value)) expect(reading?.[name]?.[key]).toBe(value);
      }
    });
    await fc.assert(property, { numRuns: numRunsOf(200) });
  });
});

test.skipIf(!readers.botocore.isThere)(
  "an indented header after the section does not become part of its last value",
  async () => {
    const property = fc.asyncProperty(
      setting,
      fc.constantFrom("  ", "\t", "\f", "\u00c2\u00a0"),
      async (wanted, indent) => {
        const text = `[work-mfa]\nregion = old\n\n${indent}[next]\n${indent}k = v\n`;
        for (const edited of [
          editSection(text, "credentials", "work-mfa", wanted),
          removeKeys(`[above]\na = b\n${text}`, "credentials", "work-mfa", ["region"]),
        ]) {
          const reading = await readers.botocore.read(edited, "credentials");
          expect(reading?.next).toEqual({ k: "v" });
          expect(reading?.["work-mfa"] ?? wanted).toMatchObject(wanted);
        }
      },
    );
    await fc.assert(property, { numRuns: 30 });
  },
);

test("comments, foreign keys and nested blocks of the section stay, however it is indented", () => {
  const property = fc.property(fc.oneof(uniform, ragged), change, (file, wanted) => {
    const { before, after, section, foreign } = file;
    const edited = edit(() => editSection(whole(file), file.kind, file.profile, wanted));
    if (edited === undefined) return;
    if (section === "") expect(edited.startsWith(before + after)).toBe(true);
    if (section === "") return;
    expect(edited.startsWith(before)).toBe(true);
    expect(edited.endsWith(after)).toBe(true);
    const left = edited.slice(before.length, edited.length - after.length);
    const lines = splitLines(left).map(trimBytes);
    for (const line of foreign)
      expect(lines.some((one) => one === line || (line === "ch" && one.includes("ch")))).toBe(true);
  });
  fc.assert(property, { numRuns: numRunsOf(1000) });
});

test("every byte outside the section stays, in any file, and writing twice is writing once", () => {
  const property = fc.property(
    wildText,
    fileKind,
    fc.constantFrom("a", "b", "c", "d"),
    change,
    (text, kind, profile, wanted) => {
      const edited = edit(() => editSection(text, kind, profile, wanted));
      if (edited === undefined) return;
      const section = findSection(scan(text, kind), profile);
      const [before, after] = section ? [text.slice(0, section.start), text.slice(section.end)] : [text, ""];
      expect(edited.startsWith(before)).toBe(true);
      // The indent of the next header is the last of the section's bytes: to botocore such a line continues its last value.
      expect(edited.endsWith(after.replace(new RegExp(`^${SPACE}+(?=\\[)`), ""))).toBe(true);
      expect(editSection(edited, kind, profile, wanted)).toBe(edited);
    },
  );
  fc.assert(property, { numRuns: numRunsOf(3000) });
});

// What takes more than linear time does not end before the test does.
test("in a file of 1 MB too", () => {
  const property = fc.property(wildText, change, (text, wanted) => {
    const start = `[big]\n${text}\n`.replace(/^ *\[(a|d|profile.*)\]/gm, "# $1");
    const filler = `[f]\n# ${"x".repeat(500)}\nk = ${" ".repeat(500)}v\n`.repeat(1000);
    const whole = `${filler}${" ".repeat(100_000)}\n${start}\n[a]\nk = ${" ".repeat(100_000)}v\n`;
    const edited = edit(() => editSection(whole, "credentials", "a", wanted));
    if (edited !== undefined) expect(edited.startsWith(whole.slice(0, whole.lastIndexOf("[a]")))).toBe(true);
  });
  fc.assert(property, { numRuns: 10 });
});

test("a session that is set and taken away again leaves the file as it was", () => {
  const property = fc.property(wildText, fileKind, setting, (text, kind, wanted) => {
    fc.pre(text === "" || text.endsWith("\n"));
    const edited = edit(() => editSection(text, kind, "work-mfa", wanted));
    if (edited === undefined || findSection(scan(text, kind), "work-mfa")) return;
    expect(removeKeys(edited, kind, "work-mfa", ownKeys)).toBe(text);
  });
  fc.assert(property, { numRuns: numRunsOf(2000) });
});

test("a key that is removed is gone from the section, and one that is not there is no reason to write", () => {
  const property = fc.property(fc.oneof(uniform, ragged), fc.subarray([...ownKeys]), (file, keys) => {
    const { kind, profile } = file;
    const left = edit(() => removeKeys(whole(file), kind, profile, keys));
    if (left === undefined) return;
    const section = findSection(scan(left, kind), profile);
    const there = section ? parseProperties(left, section).map(({ key }) => key) : [];
    expect(there.filter((key) => keys.some((removed) => removed === key))).toEqual([]);
    if (!splitLines(file.section).some((line) => isOneOf(line, keys))) expect(left).toBe(whole(file));
  });
  fc.assert(property, { numRuns: numRunsOf(1000) });
});

function isOneOf(source: string, keys: readonly string[]): boolean {
  const line = parseLine(source);
  return line.kind === "property" && keys.includes(line.key);
}

test.skipIf(!readers.botocore.isThere)("a file that botocore reads is one that it reads afterwards", async () => {
  const property = fc.asyncProperty(ragged, change, async (file, wanted) => {
    const { kind, profile } = file;
    const edited = edit(() => editSection(whole(file), kind, profile, wanted));
    if (edited === undefined || !(await readers.botocore.read(whole(file), kind))) return;
    expect(await readers.botocore.read(edited, kind)).toBeDefined();
    const left = removeKeys(whole(file), kind, profile, Object.keys(wanted));
    expect(await readers.botocore.read(left, kind)).toBeDefined();
  });
  await fc.assert(property, { numRuns: numRunsOf(1000) });
});

test("two sections of one name are refused, for this profile only", () => {
  const property = fc.property(ragged, setting, (file, wanted) => {
    const text = `${whole(file)}\n${file.bare}`;
    expect(() => editSection(text, file.kind, file.profile, wanted)).toThrow(DuplicateSection);
    expect(() => removeKeys(text, file.kind, file.profile, ownKeys)).toThrow(DuplicateSection);
    expect(editSection(text, file.kind, "another", wanted).startsWith(text)).toBe(true);
  });
  fc.assert(property, { numRuns: numRunsOf(200) });
});

test.skipIf(!readers.botocore.isThere)(
  "keys and values are what the SDK and botocore read, if they agree",
  async () => {
    const lines = ["k=v", "k = v", "K9=v w", "# c", "k2 = v #c", "", "s3 =", "k3: v"];
    const blanks = Array.from(
      "\t\u000b\f\u001c \u0085\u00a0\u1680\u2000\u200a\u2028\u202f\u205f\u3000\ufeff\u200b\u00e0",
    ).map(encode);
    const blank = fc.oneof({ arbitrary: fc.constant(""), weight: 5 }, fc.constantFrom(...blanks));
    const line = fc
      .tuple(fc.constantFrom(...lines), fc.array(blank, { minLength: 4, maxLength: 4 }))
      .map(([text, [a = "", b = "", c = "", d = ""]]) => a + text.replace("=", `${b}=${c}`) + d);
    let agreed = 0;
    const property = fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 3 }), async (body) => {
      const text = `[a]\n${body.join("\n")}\n`;
      const [sdk, botocore] = [
        await readers.sdk.read(text, "credentials"),
        await readers.botocore.read(text, "credentials"),
      ];
      const lower = Object.entries(sdk?.a ?? {}).map(([key, value]) => [key.toLowerCase(), value]);
      if (!botocore || JSON.stringify(lower) !== JSON.stringify(Object.entries(botocore.a ?? {}))) return;
      agreed += 1;
      const section = findSection(scan(text, "credentials"), "a");
      const own = parseProperties(text, section ?? raise()).flatMap(({ key, value, nested }): string[][] =>
        nested.length > 0 ? nested.map((inner) => [`${key}.${inner.key}`, inner.value]) : [[key, value]],
      );
      expect(own.filter(([, value]) => value !== "")).toEqual(lower.filter(([, value]) => value !== ""));
    });
    await fc.assert(property, { numRuns: numRunsOf(1500) });
    expect(agreed).toBeGreaterThan(numRunsOf(200));
  },
);

const raise = (): never => {
  throw new Error("no such section");
};

test.skipIf(!readers.botocore.isThere)("the profiles of a file are those that the SDK and botocore find", async () => {
  const headers = ["[a]", "[profile b]", '[profile "c"]', "[profile 'd']", "[profile e f]", '[profile "g h"]'];
  headers.push(
    "[default]",
    "[profile default]",
    "[sso-session s]",
    "[services t]",
    "[profile]",
    '[profile "i]',
    "[profile j\\k]",
  );
  headers.push("[l.m] # x", "[profile n@o/p]", "[profilex q]", "[ profile r", "[u] v");
  const odd = fc.constantFrom("junk", "= v", ": v", "[w", "[]", "  k9", "k = v", "");
  const property = fc.asyncProperty(
    fileKind,
    fc.uniqueArray(fc.constantFrom(...headers), { maxLength: 5 }),
    odd,
    async (kind, some, line) => {
      const text = `${some.map((header) => `${header}\nk = v\n`).join("")}${line}\n`;
      const [sdk, botocore] = [await readers.sdk.read(text, kind), await readers.botocore.read(text, kind)];
      const found = edit(() => [...scan(text, kind)].flatMap(({ profile }) => profile ?? []));
      // What fob refuses to read, the aws command cannot read either.
      if (found === undefined) expect(botocore).toBeUndefined();
      if (found === undefined) return;
      if (!sdk || !botocore) return;
      const names = [sdk, botocore].map((reading) => Object.keys(reading).sort());
      if (String(names[0]) !== String(names[1])) return;
      expect([...new Set(found)].sort()).toEqual(names[0]);
    },
  );
  await fc.assert(property, { numRuns: numRunsOf(500) });
});
