// The secrets that a test uses, and whether a text holds one of them. leaks.ts searches with it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import querystring from "node:querystring";
import type { Secret as SandboxSecret } from "../../src/sandbox/account.ts";
import type { Sandbox } from "../../src/sandbox/server.ts";
import { base32Encode, totp } from "../../src/sandbox/totp.ts";

export type Kind = SandboxSecret[1] | "code" | "password" | "line of stdin";

const known = new Map<string, Kind>();
const sandboxes = new Set<Sandbox>();

/** All that is known; it is forgotten then. */
export function takeSecrets(): (readonly [string, Kind])[] {
  const secrets = [...known, ...[...sandboxes].flatMap((sandbox) => sandbox.secrets())];
  known.clear();
  sandboxes.clear();
  return secrets;
}

/** Makes everything known that this local AWS makes. */
export function knowSandbox(sandbox: Sandbox): void {
  sandboxes.add(sandbox);
}

/** Makes a secret known that neither a local AWS makes nor a run is given. */
export function knowSecret(kind: Kind, secret: string): void {
  // What is shorter is a part of many a word.
  if (secret.length >= 6) known.set(secret, kind);
}

/** Makes all codes in a text known, and returns it. Six digits within a word are none: of a hash in a path, say. */
export function knowCodes(text: string): string {
  for (const [code] of text.matchAll(/(?<!\w)\d{3} ?\d{3}(?!\w)/g)) knowSecret("code", code.replace(" ", ""));
  return text;
}

/** Makes known what a run is given: on its command line and stdin, in its environment, in the AWS files. */
export function knowGiven(args: readonly string[], env: NodeJS.ProcessEnv, input: string): void {
  // The id of an access key is no secret.
  const withoutIds = input.replaceAll(/\bAKIA[A-Z0-9]{16}\b,?/g, "");
  for (const line of withoutIds.split("\n")) knowSecret("line of stdin", line.trim());
  for (const text of [...args, input]) knowCodes(text);
  const files = ["credentials", "config"].map((name) => join(env.HOME ?? "", ".aws", name)).filter(existsSync);
  const variables = Object.entries(env).map((pair) => pair.join("="));
  const settings = [...variables, ...files.map((file) => readFileSync(file, "utf8"))].join("\n");
  for (const [, value = ""] of settings.matchAll(/^aws_(?:secret_access_key|session_token) *= *(\S+)/gim)) {
    knowSecret("secret access key", value);
  }
  for (const [, password = ""] of settings.matchAll(/(?:\/\/|= ?)[^/:\s]*:(\S+)@/g)) {
    for (const written of [password, querystring.unescape(password)]) knowSecret("password", written);
  }
}

/** Makes known what a local AWS in another process has made of these random bytes. */
export function knowBytes(bytes: Buffer): void {
  knowSecret(bytes.length > 40 ? "session token" : "secret access key", bytes.toString("base64"));
  for (const text of [base32Encode(bytes), bytes.toString("hex")]) knowSecret("device seed", text);
  for (const ago of [0, 30_000, 60_000]) knowSecret("code", totp(bytes, Date.now() - ago));
}

/** Whether a text holds a secret, in whatever form. Of a long one each end counts. */
export function holds(text: string, secret: string): boolean {
  const parts = secret.length > 36 ? [secret.slice(0, 16), secret.slice(-16)] : [secret];
  return parts.flatMap(formsOf).some((form) => {
    const isCode = /^\d{6}$/.test(form);
    return isCode ? new RegExp(`(?<!\\d)${form}(?!\\d)`).test(text) : text.includes(form);
  });
}

/** A secret as it is, in a URL, as JSON, in hex, and in base64, where it depends on what stands before it. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((before) => {
    const bytes = Buffer.from("-".repeat(before) + secret);
    // Without the characters that its neighbours have a share in.
    return bytes.toString("base64").slice(before && before + 1, Math.floor((bytes.length * 8) / 6));
  });
  const asJson = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), asJson, Buffer.from(secret).toString("hex"), ...base64];
}
