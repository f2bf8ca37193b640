// The terminal itself, whatever stdin, stdout and stderr are.
import { execFileSync } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";

/** A terminal that can be asked. */
export interface Terminal {
  /** Tells it from other terminals of the machine; "" where the system tells nothing. */
  readonly name: string;
  /** Opens it for one question; it is closed again however that ends. Ctrl-Z does nothing meanwhile. */
  use<T>(question: (input: Readable, output: WriteStream) => Promise<T>): Promise<T>;
}

/**
 * The terminal that the process belongs to; undefined where there is none, or where the process is a background job:
 * the system would stop it for ever as soon as it changed the terminal's mode.
 */
export function findTerminal(platform: NodeJS.Platform = process.platform): Terminal | undefined {
  const job = jobOf(platform);
  // Where the system does not tell, opening the terminal will.
  if (job && !isForeground(job)) return undefined;
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
    name: job?.terminal ?? "",
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
 * it (the demo, an SDK) would wait without being stopped. Ctrl-D, which would leave the question without an end, is Ctrl-C.
 */
function withoutSuspension(input: ReadStream): Readable {
  const typed = new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, Buffer.from(chunk.filter((byte) => byte !== 0x1a).map((byte) => (byte === 0x04 ? 0x03 : byte))));
    },
  });
  input.pipe(typed);
  return Object.assign(typed, { isTTY: true, setRawMode: (mode: boolean) => input.setRawMode(mode) });
}

/** What the system tells of a process and its terminal. */
interface Job {
  readonly group: number;
  /** The terminal's foreground group; none is less than 1. */
  readonly foreground: number;
  /** The terminal's name or number. */
  readonly terminal: string;
}

/** Whether what is typed at a terminal, Ctrl-C say, reaches this process and those in its group. */
export function isAtTerminal(platform: NodeJS.Platform = process.platform): boolean {
  const job = jobOf(platform);
  return job !== undefined && isForeground(job);
}

function jobOf(platform: NodeJS.Platform): Job | undefined {
  return platform === "win32" ? undefined : platform === "linux" ? jobFromProc() : jobFromPs();
}

/** Whether a process is in the foreground of its terminal. */
const isForeground = ({ group, foreground }: Job): boolean => group === foreground && foreground > 0;

/** proc_pid_stat(5): field 5 is the process group, 7 the terminal, 8 its foreground group, -1 without a terminal. */
function jobFromProc(): Job | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { group: Number(fields[2]), terminal: fields[4] ?? "", foreground: Number(fields[5]) };
  } catch {
    return undefined;
  }
}

function jobFromPs(): Job | undefined {
  try {
    const columns = ["-o", "pgid=,tpgid=,tty=", "-p", String(process.pid)];
    const [group, foreground, terminal] = execFileSync("ps", columns, { encoding: "utf8" }).trim().split(/\s+/);
    return terminal === undefined ? undefined : { group: Number(group), foreground: Number(foreground), terminal };
  } catch {
    return undefined;
  }
}
