// `fob setup`: whose access key it is, where it comes from, and where it is kept.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { AwsFailure } from "../../../aws/failures.ts";
import { isRegion } from "../../../aws/partitions.ts";
import { looksLikeKeyId, looksLikeSecret } from "../../../aws/secrets.ts";
import type { Credentials } from "../../../aws/types.ts";
import { findProblem, withAbsolutePath } from "../../../environment/program.ts";
import { CancelledError, FobError } from "../../../errors.ts";
import { fetchFromAwsVault } from "../../../keys/aws-vault.ts";
import { readKeyFile } from "../../../keys/key-file.ts";
import { checkKeyShape } from "../../../keys/key-shape.ts";
import { readStaticKeys } from "../../../keys/long-term.ts";
import { assertCanAdd } from "../../../keys/move.ts";
import type { Advice } from "../../../profiles/advice.ts";
import { getProperty, readableProfiles } from "../../../profiles/files.ts";
import { isNewName } from "../../../profiles/names.ts";
import { isResolvable, listLoginSources } from "../../../session/candidates.ts";
import { resolveProfilePair } from "../../../session/profile-pair.ts";
import type { KeyChoice } from "../../../setup/plan.ts";
import { maskKeyId, quote, quoteShellWord } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { sayError } from "../../context.ts";
import { askAsUser, describeOwnProfile, describeWithKey, type OwnProfile, type OwnUser } from "../../own-user.ts";
import { type Asking, askFor, askWhether, chooseOne } from "./asking.ts";

export const command = "fob setup";

/** The profile that has the access key, or gets it. @throws FobError, CancelledError */
export async function chooseSource(named: string | undefined, asking: Asking): Promise<string> {
  if (named !== undefined) return resolveNamed(named, asking);
  const sources = listLoginSources(asking.snapshot.files);
  const ofVault = hasAwsVault(asking) ? listOfAwsVault(asking, sources) : [];
  if (sources.length + ofVault.length > 0) {
    const found = [
      ...sources.map((name) => [name, name] as const),
      ...ofVault.map((name) => [`${name} (aws-vault may have its access key)`, name] as const),
    ];
    const chosen = await chooseOne(asking, "Which profile has your access key?", [
      ...found,
      ["none of these: enter an access key", undefined],
    ]);
    if (chosen !== undefined) return chosen;
  }
  const suggested = sources.includes("work") ? "" : "work";
  const message = `Name of the new profile${suggested === "" ? ":" : ` (Enter: ${suggested}):`}`;
  const problem = (answer: string): string | undefined => findNameProblem(answer || suggested, asking, sources);
  return (await askFor(asking, message, problem)) || suggested;
}

/** Profiles without a key that could have one. */
function listOfAwsVault(asking: Asking, sources: readonly string[]): string[] {
  const { config } = asking.snapshot.files;
  return readableProfiles(config.profilesWith(["mfa_serial", "include_profile"]), (name) => {
    return isOfAwsVault(name, asking) && findNameProblem(name, asking, sources) === undefined;
  });
}

function findNameProblem(name: string, { snapshot }: Asking, sources: readonly string[]): string | undefined {
  if (!isNewName(name)) return "use letters, digits and . _ -";
  if (sources.includes(name)) return "this profile has an access key; choose another name";
  try {
    assertCanAdd(snapshot.files, name);
    return undefined;
  } catch (error) {
    if (error instanceof FobError) return error.message;
    throw error;
  }
}

function resolveNamed(named: string, { snapshot, context }: Asking): string {
  if (isResolvable(named, snapshot)) return resolveProfilePair(named, snapshot, context.typed).source;
  assertCanAdd(snapshot.files, named, formatCommand(context.typed, { profile: "PROFILE" }));
  if (isNewName(named) || snapshot.files.config.has(named)) return named;
  throw new FobError(
    `${quote(named)} is not a valid profile name: use letters, digits and . _ -`,
    formatCommand(context.typed, { profile: "work" }),
  );
}

/** The region to write, where the profile has none or the user wants another; undefined leaves it as it is. */
export async function chooseRegion(
  source: string,
  given: string | undefined,
  asking: Asking,
): Promise<string | undefined> {
  if (given !== undefined) return given;
  if (getProperty(asking.snapshot.files, source, "region") !== undefined) return undefined;
  const { AWS_REGION, AWS_DEFAULT_REGION } = asking.context.env;
  const ofDefault = getProperty(asking.snapshot.files, "default", "region");
  const usual = [AWS_REGION, AWS_DEFAULT_REGION, ofDefault].find((region) => region && isRegion(region));
  const message = `Region, like eu-central-1 (Enter: ${usual ?? "none"}):`;
  const problem = (answer: string): string | undefined =>
    answer === "" || isRegion(answer) ? undefined : "that is not a region; regions look like eu-central-1";
  return (await askFor(asking, message, problem)) || usual;
}

