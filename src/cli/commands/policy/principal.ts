// Reads the policies of a user, a group or a role from a file, for `fob policy simulate`.
import { FobError, UsageError } from "../../../errors.ts";
import { type PolicyDocument, PolicyError, readPolicy } from "../../../policy/engine/document.ts";
import { describeUser, type Subject } from "../../../policy/engine/subject.ts";
import {
  type FoundPolicy,
  findUserDetails,
  isCutOff,
  listAbsent,
  listNotLookedAt,
} from "../../../policy/input/find.ts";
import type { Kind } from "../../../policy/lint/lint.ts";
import { quote, quoteShellWord } from "../../../text.ts";
import type { Context } from "../../context.ts";
import { createNoPolicyError, parsePolicyFile, policiesLimit, readTextFile, warnIfCutOff } from "./files.ts";

/** A policy of a principal, and its name in messages. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: PolicyDocument;
}

/** The policies of a principal, as a file has them. */
export interface PrincipalPolicies {
  readonly policies: readonly NamedPolicy[];
  /** Those that are not a user's: of a role, or service control policies. */
  readonly others: readonly OtherPolicy[];
  /** The user whose policies they are, if the file tells the user's ARN. */
  readonly subject: Subject | undefined;
  /** Whether the file is cut off, so that the principal may have more policies. */
  readonly isCutOff: boolean;
}

/** A policy that is not a user's. */
export interface OtherPolicy {
  /** For messages. */
  readonly name: string;
  readonly kind: Exclude<Kind, "enforcement">;
  /** The command that checks it for what it is. */
  readonly lint: string;
}

/**
 * Reads the policies of a principal from a file.
 *
 * @param of the principal or the policy to choose, if the file has policies of several: `user alice`
 * @throws UsageError if it is not clear which policies these are, FobError if one is not valid
 */
export async function readPrincipalPolicies(
  path: string,
  of: string | undefined,
  context: Context,
): Promise<PrincipalPolicies> {
  const file = await parsePolicyFile(await readTextFile(path, context, policiesLimit));
  const { policies: all } = file;
  const values = file.documents.map(({ value }) => value);
  if (all.length === 0) throw createNoPolicyError(file);
  const chosen = choosePolicies(path, of, all);
  if (of !== undefined) {
    for (const absent of values.flatMap((value) => listAbsent(value, of)))
      context.say.warning(`${quote(path)} does not have ${absent}`);
  }
  for (const name of values.flatMap(listNotLookedAt)) {
    context.say.warning(`not looked at in ${quote(path)}, a nested template, macro or loop: ${quote(name)}`);
  }
  warnIfCutOff(file, context);
  return {
    ...{ subject: findSubject(path, values, findUserName(of, chosen), context), isCutOff: values.some(isCutOff) },
    policies: chosen.map((found) => ({ name: nameFound(path, found), policy: readFoundPolicy(path, found) })),
    others: chosen.flatMap((found): OtherPolicy[] => {
      const kind = findKindFor(of, found);
      if (kind === undefined || kind === "enforcement") return [];
      // Of a file that has other policies too, lint finds out itself.
      const as = all.length === 1 ? `--as ${kind} ` : "";
      return [{ name: nameFound(path, found), kind, lint: `fob policy lint ${as}${quoteShellWord(path)}` }];
    }),
  };
}

const nameFound = (path: string, { name }: FoundPolicy): string => (name === undefined ? path : `${path}: ${name}`);

/** Returns whose policies were chosen: `user alice`. Those of a group are of all its users. */
function findUserName(of: string | undefined, chosen: readonly FoundPolicy[]): string | undefined {
  const all = [...new Set(chosen.flatMap((policy) => policy.of ?? []))];
  const shared = all.filter((owner) => chosen.every((policy) => policy.of?.includes(owner)));
  const [name, ...more] = of === undefined ? shared : shared.filter((owner) => owner === of);
  return more.length === 0 && name?.startsWith("user ") ? name : undefined;
}

function findSubject(
  path: string,
  values: readonly unknown[],
  name: string | undefined,
  { say }: Context,
): Subject | undefined {
  const [user] = name === undefined ? [] : values.flatMap((value) => findUserDetails(value, name) ?? []);
  if (user === undefined) return undefined;
  const subject = describeUser(user);
  if (subject === undefined) {
    say.warning(`${quote(path)} does not have a valid ARN of ${name}`);
    say.hint("name the user: --user arn:aws:iam::123456789012:user/NAME");
  }
  return subject;
}

/** A policy that users have too is the role's if the role is chosen. */
function findKindFor(of: string | undefined, found: FoundPolicy): Kind | undefined {
  return of?.startsWith("role ") && found.of?.includes(of) ? "role" : found.kind;
}

function choosePolicies(path: string, of: string | undefined, all: readonly FoundPolicy[]): readonly FoundPolicy[] {
  const owners = [...new Set(all.flatMap((policy) => policy.of ?? []))];
  const shared = owners.some((owner) => all.every((policy) => policy.of?.includes(owner)));
  // One policy needs no choice.
  if (all.length === 1 || (of === undefined && shared)) return all;
  const chosen = all.filter((policy) => policy.name === of || (of !== undefined && policy.of?.includes(of)));
  if (chosen.length > 0) return chosen;
  const names = [...owners, ...all.flatMap(({ name }) => name ?? [])].sort();
  const listed = names.slice(0, 10).map(quote).join(", ");
  const rest = names.length > 10 ? ` and ${names.length - 10} more` : "";
  const [first = ""] = names;
  throw new UsageError(
    of === undefined
      ? `${quote(path)} has policies that are not all of one user, group or role: ${listed}${rest}`
      : `${quote(path)} has no policies of ${quote(of)}, only of ${listed}${rest}`,
    `choose a user, group, role or policy, for example: --of ${quoteShellWord(first)}`,
  );
}

/** @throws FobError if it is not a valid policy, or not known yet */
function readFoundPolicy(path: string, { name, json, unknown }: FoundPolicy): PolicyDocument {
  const what = name === undefined ? quote(path) : `${quote(name)} in ${quote(path)}`;
  const [first] = unknown;
  if (first !== undefined) {
    const { line, column } = json.placeOf(first.path);
    throw new FobError(`${what} cannot be evaluated: ${first.message} (line ${line}, column ${column})`, first.fix);
  }
  try {
    return readPolicy(json);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const place = error.place === undefined ? "" : ` (line ${error.place.line}, column ${error.place.column})`;
    throw new FobError(`${what} is not a valid policy: ${error.message}${place}`, [
      ...(error.meant === undefined ? [] : [`did you mean: ${error.meant}`]),
      ...(path === "-" ? [] : [`see all problems: fob policy lint ${quoteShellWord(path)}`]),
    ]);
  }
}
