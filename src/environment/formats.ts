// Environment variables as shells and files have them. What is written is run or read by others, so no value may be
// anything but a value there: each is quoted, or, where a format has no quotes that all its readers understand, refused
// unless it needs none. What AWS gives needs none.

import { FobError } from "../errors.ts";
import { isPortableName } from "../profiles/names.ts";
import { expiryKeys } from "../store/session.ts";
import { formatJson, quote, quoteShellLiteral } from "../text.ts";
import type { Variables } from "./variables.ts";

export const formats = ["bash", "zsh", "fish", "powershell", "cmd", "dotenv", "json", "ini"] as const;

export type Format = (typeof formats)[number];

/** The variables in a format, which ends in a line's end. @param profile the section's name in ini @throws FobError */
export function formatVariables(format: Format, variables: Variables, profile: string): string {
  const { unset, unsetPrefix } = variables;
  const names = unset.filter((name) => unsetPrefix === undefined || !name.startsWith(unsetPrefix));
  return `${lines[format]({ ...variables, unset: names }, profile).join("\n")}\n`;
}

const lines: Readonly<Record<Format, (variables: Variables, profile: string) => string[]>> = {
  bash: formatPosix,
  zsh: formatPosix,
  fish: ({ set, unset, unsetPrefix }) => [
    // A universal variable is the user's for good, and cannot be hidden from programs.
    ...unset.map((name) => `set -eg ${name}; set -q ${name}; and echo '${quoteForEveryShell(name)}' >&2`),
    ...(unsetPrefix === undefined
      ? []
      : [
          `for name in (set -nx | string match '${unsetPrefix}*'); set -eg $name; set -q $name; and echo "${quoteForEveryShell("$name")}" >&2; end`,
        ]),
    ...Object.entries(set).map(([name, value]) => `set -gx ${name} '${value.replace(/[\\']/g, "\\$&")}'`),
    // `set` leaves the status as it was.
    "true",
  ],
  powershell: ({ set, unset, unsetPrefix }) => [
    ...unset.map((name) => `$Env:${name} = $null`),
    ...(unsetPrefix === undefined ? [] : [`Remove-Item -Path Env:${unsetPrefix}*`]),
    ...Object.entries(set).map(([name, value]) => `$Env:${name} = ${quotePowershell(value)}`),
  ],
  cmd: ({ set, unset }) => [
    ...unset.map((name) => `set "${name}="`),
    ...Object.entries(checkPlain("cmd", set)).map(([name, value]) => `set "${name}=${value}"`),
  ],
  // docker --env-file takes quotes for a part of the value; others take a # or a blank for the value's end.
  dotenv: ({ set }) => Object.entries(checkPlain("dotenv", set)).map(([name, value]) => `${name}=${value}`),
  json: ({ set }) => [formatJson(set).trimEnd()],
  ini: ({ set }, profile) => formatSection(profile, checkPlain("ini", set)),
};

/** What fails in a shell that reads it: without it, a command behind `&&` would run with other credentials. */
export function formatFailure(format: Format): string {
  return format === "bash" || format === "zsh" || format === "fish" ? "false\n" : "";
}

const quoteForEveryShell = (name: string): string =>
  `fob: warning: ${name} is a universal variable, which may override these credentials: set -eU ${name}`;

function formatPosix({ set, unset, unsetPrefix }: Variables): string[] {
  // With the prefix as a name, because zsh's unset wants one.
  const others =
    unsetPrefix === undefined ? [] : [unsetPrefix, `$(env | sed -n 's/^\\(${unsetPrefix}[A-Za-z0-9_]*\\)=.*/\\1/p')`];
  return [
    // Without -v it would be a function's name where there is no such variable.
    `unset -v ${[...unset, ...others].join(" ")}`,
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quoteShellLiteral(value)}`),
  ];
}

/**
 * All but printable ASCII by its number: PowerShell takes curly quotes for quotes too, and reads bytes in a code page in
 * which the bytes of another character may be one; line ends become those of Windows on the way.
 */
function quotePowershell(value: string): string {
  const parts = value.match(/[ -~]+|[^ -~]/g) ?? [];
  const strings = parts.map((part) => {
    if (!/^[ -~]/.test(part)) return `[char]0x${part.charCodeAt(0).toString(16)}`;
    return `'${part.replaceAll("'", "''")}'`;
  });
  // What stands first decides that + joins texts.
  return (strings[0]?.startsWith("'") ? strings : ["''", ...strings]).join(" + ");
}

/** Values that mean the same with and without quotes, in every program that reads such a file or line. @throws FobError */
function checkPlain(format: Format, { AWS_PAGER: pager, ...rest }: Variables["set"]): Variables["set"] {
  const isPlain = (value: string): boolean => /^[\w@+=:,./-]*$/.test(value);
  // What has to be quoted there is left out: less depends on a pager than on the rest.
  const set = pager !== undefined && isPlain(pager) ? { ...rest, AWS_PAGER: pager } : rest;
  const [odd] = Object.entries(set).find(([, value]) => !isPlain(value)) ?? [];
  if (odd === undefined) return set;
  throw new FobError(
    `${odd} contains a character that some programs misread in the ${format} format`,
    "use a format that can quote it: fob env --shell json",
  );
}

const iniKeys: Readonly<Record<string, readonly string[]>> = {
  AWS_ACCESS_KEY_ID: ["aws_access_key_id"],
  AWS_SECRET_ACCESS_KEY: ["aws_secret_access_key"],
  AWS_SESSION_TOKEN: ["aws_session_token"],
  // As fob login writes it, for prompts.
  AWS_CREDENTIAL_EXPIRATION: expiryKeys,
  AWS_ACCOUNT_ID: ["aws_account_id"],
  AWS_REGION: ["region"],
};

/** A section of a credentials file. @throws FobError */
function formatSection(profile: string, set: Variables["set"]): string[] {
  if (!isPortableName(profile)) {
    throw new FobError(
      `${quote(profile)} cannot be used as a section name: some tools cannot read it`,
      "use another format: fob env --shell json",
    );
  }
  const keys = Object.entries(set).flatMap(([name, value]) => (iniKeys[name] ?? []).map((key) => `${key} = ${value}`));
  return [`[${profile}]`, ...keys];
}