export interface ChosenKey {
  readonly choice: KeyChoice;
  /** Who AWS says it is, and how to ask as them; undefined without a key. */
  readonly owner: { readonly own: OwnProfile; readonly user: OwnUser } | undefined;
  /** What still has the secret, and how to delete it there. */
  readonly rest: Advice | undefined;
}

/** Finds the access key or asks for it, asks AWS whose it is, and where to keep it. @throws FobError, CancelledError */
export async function chooseKey(
  source: string,
  { region, keyFile }: { readonly region: string | undefined; readonly keyFile: string | undefined },
  asking: Asking,
): Promise<ChosenKey> {
  const { snapshot, sessions, context } = asking;
  if (listLoginSources(snapshot.files).includes(source)) {
    if (keyFile !== undefined) {
      throw new FobError(
        `the profile ${quote(source)} has an access key already`,
        formatCommand(context.typed, { profile: "PROFILE" }),
      );
    }
    const own = describeOwnProfile(source, region, snapshot, sessions);
    const user = await identify(own, asking);
    return { choice: await chooseMove(source, asking), owner: { own, user }, rest: undefined };
  }
  const entered = await enterKey(source, region, keyFile, asking);
  if (!entered) return { choice: { kind: "stays" }, owner: undefined, rest: undefined };
  const { key, own, user, rest } = entered;
  return { choice: { kind: "new", key, place: await choosePlace(key, asking) }, owner: { own, user }, rest };
}

/** Asks AWS. @throws FobError */
async function identify(own: OwnProfile, { team, context }: Asking): Promise<OwnUser> {
  const user = await askAsUser(own, { command }, (_, found) => Promise.resolve(found));
  if (team !== undefined && team.account !== user.account) {
    throw new FobError(
      `the access key is of the account ${user.account}, and the team file is for ${team.account}; nothing is changed`,
      [
        `use an access key of that account: ${formatCommand(context.typed, { profile: "PROFILE" })}`,
        "or ask for the team file of your account",
      ],
    );
  }
  context.say.note(`the access key is of the user ${quote(user.name)} in the account ${user.account}`);
  return user;
}

/** A key, and where it came from. */
interface Given {
  readonly key: Credentials;
  readonly rest: Advice | undefined;
}

interface Entered extends Given {
  readonly own: OwnProfile;
  readonly user: OwnUser;
}

const mostAttempts = 3;

/** @returns undefined if the user has none now */
async function enterKey(
  source: string,
  region: string | undefined,
  keyFile: string | undefined,
  asking: Asking,
): Promise<Entered | undefined> {
  let problem: string | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const given =
        keyFile !== undefined
          ? await readFrom(keyFile, asking)
          : ((attempt === 1 ? await takeFromAwsVault(source, asking) : undefined) ??
            (await askForKey(source, problem, asking)));
      if (!given) return undefined;
      const key = checkKeyShape(given.key, quote(source), formatCommand(asking.context.typed));
      const own = describeWithKey(source, key, region, asking.snapshot, asking.sessions);
      return { ...given, key, own, user: await identify(own, asking) };
    } catch (error) {
      if (!isAboutKey(error) || attempt === mostAttempts || keyFile !== undefined) throw error;
      problem = error.message;
    }
  }
}

/** Whether another key may be better. */
function isAboutKey(error: unknown): error is FobError {
  if (error instanceof CancelledError || !(error instanceof FobError)) return false;
  if (!(error instanceof AwsFailure)) return true;
  return error.consequence === "final" && /access key/.test(error.message);
}

async function askForKey(source: string, before: string | undefined, asking: Asking): Promise<Given | undefined> {
  const { terminal, context } = asking;
  const message = `Access key ID for ${source}, or a file with the key, like the console's .csv (Enter: skip):`;
  const problem = (answer: string): string | undefined =>
    answer === "" || /^\w{16,128}$/.test(answer) || isFile(pathOf(answer, asking)) ? undefined : findIdProblem(answer);
  const answer = await askFor(asking, message, problem, before);
  if (answer === "") return undefined;
  if (isFile(pathOf(answer, asking))) return await readFrom(answer, asking);
  const { askHidden } = await import("../../../terminal/hidden.ts");
  const secret = await askHidden(terminal, "Secret access key (not shown):", context.signal);
  return { key: { accessKeyId: answer, secretAccessKey: secret.trim() }, rest: undefined };
}

