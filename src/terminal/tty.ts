// The terminal itself, whatever stdin, stdout and stderr are.
import { execFileSync } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";

/** A terminal that can be asked. */
export interface Terminal {
  /** Opens it for one question; it is closed again however that ends. Ctrl-Z does nothing meanwhile. */
  use<T>(question: (input: Readable, output: WriteStream) => Promise<T>): Promise<T>;
}

/**
 * The terminal that the process belongs to; undefined where there is none, or where the process is a background job:
 * the system would stop it for ever as soon as it changed the terminal's mode.
 */
export function findTerminal(platform: NodeJS.Platform = process.platform): Terminal | undefined {
  if (platform !== "win32" && !isForeground(platform)) return undefined;
  const paths = platform === "win32" ? ["\\\\.\\CONIN$", "\\\\.\\CONOUT$"] : ["/dev/tty", "/dev/tty"];
  const open = (): [ReadStream, WriteStream] => {
    const [from, to] = paths.map((path) => openSync(path, "r+")) as [number, number];
    const streams: [ReadStream, WriteStream] = [new ReadStream(from), new WriteStream(to)];
    // A terminal that goes away sends a signal too, and that is what ends the question.
    for (const stream of streams) stream.on("error", () => undefined);
    return streams;
  };
  const close = ([input, output]: [ReadStream, WriteStream]): void => {
    if (input.isRaw) input.setRawMode(false);
    input.destroy();
    output.destroy();
  };
  try {
    close(open());
  } catch {
    return undefined;
  }
  return {
    async use(question) {
      const streams = open();
      try {
        return await question(withoutSuspension(streams[0]), streams[1]);
      } finally {
        close(streams);
      }
    },
  };
}

/**
 * What is typed, without Ctrl-Z: a process that is stopped at its question keeps others waiting, and those who started
 * it (the demo, an SDK) would wait without being stopped.
 */
function withoutSuspension(input: ReadStream): Readable {
  const typed = new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, Buffer.from(chunk.filter((byte) => byte !== 0x1a)));
    },
  });
  input.pipe(typed);
  return Object.assign(typed, { isTTY: true, setRawMode: (mode: boolean) => input.setRawMode(mode) });
}

/** Whether the process is in the foreground of its terminal. */
function isForeground(platform: NodeJS.Platform): boolean {
  const groups = platform === "linux" ? groupsFromProc() : groupsFromPs();
  // Where the system does not tell, opening the terminal will.
  return groups === undefined || (groups.own === groups.foreground && groups.foreground > 0);
}

/** proc_pid_stat(5): field 5 is the process group, field 8 the terminal's foreground group, -1 without a terminal. */
function groupsFromProc(): { own: number; foreground: number } | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { own: Number(fields[2]), foreground: Number(fields[5]) };
  } catch {
    return undefined;
  }
}

function groupsFromPs(): { own: number; foreground: number } | undefined {
  try {
    const output = execFileSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" });
    const [own, foreground] = output.trim().split(/\s+/).map(Number);
    return own === undefined || foreground === undefined ? undefined : { own, foreground };
  } catch {
    return undefined;
  }
}
