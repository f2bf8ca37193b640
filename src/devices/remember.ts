// The device in the AWS config, where fob and other tools look for it.
import type { AwsFiles, Properties } from "../profiles/files.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import { editProfile } from "../profiles/write.ts";

/** The keys that name a device: fob's own, the usual one, aws-mfa's. */
const keys = ["fob_mfa_serial", "mfa_serial", "aws_mfa_device"] as const;

interface Places {
  readonly paths: AwsFilePaths;
  readonly files: AwsFiles;
  readonly pair: { readonly source: string; readonly session: string };
  readonly signal: AbortSignal;
}

const kinds = ["config", "credentials"] as const;

/** The keys in a profile that name a device of which this holds. */
const keysWith = (properties: Properties | undefined, holds: (serial: string) => boolean): string[] =>
  keys.filter((key) => {
    const value = properties?.get(key)?.value;
    return value !== undefined && value !== "" && holds(value);
  });

/**
 * Writes a new device as the `mfa_serial` of the source profile, unless another device of the user's is configured. One that
 * the user does not have any more is replaced wherever it stands.
 *
 * @param devices the user's devices
 * @returns whether logins use the new device
 * @throws FobError if a file cannot be written
 */
export async function rememberDevice(
  serialNumber: string,
  devices: readonly string[],
  { paths, files, pair, signal }: Places,
): Promise<boolean> {
  const isOwn = (serial: string): boolean => serial === serialNumber || devices.includes(serial);
  const names = [...new Set([pair.session, pair.source])];
  let isConfigured = false;
  for (const kind of kinds) {
    for (const name of names) {
      const properties = files[kind].properties(name);
      isConfigured ||= keysWith(properties, isOwn).length > 0;
      if (keysWith(properties, (serial) => !isOwn(serial)).length === 0) continue;
      isConfigured = true;
      const decide = (now: Properties | undefined) =>
        Object.fromEntries(keysWith(now, (serial) => !isOwn(serial)).map((key) => [key, serialNumber]));
      await editProfile(paths, kind, name, decide, { signal });
    }
  }
  if (isConfigured) return false;
  await editProfile(paths, "config", pair.source, () => ({ mfa_serial: serialNumber }), { signal });
  return true;
}

/** Removes the keys of the source and the session profile that name a device. @throws FobError if a file cannot be written */
export async function forgetDevice(serialNumber: string, { paths, files, pair, signal }: Places): Promise<boolean> {
  const isIt = (serial: string): boolean => serial === serialNumber;
  let isForgotten = false;
  for (const kind of kinds) {
    for (const name of new Set([pair.session, pair.source])) {
      if (keysWith(files[kind].properties(name), isIt).length === 0) continue;
      const decide = (now: Properties | undefined) =>
        Object.fromEntries(keysWith(now, isIt).map((key) => [key, undefined]));
      isForgotten = (await editProfile(paths, kind, name, decide, { signal })).changed || isForgotten;
    }
  }
  return isForgotten;
}
