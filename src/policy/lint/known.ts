// What AWS has: actions, types of resources and condition keys, as far as fob has them (iam, sts, signin, and the global
// keys). `npm run update-iam-actions` brings the list up to date.
import { difference, nearest } from "../../nearest.ts";
import { matches, parsePattern } from "../engine/wildcard.ts";
import data from "./iam-actions.json";

export interface KnownAction {
  /** As AWS spells it: `iam:GetUser`. */
  readonly name: string;
  readonly lowerName: string;
  /** It changes nothing. */
  readonly isRead: boolean;
  /** ARNs of the resources that it may be about, with `${…}` for what varies; none where it is about all of them. */
  readonly resources: readonly string[];
}

/** Of when the list is. */
export const updated = data.from.updated;

type Service = keyof typeof data.services;
const services = Object.keys(data.services) as readonly Service[];

const actions = new Map(services.map((service) => [service as string, actionsOf(service)]));

function actionsOf(service: Service): readonly KnownAction[] {
  const { actions: types, reads, resourceTypes } = data.services[service];
  const arns: Readonly<Record<string, string>> = resourceTypes;
  return Object.entries(types as Readonly<Record<string, readonly string[]>>).map(([action, names]) => ({
    name: `${service}:${action}`,
    lowerName: `${service}:${action}`.toLowerCase(),
    isRead: reads.includes(action),
    resources: names.flatMap((name) => arns[name] ?? []),
  }));
}

/** An action or a pattern, taken apart. */
export function partsOf(text: string): { readonly service: string; readonly action: string } | undefined {
  const [, service, action] = /^([\w-]+):([\w*?-]+)$/.exec(text) ?? [];
  return service === undefined || action === undefined ? undefined : { service: service.toLowerCase(), action };
}

/** `*`, or `*:*`. */
export function isEverything(text: string): boolean {
  return /^\*+(:\*+)?$/.test(text);
}

const matching = new Map<string, readonly KnownAction[]>();

/** The known actions that an action or a pattern of a policy names: none where fob does not know the service. */
export function actionsNamed(text: string): readonly KnownAction[] {
  let found = matching.get(text);
  if (found === undefined) {
    found = findActions(text.toLowerCase());
    matching.set(text, found);
  }
  return found;
}

function findActions(text: string): readonly KnownAction[] {
  if (isEverything(text)) return [...actions.values()].flat();
  const parts = partsOf(text);
  const all = actions.get(parts?.service ?? "") ?? [];
  const pattern = parsePattern(text);
  return all.filter(({ lowerName }) => matches(pattern, lowerName));
}

export function isKnownService(service: string): boolean {
  return actions.has(service);
}

/** What was probably meant by a name that AWS does not have. */
export interface Meant {
  readonly name: string;
  /** So near that there is hardly a newer name that fob's list lacks. */
  readonly isSure: boolean;
}

function near(name: string, names: readonly string[]): Meant | undefined {
  const found = nearest(name, names);
  return found === undefined ? undefined : { name: found, isSure: difference(name, found) <= 2 };
}

const sure = (name: string | undefined): Meant | undefined => (name === undefined ? undefined : { name, isSure: true });

/** What was probably meant by an action of a known service, or of one that is nearly called so. */
export function actionMeant(text: string): Meant | undefined {
  const { service, action } = partsOf(text) ?? { service: "", action: "" };
  if (actions.has(service)) return nearestAction(text);
  // There are other services whose names are as near, but none with actions of the same names.
  const meant = serviceMeant(service)?.name;
  return meant === undefined || /[*?]/.test(action) ? undefined : sure(actionsNamed(`${meant}:${action}`)[0]?.name);
}

/** The action that was meant, where there is hardly a doubt. */
export function actionSurelyMeant(text: string): string | undefined {
  const meant = actionMeant(text);
  return meant?.isSure ? meant.name : undefined;
}

const serviceMeant = remembering((service) => near(service, services));
const nearestAction = remembering((text) => {
  const { service, action } = partsOf(text) ?? { service: "", action: "" };
  const elsewhere = services.flatMap((other) => actionsNamed(`${other}:${action}`));
  if (elsewhere.length === 1) return sure(elsewhere[0]?.name);
  return near(
    text,
    (actions.get(service) ?? []).map(({ name }) => name),
  );
});

// Newer than the list: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
const newerKeys = ["aws:SignInSessionArn"];

const keys = [...data.globalKeys, ...newerKeys, ...services.flatMap((service) => data.services[service].keys)];
/** `aws:PrincipalTag/${TagKey}`, without what varies. */
const openKeys = keys.filter((key) => key.includes("/${")).map((key) => key.replace(/\$\{.*$/, ""));
const openLowerKeys = openKeys.map((key) => key.toLowerCase());
const lowerKeys = new Set(keys.map((key) => key.toLowerCase()));

/** Whether a condition key is one that AWS has, or one of a service that fob does not know. */
export function isKnownKey(key: string): boolean {
  const lower = key.toLowerCase();
  if (lowerKeys.has(lower)) return true;
  return openLowerKeys.some((open) => lower.startsWith(open) && lower.length > open.length);
}

/** Whether a key is of a kind of which fob knows all. */
export function isKeyOfKnownService(key: string): boolean {
  const service = key.slice(0, key.indexOf(":")).toLowerCase();
  return service === "aws" || isKnownService(service);
}

/** What was probably meant by a condition key that AWS does not have. */
export function keyMeant(key: string): Meant | undefined {
  const colon = key.indexOf(":");
  const name = key.slice(colon + 1);
  const isOurs = isKeyOfKnownService(key);
  // What people call it: aws:MFAPresent, aws:MultiFactorAuthenticationAge.
  if ((isOurs || colon < 0) && /^(mfa|multi-?factor)(auth(enticated|entication)?)?(present|age)?$/i.test(name)) {
    return sure(/age$/i.test(name) ? "aws:MultiFactorAuthAge" : "aws:MultiFactorAuthPresent");
  }
  if (isOurs) return nearestKey(key);
  // Keys without a service, or with one that is nearly "aws": others are somebody else's.
  if (colon >= 0 && !isNearlyAws(key.slice(0, colon))) return undefined;
  if (isKnownKey(`aws:${name}`)) return sure(`aws:${name}`);
  const found = colon < 0 ? nearestKey(`aws:${name}`) : undefined;
  return found?.isSure ? found : undefined;
}

/** Near, or with its letters exchanged. */
function isNearlyAws(service: string): boolean {
  return nearest(service, ["aws"]) !== undefined || /^(asw|was|saw|wsa|swa)$/i.test(service);
}

const nearestKey = remembering((key) => {
  const open = openKeys.find((prefix) => prefix.toLowerCase() === `${key.toLowerCase().replace(/\/$/, "")}/`);
  if (open !== undefined) return sure(`${open}TAG`);
  // What stands behind a slash may be anything.
  const [, before, behind = ""] = /^([^/]*\/)(.*)$/s.exec(key) ?? [];
  if (before === undefined) return near(key, keys);
  const found = near(before, openKeys);
  return found && { ...found, name: `${found.name}${behind}` };
});

/** So that a thousand times the same mistake is looked up once. */
function remembering(find: (text: string) => Meant | undefined): (text: string) => Meant | undefined {
  const known = new Map<string, Meant | undefined>();
  return (text) => {
    if (!known.has(text)) known.set(text, find(text));
    return known.get(text);
  };
}
