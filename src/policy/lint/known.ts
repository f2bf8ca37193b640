// The actions, resource types and condition keys of AWS that fob knows (iam, sts, signin, and the global keys). Verdicts
// follow from them; other-services.ts has names of other services, which are checked for their spelling only.
// `npm run update-iam-actions` updates the list.
import { findNearest, measureDifference } from "../../nearest.ts";
import { matches, parsePattern } from "../engine/wildcard.ts";
import data from "./iam-actions.json";

export interface KnownAction {
  /** As AWS spells it: `iam:GetUser`. */
  readonly name: string;
  readonly lowerName: string;
  /** Whether it changes nothing. */
  readonly isRead: boolean;
  /** ARNs of its resource types, with `${…}` for variable parts; empty if it applies to all resources. */
  readonly resources: readonly string[];
}

/** The date of the list. */
export const updated = data.from.updated;

type Service = keyof typeof data.services;
const services = Object.keys(data.services) as readonly Service[];

type Types = Readonly<Record<string, readonly string[]>>;

// Newer than the list: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
const newerActions: Readonly<Partial<Record<Service, Types>>> = {
  iam: { AcquireRole: ["role", "role-template"], UpdateDelegationRequest: ["delegation-request"] },
  sts: { GetScopedCredentials: ["self-session"] },
};

function listActions(service: Service): readonly KnownAction[] {
  const { actions: types, reads, resourceTypes } = data.services[service];
  const arns: Readonly<Record<string, string>> = resourceTypes;
  return Object.entries<readonly string[]>({ ...newerActions[service], ...types }).map(([action, names]) => ({
    name: `${service}:${action}`,
    lowerName: `${service}:${action}`.toLowerCase(),
    isRead: reads.includes(action),
    resources: names.flatMap((name) => arns[name] ?? []),
  }));
}

const actions = new Map(services.map((service) => [service as string, listActions(service)]));

/** Splits an action or a pattern. */
export function splitAction(text: string): { readonly service: string; readonly action: string } | undefined {
  const [, service, action] = /^([\w-]+):([\w*?-]+)$/.exec(text) ?? [];
  return service === undefined || action === undefined ? undefined : { service: service.toLowerCase(), action };
}

/** Whether a pattern is `*` or `*:*`. */
export function isEverything(text: string): boolean {
  return /^\*+(:\*+)?$/.test(text);
}

const matching = new Map<string, readonly KnownAction[]>();

/** Finds the known actions that an action or a pattern names; none if fob does not know the service. */
export function findActions(text: string): readonly KnownAction[] {
  let found = matching.get(text);
  if (found === undefined) {
    found = searchActions(text.toLowerCase());
    matching.set(text, found);
  }
  return found;
}

function searchActions(text: string): readonly KnownAction[] {
  if (isEverything(text)) return [...actions.values()].flat();
  const parts = splitAction(text);
  const all = actions.get(parts?.service ?? "") ?? [];
  const pattern = parsePattern(text);
  return all.filter(({ lowerName }) => matches(pattern, lowerName));
}

export function isKnownService(service: string): boolean {
  return actions.has(service);
}

/** The likely intended name for a name that AWS does not have. */
export interface Guess {
  readonly name: string;
  /** Whether it is so close that the name is hardly a new one missing from fob's list. */
  readonly isSure: boolean;
}

function guessNearest(name: string, names: readonly string[]): Guess | undefined {
  const found = findNearest(name, names);
  return found === undefined ? undefined : { name: found, isSure: measureDifference(name, found) <= 2 };
}

const toSureGuess = (name: string | undefined): Guess | undefined =>
  name === undefined ? undefined : { name, isSure: true };

/** Guesses the intended action, of a known service or of one with a similar name. */
export function guessAction(text: string): Guess | undefined {
  const { service, action } = splitAction(text) ?? { service: "", action: "" };
  if (actions.has(service)) return guessNearestAction(text);
  // Other services have similar names, but not the same actions.
  const meant = guessService(service)?.name;
  return meant === undefined || /[*?]/.test(action)
    ? undefined
    : toSureGuess(findActions(`${meant}:${action}`)[0]?.name);
}

