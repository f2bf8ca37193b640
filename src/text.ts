// Small decisions about text that messages, tables and prompts share.

/**
 * Text from a file or from AWS, safe to show on a terminal: characters that move the cursor, reorder a line or are not to
 * be seen become visible escapes, so that a profile name cannot fake a prompt or pass for another name.
 */
export function escapeControlCharacters(text: string): string {
  // Most texts are plain, and only the others are worth the tables of Unicode.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(hidden, (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`);
}

/**
 * Control and format characters, line separators, halves of surrogate pairs, and what a font is to leave out, such as
 * variation selectors: all by Unicode's own properties.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A name or a path as messages show it: in double quotes, control characters escaped. */
export function quote(name: string): string {
  return `"${escapeControlCharacters(name)}"`;
}

/** A word as a POSIX shell takes it, for commands that hints suggest. */
export function quoteShellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quoteShellLiteral(escapeControlCharacters(word));
}

/** A text as a word of a shell script, every character as it is. */
export function quoteShellLiteral(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A profile as an argument of fob's commands, for hints: a name that begins with `-` would be taken for an option. */
export function quoteProfileArgument(profile: string): string {
  // A "-" alone is stdin, of a command that takes files.
  return /^-./.test(profile) ? formatOption("--profile", profile) : quoteShellWord(profile);
}

/** `minTtl` as it is typed: `--min-ttl`. */
export function formatFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An option with its value, for hints. `--to -x` has forgotten the value, `--to=-x` has not. */
export function formatOption(flag: string, value: string): string {
  return `${flag}${value.startsWith("-") ? "=" : " "}${quoteShellWord(value)}`;
}

/** An access key id for logs and messages: enough to recognise it by, e.g. `AKIA…3XYZ`. */
export function maskKeyId(accessKeyId: string): string {
  return `${escapeControlCharacters(accessKeyId.slice(0, 4))}…${escapeControlCharacters(accessKeyId.slice(-4))}`;
}

/** JSON for people and programs, a value to a line. */
export function formatJson(value: unknown): string {
  return `${inAscii(JSON.stringify(value, undefined, 2))}\n`;
}

/** JSON on one line. */
export function formatAsciiJson(value: unknown): string {
  return inAscii(JSON.stringify(value));
}

/**
 * JSON in ASCII alone: nothing in it can move a terminal's cursor, and what a program reads does not depend on the
 * system's code page.
 */
const inAscii = (json: string): string => json.replace(/[^\n -~]/g, escapeCharacter);

/** A character as JSON escapes it. */
export const escapeCharacter = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** `12,345`. Far faster than toLocaleString(), for what is shown for each of thousands. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
