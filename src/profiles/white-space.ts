// White space in byte strings (one character is one byte, see scan.ts): what Python's `str.strip()` (botocore) or
// JavaScript's `trim()` (the SDK for JavaScript) takes away. A no-break space gets into these files when a line is pasted.

/** U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF, in UTF-8. */
const WIDE =
  "\\xc2[\\x85\\xa0]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80|\\xef\\xbb\\xbf";

/** The source of a regular expression for one white-space character, but for a newline. */
export const SPACE = `(?:[\\t\\v\\f\\r\\x1c-\\x1f ]|${WIDE})`;

const wide = new RegExp(`^(?:${WIDE})$`);

/** How many bytes the white-space character at `index` has; 0 where there is another. Newlines count. */
export function spaceAt(text: string, index: number): number {
  const byte = text.charCodeAt(index);
  if (byte < 0x80) return isAsciiSpace(byte) ? 1 : 0;
  // Most other characters begin with another byte.
  if (byte === 0xc2) return wide.test(text.slice(index, index + 2)) ? 2 : 0;
  const mayBeWide = byte === 0xe1 || byte === 0xe2 || byte === 0xe3 || byte === 0xef;
  return mayBeWide && wide.test(text.slice(index, index + 3)) ? 3 : 0;
}

/** The same for the character that ends before `end`. */
function spaceBefore(text: string, end: number): number {
  const byte = text.charCodeAt(end - 1);
  if (byte < 0x80) return isAsciiSpace(byte) ? 1 : 0;
  return [2, 3].find((length) => end >= length && spaceAt(text, end - length) === length) ?? 0;
}

/** Trims a byte string. By hand, because a regular expression takes a time quadratic in the blanks of a line. */
export function trimBytes(bytes: string): string {
  let start = 0;
  let end = bytes.length;
  for (let length = 1; start < end && length > 0; start += length) length = spaceAt(bytes, start);
  for (let length = 1; end > start && length > 0; end -= length) length = spaceBefore(bytes, end);
  return bytes.slice(start, end);
}

/** Tab, newline, vertical tab, form feed, carriage return; the four separators; the blank. */
const isAsciiSpace = (byte: number): boolean =>
  byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f);
