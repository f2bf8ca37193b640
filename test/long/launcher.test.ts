import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLauncherScript } from "../../src/credential-process/launcher.ts";
import { encodeFileName } from "../../src/store/paths.ts";
import { openWritableStore } from "../../src/store/write.ts";
import { quoteShellLiteral } from "../../src/text.ts";
import {
  type Answer,
  about,
  always,
  answer,
  fromFile,
  makePlace,
  type Place,
  runLauncher,
  type Shell,
  sessionText,
  setTime,
  shells,
  writeLauncher,
  writeSession,
} from "../credential-process/shells.ts";
import { node, temporaryFolder } from "../helpers/world.ts";

const isRoot = process.getuid?.() === 0;
const now = (): number => Math.floor(Date.now() / 1000);

/** What the stub says when the launcher has left the answer to fob. */
const slow = ({ program }: Place, ...args: readonly string[]): Answer => ({
  status: 0,
  stdout: ["handed over", ...[program, "credential-process", ...args].map((word) => `<${word}>`), ""].join("\n"),
  stderr: "",
});

/** Everything that makes the session file not enough. */
const doubts: readonly [string, (place: Place) => void][] = [
  ["there is no session file", ({ session }) => rmSync(session)],
  [
    "the session file is a symbolic link",
    ({ session }) => {
      renameSync(session, `${session}.real`);
      symlinkSync(`${session}.real`, session);
    },
  ],
  [
    "the session file is a folder",
    ({ session }) => {
      rmSync(session);
      mkdirSync(session);
    },
  ],
  [
    "the session file is a pipe",
    ({ session }) => {
      rmSync(session);
      spawnSync("mkfifo", [session]);
    },
  ],
  ["the session is of another profile", (place) => writeSession(place, "work", sessionText(always, "works"))],
  ["the profile has a blank behind it", (place) => writeSession(place, "work", sessionText(always, "work "))],
  ["the time is over", (place) => writeSession(place, "work", sessionText(now()))],
  ["the time is 0", (place) => writeSession(place, "work", sessionText(0))],
  ["the time is missing", (place) => writeSession(place, "work", `fob1 work\n${answer}\n${about()}\n`)],
  ["the time is no number", (place) => writeSession(place, "work", sessionText("0x7fffffff"))],
  ["the time is an expression", (place) => writeSession(place, "work", sessionText("9*999999999"))],
  ["the time goes on", (place) => writeSession(place, "work", sessionText(`${always}+`))],
  ["the time is negative", (place) => writeSession(place, "work", sessionText("-1"))],
  ["the time is too long", (place) => writeSession(place, "work", sessionText("9".repeat(12)))],
  ["it is of another version", (place) => writeSession(place, "work", sessionText(always).replace("fob1", "fob2"))],
  ["the version is missing", (place) => writeSession(place, "work", sessionText(always).replace("fob1 ", ""))],
  ["the profile is missing", (place) => writeSession(place, "work", sessionText(always).replace(" work", ""))],
  ["the file is empty", (place) => writeSession(place, "work", "")],
  ["the file ends in the first line", (place) => writeSession(place, "work", `fob1 ${always} work\n`)],
  ["the file ends in the answer", (place) => writeSession(place, "work", `fob1 ${always} work\n${answer}`)],
  ["the answer is cut off", (place) => truncateSync(place.session, `fob1 ${always} work\n${answer}`.length - 9)],
  ["the answer is empty", (place) => writeSession(place, "work", `fob1 ${always} work\n\n${about()}\n`)],
  ["the answer is no object", (place) => writeSession(place, "work", `fob1 ${always} work\nfob1\n${about()}\n`)],
  [
    "the session is of another endpoint",
    (place) => writeSession(place, "work", sessionText(always, "work", "http://x")),
  ],
  ["nothing tells the endpoint", (place) => writeSession(place, "work", `fob1 ${always} work\n${answer}\n{}\n`)],
  ["the file ends in what else is known", (place) => writeSession(place, "work", sessionText(always).slice(0, -1))],
  ["the answer has backslashes", (place) => writeSession(place, "work", `fob1 ${always} work\n{"\\n"}\n${about()}\n`)],
  ["the config is newer", ({ paths }) => setTime(paths.config, 1_000_102)],
  ["the credentials file is newer", ({ paths }) => setTime(paths.credentials, 1_000_102)],
];

