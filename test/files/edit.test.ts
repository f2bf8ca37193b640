import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { FobError } from "../../src/errors.ts";
import { editFile } from "../../src/files/edit.ts";
import { beginReplace } from "../../src/files/replace.ts";
import { isBroad } from "../helpers/broad.ts";
import { node } from "../helpers/world.ts";
import {
  buildChild,
  holderOf,
  leave,
  ownMounts,
  startChild,
  startCommand,
  temporaryFolder,
  withMounts,
} from "./children.ts";

const build = mkdtempSync(join(tmpdir(), "fob-child-"));
const program = await buildChild(build);
afterAll(() => rmSync(build, { recursive: true }));

let folder: string;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder, "credentials");
});

const { signal } = new AbortController();
const append = (path: string, text = "new\n"): ReturnType<typeof editFile> =>
  editFile(path, { signal }, (bytes) => bytes + text);
const put = (path: string, text = "old\n", mode = 0o600): void => {
  writeFileSync(path, text);
  chmodSync(path, mode);
};
const read = (path: string): string => readFileSync(path, "utf8");
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("symbolic links stay, and the file behind them changes", () => {
  test("one, a chain of them, and one to a file that is not there yet", async () => {
    for (const there of [true, false]) {
      const real = join(folder, `real-${String(there)}`, "file");
      if (there) mkdirSync(join(folder, "real-true"));
      if (there) put(real);
      const [first, second] = [join(folder, `first-${String(there)}`), join(folder, `second-${String(there)}`)];
      symlinkSync(real, first);
      symlinkSync(`first-${String(there)}`, second);
      await append(second);
      expect(read(real)).toBe(there ? "old\nnew\n" : "new\n");
      expect([readlinkSync(first), readlinkSync(second)]).toEqual([real, `first-${String(there)}`]);
      // The lock and the temporary file were beside the real file.
      expect(readdirSync(join(folder, `real-${String(there)}`))).toEqual(["file"]);
    }
  });

  test("a link that climbs out of a folder that is a link itself, as dotfile managers make them", async () => {
    mkdirSync(join(folder, "dotfiles/aws"), { recursive: true });
    mkdirSync(join(folder, "dotfiles/secret"));
    put(join(folder, "dotfiles/secret/credentials"));
    symlinkSync("dotfiles/aws", join(folder, ".aws"));
    symlinkSync("../secret/credentials", join(folder, ".aws/credentials"));
    await append(join(folder, ".aws/credentials"));
    expect(read(join(folder, "dotfiles/secret/credentials"))).toBe("old\nnew\n");
    expect(existsSync(join(folder, "secret"))).toBe(false);
  });

  test("a circle of them is an error", async () => {
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    await expect(append(join(folder, "a"))).rejects.toThrow("has too many levels of symbolic links");
  });
});

describe("modes", () => {
  test("a file that others could read becomes the user's alone, and that is said", async () => {
    put(file, "old\n", 0o644);
    expect(await append(file)).toEqual({ changed: true, tightenedFrom: 0o644 });
    expect(modeOf(file)).toBe("600");
    expect(await append(file)).toEqual({ changed: true });
  });

  test("a new file and its new folder are the user's alone, whatever the umask; a folder that is there stays", async () => {
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    await append(join(folder, "home/.aws/credentials"));
    expect(modeOf(join(folder, "home/.aws"))).toBe("700");
    expect(modeOf(join(folder, "home/.aws/credentials"))).toBe("600");
    mkdirSync(join(folder, "there"));
    chmodSync(join(folder, "there"), 0o755);
    await append(join(folder, "there/credentials"));
    expect(modeOf(join(folder, "there"))).toBe("755");
  });

  test("no moment of a new content is readable by others", () => {
    put(file, "old\n", 0o666);
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const replacement = beginReplace(file, 10);
    const temporary = readdirSync(folder).find((name) => name !== "credentials") ?? "";
    expect(modeOf(join(folder, temporary))).toBe("600");
    replacement.write(Buffer.from("new\n"));
    expect(modeOf(join(folder, temporary))).toBe("600");
    replacement.commit();
    expect([modeOf(file), read(file), readdirSync(folder)]).toEqual(["600", "new\n", ["credentials"]]);
  });
});

