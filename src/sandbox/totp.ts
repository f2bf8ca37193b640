// Time-based one-time passwords (RFC 6238, based on RFC 4226), and the base32 encoding of their secrets.

import { createHmac } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const stepMs = 30_000;

/** Encodes bytes in base32 (RFC 4648) without padding, as authenticators use it. */
export function base32Encode(bytes: Uint8Array): string {
  let text = "";
  let [waiting, bits] = [0, 0];
  for (const byte of bytes) {
    waiting = ((waiting & 0x1f) << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((waiting >> (bits - 5)) & 0x1f);
  }
  return bits === 0 ? text : text + alphabet.charAt((waiting << (5 - bits)) & 0x1f);
}

/** Decodes base32 text; ignores spaces, case and padding. Throws an Error for any other character. */
export function base32Decode(text: string): Buffer {
  const bits = Array.from(text.toUpperCase().replace(/[\s=]/g, ""), (character) => {
    const value = alphabet.indexOf(character);
    if (value < 0) throw new Error(`${JSON.stringify(character)} is not a base32 character`);
    return value.toString(2).padStart(5, "0");
  }).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** Returns the number of the 30-second step of a time (ms since 1970). */
export function timeStep(atMs: number): number {
  return Math.floor(atMs / stepMs);
}

/** Computes the code of one step: HMAC-SHA-1, dynamically truncated (RFC 4226, section 5.3). */
export function codeOfStep(secret: Uint8Array, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** Computes the code at a time (ms since 1970) for a secret, given as bytes or in base32. */
export function totp(secret: Uint8Array | string, atMs: number, digits = 6): string {
  return codeOfStep(typeof secret === "string" ? base32Decode(secret) : secret, timeStep(atMs), digits);
}
