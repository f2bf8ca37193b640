// Asks for a code in a window, where there is no terminal: in an IDE, or when a desktop starts the program. With the
// programs that desktops have for that; what is to be shown goes to them as data, and the code comes on their stdout.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { formatDuration } from "../duration.ts";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, exitCodes, FobError, RefusedError } from "../errors.ts";
import type { Desktop } from "../process.ts";
import { describeEnd, type Ended, runProgram, TimeoutError } from "../subprocess.ts";
import { escapeControlCharacters, formatAsciiJson, quote } from "../text.ts";
import { readCode } from "./code.ts";
import { type CodeQuestion, formatQuestion, type MfaCodeProvider } from "./sources.ts";

/** What became of a dialog: `unanswered` when it went away by itself. */
type DialogOutcome = "answered" | "cancelled" | "unanswered" | "broken";

interface Dialog {
  readonly program: string;
  readonly args: (text: string) => readonly string[];
  readonly input?: (text: string) => string;
  readonly outcome: (ended: Ended) => DialogOutcome;
}

/** How long a dialog stays, in seconds. A little later the program that shows it is ended. */
const PATIENCE = 300;

/** Against a program that always prints something else at once. */
const MOST_QUESTIONS = 10;

/**
 * Dialogs that may work here; undefined if there are no such programs. They are tried in turn, and one that is broken is not tried
 * again.
 */
export function createGraphicalPrompt({ env, platform, debug }: Desktop): MfaCodeProvider | undefined {
  let dialogs = listDialogs(platform, env).filter(({ program }) => isOnPath(program, env, platform));
  if (dialogs.length === 0) return undefined;
  const problems: string[] = [];

  /** What was typed into the first dialog that works. */
  async function askDialogs(text: string, question: CodeQuestion): Promise<string> {
    for (const dialog of dialogs) {
      const shown = await show(dialog, text, env, question.signal);
      if (shown.outcome === "answered") return shown.typed;
      if (shown.outcome === "cancelled") throw new RefusedError();
      if (shown.outcome === "unanswered") {
        throw createCodeNeededError(`the dialog was not answered within ${formatDuration(PATIENCE)}`, question);
      }
      debug(shown.problem);
      problems.push(shown.problem);
      dialogs = dialogs.filter((other) => other !== dialog);
    }
    throw createCodeNeededError(`fob cannot show a dialog to ask for it: ${problems.join("; ")}`, question);
  }

  return {
    canAskAgain: true,
    async ask(question) {
      let { again } = question;
      for (let count = 0; count < MOST_QUESTIONS; count++) {
        const before = again === undefined ? "" : `${again.split("\n").map(escapeControlCharacters).join("\n")}\n\n`;
        const read = readCode(await askDialogs(before + formatForWindow(question), question));
        if ("code" in read) return read.code;
        again = read.problem;
      }
      throw createCodeNeededError(`no code was typed in ${MOST_QUESTIONS} dialogs`, question);
    },
  };
}

/** A window stands alone on the desktop, so it names the program that it is for. */
function formatForWindow(question: CodeQuestion): string {
  const { program } = question;
  return `${formatQuestion(question)}${program === undefined ? "" : `\nfor ${escapeControlCharacters(program)}`}`;
}

interface Shown {
  readonly outcome: DialogOutcome;
  readonly typed: string;
  /** What is wrong where it is broken. */
  readonly problem: string;
}

async function show(
  { program, args, input, outcome }: Dialog,
  text: string,
  env: Environment,
  signal: AbortSignal,
): Promise<Shown> {
  const options = { env, title: program, timeout: PATIENCE + 10, signal, input: input?.(text) };
  try {
    const ended = await runProgram(program, args(text), options);
    const said = getLastLine(ended.stderr);
    const problem = `${program} ${describeEnd(ended)}${said === "" ? "" : `: ${said}`}`;
    return { outcome: outcome(ended), typed: ended.stdout, problem };
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    // Not every dialog can go away by itself: kdialog's and PowerShell's stay until fob ends them.
    return { outcome: error instanceof TimeoutError ? "unanswered" : "broken", typed: "", problem: error.message };
  }
}