/** Guesses the intended action, if there is little doubt. */
export function guessSureAction(text: string): string | undefined {
  const meant = guessAction(text);
  return meant?.isSure ? meant.name : undefined;
}

const guessService = memoize((service) => guessNearest(service, services));
const guessNearestAction = memoize((text) => {
  const { service, action } = splitAction(text) ?? { service: "", action: "" };
  const elsewhere = services.flatMap((other) => findActions(`${other}:${action}`));
  if (elsewhere.length === 1) return toSureGuess(elsewhere[0]?.name);
  return guessAmong(
    text,
    (actions.get(service) ?? []).map(({ name }) => name),
  );
});

/** Verbs of about the same meaning: which of them AWS uses is hard to remember. */
const likeVerbs: readonly (readonly string[])[] = [
  ["get", "list", "describe"],
  ["create", "add", "upload", "put"],
  ["enable", "activate"],
  ["disable", "deactivate"],
  ["update", "modify", "change", "set"],
];

/** Guesses which of a service's actions was meant: by the verb and what follows it. */
export function guessAmong(text: string, names: readonly string[]): Guess | undefined {
  const { action } = splitAction(text) ?? { action: "" };
  const verbs = new Set([...names.map(findVerb), ...likeVerbs.flat()]);
  const verb = [...verbs].find((known) => startsWithVerb(action, known));
  if (verb !== undefined) {
    const noun = action.slice(verb.length);
    const found = guessNoun(noun, names, [verb]);
    if (found !== undefined) return found;
    const other = guessNoun(noun, names, likeVerbs.find((group) => group.includes(verb)) ?? []);
    return other && { ...other, isSure: false };
  }
  const written = findVerb(text);
  // A misspelled verb, but not "Activate" for "Deactivate": that would be the opposite.
  const isNear = (name: string): boolean =>
    written === action.toLowerCase() ||
    (measureDifference(findVerb(name), written) <= 2 && !findVerb(name).endsWith(written));
  return guessNearest(text, names.filter(isNear));
}

/** Guesses an action by what follows its verb: a near spelling, else the same words with some more or fewer. */
function guessNoun(noun: string, names: readonly string[], verbs: readonly string[]): Guess | undefined {
  const nouns = new Map(
    names.flatMap((name) => {
      const verb = findVerb(name);
      return verbs.includes(verb) ? [[name.slice(name.indexOf(":") + 1 + verb.length), name] as const] : [];
    }),
  );
  const found = guessNearest(noun, [...nouns.keys()]);
  if (found !== undefined) return { ...found, name: nouns.get(found.name) ?? found.name };
  const words = splitWords(noun);
  const similar = [...nouns].find(([other]) => areSimilar(words, splitWords(other))) ?? findLonger(noun, [...nouns]);
  return similar && { name: similar[1], isSure: false };
}

/** Finds the shortest noun that starts with what was written. */
function findLonger<Item extends readonly [noun: string, name: string]>(
  noun: string,
  nouns: readonly Item[],
): Item | undefined {
  if (noun.length < 3) return undefined;
  const longer = nouns.filter(([other]) => other.toLowerCase().startsWith(noun.toLowerCase()));
  return longer.sort(([a], [b]) => a.length - b.length)[0];
}

const splitWords = (noun: string): string[] =>
  (noun.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());

/** Whether one list has all words of the other in order, and at most twice as many. */
function areSimilar(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length < 2 || short.length * 2 < long.length) return false;
  let next = 0;
  for (const word of long) if (word === short[next]) next++;
  return next === short.length;
}

/** The first word of an action, in lower case: "create" of `iam:CreateVirtualMFADevice`. */
function findVerb(action: string): string {
  return (/^(?:[\w-]+:)?([A-Z]?[a-z]*)/.exec(action)?.[1] ?? "").toLowerCase();
}