describe("what fob may not replace stays as it is", () => {
  test("a text that the change refuses, or leaves as it is, is not written", async () => {
    put(file);
    utimesSync(file, 1, 1);
    const refuse = (): string => {
      throw new FobError("unparsable");
    };
    await expect(editFile(file, { signal }, refuse)).rejects.toThrow("unparsable");
    expect(await editFile(file, { signal }, (bytes) => bytes)).toEqual({ changed: false });
    expect([read(file), statSync(file).mtimeMs, readdirSync(folder)]).toEqual(["old\n", 1000, ["credentials"]]);
  });

  test.skipIf(process.getuid?.() !== 0)("a file of another user (as root only)", async () => {
    put(file);
    chownSync(file, 12_345, 12_345);
    await expect(append(file)).rejects.toMatchObject({
      message: expect.stringContaining("belongs to another user (uid 12345)") as string,
      hints: [`check the owner: ls -la ${dirname(file)}`],
    });
    expect([read(file), readdirSync(folder)]).toEqual(["old\n", ["credentials"]]);
  });

  test("a folder, a pipe without a writer, a device", async () => {
    mkdirSync(join(folder, "folder"));
    spawnSync("mkfifo", [join(folder, "pipe")]);
    for (const path of [join(folder, "folder"), join(folder, "pipe"), "/dev/null"]) {
      await expect(append(path)).rejects.toThrow(`"${path}" is not a regular file`);
    }
    expect(readdirSync(folder).sort()).toEqual(["folder", "pipe"]);
  });

  test.skipIf(!ownMounts).each([
    ["before anything is asked", 'exec "$2" "$3" check "$1"'],
    ["before anything is written", 'exec "$2" "$3" edit "$1" new'],
    [
      "when the rename fails, where the system does not tell",
      'mount -t tmpfs none /proc; exec "$2" "$3" edit "$1" new',
    ],
  ])("a file that is mounted by itself, as containers do, has its own message: %s", (_, command) => {
    put(file);
    const script = `mount --bind "$1" "$1"; ${command}`;
    const error = JSON.parse(withMounts(script, file, node, program)) as FobError;
    expect(error.message).toBe(`"${file}" is mounted as a single file, which cannot be replaced safely`);
    expect(error.hints[0]).toContain("mount its folder into the container instead");
    expect([read(file), readdirSync(folder)]).toEqual(["old\n", ["credentials"]]);
  });

  test.skipIf(!ownMounts)("a file on a read-only file system", () => {
    put(file);
    const script = `mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; exec "$2" "$3" edit "$1/credentials" new`;
    const error = JSON.parse(withMounts(script, folder, node, program)) as FobError;
    expect(error.message).toBe(`"${file}" is on a read-only file system`);
    expect(read(file)).toBe("old\n");
  });

  // With no byte left even the lock cannot be made; with 8 kB left only the 20 kB of the new content do not fit.
  test.skipIf(!ownMounts).each([
    [0, ".credentials.fob.lock"],
    [8192, "credentials"],
  ])("a file on a disk that has %i bytes left", (left, full) => {
    const script = [
      'mount -t tmpfs -o size=256k none "$1"; printf old > "$1/credentials"; chmod 600 "$1/credentials"',
      '"$2" "$3" editWhenFull "$1/credentials" "$4"; cat "$1/credentials"; echo; ls -A "$1"',
    ].join("\n");
    const said = withMounts(script, folder, node, program, String(left)).split("\n");
    const error = JSON.parse(said[0] ?? "") as FobError;
    expect(error.message).toBe(`no space left to write "${join(folder, full)}"`);
    expect(error.hints).toEqual([`check the free space: df -h ${folder}`]);
    expect(said.slice(1)).toEqual(["old", "credentials", "filler", ""]);
  });
});

