// moto (https://docs.getmoto.org), an AWS of others.
import { spawn } from "node:child_process";
import type { IAM } from "@aws-sdk/client-iam";
import { onTestFinished } from "vitest";

/** @returns its URL */
export function startMoto(): Promise<string> {
  const moto = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void moto.kill());
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (part: Buffer): void => {
      text += part.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    };
    moto.stdout.on("data", read);
    moto.stderr.on("data", read);
    moto.on("error", reject);
    moto.on("exit", () => reject(new Error(`moto_server has ended: ${text}`)));
  });
}

interface NewUser {
  readonly actions?: string;
  readonly role?: string;
  readonly hasPassword?: boolean;
  readonly hasDevice?: boolean;
}

/** Adds a user with an inline policy. */
export async function addUser(iam: IAM, UserName: string, given: NewUser = {}): Promise<void> {
  const { actions = "s3:*", role, hasPassword = true, hasDevice = true } = given;
  await iam.createUser({ UserName, Tags: role === undefined ? [] : [{ Key: "fob-role", Value: role }] });
  const Statement = [{ Effect: "Allow", Action: actions, Resource: "*" }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.putUserPolicy({ UserName, PolicyName: "own", PolicyDocument });
  if (hasPassword) await iam.createLoginProfile({ UserName, Password: "A long pass phrase, 7 words!" });
  if (!hasDevice) return;
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: UserName });
  const codes = { AuthenticationCode1: "123456", AuthenticationCode2: "654321" };
  await iam.enableMFADevice({ UserName, SerialNumber: VirtualMFADevice?.SerialNumber, ...codes });
}