const foreignFile: (typeof doubts)[number] = [
  "the session file is another user's",
  ({ session }) => chownSync(session, 65_534, 65_534),
];

const unreadableFile: (typeof doubts)[number] = [
  "the session file cannot be read",
  ({ session }) => chmodSync(session, 0),
];

/** What the environment may say otherwise than the launcher. */
const elsewhere: readonly [string, Record<string, string>][] = [
  ["AWS_CONFIG_FILE names another file", { AWS_CONFIG_FILE: "/other" }],
  ["AWS_SHARED_CREDENTIALS_FILE names another file", { AWS_SHARED_CREDENTIALS_FILE: "/other" }],
  ["FOB_HOME names another folder", { FOB_HOME: "/other" }],
  ["AWS_ENDPOINT_URL names another AWS", { AWS_ENDPOINT_URL: "http://localhost:1" }],
  ["AWS_ENDPOINT_URL_STS names another AWS", { AWS_ENDPOINT_URL_STS: "http://localhost:1" }],
  ["AWS_MFA_SERIAL names a device", { AWS_MFA_SERIAL: "arn:aws:iam::123456789012:mfa/other" }],
];

/** Names under which a shell should look for no file, and options. */
const oddArguments: readonly (readonly string[])[] = [
  [],
  [""],
  ["Work"],
  ["../sessions/work"],
  ["./work"],
  [".work"],
  ["-n"],
  ["-work"],
  ["--help"],
  ["*"],
  ["wor?"],
  ["$(touch x)"],
  ["`touch x`"],
  ["work; touch x"],
  ["work\n"],
  ["work/"],
  ["wörk"],
  ["work", "work"],
  ["work", "--no-input"],
  ["--profile", "work"],
  ["work", "--endpoint-url"],
  ["work", "--endpoint-url", "http://localhost:1", "--debug"],
];

/** Names that the launcher looks up by itself. */
const plainNames = ["a", "0", "work-mfa", "work_2", "me@example.com", "a.b", "a+b=c", "=", "_"];

/** Folders that a home may be in. */
const folders = ['it\'s "$HOME" `x`', "a  b\n# c", "\\n\\'%s", "--x *?[a]", "ä€😀"];

/** What is tried under every shell: its name in the report, and what the launcher answers beside what it should. */
interface Case {
  readonly name: string;
  readonly run: (shell: Shell) => { readonly given: Answer; readonly expected: Answer };
}

const cases: readonly Case[] = [
  ...plainNames.map((name) => ({
    name: `the profile is ${name}`,
    run(shell: Shell) {
      const place = makePlace();
      writeSession(place, name);
      return { given: runLauncher(shell, place, [name]), expected: fromFile };
    },
  })),
  ...folders.map((name) => ({
    name: `the folder is ${JSON.stringify(name)}`,
    run: (shell: Shell) => ({
      given: runLauncher(shell, makePlace(join(temporaryFolder(), name))),
      expected: fromFile,
    }),
  })),
  ...folders.map((name) => ({
    name: `the folder is ${JSON.stringify(name)}, and there is no session`,
    run(shell: Shell) {
      const place = makePlace(join(temporaryFolder(), name));
      return { given: runLauncher(shell, place, ["Work"]), expected: slow(place, "Work") };
    },
  })),
  ...[...doubts, isRoot ? foreignFile : unreadableFile].map(([name, spoil]) => ({
    name,
    run(shell: Shell) {
      const place = makePlace();
      spoil(place);
      return { given: runLauncher(shell, place), expected: slow(place, "work") };
    },
  })),
  ...elsewhere.map(([name, env]) => ({
    name,
    run(shell: Shell) {
      const place = makePlace();
      return { given: runLauncher(shell, place, ["work"], env), expected: slow(place, "work") };
    },
  })),
  ...oddArguments.map((args) => ({
    name: `the arguments are ${JSON.stringify(args)}`,
    run(shell: Shell) {
      const place = makePlace();
      // A file that a shell might find under that name.
      if (args.length === 1 && /^[^/\n*?]+$/.test(args[0] ?? "")) {
        writeFileSync(join(place.store, "sessions", String(args[0])), sessionText(always, args[0]));
      }
      return { given: runLauncher(shell, place, args), expected: slow(place, ...args) };
    },
  })),
];

