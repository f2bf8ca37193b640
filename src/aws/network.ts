// The way to AWS: proxies and certificates, as the aws command (botocore) understands the same variables. The SDK for
// JavaScript reads neither.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { FobError } from "../errors.ts";
import { quote } from "../text.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** How requests leave this machine. */
export interface Network {
  /** The proxy for a URL, or undefined for a direct connection. */
  proxyFor(url: URL): URL | undefined;
  /** Certificates to trust instead of the built-in ones, with where they come from. */
  readonly bundle: { readonly path: string; readonly from: string } | undefined;
}

/**
 * @param profileBundle the profile's `ca_bundle`
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html
 */
export function networkOf(env: Environment, home: string, profileBundle: string | undefined): Network {
  const sources = [
    ["AWS_CA_BUNDLE", env.AWS_CA_BUNDLE],
    ["ca_bundle", profileBundle],
    ["REQUESTS_CA_BUNDLE", env.REQUESTS_CA_BUNDLE],
  ] as const;
  const [from, path] = sources.find(([, value]) => value) ?? [];
  return {
    proxyFor: (url) => proxyFor(url, env),
    bundle: from && path ? { from, path: path.replace(/^~(?=$|[/\\])/, home) } : undefined,
  };
}

/**
 * The certificates of a bundle: a file in PEM form, or a folder of such files.
 *
 * @throws FobError where it cannot be read or holds none
 */
export function readBundle(bundle: { path: string; from: string }): string[] {
  const hint = `see it: ls -l ${quote(bundle.path)}; it comes from ${bundle.from}`;
  let certificates: string[];
  try {
    const files = statSync(bundle.path).isDirectory()
      ? readdirSync(bundle.path).map((name) => join(bundle.path, name))
      : [bundle.path];
    certificates = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FobError(`cannot read the certificates in ${quote(bundle.path)}: ${reason}`, hint, undefined, error);
  }
  certificates = certificates.filter((text) => text.includes("-----BEGIN"));
  if (certificates.length === 0) throw new FobError(`${quote(bundle.path)} holds no certificate in PEM form`, hint);
  return certificates;
}

/** Python's urllib, which botocore asks, prefers the lower-case variables, and takes an empty one for none. */
function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  const proxy = env[`${scheme}_proxy`] ?? env[`${scheme.toUpperCase()}_PROXY`];
  if (!proxy || bypasses(url, env.no_proxy ?? env.NO_PROXY ?? "")) return undefined;
  const spelling = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  try {
    const parsed = new URL(spelling);
    if (parsed.protocol === "http:" || parsed.protocol === "https:") return parsed;
  } catch {
    // Said below, without the address: it may hold a password.
  }
  throw new FobError(
    `the proxy in ${scheme.toUpperCase()}_PROXY is not an http:// or https:// address`,
    `set it like this: export ${scheme.toUpperCase()}_PROXY=http://proxy.example.com:3128`,
  );
}

/** A name in NO_PROXY stands for itself and everything below it, with or without a leading dot; `*` for everything. */
function bypasses(url: URL, noProxy: string): boolean {
  if (noProxy === "*") return true;
  return noProxy
    .toLowerCase()
    .split(",")
    .map((name) => name.trim().replace(/^\.+/, ""))
    .some((name) => name !== "" && [url.hostname, url.host].some((own) => own === name || own.endsWith(`.${name}`)));
}
