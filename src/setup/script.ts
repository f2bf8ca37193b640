// What `fob setup --print-only` prints: the commands that do the same, as a shell script.
import { escapeControlCharacters, formatOption, quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import type { ProfileEdit } from "./edits.ts";
import type { ShellLine } from "./shell-line.ts";

/** What is known without a question. */
export interface Findings {
  readonly source: string;
  readonly session: string;
  /** Where the access key is. */
  readonly key: "none" | "plaintext" | "keychain" | "process";
  readonly hasRegion: boolean;
  /** The account that a team file is for. */
  readonly account: string | undefined;
  /** Changes of profiles. */
  readonly edits: readonly ProfileEdit[];
  /** Programs get the session from fob's credential_process; undefined where that is open. */
  readonly installs: boolean | undefined;
  /** Undefined for a shell whose start-up file fob does not edit. */
  readonly shell: { readonly line: ShellLine; readonly isThere: boolean } | undefined;
  /** Whether the session profile has the session of another tool, which the login replaces. */
  readonly isForeign: boolean;
  /** The file with the access key, where the user names one. */
  readonly keyFile: string | undefined;
  readonly paths: Readonly<Record<ProfileEdit["kind"], string>>;
}

export function formatScript(findings: Findings): string {
  const parts = [
    ["# What fob setup does, as commands. Nothing was asked of you or of AWS, and nothing is changed."],
    formatKey(findings),
    ...formatEdits(findings),
    formatDevice(findings),
    formatMode(findings),
    formatShell(findings),
    formatLogin(findings),
  ];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

const comment = (text: string): string => `# ${escapeControlCharacters(text)}`;

function formatKey({ source, key, account, keyFile }: Findings): string[] {
  const name = quoteProfileArgument(source);
  const check = account === undefined ? [] : [comment(`The access key has to be of the account ${account}.`)];
  switch (key) {
    case "none":
      return [
        comment("Save the access key in the keychain. fob asks for it, and does not show the secret."),
        ...check,
        keyFile === undefined ? `fob keys add ${name}` : `fob keys add ${name} --stdin <${quoteShellWord(keyFile)}`,
      ];
    case "plaintext":
      return [
        comment("Move the secret access key from the AWS files to the keychain."),
        ...check,
        `fob keys import ${name}`,
      ];
    case "keychain":
      return [comment(`The access key of ${quote(source)} is in the keychain.`), ...check];
    case "process":
      return [comment(`The access key of ${quote(source)} comes from its credential_process.`), ...check];
  }
}

function formatEdits({ edits, source, hasRegion, paths }: Findings): string[][] {
  const missing = hasRegion
    ? []
    : [[comment("Set your region."), comment(`aws configure set region REGION ${formatOption("--profile", source)}`)]];
  return [
    ...missing,
    ...edits.map(({ profile, kind, change }) => [
      comment(`The profile ${quote(profile)} in ${paths[kind]}:`),
      ...Object.entries(change).map(([key, value]) =>
        comment(value === undefined ? `  without ${key}` : `  ${key} = ${value}`),
      ),
      ...Object.entries(change).map(([key, value]) =>
        value === undefined || kind === "credentials"
          ? // What aws configure set writes, other than keys, is in the config.
            comment(
              `${value === undefined ? `Remove the line ${key} from` : `Set ${key} = ${value} in`} the profile ${quote(profile)}: \${EDITOR:-vi} ${quoteShellWord(paths[kind])}`,
            )
          : `aws configure set ${key} ${quoteShellWord(value)} ${formatOption("--profile", profile)}`,
      ),
    ]),
  ];
}

function formatDevice({ source }: Findings): string[] {
  const name = quoteProfileArgument(source);
  return [
    comment("Your MFA devices. If you have none, enroll an authenticator app:"),
    comment(`fob device enroll ${name}`),
    `fob device list ${name}`,
  ];
}

function formatMode({ session, installs }: Findings): string[] {
  const command = `fob credential-process --install ${quoteProfileArgument(session)}`;
  if (installs)
    return [comment("Programs get the session from fob, which asks for a code when it has expired."), command];
  return [
    comment("To let programs ask fob for the session, instead of keys in the credentials file:"),
    comment(command),
  ];
}

function formatShell({ shell }: Findings): string[] {
  if (!shell) return [comment("Set up your shell: see fob shell-init --help")];
  const { line, isThere } = shell;
  const files = [line.script.path, ...(line.start ? [line.start.path] : [])].join(" and ");
  if (isThere) return [comment(`Your shell is set up: ${files}`)];
  return [comment(`Set up ${line.shell}: this writes ${files}`), line.command];
}

function formatLogin({ source, session, isForeign, paths }: Findings): string[] {
  return [
    comment(`Log in. This writes the profile ${quote(session)} to ${paths.credentials} and ${paths.config}.`),
    `fob login ${quoteProfileArgument(source)}${isForeign ? " --force" : ""}`,
    `export AWS_PROFILE=${quoteShellWord(session)}`,
    "aws sts get-caller-identity",
  ];
}
