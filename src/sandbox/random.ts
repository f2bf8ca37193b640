// Random bytes for names and secrets of the local AWS.
import { randomBytes } from "node:crypto";

const poolSize = 65_536;
let pool = Buffer.alloc(0);

/** Takes random bytes, at most 65,536. The system is asked for many at a time: thousands of users need some each. */
export function takeRandomBytes(size: number): Buffer {
  if (pool.length < size) pool = randomBytes(poolSize);
  const taken = Buffer.from(pool.subarray(0, size));
  pool = pool.subarray(size);
  return taken;
}
