// The SDK for JavaScript as a client of the local AWS, for tests of IAM.
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import type { CodeDevice, Sandbox } from "../../src/sandbox/server.ts";
import type { Key } from "./client.ts";

/** The time of the tests, in ms since 1970. */
export const now = Date.parse("2026-01-31T09:00:00Z");
export const step = 30_000;

export const allow = (action: string | readonly string[], resource = "*") => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: action, Resource: resource }],
});

const settings = (sandbox: Sandbox, credentials: Key) => ({
  ...{ credentials, endpoint: sandbox.url, region: "us-east-1", maxAttempts: 1 },
  systemClockOffset: now - Date.now(),
});

export const iamAs = (sandbox: Sandbox, credentials: Key): IAM => new IAM(settings(sandbox, credentials));

/** Signs in with a code of the device and returns the session's credentials. */
export async function signIn(sandbox: Sandbox, key: Key, device: CodeDevice, atMs = now): Promise<Key> {
  const { Credentials: session } = await new STS(settings(sandbox, key)).getSessionToken({
    ...{ SerialNumber: device.serialNumber, TokenCode: device.code(atMs) },
  });
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = session ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** Returns the error's `CODE STATUS: message`, or "accepted". */
export const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "accepted",
    (thrown: unknown) => {
      const { name, Code = name, $metadata, message } = thrown as Refusal;
      return `${Code} ${$metadata?.httpStatusCode}: ${message}`;
    },
  );

interface Refusal {
  readonly name: string;
  /** AWS's code, for errors of AWS's model. */
  readonly Code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly message: string;
}