function createCodeNeededError(why: string, { profile, login }: CodeQuestion): FobError {
  return new FobError(
    `the profile ${quote(profile)} needs an MFA code, but ${why}`,
    `run in a terminal: ${login}`,
    exitCodes.codeNeeded,
  );
}

function listDialogs(platform: NodeJS.Platform, env: Environment): readonly Dialog[] {
  // Through SSH the dialog would appear where no user may sit.
  if (platform === "darwin") return env.SSH_CONNECTION ? [] : [osascript];
  if (platform === "win32") return [powershell];
  const isWsl = Boolean(env.WSL_DISTRO_NAME);
  return [...(env.DISPLAY || env.WAYLAND_DISPLAY ? [zenity, kdialog] : []), ...(isWsl ? [powershell] : [])];
}

/** Both say "cancelled" and "no display" with exit code 1. */
function readUnixOutcome({ status, stderr }: Ended): DialogOutcome {
  if (status === 0) return "answered";
  return status === 1 && !/(cannot|failed to) open display/i.test(stderr) ? "cancelled" : "broken";
}

/** https://help.gnome.org/users/zenity/stable/entry.html */
const zenity: Dialog = {
  program: "zenity",
  args: (text) => [
    "--entry",
    "--title=fob",
    // No markup here, but C's escapes, and an underscore underlines the next letter.
    `--text=${text.replaceAll("\\", "\\\\").replaceAll("_", "__")}`,
    `--timeout=${PATIENCE}`,
  ],
  outcome: (ended) => (ended.status === 5 ? "unanswered" : readUnixOutcome(ended)),
};

/** What looks like HTML to Qt is HTML: so this is. In it an ampersand still underlines the next letter. */
const kdialog: Dialog = {
  program: "kdialog",
  args: (text) => ["--title", "fob", "--inputbox", `<qt>${escapeHtml(text.replaceAll("&", "&&"))}</qt>`],
  outcome: readUnixOutcome,
};

/** Every character but letters and digits by its number, so that nothing is left for kdialog's own escapes either. */
function escapeHtml(text: string): string {
  const escaped = text.replace(/[^\p{L}\p{N} \n]/gu, (character) => `&#${character.codePointAt(0) ?? 0};`);
  return escaped.replaceAll("\n", "<br>");
}

const appleScript = `on run argv
  try
    tell me to activate
  end try
  set reply to display dialog (item 1 of argv) with title "fob" default answer "" giving up after ${PATIENCE}
  if gave up of reply then error "not answered" number -1712
  return text returned of reply
end run`;

const osascript: Dialog = {
  program: "osascript",
  args: (text) => ["-e", appleScript, text],
  outcome({ status, stderr }) {
    if (status === 0) return "answered";
    if (stderr.includes("(-128)")) return "cancelled";
    return stderr.includes("(-1712)") ? "unanswered" : "broken";
  },
};

const powershellScript = [
  "$ErrorActionPreference = 'Stop'",
  "$question = [Console]::In.ReadToEnd() | ConvertFrom-Json",
  "Add-Type -AssemblyName Microsoft.VisualBasic",
  "[Console]::Out.Write([Microsoft.VisualBasic.Interaction]::InputBox($question.text, 'fob'))",
].join("; ");

/** Also from within WSL. The text goes by stdin. */
const powershell: Dialog = {
  program: "powershell.exe",
  args: () => ["-NoProfile", "-NonInteractive", "-STA", "-Command", powershellScript],
  input: (text) => formatAsciiJson({ text }),
  outcome({ status, stdout }) {
    if (status !== 0) return "broken";
    // An empty answer cannot be told from none.
    return stdout.trim() === "" ? "cancelled" : "answered";
  },
};

function isOnPath(program: string, env: Environment, platform: NodeJS.Platform): boolean {
  return (env.PATH ?? "").split(platform === "win32" ? ";" : ":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Programs say last what ended them. */
function getLastLine(text: string): string {
  return (text.trim().split("\n").at(-1) ?? "").slice(0, 200);
}
