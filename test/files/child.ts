// A process of its own, for tests of what several processes do to one file. Bundled by children.ts.
import { closeSync, existsSync, openSync, readFileSync, statfsSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { FobError } from "../../src/errors.ts";
import { editFile } from "../../src/files/edit.ts";
import { withLock } from "../../src/files/lock.ts";
import { assertReplaceable, beginReplace } from "../../src/files/replace.ts";

const { signal } = new AbortController();
const options = { signal, patience: 20_000 };
const say = (what: unknown): void => console.log(typeof what === "string" ? what : JSON.stringify(what));
/** What it is told, line by line. Only who listens keeps the process alive. */
const listen = (): AsyncIterator<string> => createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const commands: Record<string, (...args: string[]) => void | Promise<void>> = {
  /** Appends to a file by an edit. */
  async edit(file = "", addition = "") {
    say(await editFile(file, { signal }, (bytes) => bytes + addition));
  },

  /** Asks whether a file may be replaced. */
  check(file = "") {
    say({ mode: assertReplaceable(file)?.mode });
  },

  /** Fills the file system up to the last `left` bytes, then appends 20 kB by an edit. */
  async editWhenFull(file = "", left = "0") {
    const filler = join(dirname(file), "filler");
    const { bavail, bsize } = statfsSync(dirname(file));
    writeFileSync(filler, Buffer.alloc(bavail * bsize - Number(left)));
    await commands.edit?.(file, "x".repeat(20_000));
  },

  /** Adds 1 to the number in a file, n times, each time under the lock. */
  async count(lock = "", file = "", times = "0") {
    for (let i = 0; i < Number(times); i++) {
      await withLock(lock, options, async () => {
        const before = Number(readFileSync(file, "utf8"));
        await new Promise(setImmediate);
        writeFileSync(file, String(before + 1));
      });
    }
  },

  /** Takes a lock, says so, and holds it until the next line comes; leaves the file `LOCK.done` just before it lets go. */
  async hold(lock = "") {
    await withLock(lock, options, async () => {
      say("held");
      // Without a line its parent has been killed, and takes it along.
      if ((await listen().next()).done) process.kill(process.pid, "SIGKILL");
      writeFileSync(`${lock}.done`, "");
    });
    process.exit();
  },

  /** For each line, a time and a lock's name: takes that lock at that very moment, says whether it was alone. */
  async contend() {
    const lines = listen();
    say("ready");
    for (;;) {
      const line = await lines.next();
      if (line.done) return;
      const [time, lock = ""] = line.value.split(" ");
      while (Date.now() < Number(time));
      const wasAlone = await withLock(lock, options, async () => {
        const inside = `${lock}.inside`;
        const isAlone = !existsSync(inside);
        closeSync(openSync(inside, "w"));
        await sleep(3);
        const isStillAlone = existsSync(inside);
        if (isStillAlone) unlinkSync(inside);
        return isAlone && isStillAlone;
      });
      say(wasAlone ? "alone" : "not alone");
    }
  },

  /** Dies with a new content half way, and the lock. */
  async die(file = "", lock = "") {
    await withLock(lock, options, () => {
      beginReplace(file).write(Buffer.from("half"));
      process.kill(process.pid, "SIGKILL");
    });
  },
};

const [command = "", ...args] = process.argv.slice(2);
try {
  await commands[command]?.(...args);
} catch (error) {
  if (!(error instanceof FobError)) throw error;
  say({ message: error.message, hints: error.hints });
}
