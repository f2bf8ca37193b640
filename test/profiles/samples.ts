// Arbitrary AWS files, as strings of one character a byte.
import fc from "fast-check";
import { isPortableName } from "../../src/profiles/names.ts";
import { encode, type FileKind } from "../../src/profiles/scan.ts";
import { SPACE, trimBytes } from "../../src/profiles/white-space.ts";

// Fixed, so that a run can be repeated; FC_SEED tries other files.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_260_131) });

/** Keys that the edits of these tests set or remove. */
export const ownKeys = [
  "aws_access_key_id",
  "aws_secret_access_key",
  "aws_session_token",
  "aws_security_token",
  "expiration",
  "region",
] as const;

/** A file around one section, which stands there as someone may have left it. */
export interface Sample {
  readonly kind: FileKind;
  readonly profile: string;
  readonly before: string;
  /** With its header; "" where the file has no such section. */
  readonly section: string;
  readonly after: string;
  /** The same section without the keys of {@link ownKeys}, its header in the plainest form. */
  readonly bare: string;
  /** How far the section's own properties are indented. */
  readonly indent: string;
  /** What must still be in the section after any edit: its comments and the lines of all other keys. */
  readonly foreign: readonly string[];
}

const characters = (all: string): fc.Arbitrary<string> => fc.constantFrom(...Array.from(all));

const name = fc.oneof(
  fc.constantFrom("default", "work-mfa", "team.prod", "a@b/c+d", "josé", "a=b", "名前"),
  fc.string({ unit: characters("abXY09_-@+.%:/,~=é"), minLength: 1, maxLength: 8 }).filter(isPortableName),
);

/** What AWS gives out: base64 with `/`, `+` and `=` at its end. */
const token = fc
  .tuple(fc.string({ unit: characters("abcXYZ0189/+="), minLength: 1, maxLength: 60 }), fc.constantFrom("", "=", "=="))
  .map((parts) => parts.join(""));

