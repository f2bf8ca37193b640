// The people of an account: users with their keys and devices, and how old these are.

import { type AccessKeyOptions, type Account, makeId, makeTokenNumber, type UserOptions } from "./account.ts";
import { getGlobalRegion } from "./events.ts";
import { takeRandomBytes } from "./random.ts";

export interface Person extends UserOptions {
  readonly keys?: readonly AccessKeyOptions[];
  readonly devices?: readonly Device[];
}

export interface Device {
  readonly kind: "virtual" | "hardware" | "fido";
  /** Of a virtual device; the default is the user's name. */
  readonly name?: string;
  readonly enabledMs: number;
}

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export function addPerson(account: Account, { keys = [], devices = [], ...user }: Person): void {
  const { name } = user;
  const principal = account.addUser(user);
  for (const key of keys) account.addAccessKey(principal, key);
  for (const { kind, name: deviceName = name, enabledMs } of devices) {
    const serialNumbers = {
      virtual: () => account.arn(`mfa/${deviceName}`),
      hardware: makeTokenNumber,
      fido: () => account.arn(`u2f/user/${name}/${deviceName}-${makeId("")}`),
    };
    const device = account.makeDevice(serialNumbers[kind](), kind === "fido" ? undefined : takeRandomBytes(20));
    account.giveDevice(principal, { ...device, enabledMs });
  }
  const timeMs = user.password?.lastUsedMs;
  if (timeMs === undefined) return;
  const origin = {
    timeMs,
    region: getGlobalRegion(account.partition),
    sourceIp: "192.0.2.10",
    userAgent: "Mozilla/5.0",
  };
  account.events.recordSignIn({ ...origin, principal, mfaUsed: devices.length > 0 });
}

/** What people have, by ages in days and times of last use in ms. @param now ms since 1970 */
export function createStories(now: number) {
  const ago = (ms: number): number => now - ms;
  /** A password that was set `age` days ago and used `used` ms ago. */
  const password = (age: number, used: number) => ({
    changedMs: ago(age * day),
    lastUsedMs: ago(used),
    resetRequired: false,
  });
  const key = (age: number, service: string, used: number): AccessKeyOptions => ({
    createdMs: ago(age * day),
    lastUsed: { ms: ago(used), service, region: "eu-central-1" },
  });
  const device = (kind: Device["kind"], age: number, name?: string): Device => ({
    kind,
    enabledMs: ago(age * day),
    ...(name === undefined ? {} : { name }),
  });
  const joined = (age: number) => ({ createdMs: ago(age * day) });
  return { ago, password, key, device, joined };
}
