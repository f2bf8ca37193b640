// The way to AWS: proxies and certificates, as the aws command (botocore) understands the same variables. The SDK for
// JavaScript reads neither.
import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import type { Environment } from "../environment-variables.ts";
import { FobError } from "../errors.ts";
import { readBytes } from "../files/read.ts";
import { quote, quoteShellWord } from "../text.ts";
import { maskSetting } from "./secrets.ts";

/** How requests leave this machine. */
export interface Network {
  /** The proxy for a URL, or undefined for a direct connection. */
  findProxy(url: URL): URL | undefined;
  /** Certificates to trust instead of the built-in ones, with where they come from. */
  readonly bundle: { readonly path: string; readonly from: string } | undefined;
}

/**
 * @param profileBundle the profile's `ca_bundle`
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html
 */
export function readNetworkSettings(env: Environment, home: string, profileBundle: string | undefined): Network {
  const sources = [
    ["AWS_CA_BUNDLE", env.AWS_CA_BUNDLE],
    ["ca_bundle", profileBundle],
    ["REQUESTS_CA_BUNDLE", env.REQUESTS_CA_BUNDLE],
  ] as const;
  const [from, path] = sources.find(([, value]) => value) ?? [];
  return {
    findProxy: (url) => proxyFor(url, env),
    bundle: from && path ? { from, path: path.replace(/^~(?=$|[/\\])/, home) } : undefined,
  };
}

/**
 * The certificates of a bundle, a file in PEM form. A folder of such files is refused, as by the aws command.
 *
 * @throws FobError where it cannot be read or holds none
 */
export function readBundle({ path, from }: { readonly path: string; readonly from: string }): string {
  const hint = `it comes from ${from}; see it: ls -l ${quoteShellWord(maskPath(path))}`;
  const text = readCertificates(path, from, hint);
  if (!hasCertificate(text)) throw new FobError(`${quote(path)} contains no PEM certificate`, hint);
  return text;
}

function readCertificates(path: string, from: string, hint: string): string {
  let text: string | undefined;
  try {
    text = readBytes(path);
  } catch (error) {
    if (isFolder(path)) {
      throw new FobError(`the certificates in ${quote(path)} (from ${from}) are a folder, but must be a single file`, [
        `combine them: cat ${quoteShellWord(path)}/*.pem > ca.pem`,
      ]);
    }
    throw error instanceof FobError ? new FobError(error.message, hint, undefined, error) : error;
  }
  if (text !== undefined) return text;
  throw new FobError(`cannot read the certificates in ${quote(maskPath(path))}: no such file`, hint);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Node.js trusts no certificate, and does not say why, when it is given a text without a certificate. */
function hasCertificate(text: string): boolean {
  const [first] = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----[^-]+-----END [A-Z0-9 ]*CERTIFICATE-----/.exec(text) ?? [];
  try {
    return first !== undefined && new X509Certificate(first).raw.length > 0;
  } catch {
    return false;
  }
}

/** Python's urllib, which botocore asks, prefers the lower-case variables, and takes an empty one for none. */
function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  const name = env[`${scheme}_proxy`] === undefined ? `${scheme.toUpperCase()}_PROXY` : `${scheme}_proxy`;
  const proxy = env[name];
  if (!proxy || shouldBypass(url, env.no_proxy ?? env.NO_PROXY ?? "")) return undefined;
  try {
    return parseProxyAddress(proxy);
  } catch {
    // Said below, without the address: it may hold a password.
  }
  throw new FobError(
    `the proxy in ${name} is not an http:// or https:// address`,
    `set a URL (write @ in a password as %40): export ${name}=http://proxy.example.com:3128`,
  );
}

/** @throws Error for what is no address of a proxy */
function parseProxyAddress(text: string): URL {
  // A percent sign that begins no escape stands for itself, as in Python.
  const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  for (const part of ["username", "password"] as const) url[part] = url[part].replace(/%(?![0-9a-f]{2})/gi, "%25");
  decodeURIComponent(url.username + url.password);
  // "user:1#2@proxy" would be the host "user", and a part of the password its port.
  const isWhole = !/@/.test(url.pathname + url.search + url.hash);
  if (isWhole && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new Error("not the address of a proxy");
}

/** A name in NO_PROXY covers itself and everything below it, with or without a leading dot; `*` for everything. */
function shouldBypass(url: URL, noProxy: string): boolean {
  if (noProxy === "*") return true;
  return noProxy
    .toLowerCase()
    .split(",")
    .map((name) => name.trim().replace(/^\.+/, ""))
    .some((name) => name !== "" && [url.hostname, url.host].some((own) => own === name || own.endsWith(`.${name}`)));
}

/** A path is shown, unless it may be a secret access key in the wrong place: those hold slashes too, but few. */
const maskPath = (path: string): string => (/^(?:\/[^/]+){3,}$/.test(path) ? path : maskSetting(path));
