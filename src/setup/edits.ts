// Changes of profiles in the AWS files that `fob setup` plans: decided by what the files held, and made only if they still do.
import { quoteSetting } from "../aws/secrets.ts";
import { FobError } from "../errors.ts";
import type { Change } from "../profiles/edit.ts";
import type { AwsFile, Properties } from "../profiles/files.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import type { FileKind } from "../profiles/scan.ts";
import { editProfile } from "../profiles/write.ts";
import { looksSecret } from "../steps/journal.ts";
import { quote } from "../text.ts";

export interface ProfileEdit {
  /** Of the step: `config/work`. */
  readonly id: string;
  /** What it does: `write to the profile "work" in the config: region = eu-central-1`. */
  readonly text: string;
  readonly kind: FileKind;
  readonly profile: string;
  readonly change: Change;
  /** What the profile had when it was planned. */
  readonly seen: Change;
}

/** What should hold of a profile. */
interface Wish {
  readonly id: string;
  readonly profile: string;
  readonly wanted: Change;
  /** What to say of it, with the settings that change. */
  readonly describe: (settings: string) => string;
}

/** The edit that makes a wish true; none where it is true already. @throws FobError for what cannot be edited */
export function planEdit(file: AwsFile, { id, profile, wanted, describe }: Wish): readonly ProfileEdit[] {
  const seen = pick(file.properties(profile), wanted);
  const change = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => seen[key] !== value));
  if (Object.keys(change).length === 0) return [];
  file.assertEditable(profile, change);
  const settings = Object.entries(change).map(([key, value]) => describeSetting(key, value, seen[key]));
  return [{ id, profile, change, kind: file.kind, seen, text: describe(settings.join(", ")) }];
}

function pick(properties: Properties | undefined, keys: Change): Change {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, properties?.get(key)?.value || undefined]));
}

/** The journal takes nothing that looks like a secret, and a name may. */
function describeSetting(key: string, value: string | undefined, before: string | undefined): string {
  if (value === undefined) return `no ${key}`;
  const shown = looksSecret(value) ? "…" : value;
  const old = before === undefined || looksSecret(before) ? "" : ` (it was ${quoteSetting(before)})`;
  return `${key} = ${shown}${old}`;
}

/** Whether it is made. */
export function isMade({ profile, change }: ProfileEdit, file: AwsFile): boolean {
  const now = pick(file.properties(profile), change);
  return Object.entries(change).every(([key, value]) => now[key] === value);
}

/** Makes it. @throws FobError where the profile has changed since it was planned */
export async function makeEdit(
  { kind, profile, change, seen }: ProfileEdit,
  paths: AwsFilePaths,
  signal: AbortSignal,
): Promise<void> {
  const decide = (properties: Properties | undefined): Change => {
    const now = pick(properties, change);
    if (Object.keys(change).every((key) => now[key] === seen[key] || now[key] === change[key])) return change;
    throw new FobError(`the profile ${quote(profile)} in ${quote(paths[kind])} has changed meanwhile`, "run it again");
  };
  await editProfile(paths, kind, profile, decide, { signal });
}