/** The cases in which a launcher under this shell does something else, with what it does. */
function failingCases(shell: Shell): unknown[] {
  return cases.flatMap(({ name, run }) => {
    const { given, expected } = run(shell);
    return JSON.stringify(given) === JSON.stringify(expected) ? [] : { case: name, given, expected };
  });
}

for (const shell of shells) {
  describe.skipIf(!shell.isThere)(`a launcher under ${shell.name}`, () => {
    test("answers from the session file, and leaves every doubtful case to fob", () => {
      expect(failingCases(shell)).toEqual([]);
      // What an argument that a shell evaluates would make.
      expect(existsSync("x")).toBe(false);
    });

    test("answers when AWS files are as old as the session, when they are missing, and when the time is nearly over", () => {
      const place = makePlace();
      setTime(place.paths.config, 1_000_100);
      setTime(place.paths.credentials, 1_000_100);
      expect(runLauncher(shell, place)).toEqual(fromFile);
      for (const file of Object.values(place.paths)) rmSync(file);
      writeSession(place, "work", sessionText(now() + 60));
      expect(runLauncher(shell, place)).toEqual(fromFile);
    });

    test("answers when the environment says what it knows, or says nothing", () => {
      const place = makePlace();
      const same = {
        AWS_CONFIG_FILE: place.paths.config,
        AWS_SHARED_CREDENTIALS_FILE: place.paths.credentials,
        FOB_HOME: place.store,
      };
      const nothing = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_MFA_SERIAL", ...Object.keys(same)];
      expect(runLauncher(shell, place, ["work"], same)).toEqual(fromFile);
      expect(
        runLauncher(shell, place, ["work"], Object.fromEntries(nothing.map((variable) => [variable, ""]))),
      ).toEqual(fromFile);
    });

    test("answers for a profile whose sessions come from another endpoint, unless the environment names a third", () => {
      const place = makePlace();
      const args = ["work", "--endpoint-url", "http://localhost:1"];
      expect(runLauncher(shell, place, args)).toEqual(slow(place, ...args));
      writeSession(place, "work", sessionText(always, "work", "http://localhost:1"));
      expect(runLauncher(shell, place, args)).toEqual(fromFile);
      expect(runLauncher(shell, place, args, { AWS_ENDPOINT_URL: "http://localhost:1" })).toEqual(fromFile);
      const third = { AWS_ENDPOINT_URL_STS: "http://localhost:2" };
      expect(runLauncher(shell, place, args, third)).toEqual(slow(place, ...args));
    });

    test("is not misled by aliases, functions, options and variables of its caller", () => {
      const place = makePlace();
      const folder = temporaryFolder();
      const early = 'alias exec=: test=: date="echo 1" case=:\ntest() { return 0; }\n';
      writeFileSync(
        join(folder, "rc"),
        `${early}read() { fob_head='fob1 ${always} work'; fob_answer='{}'; fob_about='${about()}'; }\n`,
      );
      writeFileSync(join(folder, "date"), "#!/bin/sh\necho 1\n", { mode: 0o755 });
      const hostile = {
        PATH: `${folder}:${process.env.PATH ?? ""}`,
        IFS: "w0/",
        LC_ALL: "C.UTF-8",
        ENV: join(folder, "rc"),
        BASH_ENV: join(folder, "rc"),
        SHELLOPTS: "allexport:errexit:nounset:noglob:noclobber:xtrace:verbose",
        BASHOPTS: "nocasematch:expand_aliases:xpg_echo:nullglob",
        "BASH_FUNC_test%%": "() { return 0; }",
        "BASH_FUNC_echo%%": "() { printf wrong; }",
        EPOCHSECONDS: "1",
        fob_url: "http://localhost:1",
        fob_answer: "{}",
      };
      const good = runLauncher(shell, place, ["work"], hostile);
      expect(good).toEqual({ ...fromFile, stderr: good.stderr });
      expect(good.stderr).not.toContain("t0k3n");
      for (const spoilt of [sessionText(now() - 1), sessionText(always, "WORK"), ""]) {
        writeSession(place, "work", spoilt);
        expect(runLauncher(shell, place, ["work"], hostile).stdout).toEqual(slow(place, "work").stdout);
      }
      writeSession(place, "work");
      const elsewhere = { ...hostile, AWS_ENDPOINT_URL: hostile.fob_url };
      expect(runLauncher(shell, place, ["work"], elsewhere).stdout).toEqual(slow(place, "work").stdout);
    });

    test("hands its caller's environment over as it was, with the store that it is in, and nothing of the session", () => {
      const place = makePlace();
      writeFileSync(place.program, "console.log(JSON.stringify({ env: process.env, argv: process.argv.slice(2) }))");
      writeLauncher(place.launcher, { ...place, node: node });
      writeSession(place, "work", sessionText(now() - 1));
      const env = {
        PATH: "/of/the/user:/usr/bin:/bin",
        IFS: " x",
        LC_ALL: "C",
        "odd.name": "1",
        SHELLOPTS: "allexport",
        fob_answer: "1",
      };
      const { stdout } = runLauncher(shell, place, ["work"], env);
      const given = JSON.parse(stdout) as { env: Record<string, string>; argv: string[] };
      expect(given.argv).toEqual(["credential-process", "work"]);
      // What these shells make of their own variables by themselves.
      const own = /^(_|A__z|PWD|OLDPWD|SHLVL|LOGNAME|SHELLOPTS|IFS|odd\.name|fob_answer)$/;
      const others = (variables: Record<string, string>) =>
        Object.fromEntries(Object.entries(variables).filter(([name]) => !own.test(name)));
      expect(others(given.env)).toEqual({ ...others(env), FOB_HOME: place.store });
      if (given.env.IFS !== undefined) expect(given.env.IFS).not.toBe("");
      expect(stdout).not.toContain("t0k3n");
    });

    test("leaves stdin alone", () => {
      const place = makePlace();
      const script = `${shell.command.join(" ")} "$0" work; ${shell.command.join(" ")} "$0" Work; cat`;
      const { stdout } = spawnSync("sh", ["-c", script, place.launcher], { input: "kept\n", encoding: "utf8" });
      expect(stdout).toBe(`${answer}\n${slow(place, "Work").stdout}kept\n`);
    });

    test("takes fob from the PATH when the Node.js or the program that wrote it is gone", () => {
      const spoils: ((place: Place) => void)[] = [
        ({ node }) => rmSync(node),
        ({ program }) => rmSync(program),
        ({ node }) => chmodSync(node, 0o644),
      ];
      for (const spoil of spoils) {
        const place = makePlace();
        spoil(place);
        const folder = temporaryFolder();
        writeFileSync(join(folder, "fob"), `#!/bin/sh\necho another fob\nprintf '<%s>\\n' "$@"\n`, { mode: 0o755 });
        const { stdout } = runLauncher(shell, place, ["Work"], { PATH: `${folder}:/usr/bin:/bin` });
        expect(stdout).toBe("another fob\n<credential-process>\n<Work>\n");
      }
    });

    test("says what is gone when nothing is left, also when the fob on the PATH is itself", () => {
      for (const what of ["node", "program"] as const) {
        const place = makePlace();
        rmSync(place[what]);
        const folder = temporaryFolder();
        symlinkSync(place.launcher, join(folder, "fob"));
        for (const PATH of [folder, "", "/nowhere"]) {
          expect(runLauncher(shell, place, ["Work"], { PATH })).toEqual({
            status: 1,
            stdout: "",
            stderr:
              `fob: error: "${place[what]}" no longer exists, and fob is not on your PATH\n` +
              'fob: hint: install fob from a checkout: npm ci && npm install --global "$(npm pack --silent)"\n' +
              "fob: hint: then: fob credential-process --install Work\n",
          });
        }
        for (const odd of ["a b", "$(touch x)", "`touch x`", "a\\101", "a;b", "a\nb", "-n", "wörk", ""]) {
          const { stderr } = runLauncher(shell, place, [odd], { PATH: "" });
          expect(stderr).toMatch(/\nfob: hint: then: fob credential-process --install PROFILE\n$/);
        }
        expect(runLauncher(shell, place)).toEqual(fromFile);
      }
    });

    test("any text is one word of a script", () => {
      const odd = fc.constantFrom(
        "'",
        "\\",
        "\n",
        "\r",
        "$",
        "`",
        '"',
        "!",
        "$(",
        "\u0001",
        "~",
        " ",
        "\u00a0",
        "ß",
        "x",
      );
      const text = fc.array(fc.oneof(odd, fc.string({ unit: "grapheme" }))).map((parts) => parts.join(""));
      const [file, ...flags] = shell.command;
      const property = fc.property(
        fc.array(
          text.filter((some) => !some.includes("\0")),
          { minLength: 100 },
        ),
        (texts) => {
          const script = `printf '%s\\000' ${texts.map(quoteShellLiteral).join(" ")}`;
          const { stdout } = spawnSync(file, [...flags, "-c", script], { encoding: "utf8" });
          expect(stdout.split("\0").slice(0, -1)).toEqual(texts);
        },
      );
      fc.assert(property, { numRuns: 5, endOnFailure: true });
    });
  });
}

