// Shows the seed of a new device: on the terminal, and in a file where the user wants one.
import { closeSync, unlinkSync } from "node:fs";
import type { NewDevice } from "../../../devices/enroll.ts";
import { nameOfDevice } from "../../../devices/own.ts";
import { getSystemCode, UsageError } from "../../../errors.ts";
import { openNew, writeAll } from "../../../files/create.ts";
import { explainFileError } from "../../../files/read.ts";
import { isPlain, showsUnicode } from "../../../terminal/abilities.ts";
import { drawOnTerminal } from "../../../terminal/qr-code.ts";
import type { Terminal } from "../../../terminal/tty.ts";
import { escapeControlCharacters, quote } from "../../../text.ts";
import type { Context } from "../../context.ts";

/** A file that is there for as long as it takes to scan it. */
export interface ImageFile {
  readonly write: (image: Buffer) => void;
  readonly remove: () => void;
}

/** Makes the file, 0600, before anything is created at AWS. @throws FobError, UsageError if there is one */
export function reserveImage(path: string): ImageFile {
  let descriptor: number;
  try {
    descriptor = openNew(path);
  } catch (error) {
    if (getSystemCode(error) === "EEXIST") {
      throw new UsageError(`there is a file ${quote(path)} already`, "name a new file: --png mfa.png");
    }
    throw explainFileError(error, path);
  }
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return {
    write(image) {
      try {
        writeAll(descriptor, image);
      } catch (error) {
        throw explainFileError(error, path);
      } finally {
        close();
      }
    },
    remove() {
      close();
      try {
        unlinkSync(path);
      } catch (error) {
        if (getSystemCode(error) !== "ENOENT") throw explainFileError(error, path);
      }
    },
  };
}

/** `otpauth://totp/NAME@ACCOUNT?secret=…`. https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html */
const formatKeyUri = ({ serialNumber, seed }: NewDevice, account: string): string =>
  `otpauth://totp/${encodeURIComponent(nameOfDevice(serialNumber))}@${account}?secret=${seed}&issuer=AWS`;

/** Shows the QR code and the key. @throws FobError if the image cannot be written */
export async function showSeed(
  device: NewDevice,
  { account, terminal, image }: { account: string; terminal: Terminal; image: ImageFile | undefined },
  { env }: Pick<Context, "env">,
): Promise<void> {
  const uri = formatKeyUri(device, account);
  if (image) {
    const { drawQrCode } = await import("../../../sandbox/qr-code.ts");
    image.write(drawQrCode(uri));
  }
  await terminal.use((_, to) => {
    const room = { columns: to.columns || 80, rows: to.rows || 24 };
    // What is below the QR code would push it off a small terminal.
    const lines = [...describeKey(device, account), ...drawFor(uri, room, env)];
    to.write(lines.map((line) => `${line}\n`).join(""));
    return Promise.resolve();
  });
}

function drawFor(uri: string, room: { columns: number; rows: number }, env: Context["env"]): readonly string[] {
  // A screen reader would read it out.
  if (isPlain(env)) return [];
  const { lines, size } = drawOnTerminal(uri, showsUnicode(env));
  if (size.columns <= room.columns && size.rows + below <= room.rows) {
    return ["fob: or scan this with an authenticator app:", ...lines];
  }
  return [
    `fob: this terminal is too small for the QR code: it has ${room.columns} columns and ${room.rows} rows, and ${size.columns} and ${size.rows + below} are needed`,
    "fob: hint: type the key above into the app; or press Ctrl-C, and enlarge the terminal or add: --png mfa.png",
  ];
}

/** Rows for the line above the QR code and the question below it. */
const below = 3;

/** The key in groups of four, as apps take it. */
const describeKey = ({ serialNumber, seed }: NewDevice, account: string): readonly string[] => [
  `fob: type this key into an authenticator app, for ${escapeControlCharacters(nameOfDevice(serialNumber))}@${account} (time-based, 6 digits):`,
  `  ${seed.match(/.{1,4}/g)?.join(" ") ?? seed}`,
  "fob: it is shown this once; neither fob nor AWS shows it again",
];
