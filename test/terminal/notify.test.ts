// Notifications, with a replacement for each system's program: what is told is never a script or an option there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { notify } from "../../src/terminal/notify.ts";
import { temporaryFolder } from "../helpers/world.ts";

const texts = ["it is done", '"; do shell script "touch x', "-e", "$(touch x)", "'; calc", "two\nlines", "ä€😀"];

async function tell(program: string, platform: NodeJS.Platform, text: string) {
  const folder = temporaryFolder();
  const file = join(folder, program);
  const record = `printf '%s\\000' "$@" >"$0.args"; cat >"$0.stdin"; : >"$0.ended"`;
  writeFileSync(file, `#!/bin/sh\n${record}\n`, { mode: 0o755 });
  notify(text, { env: { PATH: `${folder}:/usr/bin:/bin` }, platform, debug: () => undefined });
  await vi.waitFor(() => expect(existsSync(`${file}.ended`)).toBe(true), 10_000);
  return {
    args: readFileSync(`${file}.args`, "utf8").split("\0").slice(0, -1),
    stdin: readFileSync(`${file}.stdin`, "utf8"),
  };
}

const shown = (text: string): string => text.replace("\n", "\\x0a");

test("macOS: osascript gets one script, whatever is told, and the text as an argument of it", async () => {
  const scripts = new Set<string>();
  for (const text of texts) {
    const { args, stdin } = await tell("osascript", "darwin", text);
    expect({ option: args[0], told: args.slice(2), stdin }).toEqual({ option: "-e", told: [shown(text)], stdin: "" });
    scripts.add(args[1] ?? "");
  }
  expect([...scripts]).toEqual([expect.stringMatching(/^on run argv\ndisplay notification \(item 1 of argv\) /)]);
});

test("Windows: PowerShell gets one script, whatever is told, and the text as ASCII on its stdin", async () => {
  const scripts = new Set<string>();
  for (const text of texts) {
    const { args, stdin } = await tell("powershell.exe", "win32", text);
    expect(stdin).toMatch(/^[ -~]*$/);
    expect(JSON.parse(stdin)).toEqual({ text: shown(text) });
    scripts.add(args.join("\0"));
  }
  expect(scripts.size).toBe(1);
});

test("Linux: notify-send gets the text behind --", async () => {
  for (const text of texts) {
    const { args } = await tell("notify-send", "linux", text);
    expect(args.slice(-3)).toEqual(["--", "fob", shown(text)]);
  }
});
