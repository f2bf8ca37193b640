// The steps of `fob setup`. Each looks first whether it is done, so that a run after a stop goes on where that was.
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";
import { backUp } from "../files/backup.ts";
import { readStat, resolveFile } from "../files/replace.ts";
import type { Keychain } from "../keys/keychain.ts";
import { readStaticKeys } from "../keys/long-term.ts";
import { addKey, importKey, type MoveTools } from "../keys/move.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { classifyKeys, classifyProcess, findKeychainId } from "../profiles/inspect.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import { editProfile } from "../profiles/write.ts";
import type { Facts } from "../steps/journal.ts";
import type { Step } from "../steps/steps.ts";
import { maskKeyId, quote, quoteShellWord } from "../text.ts";
import { isMade, makeEdit, type ProfileEdit } from "./edits.ts";
import { addShellLine, hasShellLine, type ShellLine } from "./shell-line.ts";

/** What becomes of the access key. */
export type KeyChoice =
  /** It stays where it is; or the user has no key now. */
  | { readonly kind: "stays" }
  /** From the AWS files to the keychain. */
  | { readonly kind: "moves" }
  | { readonly kind: "new"; readonly key: Credentials; readonly place: "keychain" | "credentials" };

/** What the user has chosen, before anything is changed. */
export interface Choices {
  /** The profile with the access key, and the session profile. */
  readonly source: string;
  readonly session: string;
  readonly key: KeyChoice;
  readonly edits: readonly ProfileEdit[];
  readonly enrolls: boolean;
  /** Programs get the session from fob's credential_process. */
  readonly installs: boolean;
  readonly shell: ShellLine | undefined;
}

export interface SetupTools {
  readonly paths: AwsFilePaths;
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
  /** Makes sure that AWS knows an access key. @throws FobError */
  readonly prove: MoveTools["prove"];
  /** The command with which all this is done again. */
  readonly again: string;
  /** Whether the user has a device that STS takes codes of. */
  readonly hasDevice: () => Promise<boolean>;
  /** Enrolls one, and writes it to the config. */
  readonly enroll: () => Promise<void>;
  readonly install: () => Promise<void>;
  readonly note: (message: string) => void;
}

/** The steps that are not done yet, in order. */
export function planSetup(choices: Choices, tools: SetupTools): Step[] {
  const { source, session, key, edits, enrolls, installs, shell } = choices;
  const { paths, signal } = tools;
  const backUpOnce = backUpConfigOnce(tools);
  const steps: LocalStep[] = [
    ...planKey(
      source,
      key,
      edits.map(({ profile }) => profile),
      backUpOnce,
      tools,
    ),
    ...edits.map((edit): LocalStep => {
      const { id, text, kind } = edit;
      return {
        ...{ id, text, isDone: () => isMade(edit, readAwsFiles(paths)[kind]) },
        do: async () => {
          const facts = kind === "config" ? backUpOnce() : {};
          await makeEdit(edit, paths, signal);
          return facts;
        },
      };
    }),
  ];
  const after: LocalStep[] = [
    ...(installs ? [planInstall(session, backUpOnce, tools)] : []),
    ...(shell ? [planShell(shell)] : []),
  ];
  const toStep = ({ isDone, ...step }: LocalStep): Step[] =>
    isDone() ? [] : [{ ...step, isLocal: true, check: () => Promise.resolve({ state: isDone() ? "done" : "to do" }) }];
  return [...steps.flatMap(toStep), ...(enrolls ? [planDevice(source, tools)] : []), ...after.flatMap(toStep)];
}

/** A step on this computer. */
interface LocalStep extends Pick<Step, "id" | "text" | "do"> {
  readonly isDone: () => boolean;
}

/** Keeps one copy of the config as it was before the first change; nothing where there is no config yet. */
function backUpConfigOnce({ paths, note }: Pick<SetupTools, "paths" | "note">): () => Facts {
  let facts: Facts | undefined;
  return () => {
    if (facts) return facts;
    const isThere = readStat(resolveFile(paths.config)) !== undefined;
    facts = isThere ? { backup: backUp(paths.config) } : {};
    if (facts.backup !== undefined) note(`the config as it was is in ${quote(facts.backup)}`);
    return facts;
  };
}

/** @param changed profiles that other steps change */
function planKey(
  profile: string,
  choice: KeyChoice,
  changed: readonly string[],
  backUpOnce: () => Facts,
  tools: SetupTools,
): LocalStep[] {
  const { paths, signal, again, keychain, note } = tools;
  const read = () => readAwsFiles(paths);
  if (choice.kind === "stays") return [];
  if (choice.kind === "moves") {
    return [
      {
        id: `move-key/${profile}`,
        text: `move the secret access key of ${quote(profile)} to ${keychain.title}`,
        isDone: () => findKeychainId(read(), profile) !== undefined && readStaticKeys(profile, read()) === undefined,
        do: async () => {
          const facts = backUpOnce();
          const { accessKeyId, from, roles } = await importKey(profile, false, tools);
          for (const role of roles.filter((name) => !changed.includes(name)))
            note(
              `programs no longer find an access key for the role profile ${quote(role)}: fob doctor says what helps`,
            );
          if (from === "config" && facts.backup !== undefined) {
            note(
              `that copy still holds the secret; delete it once you have logged in: rm ${quoteShellWord(facts.backup)}`,
            );
          }
          return { ...facts, accessKeyId };
        },
      },
    ];
  }
  const { key, place } = choice;
  const { accessKeyId, secretAccessKey } = key;
  const facts = { accessKeyId };
  const text = `save the access key ${maskKeyId(accessKeyId)} as ${quote(profile)}`;
  if (place === "keychain") {
    return [
      {
        id: `save-key/${profile}`,
        text: `${text}: its secret in ${keychain.title}, its ID in the config`,
        isDone: () => findKeychainId(read(), profile) === accessKeyId,
        do: async () => {
          const before = backUpOnce();
          await addKey(profile, key, again, tools);
          return { ...before, ...facts };
        },
      },
    ];
  }
  return [
    {
      id: `save-key/${profile}`,
      text: `${text} in the credentials file, in plaintext, which only you can read`,
      isDone: () => readStaticKeys(profile, read())?.accessKeyId === accessKeyId,
      do: async () => {
        await editProfile(
          paths,
          "credentials",
          profile,
          (properties) => {
            if (classifyKeys(properties) === "none") {
              return { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey };
            }
            throw new FobError(`the profile ${quote(profile)} has another access key now`, again);
          },
          { signal },
        );
        return facts;
      },
    },
  ];
}

function planDevice(profile: string, { hasDevice, enroll }: SetupTools): Step {
  return {
    id: `device/${profile}`,
    text: `enroll an authenticator app as the MFA device of ${quote(profile)}`,
    check: async () => ({ state: (await hasDevice()) ? "done" : "to do" }),
    do: async () => {
      await enroll();
      return {};
    },
  };
}

function planInstall(session: string, backUpOnce: () => Facts, { paths, install }: SetupTools): LocalStep {
  return {
    id: `credential-process/${session}`,
    text: `write credential_process to the profile ${quote(session)} in the config, so that programs ask fob`,
    isDone: () => classifyProcess(readAwsFiles(paths), session) === "fob",
    do: async () => {
      const facts = backUpOnce();
      await install();
      return facts;
    },
  };
}

const planShell = (shell: ShellLine): LocalStep => ({
  id: `shell/${shell.shell}`,
  text: shell.text,
  isDone: () => hasShellLine(shell),
  do: () => {
    addShellLine(shell);
    return Promise.resolve({});
  },
});