/** What is wrong with an access key ID that no file is named like. */
function findIdProblem(text: string): string {
  const words = text.split(/[\s,:=]+/);
  if (words.some(looksLikeSecret))
    return "that has a secret access key in it, which is on your screen now; type the access key ID, the secret is asked next";
  if (/^["'“”‘’]/.test(text)) return "leave out the quotes";
  if (words.length > 1 && words.some(looksLikeKeyId)) return "type the access key ID alone, like AKIAIOSFODNN7EXAMPLE";
  return "there is no such file; and access key IDs look like AKIAIOSFODNN7EXAMPLE";
}

const pathOf = (typed: string, { context }: Asking): string => resolve(typed.replace(/^~(?=[/\\])/, context.home));

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** From the console's file, or from a profile in an AWS credentials file. @throws FobError, CancelledError */
async function readFrom(file: string, asking: Asking): Promise<Given> {
  const path = pathOf(file, asking);
  const found = readKeyFile(path);
  const [first, ...others] = found;
  if (first && others.length === 0) {
    const message = `${quote(path)} still holds the secret access key`;
    const fix =
      first.profile === undefined
        ? `delete it once you have logged in: rm ${quoteShellWord(path)}`
        : `once you have logged in, remove the profile ${quote(first.profile)} from it`;
    return { key: first.key, rest: { message, fix } };
  }
  const choices = found.map(({ profile, key }) => [`${profile ?? ""} (${maskKeyId(key.accessKeyId)})`, key] as const);
  const chosen = await chooseOne(asking, "Which profile of the file?", choices);
  if (chosen) return { key: chosen, rest: undefined };
  throw new CancelledError("nothing is changed");
}

/** Whether aws-vault may have the key of a profile: it writes them to the config, without a key. */
const isOfAwsVault = (source: string, { snapshot: { files } }: Asking): boolean =>
  ["mfa_serial", "include_profile"].some((key) => files.config.properties(source)?.get(key)?.value);

const hasAwsVault = ({ context: { env } }: Asking): boolean =>
  findProblem("aws-vault", withAbsolutePath(env)) === undefined;

/** @returns undefined if the user does not want that, or aws-vault has none */
async function takeFromAwsVault(source: string, asking: Asking): Promise<Given | undefined> {
  const { context, terminal, snapshot } = asking;
  const { say, env, signal } = context;
  if (!snapshot.files.config.has(source) || !isNewName(source)) return undefined;
  if (!hasAwsVault(asking)) {
    if (isOfAwsVault(source, asking)) {
      say.note(
        `aws-vault may have the access key of ${quote(source)}; only its own program can read it, and that is not on your PATH`,
      );
    }
    return undefined;
  }
  if (!(await askWhether(asking, `Take the access key of ${source} from aws-vault?`))) return undefined;
  try {
    const key = await terminal.lend((lent) => fetchFromAwsVault(source, { env, signal, terminal: lent }));
    const message = `aws-vault still has the access key of ${quote(source)}`;
    return { key, rest: { message, fix: `delete it once you have logged in: aws-vault remove ${source}` } };
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
    sayError(error, say);
    return undefined;
  }
}

/** Where to keep a new key. */
async function choosePlace(key: Credentials, asking: Asking): Promise<"keychain" | "credentials"> {
  if (!(await isKeychainThere(key.accessKeyId, asking))) return "credentials";
  const { paths, keychain } = asking.sessions;
  const chosen = await chooseOne(asking, "Where should the secret access key be kept?", [
    [`in ${keychain.title}`, "keychain" as const],
    [`in plaintext in ${quote(paths.credentials)}`, "credentials" as const],
  ]);
  return chosen ?? "keychain";
}

/** Whether a key leaves the AWS files. */
async function chooseMove(source: string, asking: Asking): Promise<KeyChoice> {
  const keys = readStaticKeys(source, asking.snapshot.files);
  if (!keys || !(await isKeychainThere(keys.accessKeyId, asking))) return { kind: "stays" };
  const { title } = asking.sessions.keychain;
  const message = `The secret access key of ${source} is in plaintext in a file. Move it to ${title}?`;
  return { kind: (await askWhether(asking, message)) ? "moves" : "stays" };
}

/** Asks the keychain for a key that it need not have. */
async function isKeychainThere(accessKeyId: string, { sessions, context }: Asking): Promise<boolean> {
  try {
    await sessions.keychain.get(accessKeyId);
    return true;
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
    context.say.warning(`the access key cannot be kept in the keychain: ${error.message}`);
    const [hint] = error.hints;
    if (hint !== undefined) context.say.hint(hint);
    return false;
  }
}

/** Says what still has the secret. */
export function adviseOnRest({ rest }: ChosenKey, { context: { say } }: Asking): void {
  if (rest === undefined) return;
  say.warning(rest.message);
  say.hint(rest.fix);
}

/** The command line that goes on with a profile. */
export const formatAgain = (source: string, { context }: Asking): string =>
  formatCommand(context.typed, { profile: source, without: ["keyFile"] });