/** Whether a name starts with a verb: "GetUsr" and "getusr" with "get", but not "Getaway". */
function startsWithVerb(name: string, verb: string): boolean {
  const isWhole = /^[A-Z\d]|^$/.test(name.slice(verb.length)) || name === name.toLowerCase();
  return isWhole && name.toLowerCase().startsWith(verb);
}

// Newer than the list: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
const newerKeys = ["aws:SignInSessionArn"];

const keys = [...data.globalKeys, ...newerKeys, ...services.flatMap((service) => data.services[service].keys)];
/** Keys such as `aws:PrincipalTag/${TagKey}`, without the variable part. */
const openKeys = keys.filter((key) => key.includes("/${")).map((key) => key.replace(/\$\{.*$/, ""));
const openLowerKeys = openKeys.map((key) => key.toLowerCase());
const lowerKeys = new Set(keys.map((key) => key.toLowerCase()));

/** Whether a condition key is in fob's list. */
export function isKnownKey(key: string): boolean {
  const lower = key.toLowerCase();
  if (lowerKeys.has(lower)) return true;
  return openLowerKeys.some((open) => lower.startsWith(open) && lower.length > open.length);
}

/** Whether fob knows all keys with this prefix. */
export function isKeyOfKnownService(key: string): boolean {
  const service = key.slice(0, key.indexOf(":")).toLowerCase();
  return service === "aws" || isKnownService(service);
}

/** Guesses the intended condition key for one that AWS does not have. */
export function guessKey(key: string): Guess | undefined {
  const colon = key.indexOf(":");
  const name = key.slice(colon + 1);
  const isOurs = isKeyOfKnownService(key);
  // Common mistakes: aws:MFAPresent, aws:MultiFactorAuthenticationAge.
  if ((isOurs || colon < 0) && /^(mfa|multi-?factor)(auth(enticated|entication)?)?(present|age)?$/i.test(name)) {
    return toSureGuess(/age$/i.test(name) ? "aws:MultiFactorAuthAge" : "aws:MultiFactorAuthPresent");
  }
  if (isOurs) return guessNearestKey(key);
  // Keys without a service, or with one similar to "aws": others may belong to another service.
  if (colon >= 0 && !isNearlyAws(key.slice(0, colon))) return undefined;
  if (isKnownKey(`aws:${name}`)) return toSureGuess(`aws:${name}`);
  const found = colon < 0 ? guessNearestKey(`aws:${name}`) : undefined;
  return found?.isSure ? found : undefined;
}

/** Returns a condition key in lower case, or the likely intended one: another rule reports misspelled keys. */
export function guessConditionKey(key: string): string {
  const meant = isKnownKey(key) ? undefined : guessKey(key);
  return (meant?.isSure ? meant.name : key).toLowerCase();
}

/** Whether a service is a typo of "aws". */
function isNearlyAws(service: string): boolean {
  return findNearest(service, ["aws"]) !== undefined || /^(asw|was|saw|wsa|swa)$/i.test(service);
}

const guessNearestKey = memoize((key) => {
  const open = openKeys.find((prefix) => prefix.toLowerCase() === `${key.toLowerCase().replace(/\/$/, "")}/`);
  if (open !== undefined) return toSureGuess(`${open}TAG`);
  // The part after a slash may be anything.
  const [, before, behind = ""] = /^([^/]*\/)(.*)$/s.exec(key) ?? [];
  if (before === undefined) return guessNearest(key, keys);
  const found = guessNearest(before, openKeys);
  return found && { ...found, name: `${found.name}${behind}` };
});

/** Caches guesses: several rules need them for the same name, and comparing names takes time. */
function memoize(find: (text: string) => Guess | undefined): (text: string) => Guess | undefined {
  const known = new Map<string, Guess | undefined>();
  return (text) => {
    if (!known.has(text)) known.set(text, find(text));
    return known.get(text);
  };
}