/** Every value that an edit takes. */
const value = fc.oneof(
  token,
  fc
    .string({ unit: characters(`abc019/+=:[]"'%$#;\\ é`), minLength: 1, maxLength: 20 })
    .filter((text) => !/^\s|\s$|(^|\s)[#;]/.test(text)),
);

export const setting = fc.dictionary(fc.constantFrom(...ownKeys), value, { minKeys: 1, maxKeys: 6 });
export const change = fc.dictionary(fc.constantFrom(...ownKeys), fc.option(value, { nil: undefined }), { maxKeys: 6 });

const newline = fc.constantFrom("\n", "\r\n");
const words = fc.string({ unit: characters("ab 09=:#;[]'\"/+éà"), maxLength: 10 }).map(encode);
const plainValue = fc.string({ unit: characters("ab09/+=.:-"), maxLength: 10 }).map((text) => `v${text}`);

/** White space that is not ASCII, and that botocore and the SDK for JavaScript both trim. */
const wide = characters("\u00a0\u1680\u2003\u2009\u2028\u202f\u205f\u3000").map(encode);
const space = fc.oneof({ arbitrary: fc.constantFrom("", " ", "\t"), weight: 4 }, { arbitrary: wide, weight: 1 });

interface Entry {
  readonly isOurs: boolean;
  readonly lines: readonly string[];
}

/** One thing that may be in a section; `id` makes its key, or its comment, the only one of its kind. */
function entry(id: number, indent: string, keys: readonly string[], isRagged: boolean): fc.Arbitrary<Entry> {
  const foreign = (...lines: string[]): Entry => ({ isOurs: false, lines: lines.map((line) => indent + line) });
  const delimiter = fc.oneof(
    fc.constantFrom("=", " = ", "\t=  "),
    fc.tuple(space, space).map(([before, after]) => `${before}=${after}`),
  );
  const blank = space.map((line): Entry => ({ isOurs: false, lines: [line] }));
  const comment = fc
    .tuple(space, fc.constantFrom("#", ";", "# "), words)
    .map(([before, mark, text]): Entry => ({ isOurs: false, lines: [`${before}${mark}c${id} ${text}`] }));
  const property = fc
    .tuple(fc.constantFrom("k", "K"), delimiter, plainValue, space)
    .map(([key, equals, text, end]) => foreign(`${key}${id}${equals}${text}${end}`));
  const colon = plainValue.map((text) => foreign(`k${id}: ${text}`));
  const empty = fc.constantFrom(foreign(`k${id} =`), foreign(`k${id}=  `));
  const continued = plainValue.map((text) => foreign(`k${id} = ${text}`, `   more${id}`));
  const nested = fc.tuple(fc.constantFrom("n", ...keys), plainValue).map(([key, text]) => `  ${key} = ${text}`);
  const block = fc
    .tuple(nested, fc.constantFrom("", "  # a comment"))
    .map(([line, after]) => foreign(`s${id} =`, `  m${id} = 1${after}`, line));
  const common = fc.oneof(blank, comment, property, empty, block);
  // Where a block may begin anywhere, botocore reads no file in which a line of it has no "=".
  const foreignOnly = isRagged ? common : fc.oneof({ arbitrary: common, weight: 5 }, colon, continued);
  if (keys.length === 0) return foreignOnly;
  const capital = (key: string): fc.Arbitrary<string> => fc.constantFrom(key, key, key.toUpperCase());
  const ours = fc
    .tuple(fc.constantFrom(...keys).chain(capital), fc.oneof(delimiter, fc.constant(": ")), plainValue, fc.boolean())
    .map(([key, delimiter, text, mayBeLong]): Entry => {
      const line = `${indent}${key}${isRagged ? " = " : delimiter}${text}`;
      return { isOurs: true, lines: mayBeLong && !isRagged ? [line, `${indent}  more`] : [line] };
    });
  return fc.oneof({ arbitrary: ours, weight: 3 }, { arbitrary: foreignOnly, weight: 4 });
}

function entries(
  first: number,
  keys: readonly string[] = [],
  indents: fc.Arbitrary<string> = fc.constant(""),
  isRagged = false,
): fc.Arbitrary<Entry[]> {
  const ids = fc.nat(6).map((length) => Array.from({ length }, (_, index) => first + index));
  return ids.chain((all) => fc.tuple(...all.map((id) => indents.chain((indent) => entry(id, indent, keys, isRagged)))));
}

const plainHeader = (profile: string, kind: FileKind): string =>
  encode(kind === "credentials" || profile === "default" ? `[${profile}]` : `[profile ${profile}]`);

/** A section's header in the forms that people leave it in, which not every program takes for the profile's. */
function header(profile: string, kind: FileKind): fc.Arbitrary<string> {
  const plain = plainHeader(profile, kind);
  const inner = plain.slice(1, -1);
  const forms = [
    plain,
    plain,
    `[ ${inner} ]`,
    `[${inner}\t]`,
    `  ${plain}`,
    `\t${plain}  `,
    `${plain} # ch`,
    `${plain}\t;ch`,
    `${plain}# ch`,
    `${plain} # ch ]`,
    `[ ${inner} ] ; ch [x]`,
    `[${encode("\u00a0")}${inner}]`,
    `${plain}${encode("\u00a0")}`,
    `${plain}${encode("\u3000")}# ch`,
    `${encode("\u00a0")}${plain}`,
  ];
  if (plain.startsWith("[profile")) {
    const bytes = encode(profile);
    forms.push(
      `[profile  ${bytes}]`,
      `[profile\t${bytes}]`,
      `[profile "${bytes}"]`,
      `[profile '${bytes}'] # ch`,
      `[ profile "${bytes}" ]`,
    );
  }
  return fc.constantFrom(...forms);
}

const render = (all: readonly Entry[], ends: readonly string[]): string =>
  all
    .flatMap(({ lines }) => lines)
    .map((line, index) => line + (ends[index % ends.length] ?? "\n"))
    .join("");

/**
 * Files that every program reads, but for the one section, which may be in any shape.
 *
 * @param options.indents how the section's properties are indented
 * @param options.isRagged whether they are indented differently
 * @param options.mayLack whether the section may be missing
 */
export function sample(options: {
  indents: readonly string[];
  isRagged?: boolean;
  mayLack?: boolean;
}): fc.Arbitrary<Sample> {
  const lineEnds = fc.oneof(
    newline.map((one) => [one]),
    fc.array(newline, { minLength: 2, maxLength: 3 }),
  );
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });
  return fc
    .record({
      kind: fc.constantFrom<FileKind>("credentials", "config"),
      names,
      ends: lineEnds,
      indent: fc.constantFrom(...options.indents),
      isRagged: fc.constant(options.isRagged ?? false),
      at: fc.nat(5),
      isThere: options.mayLack ? fc.boolean() : fc.constant(true),
      endsInNewline: fc.boolean(),
    })
    .chain(({ kind, names: [profile = "x", ...others], ends, indent, isRagged, at, isThere, endsInNewline }) => {
      const other = (title: string, index: number): fc.Arbitrary<string> =>
        entries(100 * (index + 1)).map((all) =>
          render([{ isOurs: false, lines: [plainHeader(title, kind)] }, ...all], ends),
        );
      const indents = isRagged ? fc.constantFrom(...options.indents) : fc.constant(indent);
      return fc
        .record({
          head: entries(900),
          sections: fc.tuple(...others.map(other)),
          header: header(profile, kind),
          body: entries(0, ownKeys, indents, isRagged),
        })
        .map(({ head, sections, header: line, body }): Sample => {
          const first = head.filter(({ lines: [text = ""] }) => new RegExp(`^${SPACE}*([#;]|$)`).test(text));
          const before = render(first, ends) + sections.slice(0, at).join("");
          const after = sections.slice(at).join("");
          const whole = isThere ? render([{ isOurs: false, lines: [line] }, ...body], ends) : "";
          const kept = body.filter(({ isOurs }) => !isOurs);
          const cut = (text: string): string => (endsInNewline ? text : text.replace(/\r?\n$/, ""));
          return {
            kind,
            profile,
            before: whole + after === "" ? cut(before) : before,
            section: after === "" ? cut(whole) : whole,
            after: cut(after),
            bare: isThere ? render([{ isOurs: false, lines: [plainHeader(profile, kind)] }, ...kept], ends) : "",
            indent,
            foreign: [
              ...(isThere && line.includes("ch") ? ["ch"] : []),
              ...(isThere ? kept : []).flatMap(({ lines }) => lines.map(trimBytes)),
            ].filter((text) => text !== ""),
          };
        });
    });
}

