import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { createGraphicalPrompt } from "../../src/codes/graphical.ts";
import { CancelledError, exitCodes } from "../../src/errors.ts";
import { temporaryFolder } from "../helpers/world.ts";

const never = new AbortController().signal;
const serialNumber = "arn:aws:iam::123456789012:mfa/alice";
const about = (profile: string) => ({
  ...{ profile, serialNumber, signal: never },
  login: `fob login '${profile}'`,
});

/** A desktop with these programs, as shell scripts, and no others. */
function desktop(platform: NodeJS.Platform, programs: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(programs)) {
    const recorded = `printf '%s\\000' "$@" >>"$0.args"; printf '\\000' >>"$0.args"; IFS= read -r stdin; printf '%s' "$stdin" >"$0.stdin"`;
    writeFileSync(join(folder, name), `#!/bin/sh\n${recorded}\n${script}\n`, { mode: 0o755 });
  }
  const debug = vi.fn<(message: string) => void>();
  const env: Record<string, string> = { PATH: folder, DISPLAY: ":1" };
  const read = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "";
  return {
    folder,
    env,
    debug,
    prompt: () => createGraphicalPrompt({ env, platform, debug }),
    /** What a program was called with, call by call. */
    calls: (name: string): string[][] =>
      read(`${name}.args`)
        .split("\0\0")
        .slice(0, -1)
        .map((call) => call.split("\0")),
    stdin: (name: string): string => read(`${name}.stdin`),
  };
}

const answers = "echo 492039";
const noDisplay = `printf '\\n(zenity:1): Gtk-WARNING **: cannot open display: :1\\n' >&2; exit 1`;

/** The programs of each platform, and how they say that the user answered, cancelled, or was not there. */
const programs = [
  { program: "zenity", platform: "linux", cancelled: "exit 1", unanswered: "exit 5" },
  { program: "kdialog", platform: "freebsd", cancelled: "exit 1", unanswered: undefined },
  {
    program: "osascript",
    platform: "darwin",
    cancelled: "echo '0:1: execution error: Abgebrochen. (-128)' >&2; exit 1",
    unanswered: "echo '0:1: execution error: not answered (-1712)' >&2; exit 1",
  },
  { program: "powershell.exe", platform: "win32", cancelled: "exit 0", unanswered: undefined },
] as const;

test.each(programs)("$program: what is typed is the code", async ({ program, platform }) => {
  const { prompt, calls } = desktop(platform, { [program]: "echo ' 492 039 '" });
  const source = prompt();
  expect(source?.canAskAgain).toBe(true);
  expect(await source?.ask(about("work"))).toBe("492039");
  expect(calls(program)).toHaveLength(1);
});

test.each(programs)("$program: who cancels is not asked again", async ({ program, platform, cancelled }) => {
  const { prompt, calls } = desktop(platform, { kdialog: answers, [program]: cancelled });
  await expect(prompt()?.ask(about("work"))).rejects.toThrow(CancelledError);
  expect(calls(program)).toHaveLength(1);
});

test.each(programs)("$program: wrong input is asked again, with the reason", async ({ program, platform }) => {
  const script = 'test -e "$0.asked" || { : >"$0.asked"; echo 4920; exit; }; echo 492039';
  const { prompt, calls, stdin } = desktop(platform, { [program]: script });
  const question = { ...about("work"), program: "terraform", again: "that code was already used" };
  expect(await prompt()?.ask(question)).toBe("492039");
  const [first, second] = calls(program).map((call) => call.join(" "));
  if (platform === "win32") expect(stdin(program)).toContain("you typed 4");
  else {
    expect(first).toContain("that code was already used");
    expect(second).toContain("a code has six digits");
    if (program === "zenity") expect(second).toContain("\nfor terraform");
    expect(second).not.toContain("that code was already used");
  }
});

test.each(programs.filter(({ unanswered }) => unanswered))(
  "$program: an unanswered dialog is the end of it",
  async ({ program, platform, unanswered }) => {
    const { prompt } = desktop(platform, { kdialog: answers, [program]: unanswered ?? "" });
    await expect(prompt()?.ask(about("work"))).rejects.toMatchObject({
      exitCode: exitCodes.codeNeeded,
      message: expect.stringContaining("the dialog was not answered within 5 min") as string,
    });
  },
);

