import { expect, test } from "vitest";
import { detectShell } from "../../src/environment/shell.ts";

test.each<
  [parent: string | undefined, env: Record<string, string>, platform: NodeJS.Platform, shell: string | undefined]
>([
  ["fish\n", { SHELL: "/bin/zsh" }, "linux", "fish"],
  ["sh\n", {}, "linux", "bash"],
  ["pwsh\n", { SHELL: "/bin/bash" }, "linux", "powershell"],
  // A login shell, as ps has it.
  ["-zsh\n", {}, "darwin", "zsh"],
  ["/opt/homebrew/bin/fish\n", { SHELL: "/bin/zsh" }, "darwin", "fish"],
  // What is no shell, or has no format of its own.
  ["make\n", { SHELL: "/usr/bin/fish" }, "linux", "fish"],
  ["json\n", { SHELL: "/usr/bin/nu" }, "linux", undefined],
  [undefined, {}, "linux", undefined],
  // Git's bash, PowerShell, cmd.
  [undefined, { SHELL: "C:\\Program Files\\Git\\usr\\bin\\bash.exe", PSModulePath: "a;b" }, "win32", "bash"],
  [undefined, { PSModulePath: "own;program files;system" }, "win32", "powershell"],
  [undefined, { PSModulePath: "program files;system" }, "win32", "cmd"],
])("started by %j with %j on %s: %s", (parent, env, platform, shell) => {
  expect(detectShell(env, parent, platform)).toBe(shell);
});