test("what another program writes between our reading and our writing is not lost", async () => {
  for (const before of ["old\n", undefined]) {
    if (before === undefined) rmSync(file);
    else put(file, before);
    let calls = 0;
    const outcome = await editFile(file, { signal }, (bytes) => {
      calls += 1;
      if (calls === 1) writeFileSync(file, `${bytes}theirs\n`);
      return `${bytes}ours\n`;
    });
    expect([calls, outcome.changed, read(file)]).toEqual([2, true, `${before ?? ""}theirs\nours\n`]);
  }
  expect(readdirSync(folder)).toEqual(["credentials"]);
});

test("a program that never stops writing wins, and the user hears of it", async () => {
  let calls = 0;
  const editing = editFile(file, { signal }, (bytes) => {
    calls += 1;
    writeFileSync(file, String(calls));
    return `${bytes}ours\n`;
  });
  await expect(editing).rejects.toThrow(`another program keeps writing "${file}"`);
  expect([read(file), readdirSync(folder)]).toEqual([String(calls), ["credentials"]]);
});

test("nothing is written once the lock has been lost, to a holder that took this process for dead", async () => {
  put(file);
  const lock = join(folder, ".credentials.fob.lock");
  const another = { id: "another", pid: 1, host: "elsewhere", boot: "", started: "" };
  const editing = editFile(file, { signal }, (bytes) => {
    leave(lock, another);
    return `${bytes}ours\n`;
  });
  await expect(editing).rejects.toMatchObject({
    message: `lost the lock on "${file}" while it was being written`,
    hints: ["run it again"],
  });
  // What the other holder has and does stays as well.
  expect(holderOf(lock)).toEqual(another);
  expect([read(file), readdirSync(folder).sort()]).toEqual(["old\n", [".credentials.fob.lock", "credentials"]]);
});

test("what a killed process left beside the file is swept away, and nothing else", async () => {
  put(file);
  const others = [".config.fob-0a1b.tmp", ".credentials.fob-notes.tmp", "credentials.fob-backup-1"];
  for (const name of others) put(join(folder, name), "theirs");
  await startChild(program, "die", file, join(folder, ".credentials.fob.lock")).ended;
  expect(readdirSync(folder)).toHaveLength(others.length + 3);
  expect(read(file)).toBe("old\n");
  await append(file);
  expect(read(file)).toBe("old\nnew\n");
  expect(readdirSync(folder).sort()).toEqual([...others, "credentials"].sort());
  expect(lstatSync(file).isFile()).toBe(true);
});

test("whatever read fails, no new content is left beside the file", async () => {
  const fault = { FAULT_HOME: folder, FAULT: "EIO", FAULT_CALLS: "^(openSync|readFileSync)$" };
  const NODE_OPTIONS = `--require ${resolve(import.meta.dirname, "../helpers/faults.cjs")}`;
  for (let at = 1; at <= (isBroad ? 20 : 4); at++) {
    put(file);
    await startCommand([node, program, "edit", file, "new"], { ...fault, FAULT_AT: String(at), NODE_OPTIONS }).ended;
    expect(
      readdirSync(folder).filter((name) => name.startsWith(".credentials.fob-")),
      `call ${at}`,
    ).toEqual([]);
  }
});

test("on Windows, where every file has the mode 666, no edit is said to have closed a file to others", async () => {
  const file = join(temporaryFolder(), "file");
  const edit = (platform: NodeJS.Platform) => {
    writeFileSync(file, "old");
    chmodSync(file, 0o666);
    return editFile(file, { signal: new AbortController().signal }, () => "new", platform);
  };
  expect(await edit("win32")).toEqual({ changed: true });
  expect(await edit("linux")).toEqual({ changed: true, tightenedFrom: 0o666 });
});
