// The terminal itself, whatever stdin, stdout and stderr are.
import { closeSync, openSync, writeSync } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import { findProcess, isForeground } from "../process.ts";
import { escapeControlCharacters } from "../text.ts";
import { hideWhile } from "./status-line.ts";

/** A terminal that can be asked. */
export interface Terminal {
  /** Tells it from other terminals of the machine; "" where the system tells nothing. */
  readonly name: string;
  /** Opens it for one question; it is closed again however that ends. Ctrl-Z does nothing meanwhile. */
  use<T>(question: (input: Readable, output: WriteStream) => Promise<T>): Promise<T>;
  /** Opens it for a program that may ask on it by itself; it is closed again however that ends. */
  lend<T>(work: (descriptors: TerminalDescriptors) => Promise<T>): Promise<T>;
  /** Shows lines on it, as far as it can. */
  say(lines: readonly string[]): void;
}

/** An open terminal, to be a program's stdin and stderr. */
export interface TerminalDescriptors {
  readonly input: number;
  readonly output: number;
}

/**
 * The terminal that the process belongs to; undefined without one, or if the process is a background job:
 * the system would stop it as soon as it changed the terminal's mode.
 */
export function findTerminal(platform: NodeJS.Platform = process.platform): Terminal | undefined {
  const self = findProcess(process.pid, platform);
  // Where the system does not tell, opening the terminal will.
  if (self && !isForeground(self)) return undefined;
  const paths = platform === "win32" ? ["\\\\.\\CONIN$", "\\\\.\\CONOUT$"] : ["/dev/tty", "/dev/tty"];
  const openBoth = () => paths.map((path) => openSync(path, "r+")) as [number, number];
  const open = (): [ReadStream, WriteStream] => {
    const [from, to] = openBoth();
    const streams: [ReadStream, WriteStream] = [new ReadStream(from), new WriteStream(to)];
    // A terminal that goes away sends a signal too, and that is what ends the question.
    for (const stream of streams) stream.on("error", () => undefined);
    return streams;
  };
  const close = ([input, output]: [ReadStream, WriteStream]): void => {
    setRawMode(input, false);
    input.destroy();
    output.destroy();
  };
  try {
    close(open());
  } catch {
    return undefined;
  }
  return {
    name: self?.terminal ?? "",
    async use(question) {
      const streams = open();
      try {
        return await hideWhile(() => question(withoutSuspension(streams[0]), streams[1]));
      } finally {
        close(streams);
      }
    },
    async lend(work) {
      const [input, output] = openBoth();
      try {
        return await hideWhile(() => work({ input, output }));
      } finally {
        closeSync(input);
        closeSync(output);
      }
    },
    say(lines) {
      try {
        const output = openSync(paths[1] ?? "", "r+");
        writeSync(output, lines.map((line) => `fob: ${escapeControlCharacters(line)}\n`).join(""));
        closeSync(output);
      } catch {
        // It has gone.
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
  return Object.assign(typed, { isTTY: true, setRawMode: (mode: boolean) => setRawMode(input, mode) });
}

/**
 * Changes the terminal's mode, unless the process has left the foreground: then it is another program's terminal, and the
 * system would stop this process for changing it, just when it was to end.
 */
function setRawMode(input: ReadStream, mode: boolean): void {
  if (input.isRaw !== mode && !isInBackground()) input.setRawMode(mode);
}

/** Whether the process has a terminal, but is in the background there and cannot ask. */
export function isInBackground(platform: NodeJS.Platform = process.platform): boolean {
  const self = findProcess(process.pid, platform);
  return self !== undefined && self.foreground > 0 && !isForeground(self);
}
