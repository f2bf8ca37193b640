// Small decisions about text that messages, tables and prompts share.

/**
 * Text from a file or from AWS, safe to show on a terminal: control characters (and the invisible ones that reorder a
 * line) become visible escapes, so that a profile name cannot move the cursor or fake a prompt.
 */
export function neutralise(text: string): string {
  return text.replace(hidden, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** A name or a path as messages show it: in double quotes, neutralised. */
export function quote(name: string): string {
  return `"${neutralise(name)}"`;
}

/** A word as a POSIX shell takes it, for commands that hints suggest. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${neutralise(word).replaceAll("'", "'\\''")}'`;
}

/** An access key id for logs and messages: enough to recognise it by, e.g. `AKIA…3XYZ`. */
export function maskKeyId(accessKeyId: string): string {
  return `${neutralise(accessKeyId.slice(0, 4))}…${neutralise(accessKeyId.slice(-4))}`;
}

/** JSON for people and programs, a value to a line, in ASCII alone: nothing in it can move a terminal's cursor. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replace(/[^\n -~]/g, escaped)}\n`;
}

/** A character as JSON escapes it. */
export const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** JSON in ASCII alone: what else a program reads depends on the system's code page. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, escaped);
}
