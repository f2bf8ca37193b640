// The manual page, from what the commands declare. scripts/man-page.mjs writes it; fob itself does not load this.
import { type Command, listActingOptions } from "./command.ts";
import { execExitCodes, exitCodeRows, formatOptionUsage, formatUsage } from "./help.ts";
import { commands } from "./program.ts";

/** The text of man/fob.1. */
export async function formatManPage(version: string): Promise<string> {
  const loaded = await Promise.all(commands.map(({ load }) => load()));
  return [
    '.\\" Written by scripts/man-page.mjs from what the commands declare: npm run man',
    `.TH FOB 1 "" "fob ${version}" "User Commands"`,
    // No hyphens in the middle of names that are to be typed, and no wide gaps between words.
    ".nh",
    ".ad l",
    ".SH NAME",
    "fob \\- MFA sessions for AWS on the command line",
    ".SH SYNOPSIS",
    "\\fBfob\\fR <command> [options]",
    ".SH DESCRIPTION",
    formatText("Type one MFA code, work all day: temporary AWS credentials in a named profile."),
    ".PP",
    formatText(
      "A source profile (work) holds your access key. fob login starts a session with sts:GetSessionToken and writes it to " +
        "a session profile (work-mfa), which aws, Terraform and the SDKs read.",
    ),
    ".SH COMMANDS",
    ...loaded.map(formatCommand),
    ".SH EXIT STATUS",
    ...exitCodeRows.own.map(formatRow),
    ".PP",
    formatText(execExitCodes),
    ...exitCodeRows.ofExec.map(formatRow),
    ".SH ENVIRONMENT",
    ...environment.map(formatRow),
    ".SH FILES",
    ...files.map(formatRow),
    ".SH SEE ALSO",
    "\\fBaws\\fR(1)",
    "",
  ].join("\n");
}

const environment = [
  ["AWS_PROFILE", "the profile that a command uses if you name none"],
  ["AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE", "the AWS files, if they are not in ~/.aws"],
  ["AWS_MFA_SERIAL", "the MFA device, as an ARN or a hardware token's number"],
  ["AWS_REGION, AWS_DEFAULT_REGION", "the region, if you do not use --region"],
  ["FOB_HOME", "the folder for sessions, as an absolute path"],
  ["FOB_SANDBOX", "the sandbox of fob sandbox code and sign-in; fob sandbox sets it"],
  ["NO_COLOR", "if set, fob prints no colors"],
] as const;

const files = [
  ["~/.aws/credentials", "access keys and sessions"],
  ["~/.aws/config", "profiles"],
  ["~/.aws/fob/", "fob's own copy of the sessions"],
] as const;

function formatCommand(command: Command): string {
  const { name, description, takes, runs, examples } = command;
  const options = Object.entries(listActingOptions(command));
  const named = [
    ...(takes === undefined ? [] : [[takes.name, takes.text]]),
    ...(runs === undefined ? [] : [["command", runs]]),
  ];
  return [
    `.SS fob ${escapeRoff(name)}`,
    `\\fB${escapeRoff(formatUsage(command))}\\fR`,
    ".PP",
    formatText(description),
    ...named.map(([usage = "", text = ""]) => formatRow([usage, text])),
    ...options.map(([option, spec]) => formatRow([formatOptionUsage(option, spec), spec.text])),
    ".PP",
    "Examples:",
    ".PP",
    ".RS 4",
    ".nf",
    ...examples.map(formatText),
    ".fi",
    ".RE",
  ].join("\n");
}

const formatRow = ([usage, text]: readonly [string, string]): string =>
  `.TP\n\\fB${escapeRoff(usage)}\\fR\n${formatText(text)}`;

/** A line of text, which must not begin like a request. */
const formatText = (text: string): string => escapeRoff(text).replace(/^(?=[.'])/, "\\&");

/** Characters as they are typed: roff takes these for typography. */
function escapeRoff(text: string): string {
  const names: Readonly<Record<string, string>> = { "\\": "rs", "'": "aq", "`": "ga", "^": "ha", "~": "ti", "-": "-" };
  return text.replace(/[\\'`^~-]/g, (character) => (character === "-" ? "\\-" : `\\(${names[character] ?? ""}`));
}
