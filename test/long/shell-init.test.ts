// What `fob shell-init` prints, in the real shells.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeFileName } from "../../src/store/paths.ts";
import { interactive, run, type Shell, takeOn, testIn, withFob } from "../helpers/shells.ts";
import { execute, makeWorld, node, program, temporaryFolder } from "../helpers/world.ts";

const all: readonly Shell[] = ["bash", "zsh", "fish"];
const posix: readonly Shell[] = ["bash", "zsh"];
/** Prints what is selected, in any of the shells. */
const selected = 'echo "selected: $AWS_PROFILE"';
/** The segment of the prompt, printed. */
const segment: Readonly<Record<Shell, string>> = {
  bash: '_fob_prompt; echo "segment: $fob_segment"',
  zsh: '_fob_prompt; echo "segment: $fob_segment"',
  fish: 'set -l shown (fob_prompt); echo "segment: $shown"',
};

testIn(
  all,
  "mfa logs in and selects the session profile; mfa - goes back to what was selected before",
  async (shell) => {
    const world = await makeWorld();
    const env = withFob(world.env);
    const code = `--code ${world.device.code()}`;
    const script = [
      takeOn[shell],
      `mfa work ${code}`,
      selected,
      "env | grep AWS_PROFILE",
      "mfa",
      selected,
      "mfa -",
      selected,
    ];
    const { status, stdout, stderr } = await run(shell, script.join("\n"), { env });
    expect(stdout).toBe("selected: work-mfa\nAWS_PROFILE=work-mfa\nselected: work-mfa\nselected: \n");
    // No hint says to do what mfa has done.
    expect(stderr).not.toContain("hint");
    expect(status).toBe(0);

    // Gone back once, there is nothing more to go back to: what the user has selected stays.
    const back = [takeOn[shell], "mfa work", selected, "mfa", "mfa -", selected, "mfa -", selected].join("\n");
    expect(await run(shell, back, { env: { ...env, AWS_PROFILE: "play" } })).toMatchObject({
      status: 0,
      stdout: "selected: work-mfa\nselected: play\nselected: play\n",
      stderr: expect.stringMatching(/\nmfa: nothing to go back to in this shell\n$/) as string,
    });
    // A shell in a shell has the outer one's session profile, and renewing that is not selecting another.
    const inner = [takeOn[shell], "mfa", selected, "mfa -", selected].join("\n");
    expect((await run(shell, inner, { env: { ...env, AWS_PROFILE: "work-mfa" } })).stdout).toBe(
      "selected: work-mfa\nselected: \n",
    );
  },
);

testIn(
  all,
  "an mfa that fails leaves the selection alone and returns fob's exit code; mfa --help is its help, with mfa -",
  async (shell) => {
    const { env } = await makeWorld();
    const status = shell === "fish" ? "$status" : "$?";
    const script = [
      takeOn[shell],
      `mfa work --no-input; echo "status ${status}"; ${selected}`,
      `mfa --durration 1h; echo "status ${status}"; ${selected}`,
      `mfa --help; echo "status ${status}"; ${selected}`,
    ];
    const { stdout, stderr } = await run(shell, script.join("\n"), { env: { ...withFob(env), AWS_PROFILE: "play" } });
    expect(stdout).toMatch(
      /^status 4\nselected: play\nstatus 2\nselected: play\nUsage: mfa \[profile\] [^\n]*\n {7}mfa - [^\n]*\n[\s\S]*\nUsage: fob login [\s\S]*\nstatus 0\nselected: play\n$/,
    );
    expect(stderr).toContain("did you mean: --duration");
    const wrong = [takeOn[shell], "mfa wrok", "mfa work --no-input"].join("\n");
    const { stderr: advice } = await run(shell, wrong, { env: withFob(env) });
    expect(advice).toContain("did you mean: mfa work\n");
    expect(advice).toContain("run in a terminal: mfa work\n");
  },
);

