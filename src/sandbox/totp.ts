// Time-based one-time passwords (RFC 6238 on top of RFC 4226), and the base32 in which their secrets are written.

import { createHmac } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const stepMs = 30_000;

/** Bytes in base32 (RFC 4648) without padding, as authenticators show and take a secret. */
export function base32Encode(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet.charAt(Number.parseInt(five.padEnd(5, "0"), 2))).join("");
}

/** The bytes of a base32 text; spaces, case and padding do not matter. Throws an Error for any other character. */
export function base32Decode(text: string): Buffer {
  const bits = Array.from(text.toUpperCase().replace(/[\s=]/g, ""), (character) => {
    const value = alphabet.indexOf(character);
    if (value < 0) throw new Error(`${JSON.stringify(character)} is not a base32 character`);
    return value.toString(2).padStart(5, "0");
  }).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The 30-second step, counted from 1970, that a time (ms since 1970) lies in. */
export function timeStep(atMs: number): number {
  return Math.floor(atMs / stepMs);
}

/** The code of one step: HMAC-SHA-1, dynamically truncated (RFC 4226, section 5.3), always `digits` long. */
export function codeOfStep(secret: Uint8Array, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** The code that an authenticator shows at a time (ms since 1970) for a secret, given as bytes or in base32. */
export function totp(secret: Uint8Array | string, atMs: number, digits = 6): string {
  return codeOfStep(typeof secret === "string" ? base32Decode(secret) : secret, timeStep(atMs), digits);
}
