// Draws QR codes as PNG images.
// https://www.w3.org/TR/png-3/
import { crc32, deflateSync } from "node:zlib";
import { encode } from "uqr";

/** Of each module, in pixels. */
const moduleSize = 4;

/** The quiet zone that scanners need, in modules. */
const border = 4;

/** Returns a PNG image of the QR code of a text, black on white. */
export function drawQrCode(text: string): Buffer {
  const { data: modules } = encode(text, { ecc: "M", border });
  const scale = <T>(items: readonly T[]): T[] => items.flatMap((item) => Array<T>(moduleSize).fill(item));
  return encodePng(scale(modules.map(scale)));
}

/** Encodes rows of pixels, of which true is black, with one bit for each. */
function encodePng(rows: readonly (readonly boolean[])[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(rows[0]?.length ?? 0, 0);
  header.writeUInt32BE(rows.length, 4);
  // One bit of gray for each pixel; compression, filters and order are the only ones that PNG has.
  header.set([1, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const image = deflateSync(Buffer.concat(rows.map(packRow)));
  return Buffer.concat([
    signature,
    encodeChunk("IHDR", header),
    encodeChunk("IDAT", image),
    encodeChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A byte that says that the row has no filter, then the pixels: 1 is white. */
function packRow(pixels: readonly boolean[]): Buffer {
  const row = Buffer.alloc(1 + Math.ceil(pixels.length / 8));
  for (const [index, isBlack] of pixels.entries()) {
    if (!isBlack) row[1 + (index >> 3)] = (row[1 + (index >> 3)] ?? 0) | (0x80 >> (index & 7));
  }
  return row;
}

function encodeChunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
