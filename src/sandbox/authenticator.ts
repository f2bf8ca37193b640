// The authenticator of a running `fob sandbox`: a file in the sandbox's folder with the seeds of all its devices, and the
// users' passwords. They protect nothing, and the folder goes when the sandbox stops.
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { FobError, getSystemCode } from "../errors.ts";
import { createFile } from "../files/create.ts";
import { getHost } from "../files/lock.ts";
import { findNearest } from "../nearest.ts";
import { isRunning } from "../process.ts";
import { formatAsciiJson, quote, quoteShellWord } from "../text.ts";
import type { Account, MfaDevice } from "./account.ts";
import { base32Encode, totp } from "./totp.ts";

/** The name of the variable that tells where the file is. */
export const authenticatorVariable = "FOB_SANDBOX";

/** Where the sandboxes' folders are: FOB_HOME in one of them must be an absolute path, and TMPDIR need not be. */
export const temporaryFolder = (): string => resolve(tmpdir());

/** How their names begin. */
export const folderPrefix = "fob-sandbox-";
const fileName = "authenticator.json";

export interface Authenticator {
  /** The process that runs the sandbox. */
  readonly pid: number;
  /** Where the process is: {@link getHost}. */
  readonly host: string;
  /** The sandbox's address. */
  readonly url: string;
  /** What requests that switch faults on have to show. */
  readonly token: string;
  readonly users: readonly SandboxUser[];
  /** Devices that are not enabled for a user yet: that takes two of their codes. */
  readonly unassigned: readonly Device[];
}

interface SandboxUser {
  readonly name: string;
  readonly devices: readonly Device[];
  /** Null for a user who has none. */
  readonly password: string | null;
}

/** A device with codes. */
interface Device {
  readonly serialNumber: string;
  /** In base32. */
  readonly seed: string;
}

export interface AuthenticatorFile {
  readonly path: string;
  /** Makes the file what the account is now, 0600, once the sandbox has an address. */
  readonly write: (account: Account) => void;
  /** Sets the sandbox's address. */
  readonly open: (url: string) => void;
}

