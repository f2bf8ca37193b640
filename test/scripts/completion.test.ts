// Completion: what fob says may follow, and what the real shells make of it.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isBroad, someOf } from "../helpers/broad.ts";
import { interactive, type Shell, takeOn, testIn, withFob } from "../helpers/shells.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const everyShell = someOf<Shell>(["bash", "zsh", "fish"], 1);

/** What `fob complete` prints, without the texts. */
async function complete(world: World, ...words: readonly string[]): Promise<string[]> {
  const { status, stdout, stderr } = await world.fob(["complete", ...words]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

test.runIf(isBroad)(
  "commands, their options, profiles where a profile is meant, shells where a shell is meant, topics behind help",
  async () => {
    const world = await makeWorld({
      config: "[profile work]\n[profile play]\nmfa_serial = x\n[sso-session no-profile]\n",
    });
    const profiles = ["work", "play"];
    const listIn = async (...args: string[]) =>
      [...(await world.fob(args)).stdout.matchAll(/^ {2}([a-z]\S.*?)(?: {2,}.*)?$/gm)].flatMap(([, row = ""]) =>
        // A row may have two commands: `sandbox [command], demo`.
        row.split(", ").flatMap((text) => /^[a-z][a-z-]*(?: [a-z-]+)?/.exec(text)?.[0] ?? []),
      );
    const families = ["device", "keys", "policy", "rollout"];
    const all = (await listIn()).filter((name) => !families.includes(name));
    for (const family of families) all.push(...(await listIn(family, "--help")));
    const listed = [...new Set(all.map((name) => name.split(" ")[0] ?? ""))];
    expect(listed).toContain("shell-init");
    expect(listed).toContain("policy");
    expect((await complete(world, "")).sort()).toEqual([...listed].sort());
    expect(await complete(world, "-")).toEqual(["--help", "--version"]);
    const topics = [...listed.filter((name) => name !== "help"), "exit-codes"];
    expect((await complete(world, "help", "")).sort()).toEqual(topics.sort());
    const members = all.filter((name) => name.startsWith("policy ")).map((name) => name.slice("policy ".length));
    expect(members).toContain("show");
    expect(await complete(world, "policy", "")).toEqual(members);
    expect(await complete(world, "help", "policy", "")).toEqual(members);
    for (const name of all.filter((command) => command !== "help")) {
      const help = (await world.fob(["help", ...name.split(" ")])).stdout;
      const options = [...help.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map(([, option]) => option);
      expect(await complete(world, ...name.split(" "), "--")).toEqual(options);
    }

    for (const words of [
      ["login", ""],
      ["login", "wo"],
      ["login", "--force", "--duration", "8h", ""],
      ["login", "--to", ""],
      ["login", "work", "--profile", ""],
      ["status", "work", ""],
      ["status", "--json", "--", ""],
      ["status", "--", "--"],
      // How Windows PowerShell says that nothing has been typed yet.
      ["logout", " "],
    ]) {
      expect({ words, found: await complete(world, ...words) }).toEqual({ words, found: profiles });
    }
    expect(await complete(world, "login", "--to=w")).toEqual(profiles.map((name) => `--to=${name}`));
    // A file, which shells know better.
    for (const words of [
      ["policy", "lint", ""],
      ["policy", "lint", "--as", "enforcement", "pol"],
      ["policy", "simulate", "--policy", ""],
      ["policy", "simulate", "--policy=p"],
    ]) {
      expect({ words, found: await complete(world, ...words) }).toEqual({ words, found: ["//"] });
    }
    for (const command of ["shell-init", "completion"]) {
      expect(await complete(world, command, "")).toEqual(["bash", "zsh", "fish", "powershell"]);
    }
    expect(await complete(world, "policy", "lint", "--format", "")).toEqual(["text", "json", "sarif"]);
    expect(await complete(world, "sandbox", "--scenario", "")).toEqual([
      "team",
      "team-enforced",
      "5000-users",
      "empty",
      "//",
    ]);
    for (const words of [
      ["login", "work", ""],
      ["login", "--duration", ""],
      ["login", "--min-ttl="],
      ["login", "--nonsense="],
      ["demo", ""],
      ["policy", "show", "policy.json", ""],
      ["nonsense", ""],
      ["help", "login", ""],
      ["shell-init", "bash", ""],
    ]) {
      expect({ words, found: await complete(world, ...words) }).toEqual({ words, found: [] });
    }
  },
);

test("sessions are profiles too, and texts say whose they are; what no command line could hold is left out", async () => {
  const odd = "[esc\u001b[31mred]\nx = 1\n[-dash]\nx = 1\n";
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(world.credentialsPath, `${world.credentials()}${odd}`);
  const { stdout } = await world.fob(["complete", "login", ""]);
  expect(stdout).toBe("work\nwork-mfa\tsession of work\n");
});

/** Types lines that end in a TAB and sees what words stand there then. */
async function typeIn(shell: Shell, world: World, start: string, lines: Readonly<Record<string, readonly string[]>>) {
  const terminal = interactive(shell, { env: withFob(world.env), cwd: world.home });
  const show =
    shell === "fish" ? "function words; printf '<%s>' $argv; echo .; end" : "words() { printf '<%s>' \"$@\"; echo .; }";
  terminal.type(`${start}; ${show}; echo rea''dy\r`);
  await terminal.shows("ready");
  for (const [typed, words] of Object.entries(lines)) {
    // What stands there is given to another command.
    terminal.type(`${typed}\u0001words \r`);
    await terminal.shows(`${words.map((word) => `<${word}>`).join("")}.`);
  }
  terminal.kill("SIGKILL");
  return terminal.screen();
}

const zshFirst: Readonly<Record<Shell, string>> = {
  bash: "",
  zsh: "autoload -Uz compinit && compinit -u -D; ",
  fish: "",
};

testIn(
  everyShell,
  "a TAB completes commands, options and profiles; any profile as data, and so that it is meant",
  async (shell) => {
    const odd = {
      "tw\t": "two words",
      "\\'\t": `'"$(touch pwned)"'`,
      "\\`\t": "`touch pwned`;x",
      "a\t": "a\\b*",
      "\\$\t": "$HOME",
      "m\u00fc\t": "m\u00fcller",
      "me@corp:\t": "me@corp:eu=1",
    };
    const credentials = Object.values(odd).map((name) => `[${name}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n`);
    const world = await makeWorld({ credentials: credentials.join(""), config: "" });
    await typeIn(shell, world, zshFirst[shell] + takeOn[shell], {
      "fob stat\t--js\t": ["fob", "status", "--json"],
      "fob shell-init p\t": ["fob", "shell-init", "powershell"],
      "fob login --to=me@\t": ["fob", "login", "--to=me@corp:eu=1"],
      "fob login --to tw\t": ["fob", "login", "--to", "two words"],
      "mfa tw\t": ["mfa", "two words"],
      ...Object.fromEntries(
        Object.entries(odd).map(([typed, name]) => [`fob logout ${typed}`, ["fob", "logout", name]]),
      ),
      // What runs a command is completed without running it.
      [shell === "fish" ? "fob (touch pwned) login tw\t\u0015" : "fob $(touch pwned) `touch pwned` login tw\t\u0015"]:
        [],
    });
    expect(existsSync(join(world.home, "pwned"))).toBe(false);
  },
);

testIn(everyShell, "a TAB completes files where a file is meant, and nowhere else", async (shell) => {
  const world = await makeWorld();
  mkdirSync(join(world.home, "policies"));
  for (const name of ["enforce mfa.json", "wo.json"]) writeFileSync(join(world.home, "policies", name), "{}");
  writeFileSync(join(world.home, "stray.json"), "{}");
  await typeIn(shell, world, zshFirst[shell] + takeOn[shell], {
    "fob policy lint pol\tenf\t": ["fob", "policy", "lint", "policies/enforce mfa.json"],
    "fob policy simulate --policy policies/w\t": ["fob", "policy", "simulate", "--policy", "policies/wo.json"],
    "fob policy simulate --policy=policies/w\t": ["fob", "policy", "simulate", "--policy=policies/wo.json"],
    "fob login str\t": ["fob", "login", "str"],
  });
});

testIn(everyShell, "where the AWS files cannot be read, a TAB says nothing and changes nothing", async (shell) => {
  const world = await makeWorld({ credentials: "no section\n" });
  const screen = await typeIn(shell, world, zshFirst[shell] + takeOn[shell], {
    "fob login wo\t": ["fob", "login", "wo"],
    "fob login --forc\t": ["fob", "login", "--force"],
  });
  expect(screen).not.toContain("error");
});

testIn(everyShell, "fob completion alone works from where the shell looks for completions", async (shell) => {
  const world = await makeWorld();
  const start: Readonly<Record<Shell, string>> = {
    bash: ". <(fob completion bash)",
    zsh: "mkdir c; fob completion zsh > c/_fob; fpath+=($PWD/c); autoload -Uz compinit; compinit -u -D",
    fish: "mkdir c; fob completion fish > c/fob.fish; set -p fish_complete_path $PWD/c",
  };
  await typeIn(shell, world, start[shell], {
    "fob stat\t--js\t": ["fob", "status", "--json"],
    "fob sta\two\t": ["fob", "status", "work"],
  });
});