testIn(
  posix,
  "under set -eu and odd options, and taken on twice, it leaves two variables and no others",
  async (shell) => {
    const world = await makeWorld();
    const options = "ksh_arrays sh_word_split warn_create_global extended_glob";
    const [set, unset] = shell === "zsh" ? [`setopt ${options}`, `unsetopt ${options}`] : ["", ""];
    const names = shell === "zsh" ? `print -l \${(k)parameters}` : "compgen -v";
    const script = `
    set -eu
    text=$(fob shell-init ${shell}) before= after=
    before=$(${names})
    ${set}
    eval "$text"; eval "$text"
    mfa work --code ${world.device.code()} 2>/dev/null
    _fob_prompt
    ${unset}
    after=$(${names})
    comm -3 <(sort <<<"$before") <(sort <<<"$after")
    echo "$fob_segment"
  `;
    const { stdout, stderr, status } = await run(shell, script, { env: withFob(world.env) });
    const hook = shell === "zsh" ? "precmd_functions" : "PROMPT_COMMAND";
    // The shell's own variables for the last command are no concern of fob's.
    const left = stdout
      .trimEnd()
      .split("\n")
      .filter((line) => !/^\t?(BASH_REMATCH|PIPESTATUS|_)$/.test(line));
    expect(left.pop()).toMatch(/^work-mfa 1[12]h\d+m$/);
    expect(left).toEqual(["AWS_PROFILE", hook, "_fob_before", "fob_segment"].sort().map((name) => `\t${name}`));
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  },
);

testIn(
  all,
  "the segment says how long the selected session lasts, to the minute and on any day of the calendar",
  async (shell) => {
    const { env, home } = await makeWorld();
    const now = Date.now();
    // Half a minute past a whole one, so that the minute does not change while the shell is running.
    const until = (at: number) => new Date(now + Math.floor((at - now) / 60_000) * 60_000 + 30_000);
    const days = [
      "2027-01-01",
      "2028-02-29",
      "2028-03-01",
      "2032-08-09",
      "2099-12-31",
      "2100-02-28",
      "2100-03-01",
      "2400-02-29",
    ];
    const times = [
      ...[59, 60, 61, 12 * 60, 35 * 60 + 59].map((minutes) => until(now + minutes * 60_000)),
      ...days.map((day) => until(Date.parse(`${day}T09:08:00Z`))),
    ];
    const script = [takeOn[shell]];
    const expected: string[] = [];
    for (const [index, time] of times.entries()) {
      store(home, `of-${index}`, time);
      script.push(`export AWS_PROFILE=of-${index}; ${segment[shell]}`);
      const minutes = Math.floor((time.getTime() - now) / 60_000);
      expected.push(`segment: of-${index} ${minutes < 60 ? "" : `${Math.floor(minutes / 60)}h`}${minutes % 60}m`);
    }
    for (const [name, seconds] of [
      ["soon", 50],
      ["over", -1],
      ["long-over", -1e8],
    ] as const) {
      store(home, name, new Date(now + seconds * 1000));
      script.push(`export AWS_PROFILE=${name}; ${segment[shell]}`);
    }
    const { stdout, stderr } = await run(shell, script.join("\n"), { env: withFob(env) });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.splice(-3)).toEqual([
      expect.stringMatching(/^segment: soon (\d+s|expired)$/),
      "segment: over expired",
      "segment: long-over expired",
    ]);
    expect({ lines, stderr }).toEqual({ lines: expected, stderr: "" });
  },
);

testIn(
  all,
  "the segment finds the session's file as fob does: by its encoded name, in the folder in use",
  async (shell) => {
    const { env, home } = await makeWorld();
    const names = ["Work", ".hidden", "a.b", "team/prod:eu,1", "müller-ß", "100%", "~x", "a+b=c@d_e", "日本"];
    const soon = new Date(Date.now() + 3_630_000);
    for (const name of names) store(home, name, soon);
    const elsewhere = { folder: temporaryFolder(), other: temporaryFolder() };
    store(home, "in-home", soon, elsewhere.folder);
    store(home, "beside", soon, join(elsewhere.other, "fob"));
    const set = (variable: string, value: string) =>
      shell === "fish" ? `set -gx ${variable} '${value}'` : `export ${variable}='${value}'`;
    const script = [
      takeOn[shell],
      ...names.flatMap((name) => [set("AWS_PROFILE", name), segment[shell]]),
      ...[set("AWS_PROFILE", "in-home"), set("FOB_HOME", elsewhere.folder), segment[shell], set("FOB_HOME", "")],
      ...[set("AWS_PROFILE", "beside"), set("AWS_SHARED_CREDENTIALS_FILE", `${elsewhere.other}/keys`), segment[shell]],
      ...[`cd '${elsewhere.other}'`, set("AWS_SHARED_CREDENTIALS_FILE", "keys"), segment[shell]],
      ...[set("AWS_PROFILE", "Work"), set("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/keys"), segment[shell]],
    ];
    const { stdout, stderr } = await run(shell, script.join("\n"), { env: withFob(env) });
    // In zsh's prompts a percent sign is written as two.
    const shown = [...names, "in-home", "beside", "beside", "Work"].map((name) =>
      shell === "zsh" ? name.replace("%", "%%") : name,
    );
    expect({ stdout, stderr }).toEqual({ stdout: shown.map((name) => `segment: ${name} 1h0m\n`).join(""), stderr: "" });
  },
);

