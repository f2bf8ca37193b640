// The access key that aws-vault keeps for a profile. Only its own program reads it, whichever keychain it uses: in the Secret
// Service it is in a collection and under attributes that the library of fob's keychain does not look for, and on macOS in a
// keychain file that asks for a password of its own.
import type { Credentials } from "../aws/types.ts";
import { withAbsolutePath } from "../environment/program.ts";
import type { Environment } from "../environment-variables.ts";
import { readCommandOutput } from "../subprocess.ts";
import type { TerminalDescriptors } from "../terminal/tty.ts";
import { parseAccessKey } from "./read-key.ts";

/** The command that prints it. @param profile letters, digits and . _ - */
const formatExport = (profile: string): string => `aws-vault export --no-session --format=json ${profile}`;

/** Asks aws-vault, which may ask on the terminal for the password of its keychain. @throws FobError, CancelledError */
export async function fetchFromAwsVault(
  profile: string,
  { env, signal, terminal }: { env: Environment; signal: AbortSignal; terminal: TerminalDescriptors },
): Promise<Credentials> {
  const title = `aws-vault for the profile ${profile}`;
  // It refuses to run in a shell of its own.
  const options = { env: { ...withAbsolutePath(env), AWS_VAULT: undefined }, title, timeout: 120, signal, terminal };
  return parseAccessKey(await readCommandOutput(formatExport(profile), options), title);
}