test.each(programs)("$program: one that fob had to end was not answered either", async ({ program, platform }) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const hanging = ': >"$0.shown"; exec /bin/sleep 600';
  const { prompt, folder } = desktop(platform, { kdialog: answers, [program]: hanging });
  const asking = expect(prompt()?.ask(about("work"))).rejects.toMatchObject({
    exitCode: exitCodes.codeNeeded,
    message: expect.stringContaining("the dialog was not answered within 5 min") as string,
  });
  await vi.waitFor(() => expect(existsSync(join(folder, `${program}.shown`))).toBe(true), 10_000);
  vi.advanceTimersByTime(320_000);
  await asking;
});

const hostile = [
  "<b>bold</b>",
  '"; do shell script "touch /tmp/x"; "',
  "$(touch x)",
  "%s%n",
  "--filename=/etc/passwd",
  "a_b\\n\\101",
  "&amp;&lt;",
  "'; exit 1 #",
  "\u001b]0;x\u0007\nline",
  "ä€😀",
];

test.each(hostile)("a profile named %j is only ever shown", async (profile) => {
  for (const { program, platform } of programs) {
    const { prompt, calls, stdin } = desktop(platform, { [program]: answers });
    await prompt()?.ask(about("work"));
    await prompt()?.ask(about(profile));
    const [plain = [], odd = []] = calls(program);
    const data = odd.filter((word, index) => word !== plain[index]);
    const shown = `Code for alice (${profile})`
      .replace("\u001b", "\\x1b")
      .replace("\u0007", "\\x07")
      .replace("\n", "\\x0a");
    expect(odd).toHaveLength(plain.length);
    if (program === "powershell.exe") {
      expect(data).toEqual([]);
      expect(JSON.parse(stdin(program))).toEqual({ text: shown });
      expect(stdin(program)).toMatch(/^[ -~]*$/);
    } else if (program === "osascript") {
      expect(data).toEqual([shown]);
      expect(odd.at(-1)).toBe(shown);
    } else if (program === "zenity") {
      expect(data).toEqual([`--text=${shown.replaceAll("\\", "\\\\").replaceAll("_", "__")}`]);
    } else {
      const [html = ""] = data;
      expect(html).toMatch(/^<qt>([\p{L}\p{N} ]|&#\d+;)*<\/qt>$/u);
      const text = html.slice(4, -5).replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
      expect(text.replaceAll("&&", "&")).toBe(shown);
    }
  }
});

test("a broken program falls through to the next one, is not tried again, and is told under --debug", async () => {
  for (const broken of [noDisplay, "kill -9 $$", "exit 255", "echo crash >&2; exit 134"]) {
    const { prompt, calls, debug } = desktop("linux", { zenity: broken, kdialog: answers });
    const source = prompt();
    expect(await source?.ask(about("work"))).toBe("492039");
    expect(await source?.ask(about("work"))).toBe("492039");
    expect([calls("zenity").length, calls("kdialog").length]).toEqual([1, 2]);
    expect(debug.mock.calls).toEqual([[expect.stringMatching(/^zenity (failed with|was killed by)/)]]);
  }
});

test("a program that cannot be started at all falls through too", async () => {
  const { prompt, folder } = desktop("linux", { zenity: answers, kdialog: answers });
  writeFileSync(join(folder, "zenity"), "#!/no/such/interpreter\n");
  expect(await prompt()?.ask(about("work"))).toBe("492039");
});

test("when all are broken, the error says how, what to do, and that a code is needed", async () => {
  const { prompt } = desktop("linux", { zenity: noDisplay, kdialog: "kill -ABRT $$" });
  const source = prompt();
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(source?.ask(about("the work"))).rejects.toMatchObject({
      exitCode: exitCodes.codeNeeded,
      message:
        'the profile "the work" needs an MFA code, but fob cannot show a dialog to ask for it: ' +
        "zenity failed with exit code 1: (zenity:1): Gtk-WARNING **: cannot open display: :1; kdialog was killed by SIGABRT",
      hints: ["run in a terminal: fob login 'the work'"],
    });
  }
});

test("a program that always prints something else does not ask again and again, and what it prints is not shown", async () => {
  const { prompt } = desktop("linux", { zenity: "echo the-master-password" });
  const asking = prompt()?.ask(about("work"));
  await expect(asking).rejects.toMatchObject({ exitCode: exitCodes.codeNeeded });
  await expect(asking).rejects.not.toThrow("the-master-password");
});

test("the signal ends the dialog", async () => {
  const { prompt, folder } = desktop("linux", { zenity: 'echo $$ >"$0.pid"; exec /bin/sleep 600', kdialog: answers });
  const cancel = new AbortController();
  const asking = prompt()?.ask({ ...about("work"), signal: cancel.signal });
  await vi.waitFor(() => expect(readFileSync(join(folder, "zenity.pid"), "utf8")).toContain("\n"), 10_000);
  cancel.abort();
  await expect(asking).rejects.toThrow(CancelledError);
  const pid = readFileSync(join(folder, "zenity.pid"), "utf8").trim();
  await vi.waitFor(() => {
    expect(spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout).toMatch(/^(Z|$)/);
  }, 10_000);
});

test("a dialog that does nothing with its stdin does not get fob's", async () => {
  const { prompt, stdin } = desktop("linux", { zenity: answers });
  await prompt()?.ask(about("work"));
  expect(stdin("zenity")).toBe("");
});

test("there is no prompt where no window can open, or where no program is there", () => {
  const both = { zenity: answers, kdialog: answers };
  const { env, folder } = desktop("linux", both);
  const isThere = (platform: NodeJS.Platform, variables: Record<string, string>): boolean =>
    createGraphicalPrompt({ env: { PATH: folder, ...variables }, platform, debug: () => undefined }) !== undefined;
  expect(isThere("linux", {})).toBe(false);
  expect(isThere("linux", { DISPLAY: "", WAYLAND_DISPLAY: "" })).toBe(false);
  expect(isThere("linux", { DISPLAY: ":1" })).toBe(true);
  expect(isThere("openbsd", { WAYLAND_DISPLAY: "wayland-0" })).toBe(true);
  expect(isThere("linux", { ...env, PATH: "/nowhere::relative" })).toBe(false);
  expect(isThere("darwin", { ...env })).toBe(false);
  writeFileSync(join(folder, "osascript"), "", { mode: 0o755 });
  expect(isThere("darwin", {})).toBe(true);
  expect(isThere("darwin", { SSH_CONNECTION: "::1 1 ::1 22" })).toBe(false);
  writeFileSync(join(folder, "powershell.exe"), "", { mode: 0o755 });
  expect(isThere("linux", { WSL_DISTRO_NAME: "Debian" })).toBe(true);
  expect(isThere("win32", {})).toBe(true);
  expect(isThere("win32", { PATH: `C:\\elsewhere;${folder}` })).toBe(true);
  expect(isThere("win32", { PATH: "" })).toBe(false);
});

const isInstalled = (program: string): boolean =>
  spawnSync("sh", ["-c", 'command -v "$0"', program], { stdio: "ignore" }).status === 0;

/** A display of its own, until the test ends. */
async function display(): Promise<string> {
  const server: ChildProcess = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "800x600x24"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void server.kill());
  const [number] = (await once(server.stdio[3] as NodeJS.ReadableStream, "data")) as [Buffer];
  return `:${String(number).trim()}`;
}

test.skipIf(!["Xvfb", "xdotool", "zenity"].every(isInstalled))("a code typed into the real zenity", async () => {
  const { folder, env, debug } = desktop("linux", { zenity: 'exec $(PATH=$REAL; command -v zenity) "$@"' });
  const shown = { ...env, DISPLAY: await display(), REAL: process.env.PATH ?? "", HOME: folder, LANG: "C.UTF-8" };
  const ask = () => createGraphicalPrompt({ env: shown, platform: "linux", debug })?.ask(about("<b>work_1</b> & 100%"));
  /** Waits for the dialog, gives it the focus, and presses keys. */
  const press = async (...keys: string[]): Promise<void> => {
    const args = ["search", "--sync", "--onlyvisible", "--name", "fob", "windowfocus", "--sync", ...keys];
    await once(spawn("xdotool", args, { env: { ...shown, PATH: process.env.PATH }, stdio: "ignore" }), "close");
  };
  const typing = ask();
  await press("type", "--args", "1", "492039", "key", "Return");
  expect(await typing).toBe("492039");
  const cancelling = expect(ask()).rejects.toThrow(CancelledError);
  await press("key", "Escape");
  await cancelling;
  expect(debug).not.toHaveBeenCalled();
});