testIn(
  all,
  "without a session, or with a file that is none, the segment is empty and nothing is said",
  async (shell) => {
    const { env, home } = await makeWorld();
    const sessions = join(home, ".aws/fob/sessions");
    store(home, "other", new Date(Date.now() + 3_600_000));
    const good = readFileSync(join(sessions, "other"), "utf8");
    writeFileSync(join(sessions, "renamed"), good);
    writeFileSync(join(sessions, "cut"), good.slice(0, 40));
    writeFileSync(join(sessions, "newer"), good.replace("fob1", "fob2").replace("other", "newer"));
    writeFileSync(
      join(sessions, "odd"),
      good.replaceAll("other", "odd").replace(/"Expiration":"[^"]*"/, '"Expiration":"$(echo soon)"'),
    );
    writeFileSync(join(sessions, "empty"), "");
    mkdirSync(join(sessions, "folder"));
    const names = [
      "",
      "work",
      "unknown",
      "renamed",
      "cut",
      "newer",
      "odd",
      "empty",
      "folder",
      "../sessions/other",
      "oth*",
    ];
    const script = [takeOn[shell], ...names.map((name) => `export AWS_PROFILE='${name}'; ${segment[shell]}`)];
    const { stdout, stderr } = await run(shell, script.join("\n"), { env: withFob(env) });
    expect({ stdout, stderr }).toEqual({ stdout: "segment: \n".repeat(names.length), stderr: "" });
  },
);

testIn(all, "what the help says to do once gives the next shell all of it", async (shell) => {
  const world = await makeWorld();
  const { stdout: help } = await world.fob(["shell-init", "--help"]);
  const line = help.split("\n").find((example) => example.includes(`fob shell-init ${shell} > ~`)) ?? "no line";
  const next = { env: withFob(world.env), cwd: world.home };
  expect(await run(shell, line, next)).toMatchObject({ status: 0, stdout: "", stderr: "" });
  const script = shell === "fish" ? "functions -q mfa fob_prompt; and complete -c mfa" : "type mfa _fob_prompt _fob";
  const { stdout, status } = await execute(shell, ["-i", "-c", script], next);
  expect(stdout).toContain("mfa");
  expect(status).toBe(0);
});

testIn(posix, "set -x shows nothing secret of a session", async (shell) => {
  const { env, home } = await makeWorld();
  store(home, "work-mfa", new Date(Date.now() + 3_630_000));
  const script = [takeOn[shell], "export AWS_PROFILE=work-mfa", "set -x", segment[shell]].join("\n");
  const { stdout, stderr } = await run(shell, script, { env: withFob(env) });
  expect(stdout).toBe("segment: work-mfa 1h0m\n");
  expect(stderr).toContain("_fob_segment");
  expect(stderr).not.toMatch(/TheAccessKey|TheSecretKey|TheToken/);
});

testIn(
  process.platform === "linux" ? all : [],
  "a prompt starts no process, with or without a selected session",
  async (shell) => {
    const { env, home } = await makeWorld();
    store(home, "work-mfa", new Date(Date.now() + 3_600_000));
    // What Linux counts of the children of a process that have ended; one that had ended would have touched some pages.
    const faults =
      shell === "fish" ? "read -l of < /proc/$fish_pid/stat; echo $of" : 'read -r of < /proc/$$/stat; echo "$of"';
    const prompt = shell === "fish" ? "fob_prompt" : "_fob_prompt";
    const script = [
      ". $TEXT",
      ...(shell === "fish" ? ["set -e PATH"] : ["PATH="]),
      faults,
      ...[prompt, "export AWS_PROFILE=work-mfa", prompt, faults],
      // That the count would tell.
      ...[shell === "fish" ? "/bin/true" : ": $(:)", faults],
    ];
    const text = join(home, "init");
    writeFileSync(text, (await run(shell, `fob shell-init ${shell}`, { env: withFob(env) })).stdout);
    const { stdout, stderr } = await run(shell, script.join("\n"), { env: { ...env, TEXT: text } });
    expect(stderr).toBe("");
    const counts = [...stdout.matchAll(/^\d+ \(\w+\) \S+(?: \S+){7} (\d+)/gm)].map(([, count]) => Number(count));
    const [before = -1, after = -1, control = -1] = counts;
    expect(after - before).toBe(0);
    expect(control).toBeGreaterThan(after);
  },
);

