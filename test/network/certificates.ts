// A private certificate authority, with nothing but node:crypto: no test depends on an `openssl` command.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** A certificate and its private key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** What a client has to trust. */
  readonly cert: string;
  /** A server certificate for host names and IPv4 addresses; valid for a day around now unless said otherwise. */
  issue(hosts: readonly string[], validity?: { from: number; to: number }): Certificate;
}

const day = 86_400_000;

export function makeAuthority(name = "fob test CA"): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certify = (subject: string, publicKey: KeyObject, extensions: Buffer[], from: number, to: number): string => {
    const spki = publicKey.export({ type: "spki", format: "der" });
    const signed = sequence(
      tagged(0xa0, integer(2)),
      tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      commonName(name),
      sequence(time(from), time(to)),
      commonName(subject),
      spki,
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", signed, own.privateKey);
    return pem("CERTIFICATE", sequence(signed, ecdsaWithSha256, bitString(signature)));
  };
  const keyId = createHash("sha1")
    .update(own.publicKey.export({ type: "spki", format: "der" }))
    .digest();
  const isAuthority = [
    extension("2.5.29.19", sequence(tlv(0x01, Buffer.from([0xff]))), true),
    extension("2.5.29.15", tlv(0x03, Buffer.from([1, 0x06])), true),
    extension("2.5.29.14", tlv(0x04, keyId)),
  ];
  return {
    cert: certify(name, own.publicKey, isAuthority, Date.now() - day, Date.now() + day),
    issue(hosts, { from, to } = { from: Date.now() - day, to: Date.now() + day }) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = hosts.map((host) =>
        isIPv4(host) ? tlv(0x87, Buffer.from(host.split(".").map(Number))) : tlv(0x82, Buffer.from(host)),
      );
      const isServer = [
        extension("2.5.29.17", sequence(...names)),
        extension("2.5.29.35", sequence(tlv(0x80, keyId))),
        extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1"))),
      ];
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      return { cert: certify(hosts[0] ?? "", publicKey, isServer, from, to), key };
    },
  };
}

// ASN.1 in its distinguished encoding: tag, length, content.

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const tagged = (tag: number, content: Buffer): Buffer => tlv(tag, content);
const integer = (value: number): Buffer => tlv(0x02, Buffer.from([value]));
const bitString = (content: Buffer): Buffer => tlv(0x03, Buffer.concat([Buffer.from([0]), content]));

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

const commonName = (name: string): Buffer =>
  sequence(tlv(0x31, sequence(objectId("2.5.4.3"), tlv(0x0c, Buffer.from(name)))));

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(objectId(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));

/** UTCTime: `YYMMDDHHMMSSZ`. */
const time = (ms: number): Buffer =>
  tlv(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+Z/g, "")
        .slice(2)}Z`,
    ),
  );

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
