// Enrolls a virtual device: creates it, shows its seed once, and enables it with two codes.
import { AwsFailure } from "../aws/failures.ts";
import { CancelledError, FobError } from "../errors.ts";
import { escapeControlCharacters, quote } from "../text.ts";
import { type CodeOfStep, judgePair } from "./code-pair.ts";
import { mostDevices, nameOfDevice, type OwnDevice } from "./own.ts";

/** A device that no user has yet. */
export interface NewDevice {
  readonly serialNumber: string;
  /** Base32. */
  readonly seed: string;
}

export interface EnrollCalls {
  /** undefined if there is a device of that name. */
  readonly create: (name: string) => Promise<NewDevice | undefined>;
  readonly enable: (serialNumber: string, codes: readonly [string, string]) => Promise<unknown>;
  /** The serial numbers of the user's devices. */
  readonly list: () => Promise<readonly string[]>;
}

export interface EnrollTools extends EnrollCalls {
  /** Shows the seed to the user, and nowhere else. */
  readonly show: (device: NewDevice) => Promise<void>;
  /** Asks for two codes. @param problem what was wrong with the two before */
  readonly askCodes: (serialNumber: string, problem: string | undefined) => Promise<readonly [string, string]>;
  readonly codeOf: (seed: string) => CodeOfStep;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly note: (message: string) => void;
  readonly warn: (message: string) => void;
}

export interface EnrollOptions {
  readonly user: string;
  /** The name that the user wants. */
  readonly name: string | undefined;
  /** The command line with another name, for hints. */
  readonly withName: (name: string) => string;
}

const mostNames = 20;
const mostAttempts = 5;

/**
 * Creates a device. A half-made one has its seed lost, and the enforcement policy does not let users delete it, so that
 * they do not delete others': a new one gets the next name.
 *
 * @throws FobError if all names are taken
 */
export async function createDevice(
  { user, name, withName }: EnrollOptions,
  { create, note }: Pick<EnrollTools, "create" | "note">,
): Promise<NewDevice> {
  const taken: string[] = [];
  const base = name ?? user;
  for (let number = 1; number <= mostNames; number++) {
    const next = number === 1 ? base : `${base}-${number}`;
    const device = await create(next);
    if (device) {
      if (taken.length > 0) {
        note(`${taken.map(quote).join(", ")}: there is a device of that name, so the new one is ${quote(next)}`);
      }
      return device;
    }
    taken.push(next);
  }
  throw new FobError(
    `there are virtual devices of the names ${quote(base)} to ${quote(`${base}-${mostNames}`)} already`,
    [
      `choose another name: ${withName(`${base}-phone`)}`,
      "or ask an administrator to delete those that no user has: aws iam delete-virtual-mfa-device --serial-number ARN",
    ],
  );
}

/** Enables a new device with codes that the user types, until AWS takes them. @throws FobError, CancelledError */
export async function enableDevice(device: NewDevice, tools: EnrollTools): Promise<void> {
  const { serialNumber, seed } = device;
  await tools.show(device);
  let problem: string | undefined;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const codes = await tools.askCodes(serialNumber, problem);
    const judged = judgePair(codes, tools.codeOf(seed), tools.now());
    if (!judged.isPair) {
      problem = `${judged.problem}; type two codes that follow one another`;
      continue;
    }
    if (Math.abs(judged.behind) > 60) {
      const how = judged.behind > 0 ? "behind" : "ahead of";
      tools.warn(
        `the clock of the device is about ${Math.round(Math.abs(judged.behind) / 60)} min ${how} this computer's; AWS allows for it, but set it`,
      );
    }
    problem = await tryToEnable(serialNumber, codes, tools);
    if (problem === undefined) return;
  }
  throw new FobError(`the device ${quote(serialNumber)} is not enabled: no two codes were right`, [
    "check that the authenticator app shows codes of 6 digits, and that the phone sets its clock by itself",
  ]);
}

/** @returns why the codes were not taken; undefined if they were */
async function tryToEnable(
  serialNumber: string,
  codes: readonly [string, string],
  { enable, list }: EnrollTools,
): Promise<string | undefined> {
  try {
    await enable(serialNumber, codes);
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.consequence === "wrong code") return `${error.message}; type the next two`;
    if (error.consequence !== "no answer" && error.consequence !== "server error") throw error;
    // It may have been done all the same.
    if ((await list()).includes(serialNumber)) return undefined;
    return `${error.message}; type the next two codes`;
  }
}

/** @param remove the command that makes room @throws FobError if no more can be had */
export function assertRoom(devices: readonly OwnDevice[], user: string, remove = "fob device remove"): void {
  if (devices.length < mostDevices) return;
  throw new FobError(
    `${quote(user)} has ${devices.length} MFA devices, and AWS allows ${mostDevices}: ${devices
      .map(({ serialNumber }) => nameOfDevice(serialNumber))
      .map(escapeControlCharacters)
      .join(", ")}`,
    `remove one first: ${remove}`,
  );
}

/** What to say of a device that was created and not enabled. */
export function describeLeft(error: unknown, serialNumber: string, isDeleted: boolean): unknown {
  const left = isDeleted
    ? "the device that was created is deleted again"
    : `the device ${quote(serialNumber)} was created, but not enabled; run it again, and the new one gets another name`;
  if (error instanceof CancelledError) return new CancelledError(left);
  if (error instanceof FobError) return new FobError(error.message, [...error.hints, left], error.exitCode, error);
  return error;
}
