// A notification on the user's desktop, where there is one.
import { type Desktop, startProgram } from "../process.ts";
import { escapeControlCharacters, formatAsciiJson } from "../text.ts";

/** Shows a text and does not wait for it. The text goes to other programs as data: nothing in it is a script or an option. */
export function notify(message: string, { env, platform, debug }: Desktop): void {
  const text = escapeControlCharacters(message);
  const { program, args, input } = findNotifier(platform, text);
  const child = startProgram(program, args, {
    env,
    stdio: ["pipe", "ignore", "ignore"],
    detached: platform !== "win32",
  });
  child.on("error", (error) => debug(`no notification: ${error.message}`));
  // It may end without reading.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  child.unref();
}

interface Notifier {
  readonly program: string;
  readonly args: readonly string[];
  readonly input?: string;
}

function findNotifier(platform: NodeJS.Platform, text: string): Notifier {
  if (platform === "darwin") {
    const script = 'on run argv\ndisplay notification (item 1 of argv) with title "fob"\nend run';
    return { program: "osascript", args: ["-e", script, text] };
  }
  if (platform === "win32") {
    const args = ["-NoProfile", "-NonInteractive", "-STA", "-Command", balloon];
    return { program: "powershell.exe", args, input: formatAsciiJson({ text }) };
  }
  return { program: "notify-send", args: ["--app-name=fob", "--", "fob", text] };
}

const balloon = [
  "$message = [Console]::In.ReadToEnd() | ConvertFrom-Json",
  "Add-Type -AssemblyName 'System.Windows.Forms', 'System.Drawing'",
  "$icon = New-Object System.Windows.Forms.NotifyIcon",
  "$icon.Icon = [System.Drawing.SystemIcons]::Information",
  "$icon.Visible = $true",
  "$icon.ShowBalloonTip(10000, 'fob', $message.text, 'Info')",
  // It goes with its icon.
  "Start-Sleep -Seconds 10",
  "$icon.Dispose()",
].join("; ");
