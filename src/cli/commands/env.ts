// `fob env`: a profile's credentials as environment variables, for a shell or a file.
import { type Format, formatFailure, formats, formatVariables } from "../../environment/formats.ts";
import { detectShell, formatLine, formatNamed, readParentName } from "../../environment/shell.ts";
import { buildVariables } from "../../environment/variables.ts";
import { exitCodes, UsageError } from "../../errors.ts";
import { quote } from "../../text.ts";
import { formatCommand } from "../../typed-command.ts";
import { defineCommand, regionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { getProfileCredentials, roleOptions } from "../profile-credentials.ts";

const formatList = "bash, zsh, fish, powershell, cmd, dotenv, json or ini";

const envOptions = {
  shell: { value: "format", text: `${formatList} (default: your shell)`, choices: formats },
  ...roleOptions,
  reveal: { text: "print the secrets even on a terminal" },
  ...regionOption,
} as const;

export const envCommand = defineCommand({
  name: "env",
  description:
    "Prints a profile's credentials as environment variables, with the expiration, account and region, and unsets " +
    "variables that would override them, such as AWS_PROFILE. The formats dotenv, json and ini (a section of a " +
    "credentials file) only set values. dotenv has no quotes, as Docker's --env-file requires.",
  takes: {
    name: "profile",
    atMost: 1,
    text: "a session, source or role profile, or a role's ARN (default: AWS_PROFILE, else default, else you choose)",
  },
  options: envOptions,
  common: ["noInput", "debug"],
  examples: [
    'eval "$(fob env work-mfa)"      # bash, zsh',
    "fob env work-mfa | source       # fish",
    "fob env work-mfa | Out-String | Invoke-Expression   # PowerShell",
    "docker run --env-file <(fob env work-mfa --shell dotenv) IMAGE",
    "fob env work-mfa --shell json | jq --raw-output .AWS_CREDENTIAL_EXPIRATION",
  ],
  async run([named], options, context) {
    const format = formatOf(options.shell, context);
    if (context.stdout.isTerminal && !options.reveal) throw createTerminalError(format, context);
    const given = await getProfileCredentials(named, options, context);
    context.stdout.write(formatVariables(format, buildVariables(given, context.env), given.profile));
    return exitCodes.done;
  },
  formatFailure(argv, env) {
    const format = findNamedFormat(argv) ?? detectShell(env, readParentName());
    return format === undefined ? "" : formatFailure(format);
  },
});

/** The format that a command line names, which may be one that is not understood. */
function findNamedFormat(argv: readonly string[]): Format | undefined {
  const named = argv.map((word, at) => (word === "--shell" ? argv[at + 1] : /^--shell=(.*)$/.exec(word)?.[1]));
  return formatNamed(named.findLast((name) => name !== undefined) ?? "");
}

/** @throws UsageError */
function formatOf(shell: string | undefined, { env }: Context): Format {
  const format = shell === undefined ? detectShell(env, readParentName()) : formatNamed(shell);
  if (format !== undefined) return format;
  throw new UsageError(
    shell === undefined ? "cannot tell which shell you use" : `unknown format ${quote(shell)}: choose ${formatList}`,
    "for example: fob env --shell bash",
  );
}

/** It would stay there, to be seen and scrolled back to. */
function createTerminalError(format: Format, { typed }: Context): UsageError {
  return new UsageError("this would print secrets on your terminal", [
    formatLine(format, formatCommand(typed)),
    `or: ${formatCommand(typed, { set: { reveal: true } })}`,
  ]);
}