/** The file in a sandbox's folder. */
export function createAuthenticator(folder: string, token: string): AuthenticatorFile {
  const path = join(folder, fileName);
  let [url, account, before]: [string?, Account?, string?] = [];
  const update = (): void => {
    if (url === undefined || account === undefined) return;
    const users = account.users().map(({ name, devices, user }) => ({
      ...{ name, devices: listDevices(devices), password: user.password?.text ?? null },
    }));
    const unassigned = listDevices([...account.unassignedDevices.values()]);
    const text = formatAsciiJson({
      pid: process.pid,
      host: getHost(),
      url,
      token,
      users,
      unassigned,
    } satisfies Authenticator);
    if (text === before) return;
    createFile(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    before = text;
  };
  return {
    path,
    write: (changed) => {
      account = changed;
      update();
    },
    open: (address) => {
      url = address;
      update();
    },
  };
}

const listDevices = (devices: readonly MfaDevice[]): Device[] =>
  devices.flatMap(({ serialNumber, seed }) => (seed ? [{ serialNumber, seed: base32Encode(seed) }] : []));

/**
 * The sandbox's file: the one that the environment names, else that of the only running sandbox.
 *
 * @throws FobError where there is no such sandbox, or more than one
 */
export function findAuthenticator(env: Environment, typed: string): Authenticator {
  const named = env[authenticatorVariable];
  if (named) {
    const found = readRunning(named);
    if (found !== undefined) return found;
    throw new FobError(`the sandbox of ${authenticatorVariable}=${quoteShellWord(named)} has stopped`, [
      `to use another one: unset ${authenticatorVariable}`,
      "start one: fob sandbox",
    ]);
  }
  const running = listOwnFolders().flatMap((folder) => {
    const path = join(folder, fileName);
    const authenticator = readRunning(path);
    return authenticator === undefined ? [] : [{ path, authenticator }];
  });
  const [first, ...others] = running;
  if (first === undefined) throw new FobError("no sandbox is running", "start one: fob sandbox");
  if (others.length === 0) return first.authenticator;
  throw new FobError(
    `${running.length} sandboxes are running`,
    running.map(({ path }) => `for one of them: ${authenticatorVariable}=${quoteShellWord(path)} ${typed}`),
  );
}

/**
 * The code of the moment of a user's device. A virtual device that is not enabled for a user yet counts as the user's
 * first one if it has the user's name.
 *
 * @param serial the device's serial number, or the end of its ARN; without it, the user's first device
 * @param now ms since 1970
 * @throws FobError
 */
export function readCode(
  { users, unassigned }: Authenticator,
  userName: string,
  serial: string | undefined,
  now: number,
): { readonly code: string; readonly serialNumber: string } {
  const user = findUser(users, userName, "sandbox code");
  const { devices } = user;
  const isNamed = (name: string) => (device: Device) =>
    device.serialNumber === name || device.serialNumber.endsWith(`:mfa/${name}`);
  const device =
    serial === undefined
      ? (devices[0] ?? unassigned.find(isNamed(user.name)))
      : [...devices, ...unassigned].find(isNamed(serial));
  if (device !== undefined) {
    return { code: totp(device.seed, now), serialNumber: device.serialNumber };
  }
  if (devices.length === 0) throw new FobError(`${quote(user.name)} has no device that shows codes`);
  throw new FobError(
    `${quote(user.name)} has no device ${quote(serial ?? "")}`,
    devices.map(({ serialNumber }) => `fob sandbox code ${user.name} --serial ${quoteShellWord(serialNumber)}`),
  );
}

/**
 * The user of this name. @param command what to type, for the hint
 * @throws FobError
 */
export function findUser(users: Authenticator["users"], userName: string, command: string): SandboxUser {
  // IAM user names ignore case.
  const user = users.find(({ name }) => name.toLowerCase() === userName.toLowerCase());
  if (user !== undefined) return user;
  const names = users.map(({ name }) => name);
  const meant = findNearest(userName, names);
  const shown = names.length > 20 ? `${names.slice(0, 20).join(", ")} and ${names.length - 20} more` : names.join(", ");
  const list = names.length === 0 ? "it has no users" : `its users: ${shown}`;
  throw new FobError(
    `the sandbox has no user ${quote(userName)}`,
    meant === undefined ? list : `did you mean: fob ${command} ${meant}`,
  );
}

/** Removes the folders of sandboxes that were killed. Only of this system, where the process can be looked for. */
export function sweepFolders(): void {
  for (const folder of listOwnFolders()) {
    try {
      const { pid, host } = JSON.parse(readFileSync(join(folder, fileName), "utf8")) as Authenticator;
      if (host === getHost() && !isRunning(pid)) rmSync(folder, { recursive: true, force: true });
    } catch {
      // It is being made or removed now. Tidying up is no reason to fail.
    }
  }
}

/** The file; undefined where it is gone, or its process has ended without removing it. */
function readRunning(path: string): Authenticator | undefined {
  try {
    const found = JSON.parse(readFileSync(path, "utf8")) as Authenticator;
    return isRunning(found.pid) ? found : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || /^(ENOENT|ENOTDIR)$/.test(getSystemCode(error))) return undefined;
    throw error;
  }
}

/** The sandboxes' folders. Every user of the machine may make folders of such names. */
function listOwnFolders(): string[] {
  const folder = temporaryFolder();
  return readdirSync(folder)
    .filter((name) => name.startsWith(folderPrefix))
    .map((name) => join(folder, name))
    .filter((path) => {
      const found = lstatSync(path, { throwIfNoEntry: false });
      return found?.isDirectory() === true && found.uid === (process.geteuid?.() ?? found.uid);
    });
}