const dash = shells[0];
if (!dash) throw new Error("there is no shell");

test("it answers for exactly the names that are spelled alike in the store", () => {
  const place = makePlace();
  const unit = fc.constantFrom(...Array.from("abcxyzABCXYZ0189-_.,@+=~%:* $é"));
  const property = fc.property(fc.string({ unit, minLength: 1, maxLength: 3 }), (name) => {
    writeSession(place, name);
    const isPlain = encodeFileName(name) === name && !name.startsWith("-");
    expect(runLauncher(dash, place, [name])).toEqual(isPlain ? fromFile : slow(place, name));
  });
  fc.assert(property, { numRuns: 300 });
});

test("it understands what the store writes", () => {
  const place = makePlace();
  const expiration = Date.now() + 3_600_000;
  openWritableStore(place.store).save({
    profile: "work",
    credentials: { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "s3cr3t/+=", sessionToken: "t0k3n", expiration },
    account: undefined,
    user: undefined,
    source: { profile: "long", from: "profile", accessKeyId: "AKIAEXAMPLE" },
    serialNumber: "arn:aws:iam::123456789012:mfa/alice",
    partition: "aws",
    endpoint: undefined,
    isEnvironmentIndependent: true,
    installedFor: "",
    asked: {},
    roles: [],
    isChained: false,
    issued: Date.now(),
    writtenTo: [],
  });
  const { stdout } = runLauncher(dash, place);
  expect(JSON.parse(stdout)).toMatchObject({ Version: 1, SessionToken: "t0k3n" });
});

/** In a process namespace of its own, in which process ids are counted from 1. */
const isolated = ["--pid", "--fork"];

test.skipIf(spawnSync("unshare", [...isolated, "true"]).status !== 0)(
  "it starts one process besides itself for an answer",
  () => {
    for (const { name, command, isThere } of shells) {
      if (!isThere) continue;
      const place = makePlace();
      // 1 is this shell, 2 the launcher, 3 its only child.
      const script = `${command.join(" ")} "$0" work; : & echo $!`;
      const { stdout } = spawnSync("unshare", [...isolated, "dash", "-c", script, place.launcher], {
        encoding: "utf8",
      });
      expect(`${name}: ${stdout}`).toBe(`${name}: ${answer}\n4\n`);
    }
  },
);

test("no path gets into it unquoted", () => {
  const path = "/x\n'; touch /tmp/x; '";
  const text = createLauncherScript({
    store: path,
    paths: { config: path, credentials: path },
    node: path,
    program: path,
  });
  const { status, stderr } = spawnSync("sh", ["-n"], { input: text, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(text.split(quoteShellLiteral(path)).length).toBeGreaterThan(4);
});