testIn(all, "on a terminal, mfa asks for the code, and the prompt shows the time left from then on", async (shell) => {
  const world = await makeWorld();
  const terminal = interactive(shell, { env: withFob(world.env) });
  const prompt: Readonly<Record<Shell, string>> = {
    bash: "PS1='<$fob_segment>ready> '",
    zsh: "setopt prompt_subst; PROMPT='<$fob_segment>ready> '",
    fish: 'function fish_prompt; set -l shown (fob_prompt); echo "<$shown>ready> "; end',
  };
  terminal.type(`${takeOn[shell]}; ${prompt[shell]}\r`);
  await terminal.shows("<>ready>");
  terminal.type("mfa work\r");
  await terminal.shows(/Code for .*\(work\)/);
  terminal.type(`${world.device.code()}\r`);
  await terminal.shows("AWS_PROFILE is now work-mfa");
  await terminal.shows(/<work-mfa 1[12]h\d+m>ready>/);
  terminal.type("mfa -\r");
  await terminal.shows("<>ready>");
  terminal.kill("SIGKILL");
});

test("bash: what PROMPT_COMMAND was stays, once, and the status of the last command with it", async () => {
  const script = `
    PROMPT_COMMAND='echo first;'
    ${takeOn.bash}; ${takeOn.bash}
    eval "$PROMPT_COMMAND"
    grep -c _fob_prompt <<<"$PROMPT_COMMAND"
    unset PROMPT_COMMAND
    ${takeOn.bash}
    PROMPT_COMMAND+='; echo "last $?"'
    (exit 3); eval "$PROMPT_COMMAND"
  `;
  const { stdout, stderr } = await run("bash", script, {
    env: withFob({ PATH: process.env.PATH ?? "", HOME: temporaryFolder() }),
  });
  expect({ stdout, stderr }).toEqual({ stdout: "first\n1\nlast 3\n", stderr: "" });
});

testIn(all, "the text costs a shell's start less than the shell itself", async (shell) => {
  const env = withFob({ PATH: process.env.PATH ?? "", HOME: temporaryFolder() });
  const text = join(env.HOME ?? "", "init");
  writeFileSync(text, (await run(shell, `fob shell-init ${shell}`, { env })).stdout);
  const timed = async (script: string): Promise<number> => {
    const began = performance.now();
    expect((await run(shell, script, { env })).status).toBe(0);
    return performance.now() - began;
  };
  // The best of some, since the machine may be busy; so often in one shell that the shell's start hardly counts.
  const best = async (script: string): Promise<number> =>
    Math.min(...[await timed(script), await timed(script), await timed(script), await timed(script)]);
  const empty = await best(":");
  const hundred = await best(Array.from({ length: 100 }, () => `. '${text}'`).join("\n"));
  expect((hundred - empty) / 100).toBeLessThan(Math.max(empty, 5));
});

test("the text is the same for every user, and a missing or an unknown shell is answered with the known ones", async () => {
  const world = await makeWorld();
  for (const shell of ["bash", "zsh", "fish", "powershell", "pwsh"]) {
    const { stdout, status } = await world.fob(["shell-init", shell]);
    const elsewhere = await execute(node, [program, "shell-init", shell], {
      env: { PATH: world.env.PATH },
    });
    expect({ stdout: elsewhere.stdout, status }).toEqual({ stdout, status: 0 });
    expect(stdout).toContain("mfa");
    // The start-up files of Windows PowerShell are not read as UTF-8.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII
    expect(stdout).toMatch(/^[\x00-\x7f]*$/);
  }
  for (const command of ["shell-init", "completion"]) {
    expect(await world.fob([command])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: `fob: error: which shell? bash, zsh, fish or powershell\nfob: hint: for example: fob ${command} bash\n`,
    });
    expect(await world.fob([command, "tcsh"])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: `fob: error: unknown shell "tcsh": choose bash, zsh, fish or powershell\nfob: hint: for example: fob ${command} bash\n`,
    });
    expect((await world.fob([command, "bash", "zsh"])).stderr).toContain('too many arguments: "zsh"');
    expect((await world.fob([command, "bash", "--profile", "work"])).stderr).toContain('unknown option "--profile"');
  }
});

/** Puts a session into the store, by hand. */
function store(home: string, profile: string, expiration: Date, folder = join(home, ".aws/fob")): void {
  mkdirSync(join(folder, "sessions"), { recursive: true });
  const answer = {
    Version: 1,
    AccessKeyId: "TheAccessKey",
    SecretAccessKey: "TheSecretKey/+=",
    SessionToken: "TheToken",
    Expiration: expiration.toISOString().replace(/\.\d+/, ""),
  };
  writeFileSync(
    join(folder, "sessions", encodeFileName(profile)),
    `fob1 1 ${profile}\n${JSON.stringify(answer)}\n{}\n`,
  );
}
