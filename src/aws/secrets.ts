// Secrets in texts that come from AWS, the SDK or Node.js: what a service does not accept it quotes, whole or in parts.
// Where the id and the secret of an access key are swapped, AWS answers with the secret.
import { maskKeyId, quote } from "../text.ts";

const MASK = "******";

/** Characters of a secret in a row that are too many to show: a code has no more. */
const TELLING = 6;

/** Whether a text has the form of an access key's id. Other services that speak AWS's language have others. */
export function looksLikeKeyId(text: string): boolean {
  return /^A[A-Z]{3}[A-Z0-9]{12,}$/.test(text);
}

/** Whether a text has the form of a secret access key, which no id has. */
export function looksLikeSecret(text: string): boolean {
  return /^[A-Za-z0-9+/]{40}$/.test(text) && /[a-z]/.test(text);
}

/**
 * A setting's value as messages repeat it, without what has the form of an access key's secret or id: who answers a prompt
 * of `aws configure` too late has the secret in the setting after it.
 */
export const quoteSetting = (value: string): string => quote(maskSetting(value));

/** The same without the quotes, for commands. */
export function maskSetting(value: string): string {
  return value
    .replace(/[A-Za-z0-9+/]{40,}={0,2}/g, (word) => {
      const isMixed = [/[a-z]/, /[A-Z]/].every((kind) => kind.test(word));
      // A long path may be as long, but seldom has digits and capitals in it.
      return isMixed && (word === value || /\d/.test(word)) ? MASK : word;
    })
    .replace(/(?<![A-Za-z0-9])A[A-Z]{3}[A-Z0-9]{12,}(?![A-Za-z0-9])/g, maskKeyId);
}

/** Takes secrets out of an error and of what caused it. */
export function hideSecrets(error: unknown, secrets: readonly string[]): void {
  for (let each = error; each instanceof Error; each = each.cause) {
    for (const name of ["message", "name", "stack"] as const) {
      const text = each[name];
      if (typeof text !== "string") continue;
      const masked = maskSecrets(text, secrets);
      // An error may have it from its class, where it cannot be set.
      if (masked !== text) Object.defineProperty(each, name, { value: masked, configurable: true, writable: true });
    }
  }
}

/** A text without these secrets, and without what looks like one. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  return maskUnknown(maskParts(text, partsOf(secrets)));
}

/** The parts of secrets that are long enough to tell something of them, as they are and URL-encoded. */
function partsOf(secrets: readonly string[]): ReadonlySet<string> {
  const parts = new Set<string>();
  for (const secret of secrets.flatMap((each) => [each, encodeURIComponent(each)])) {
    for (let at = 0; at + TELLING <= secret.length; at++) parts.add(secret.slice(at, at + TELLING));
  }
  return parts;
}

function maskParts(text: string, parts: ReadonlySet<string>): string {
  let masked = "";
  // Up to where the text is a part of a secret.
  let hidden = 0;
  for (let at = 0; at < text.length; at++) {
    if (parts.has(text.slice(at, at + TELLING))) {
      if (at >= hidden) masked += MASK;
      hidden = at + TELLING;
    }
    if (at >= hidden) masked += text.charAt(at);
  }
  return masked;
}

/** Words as long as a secret access key or a session token, in letters of both kinds and digits, and the middle of ids. */
function maskUnknown(text: string): string {
  return text
    .replace(/[A-Za-z0-9+/]{40,}={0,2}/g, (word) => {
      const isMixed = [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(word));
      // Paths and names have other lengths.
      return isMixed && (word.length === 40 || word.length >= 100) ? MASK : word;
    })
    .replace(/\bA(?:KIA|SIA)[A-Z0-9]{12,}/g, maskKeyId);
}