const wildSpace = characters("\u0085\u00a0\u2000\u2028\u3000\ufeff\u001c\f").map(encode);

const wildLine = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("k=v", "region=x", "[a]", "#c", "[b] #c", "s3=", ""),
      fc.array(wildSpace, { minLength: 3, maxLength: 3 }),
    )
    .map(
      ([line, [before = "", inside = "", after = ""]]) =>
        before + line.replace(/[= \]]/, `${inside}$&${inside}`) + after,
    ),
  fc.constantFrom("", " ", "# note", "; [note]", "k = v", " region = x", "\ts3 =", "  a = b", "K: v", "k =", "  more"),
  fc.constantFrom(
    "[a]",
    "[profile a]",
    "  [b]",
    "[ c ]",
    "[profile  d]",
    "[e] # ]",
    '[profile "f g"]',
    "[sso-session s]",
  ),
  fc.constantFrom("region = old", "REGION=old", "aws_session_token = old==", "  expiration: old"),
  name.map((one) => `[${encode(one)}]`),
  fc
    .string({ unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)), maxLength: 12 })
    .map((bytes) => `#${bytes.replaceAll("\n", "")}`),
  fc.string({ unit: characters("ab\u00a0\u00e0\u0085\u00ff =#"), maxLength: 12 }).map((bytes) => `k = ${bytes}`),
);

/** Any file at all: bytes that are no text, headers that programs dispute, keys twice; most can be parsed. */
export const wildText = fc
  .tuple(
    fc.constantFrom("", "", "\u00ef\u00bb\u00bf"),
    fc.constantFrom("", "[z]\n", "# first\n"),
    fc.array(fc.tuple(wildLine, newline), { maxLength: 12 }),
    fc.boolean(),
  )
  .map(([mark, first, lines, endsInNewline]) => {
    const text = mark + first + lines.map((line) => line.join("")).join("");
    return endsInNewline ? text : text.replace(/\r?\n$/, "");
  });
