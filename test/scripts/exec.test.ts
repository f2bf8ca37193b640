// `fob exec`: the command runs as if it had been typed without fob, but with credentials.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { someOf } from "../helpers/broad.ts";
import { endsIn } from "../helpers/sessions.ts";
import { posixShells, run, testIn, withFob } from "../helpers/shells.ts";
import {
  execute,
  makeWorld,
  node,
  onTerminal,
  program,
  type RunOptions,
  temporaryFolder,
  type World,
} from "../helpers/world.ts";

const both = { shows: ["secret access key", "session token"] } as const;

async function loggedIn(options?: Parameters<typeof makeWorld>[0]): Promise<World> {
  const world = await makeWorld(options);
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

const exec = (world: World, command: readonly string[], options?: RunOptions) =>
  world.fob(["exec", "work", "--", ...command], options);

describe("the environment", () => {
  const theirs = { MINE: "kept", AWS_PROFILE: "play", AWS_SECURITY_TOKEN: "old", AWS_CA_BUNDLE: "/kept" };
  const environmentIn = (output: string): Record<string, string> =>
    Object.fromEntries([...output.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));

  test("is fob's own, with what fob env prints, without what would get in its way, and nothing else", async () => {
    const world = await loggedIn();
    const { status, stdout, stderr } = await exec(world, ["env"], { ...both, env: theirs });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const printed = JSON.parse((await world.fob(["env", "work", "--shell", "json"])).stdout) as Record<string, string>;
    // The tests' own.
    const record = { FOB_TEST_RECORD: expect.any(String) as string, NODE_OPTIONS: expect.any(String) as string };
    const kept = { MINE: "kept", AWS_CA_BUNDLE: "/kept" };
    const given = Object.entries(environmentIn(stdout)).filter(([name]) => !["PWD", "SHLVL", "_"].includes(name));
    expect(Object.fromEntries(given)).toEqual({ ...world.env, ...record, ...kept, ...printed, AWS_VAULT: "work-mfa" });
  });

  test("what other tools say of an identity goes, and prompts read whose it is", async () => {
    const world = await loggedIn();
    const others = {
      ...{ AWS_VAULT: "other", AWSUME_PROFILE: "other", AWSUME_EXPIRATION: "old", AWS_SSO_PROFILE: "other" },
      ...{
        AWSRUNAS_PROFILE: "other",
        SAML2AWS_PROFILE: "other",
        GRANTED_SSO_ROLE_NAME: "other",
        AWS_OKTA_PROFILE: "o",
      },
      ...{ AWS_SSO_ROLE_NAME: "other", AWSU_PROFILE: "other", ASSUMED_ROLE: "other" },
    };
    const { stdout } = await exec(world, ["env"], { ...both, env: { ...others, SAML2AWS_URL: "https://kept" } });
    const left = Object.entries(environmentIn(stdout)).filter(([name]) => name in others);
    expect(left).toEqual([["AWS_VAULT", "work-mfa"]]);
    expect(stdout).toContain("SAML2AWS_URL=https://kept\n");
    // What lasts in a shell is no subshell of aws-vault.
    const printed = await world.fob(["env", "work", "--shell", "bash"], { env: others });
    for (const name of Object.keys(others)) expect(printed.stdout).toMatch(new RegExp(`^unset .*\\b${name}\\b`, "m"));
    expect(printed.stdout).not.toContain("export AWS_VAULT");
  });

  test("variables that no shell can set: functions of bash are passed on, and what /bin/sh drops is said", async () => {
    const world = await loggedIn();
    const odd = { "BASH_FUNC_it%%": '() {  echo "it\'s $1"\n}', "a.b": "c" };
    const { stdout, stderr } = await exec(world, ["bash", "-c", 'it "$1"; env | grep ^a.b', "-", "x y"], { env: odd });
    expect(stdout).toMatch(/^it's x y\n/);
    if (!stdout.includes("a.b=c")) expect(stderr).toMatch(/^fob: warning: the command runs without "a\.b": /);
    else expect(stderr).toBe("");
  });

  // Other shells pass functions on.
  const [dash = ""] = posixShells.find(([shell]) => shell === "dash") ?? [];
  test.skipIf(dash === "")("functions of bash that are too long for the pipe: an error, and no wait", async () => {
    const world = await loggedIn();
    const env = { ...world.env, "BASH_FUNC_it%%": `() {  echo ${"x".repeat(70_000)}\n}` };
    const { status, stderr } = await execute(dash, [program, "exec", "work", "--", "true"], { env });
    expect(stderr).toMatch(/^fob: error: cannot pass on the exported functions of bash: \d+ bytes are more than /);
    expect(status).toBe(1);
  });

  test("in a fob exec of another profile it is that one's, and of the same profile the same", async () => {
    const world = await loggedIn();
    const other = world.sandbox.addUser({ name: "other", policies: [] });
    const device = world.sandbox.addVirtualDevice("other", "other");
    const { accessKeyId, secretAccessKey } = other.accessKey;
    const key = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    appendFileSync(world.credentialsPath, `[other]\n${key}`);
    appendFileSync(world.configPath, `[profile other]\nregion = us-east-1\nmfa_serial = ${device.serialNumber}\n`);
    await world.fob(["login", "other", "--code", device.code()]);
    const env = withFob(world.env);
    const inside = async (profile: string) =>
      environmentIn((await exec(world, ["sh", "-c", `fob exec ${profile} -- env`], { ...both, env })).stdout);
    const direct = await world.fob(["exec", "other", "--", "env"], both);
    const { AWS_ACCESS_KEY_ID, AWS_REGION } = environmentIn(direct.stdout);
    expect(await inside("other")).toMatchObject({ AWS_ACCESS_KEY_ID, AWS_REGION, AWS_DEFAULT_REGION: "us-east-1" });
    const { stdout } = await exec(world, ["env"], both);
    expect(environmentIn((await exec(world, ["env"], { ...both, env })).stdout)).toMatchObject({
      AWS_REGION: "eu-central-1",
    });
    expect(await inside("work")).toMatchObject({ AWS_SESSION_TOKEN: environmentIn(stdout).AWS_SESSION_TOKEN });
  });

  test("in a fob exec a new session is made with the long-term key of the files", async () => {
    const world = await loggedIn();
    const code = world.commandThatPrints(world.device.code(Date.now() + 30_000));
    appendFileSync(world.configPath, `mfa_process = ${code}\n`);
    const { status, stderr } = await exec(world, ["fob", "login", "work", "--force"], { env: withFob(world.env) });
    expect(stderr).toContain('"work-mfa" is valid until');
    expect(status).toBe(0);
  });
});

test("every word behind -- is the command's, and no shell reads it", async () => {
  const world = await loggedIn();
  const words = ["--help", "--profile", "x", "--", "", "two words", "$HOME", "`x`", "*", "é\n'\""];
  const print = [node, "-e", "console.log(JSON.stringify(process.argv.slice(1)))", "--", ...words];
  const { stdout } = await exec(world, print);
  expect(JSON.parse(stdout)).toEqual(words);
  expect((await world.fob(["exec", "--profile", "work", "--", "echo", "it"])).stdout).toBe("it\n");
  expect((await world.fob(["exec", "--", "echo", "it"], { env: { AWS_PROFILE: "work" } })).stdout).toBe("it\n");
});

const withoutDashes: [string[], string][] = [
  [["work", "terraform", "plan", "-out", "x y"], "fob exec work -- terraform plan -out 'x y'"],
  [["work-mfa", "ls"], "fob exec work-mfa -- ls"],
  [["aws", "s3", "ls", "--profile", "x"], "fob exec -- aws s3 ls --profile x"],
  [["work"], "fob exec work -- COMMAND"],
  [["work", "--region", "x"], "fob exec work --region x -- COMMAND"],
  [[], "fob exec -- COMMAND"],
];
test.each(someOf(withoutDashes, 3))("without -- it says so, with the line that was meant: %j", async (args, line) => {
  const world = await loggedIn();
  const { status, stdout, stderr } = await world.fob(["exec", ...args]);
  expect(stderr).toBe(`fob: error: put the command after --\nfob: hint: ${line}\n`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
});

test("without a terminal, nothing after -- is an error; options before it are checked", async () => {
  const world = await makeWorld();
  expect(await world.fob(["exec", "work", "--"])).toMatchObject({
    status: 2,
    stderr: "fob: error: put the command after --\nfob: hint: fob exec work -- COMMAND\n",
  });
  expect((await world.fob(["exec", "work", "ls", "--", "x"])).stderr).toContain('too many arguments: "ls"');
  expect((await world.fob(["exec", "--regoin", "x", "--", "x"])).stderr).toContain("did you mean: --region");
  expect((await world.fob(["exec", "work", "ls", "--help"])).stdout).toContain(
    "Usage: fob exec [options] [profile] [-- <command...>]",
  );
  expect((await world.fob(["complete", "exec", "work", "--", ""])).stdout).toBe("");
  expect((await world.fob(["complete", "exec", ""])).stdout).toBe("work\n");
});

describe("how it ends", () => {
  test("with the command's exit code", async () => {
    const world = await loggedIn();
    for (const code of [0, 1, 3, 130, 255]) {
      expect(await exec(world, ["sh", "-c", `exit ${code}`])).toMatchObject({ status: code, stderr: "" });
    }
  });

  test("127 for what does not exist, 126 for what cannot be executed", async () => {
    const world = await loggedIn();
    const file = (name: string, text: string, mode: number): string => {
      writeFileSync(join(world.home, name), text, { mode });
      return join(world.home, name);
    };
    const missing = await exec(world, ["no-such-program"]);
    expect(missing).toMatchObject({ status: 127, stdout: "" });
    expect(missing.stderr).toBe('fob: error: "no-such-program": command not found\n');
    expect((await exec(world, ["aws s3 ls"])).stderr).toBe(
      'fob: error: "aws s3 ls": command not found\n' +
        "fob: hint: let a shell run it: fob exec work -- sh -c 'aws s3 ls'\n",
    );
    for (const program of ["", "./no/such", join(world.home, "none")]) {
      expect(await exec(world, [program])).toMatchObject({ status: 127 });
    }
    const plain = file("plain", "text", 0o644);
    for (const program of [plain, world.home, `${plain}/below`, file("script", "#!/no/such/reader\n", 0o755)]) {
      const { status, stderr } = await exec(world, [program]);
      expect(stderr).toMatch(/^fob: error: cannot run ".*\nfob: hint: check the file: ls -l /);
      expect(status).toBe(126);
    }
    // What the system takes for a shell's script, a shell does too.
    expect(await exec(world, [file("bare", "exit 7\n", 0o755)])).toMatchObject({ status: 7 });
  });

  const signals = [
    ["SIGTERM", 143],
    ["SIGKILL", 137],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGUSR1", 138],
    ["SIGPIPE", 141],
  ] as const;
  test.each(someOf(signals, 2))("by the signal that ended the command: %s", async (signal, code) => {
    const world = await loggedIn();
    const kill = ["sh", "-c", `kill -s ${signal.slice(3)} $$`];
    expect(await exec(world, kill)).toMatchObject({ status: null, signal, stderr: "" });
    const { stdout } = await run("bash", `fob exec work -- ${kill.map((word) => `'${word}'`).join(" ")}; echo $?`, {
      env: withFob(world.env),
    });
    expect(stdout).toBe(`${code}\n`);
  });

  test("no code is asked for a program that cannot be run", async () => {
    const world = await makeWorld();
    expect(await exec(world, ["nosuch"])).toMatchObject({ status: 127 });
    expect(await exec(world, [world.home])).toMatchObject({ status: 126 });
    expect(await exec(world, ["ls"])).toMatchObject({ status: 4 });
  });
});

describe.each(someOf(posixShells, 1).map((shell) => [shell.join(" "), shell] as const))(
  "as %s",
  (_, [shell, ...words]) => {
    const inShell = async (world: World, args: readonly string[], env: RunOptions["env"] = {}) =>
      execute(shell, [...words, program, "exec", ...args], { ...both, env: { ...world.env, ...env } });

    test("it becomes the command, with its words, its exit code, and the credentials", async () => {
      const world = await loggedIn();
      const print = 'printf "%s|" "$@"; test -n "$AWS_SESSION_TOKEN" && exit 7';
      const odd = ["", "two words", "--", "$HOME", "`x`", "é\n'\"\\", "*"];
      const run = await inShell(world, ["work", "--", "sh", "-c", print, "-", ...odd]);
      expect(run).toMatchObject({ status: 7, stdout: `${odd.join("|")}|`, stderr: "" });
      expect(await inShell(world, ["work", "--", "nosuch"])).toMatchObject({ status: 127, stdout: "" });
      expect(await inShell(world, ["unknown", "--", "true"])).toMatchObject({ status: 1, stdout: "" });
      expect((await inShell(world, ["--help"])).stdout).toContain("Usage: fob exec");
      expect((await inShell(world, ["work", "--help", "--", "echo"])).stdout).toContain("Usage: fob exec");
    });

    test("where no pipe can be made, or the command is given the descriptors of that, it becomes the command too", async () => {
      const world = await loggedIn();
      const without = temporaryFolder();
      writeFileSync(join(without, "mkfifo"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      const PATH = [without, world.env.PATH].join(delimiter);
      expect(await inShell(world, ["work", "--", "echo", "it"], { PATH })).toMatchObject({ status: 0, stdout: "it\n" });
      const files = "3456789".split("").map((number) => `${number}>"$HOME/${number}"`);
      const script = `exec ${files.join(" ")}; "$@"; cat "$HOME"/[3-9]`;
      const print = 'for n in 3 4 5 6 7 8 9; do eval "echo $n >&$n"; done';
      const command = [shell, ...words, program, "exec", "work", "--", "sh", "-c", print];
      const given = await execute("sh", ["-c", script, "-", ...command], { ...both, env: world.env });
      expect(given).toMatchObject({ status: 0, stdout: "3\n4\n5\n6\n7\n8\n9\n", stderr: "" });
    });

    test("the command has the descriptors that its caller has, and no others", async () => {
      const world = await loggedIn();
      const list = [
        "sh",
        "-c",
        'for n in 3 4 5 6 7 8 9; do { eval "true <&$n" && echo $n; } 2>/dev/null; done; true <&0',
      ];
      for (const given of ["", "5</dev/null 7</dev/null", "3</dev/null 6</dev/null 9</dev/null", "<&-"]) {
        const script = `exec ${given}; "$@"`;
        const plainly = await execute("sh", ["-c", script, "-", ...list], { ...both, env: world.env });
        const command = [shell, ...words, program, "exec", "work", "--", ...list];
        const through = await execute("sh", ["-c", script, "-", ...command], { ...both, env: world.env });
        expect({ given, ...through }).toEqual({ given, ...plainly });
      }
    });

    test("exported options and names of the caller show nothing and do no harm", async () => {
      const world = await loggedIn();
      const env = {
        SHELLOPTS: "xtrace:verbose:allexport:errexit:nounset",
        fob_script: "x",
        fob_word: "x",
        fob_runs: "x",
        fob_shell: "x",
        fob_pipe: "x",
        fob_ended: "yes",
        fob_free: "x",
        fob_to: "x",
        fob_from: "x",
        fob_stdin: "x",
      };
      const { status, stdout, stderr } = await inShell(world, ["work", "--", "env"], env);
      expect(status).toBe(0);
      // This also looks for secrets in stderr.
      expect(stderr).not.toContain("AWS_SECRET_ACCESS_KEY");
      expect(stdout).not.toMatch(/^fob_/m);
    });
  },
);

describe("what the command is given", () => {
  const inBash = async (script: string, shell: "bash" | "zsh" = "bash") => {
    const world = await loggedIn();
    const { stdout, stderr } = await run(shell, script, { env: withFob(world.env), cwd: world.home });
    return `${stdout}${stderr}`;
  };

  test("open descriptors", async () => {
    const script = "exec 3>three 9>nine; fob exec work -- sh -c 'echo it >&3; echo it >&9; ls /dev/fd'; cat three nine";
    const without = "exec 3>three 9>nine; sh -c 'echo it >&3; echo it >&9; ls /dev/fd'; cat three nine";
    expect(await inBash(script)).toBe(await inBash(without));
    expect(await inBash("fob exec work -- cat <(echo it)")).toBe("it\n");
  });

  testIn(["zsh"], "a process substitution", async (shell) => {
    const world = await loggedIn();
    const { stdout } = await run(shell, "fob exec work -- cat <(echo it)", { env: withFob(world.env) });
    expect(stdout).toBe("it\n");
  });

  test.skipIf(spawnSync("sh", ["-c", "command -v make"]).status !== 0)("make's jobs", async () => {
    const makefile = "all:\n\t+@fob exec work -- make -f inner a b\n";
    const inner = "a b:\n\t@echo $@\n";
    const script = `printf '${makefile}' >outer; printf '${inner}' >inner; make -j2 -f outer`;
    const output = await inBash(script);
    expect(output).not.toContain("jobserver unavailable");
    expect(output).toMatch(/^a$/m);
  });

  test("limits and ignored signals", async () => {
    expect(await inBash("ulimit -S -n 200; fob exec work -- sh -c 'ulimit -S -n'")).toBe("200\n");
    const kill = "sh -c 'kill -s HUP $$; kill -s TERM $$; kill -s INT $$; echo alive'";
    expect(await inBash(`trap '' HUP TERM INT; fob exec work -- ${kill}`)).toBe("alive\n");
  });

  test("fob's own process", async () => {
    expect(await inBash("fob exec work -- sh -c 'echo $$' & wait; echo $!")).toMatch(/^(\d+)\n\1\n$/);
  });

  test("a terminal, whose settings stay as the command leaves them", async () => {
    const world = await loggedIn();
    const terminal = world.shellOnTerminal(`"${program}" exec work -- stty -echo; stty -a | grep -o -- '-echo '`);
    await terminal.shows("-echo");
  });
});

test("it asks on the terminal, also when the shell has job control on from SHELLOPTS", async () => {
  const world = await makeWorld();
  const env = { ...world.env, SHELLOPTS: "monitor" };
  const terminal = onTerminal("bash", [program, "exec", "work", "--", "echo", "it ran"], { env });
  await terminal.shows("Code for");
  terminal.type(`${world.device.code()}\r`);
  await terminal.shows("it ran");
});

describe("ended while it asks", () => {
  test("by a signal to fob alone: at once, and Node.js behind it too", async () => {
    const world = await makeWorld();
    const terminal = world.fobOnTerminal(["exec", "work", "--", "touch", join(world.home, "ran")]);
    await terminal.shows("Code for");
    process.kill(terminal.pid, "SIGTERM");
    expect((await terminal.ended).status).toBe(130);
    expect(terminal.screen()).toContain("fob: cancelled");
    // Nothing holds the lock on the session, or the terminal, any more.
    await expect
      .poll(() => spawnSync("ps", ["-A", "-o", "args"], { encoding: "utf8" }).stdout, { timeout: 5000 })
      .not.toContain(`exec-script work -- touch ${world.home}`);
    expect(existsSync(join(world.home, "ran"))).toBe(false);
  });

  test("by Ctrl-C at a command that has the terminal", async () => {
    const world = await makeWorld();
    appendFileSync(world.configPath, "mfa_process = echo waiting >&2; sleep 60\n");
    const terminal = world.fobOnTerminal(["exec", "work", "--", "touch", join(world.home, "ran")]);
    await terminal.shows("waiting");
    terminal.type("\u0003");
    expect((await terminal.ended).status).toBe(130);
    expect(terminal.screen()).toContain("fob: cancelled");
    expect(existsSync(join(world.home, "ran"))).toBe(false);
  });
});

test("Node.js alone runs the command as a child", async () => {
  const world = await loggedIn();
  const beside = (...command: string[]) =>
    execute(node, [program, "exec", "work", "--", ...command], { ...both, env: world.env });
  expect(await beside("sh", "-c", "echo $AWS_REGION; exit 3")).toMatchObject({ status: 3, stdout: "eu-central-1\n" });
  expect(await beside("sh", "-c", "kill -s TERM $$")).toMatchObject({ status: 143 });
  expect(await beside("nosuch")).toMatchObject({ status: 127 });
});

describe("streams", () => {
  const onPath = async () => {
    const world = await loggedIn();
    return { world, env: withFob(world.env) };
  };

  test("what comes on stdin is the command's, to the last byte, also while fob asks for the code", async () => {
    const world = await makeWorld();
    const terminal = world.shellOnTerminal("echo for the command | fob exec work -- cat > answer; cat answer", {
      cwd: world.home,
    });
    await terminal.shows("Code for");
    terminal.type(`${world.device.code()}\r`);
    await terminal.shows("for the command");
    await terminal.ended;
  });

  test("a megabyte goes through in both directions", async () => {
    const { world, env } = await onPath();
    const script =
      "head -c 1000000 /dev/zero | tr '\\0' x | fob exec work -- sh -c 'tee /dev/stderr' 2>both | cksum; cksum <both";
    const { stdout } = await run("bash", script, { env, cwd: world.home });
    const [piped, copied] = stdout.trim().split("\n");
    expect(piped).toMatch(/ 1000000$/);
    expect(copied).toBe(piped);
  });

  test("a reader that has enough ends the command as it does without fob", async () => {
    const { env } = await onPath();
    const { stdout, stderr } = await run("bash", "set -o pipefail; fob exec work -- yes | head -1; echo $?", { env });
    expect({ stdout, stderr }).toEqual({ stdout: "y\n141\n", stderr: "" });
  });

  test("what the command leaves in the background is not waited for, and keeps its pipe", async () => {
    const { world, env } = await onPath();
    const { stdout } = await run("bash", "fob exec work -- sh -c '(sleep 0.3; echo late) & echo soon' | cat", {
      env,
      cwd: world.home,
    });
    expect(stdout).toBe("soon\nlate\n");
  });
});

describe("what is sent to fob", () => {
  /** A command that says which signals it gets, and when it is ready for them. */
  const listener = `
    for (const name of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGWINCH", "SIGCONT"])
      process.on(name, () => console.log(name));
    process.on("SIGUSR1", () => process.exit(5));
    setInterval(() => {}, 1000);
    console.log("ready " + process.pid);`;

  test("signals are sent to the command, which is the same process", async () => {
    const world = await loggedIn();
    writeFileSync(join(world.home, "listener.cjs"), listener);
    const log = join(world.home, "log");
    // In a session of its own, so without a terminal.
    const running = run("bash", `fob exec work -- '${node}' listener.cjs > log; echo $?`, {
      env: withFob(world.env),
      cwd: world.home,
    });
    const seen = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
    await expect.poll(seen, { timeout: 20_000 }).toMatch(/ready \d+\n/);
    const fob = Number(/ready (\d+)/.exec(seen())?.[1]);
    for (const name of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGWINCH", "SIGCONT"] as const) {
      const before = seen();
      process.kill(fob, name);
      await expect.poll(seen).toBe(`${before}${name}\n`);
    }
    process.kill(fob, "SIGUSR1");
    expect((await running).stdout).toBe("5\n");
  });
});

describe("how long the credentials last", () => {
  test("it warns below 15 minutes, where --min-ttl allows that", async () => {
    const world = await loggedIn();
    endsIn(world, 42 * 60);
    expect(await exec(world, ["echo", "it"])).toMatchObject({ stdout: "it\n", stderr: "" });
    endsIn(world, 9 * 60 + 30);
    expect(await world.fob(["exec", "work", "--min-ttl", "5m", "--", "echo", "it"])).toMatchObject({
      status: 0,
      stdout: "it\n",
      stderr: 'fob: warning: the credentials of "work-mfa" expire in 9 min\n',
    });
  });

  test("--min-ttl renews them first, or nothing is run", async () => {
    const world = await loggedIn();
    endsIn(world, 42 * 60);
    const args = ["exec", "work", "--min-ttl", "2h", "--", "echo", "it"];
    expect(await world.fob(args)).toMatchObject({
      status: 4,
      stdout: "",
      stderr: expect.stringContaining("run in a terminal: fob login work --min-ttl 2h\n") as string,
    });
    const code = world.commandThatPrints(world.device.code(Date.now() + 30_000));
    appendFileSync(world.configPath, `mfa_process = ${code}\n`);
    const renewed = await world.fob(args);
    expect(renewed).toMatchObject({ status: 0, stdout: "it\n" });
    expect(renewed.stderr).not.toContain("expire in");
    expect((await world.fob(["exec", "work", "--min-ttl", "soon", "--", "x"])).stderr).toContain("not a duration");
  });

  test("Ctrl-C at the question runs nothing, although the old ones still last", async () => {
    const world = await loggedIn();
    endsIn(world, 600);
    const terminal = world.fobOnTerminal(["exec", "work", "--", "touch", join(world.home, "ran")]);
    await terminal.shows("Code for");
    terminal.type("\u0003");
    expect((await terminal.ended).status).toBe(130);
    expect(existsSync(join(world.home, "ran"))).toBe(false);
  });
});
