// The aws command drives every operation of the local AWS.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { services } from "../../src/sandbox/server.ts";
import { isThere } from "../helpers/needed.ts";
import { driveSandbox, type Send } from "../helpers/sandbox-calls.ts";

/** The commands of services that have other names in signatures. */
const commands: Readonly<Record<string, string>> = { s3: "s3api", config: "configservice", monitoring: "cloudwatch" };

const home = mkdtempSync(join(tmpdir(), "fob-test-"));
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** As the aws command names operations: `list-mfa-devices`. */
const toCommand = (operation: string): string =>
  operation
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();

const send: Send = async (service, operation, input, { url, key, region }) => {
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" },
    ...{ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey },
    AWS_DEFAULT_REGION: region,
  };
  const options = ["--endpoint-url", url, "--output", "json", "--no-paginate"];
  // This one writes the QR code to a file, and takes no name from JSON.
  const special =
    operation === "CreateVirtualMFADevice"
      ? [
          ...["--virtual-mfa-device-name", String(input.VirtualMFADeviceName), "--bootstrap-method", "QRCodePNG"],
          ...["--outfile", join(home, "code.png"), "--tags", JSON.stringify(input.Tags)],
        ]
      : ["--cli-input-json", JSON.stringify(input)];
  const args = [commands[service] ?? service, toCommand(operation), ...special, ...options];
  const { stdout } = await promisify(execFile)("aws", args, { env });
  return stdout === "" ? {} : (JSON.parse(stdout) as object);
};

describe.skipIf(!isThere("aws", "--version"))("the aws command", () => {
  test("reads the answers of every operation", { timeout: 600_000 }, async () => {
    expect(await driveSandbox(send, services)).toEqual([]);
  });
});
