// Checks ARNs: their partitions and fields, whether the actions of a statement apply to them, and users and devices they miss.
import { partitionNames } from "../../aws/partitions.ts";
import { findNearest } from "../../nearest.ts";
import { changesPermissions } from "../dangers.ts";
import type { ParsedDocument } from "../engine/document.ts";
import type { Entry, ParsedStatement } from "../engine/grammar.ts";
import { covers, createDevice, someone } from "../locked-out.ts";
import { findActions, isEverything, type KnownAction } from "./known.ts";
import {
  addBeside,
  addStatements,
  copyStatement,
  type Patch,
  replaceEntries,
  replaceText,
  splitStatement,
} from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import { joinList, quoteText } from "./words.ts";

/** @param wanted the partition to require; without it, all ARNs must have the same one */
export function checkPartitions({ statements }: ParsedDocument, wanted: string | undefined, report: Report): void {
  const arns = statements
    .flatMap((statement) => [
      ...statement.resources.map((entry) => ({ entry, statement })),
      ...statement.conditions.flatMap(({ values }) => values.map((entry) => ({ entry, statement: undefined }))),
    ])
    .flatMap((found) => {
      const [, partition] = /^arn:([^:]*):/.exec(found.entry.text) ?? [];
      return partition === undefined || /[*?$]/.test(partition) ? [] : [{ ...found, partition }];
    });
  const counts = new Map<string, number>();
  for (const { partition } of arns) {
    if (partitionNames.includes(partition)) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  const [[most] = []] = [...counts].sort(([, a], [, b]) => b - a);
  const right = wanted ?? most ?? "aws";
  for (const { entry, statement, partition } of arns) {
    const fix = (name: string): Fix => {
      const text = entry.text.replace(/^arn:[^:]*/, `arn:${name}`);
      return statement === undefined ? [`write ${quoteText(text)}`] : fixResource(statement, entry, text);
    };
    if (!partitionNames.includes(partition)) {
      const message = `AWS has no partition ${quoteText(partition)}, so this ARN matches nothing`;
      report.add("unknown-partition", entry.path, message, ...fix(wanted ?? guessPartition(partition) ?? right));
    } else if (partition !== right) {
      const others = wanted === undefined ? `most ARNs here have ${right}` : `--partition is ${right}`;
      const message = `this ARN has the partition ${partition}, but ${others}: in accounts of ${right} it matches nothing`;
      const [text, patch] = fix(right);
      // Which of the partitions is meant is not certain.
      if (wanted === undefined) report.add("several-partitions", entry.path, message, text);
      else report.add("wrong-partition", entry.path, message, text, patch);
    }
  }
}

const guessPartition = (name: string): string | undefined => findNearest(name, partitionNames);

/** Checks the fields of ARNs. */
export function checkFields(statement: ParsedStatement, report: Report): void {
  for (const entry of statement.resources) {
    const { text, path } = entry;
    const fields = splitFields(text);
    if (fields[0] !== "arn") continue;
    if (checkIamFields(statement, entry, fields, report)) continue;
    const last = fields.at(-1) ?? "";
    if (fields.length >= 6 || (fields.length < 4 ? last.endsWith("*") : last === "*")) continue;
    const whole = text + ":*".repeat(6 - fields.length);
    const message = `${quoteText(text)} has ${fields.length} of six fields: AWS reads it as ${quoteText(whole)}`;
    const isShort = fields.length === 5 && !/^\d*$/.test(last);
    const meant = [...fields.slice(0, 4), fields[2] === "s3" ? "" : "*", fields.slice(4).join(":")].join(":");
    report.add("incomplete-arn", path, message, `write ${quoteText(isShort ? meant : whole)}, if you mean that`);
  }
}

/** @returns whether it reported the ARN */
function checkIamFields(statement: ParsedStatement, entry: Entry, fields: readonly string[], report: Report): boolean {
  const [, partition = "", service = "", region = "", account = ""] = fields;
  if (service !== "iam" || fields.length < 5) return false;
  const { text, path } = entry;
  const isShort = fields.length === 5;
  const resource = isShort ? account : fields.slice(5).join(":");
  const write = (owner: string): string => `arn:${partition}:iam::${owner}:${resource}`;
  const isAccount = /[*?$]/.test(account) || /^(\d{12}|aws)$/.test(account);
  if (isShort ? !/^[*?\d]*$|^aws$/.test(account) : !isAccount) {
    const isAbsent = isShort || account === "";
    const what = isAbsent
      ? "has no account"
      : `has the account ${quoteText(account)}, but account IDs have twelve digits`;
    const digits = account.replaceAll(/[\s-]/g, "");
    const isWritten = !isAbsent && /^\d{12}$/.test(digits);
    // IAM only acts on users and devices of the caller's account, but callers can assume roles of other accounts.
    const isOwnAccount = isAbsent ? /^(user|mfa|group|policy)\//.test(resource) : isOwnUser(resource);
    const fix = (): Fix => {
      if (isWritten) return fixResource(statement, entry, write(digits));
      if (isOwnAccount) return fixResource(statement, entry, write("*"));
      return [`write the twelve digits of the account: ${quoteText(write("ACCOUNT"))}`];
    };
    report.add("wrong-iam-arn", path, `${quoteText(text)} ${what}, so it matches nothing`, ...fix());
    return true;
  }
  if (isShort || /[*?$]|^$/.test(region)) return false;
  const message = `${quoteText(text)} has a region, but ARNs of IAM have none, so it matches nothing`;
  report.add("wrong-iam-arn", path, message, ...fixResource(statement, entry, write(account)));
  return true;
}

/** Whether a resource, without the first five fields of its ARN, is the user's own. */
function isOwnUser(resource: string): boolean {
  return /^user\/([^$]*\/)?\$\{\s*aws:username\s*\}$/i.test(resource);
}

/** Whether a resource matches no user and no role other than the user's own and those that it names. */
export function isNarrow(text: string): boolean {
  const fields = splitFields(text);
  const [arn, , service = "", , account = ""] = fields;
  if (arn !== "arn" || fields.length < 6 || /[*?$]/.test(service)) return false;
  if (service !== "iam" && service !== "sts") return true;
  const resource = fields.slice(5).join(":");
  if (/^mfa\//.test(resource) || isOwnUser(resource)) return true;
  // A role may be in any account.
  return !/[*?$]/.test(resource) && (/^user\//.test(resource) || !/[*?]/.test(account));
}

/** Whether a statement allows more, the more resources it lists. */
export function isWidenedByResources({ effect, resourceElement }: ParsedStatement): boolean {
  return /^deny$/i.test(String(effect)) === (resourceElement === "NotResource");
}

/** Replaces a resource that matches nothing. The patch is missing if it would match other users or roles. */
export function fixResource(statement: ParsedStatement, entry: Entry, text: string): Fix {
  const fix = `write ${quoteText(text)}`;
  if (!isWidenedByResources(statement) || isNarrow(text)) return [fix, replaceText(entry, text)];
  const what = statement.effect === "Allow" ? "allows" : "no longer denies";
  return [`${fix}, but only if you want that: the statement then ${what} its actions on all matching resources`];
}

/** Checks whether the actions of a statement apply to its resources. */
export function checkTypes(statement: ParsedStatement, report: Report): void {
  const { actionElement, actions, resourceElement, resources } = statement;
  if (actionElement !== "Action" || resourceElement !== "Resource" || resources.length === 0) return;
  if (resources.some(({ text }) => text === "*")) return;
  const given = resources.map(({ text }) => splitArn(text));
  const own = findOwn(statement);
  for (const entry of actions) {
    const { text, path } = entry;
    // It includes actions of services that fob does not know.
    if (isEverything(text)) continue;
    const named = findActions(text);
    if (named.length === 0 || named.some((action) => isAboutOne(action, given) || isAskedOn(action, resources)))
      continue;
    const arns = [...new Set(named.flatMap((action) => action.resources))];
    if (arns.length > 0) {
      const here = resources.length === 1 ? quoteText(resources[0]?.text ?? "") : "the resources here";
      const types = joinList(arns.map(formatType));
      const message = `${quoteText(text)} applies to ${types}, not to ${here}: the statement has no effect on it`;
      report.add("wrong-resource", path, message, ...fixType(statement, entry, named, own, report));
    } else {
      const message = `AWS lists no resource type for ${quoteText(text)}: it may never match the resources here`;
      const move = 'move it to a statement with "Resource": "*"';
      // Users need these to manage their own devices and password; the others act on the account or list all of it.
      const isHarmless = named.every(({ name }) => /^iam:(List|GetAccount(PasswordPolicy|Summary)$)/.test(name));
      const fix: Fix =
        isHarmless || statement.effect !== "Allow"
          ? [move, splitStatement(report.root, statement, [entry], { Resource: "*" })]
          : [`remove it; or, to allow it for the whole account, ${move}`];
      report.add("needs-all-resources", path, message, ...fix);
    }
  }
}

/** AWS names these resources when it denies actions that list users and devices. */
function isAskedOn({ name }: KnownAction, resources: readonly Entry[]): boolean {
  const resource = name === "iam:ListUsers" ? "user/" : name === "iam:ListVirtualMFADevices" ? "mfa/" : undefined;
  return resource !== undefined && resources.some((entry) => covers(entry, resource));
}

type Own = "any device" | "device" | "user";

/**
 * Returns, for actions on users or devices, resources no wider than those of a statement: with the same account, and for
 * the same user. Returns none if the statement has other resources than users and devices.
 */
function findOwn({ effect, resources }: ParsedStatement): (kind: Own) => readonly string[] {
  const found = new Map<Own, readonly string[]>();
  return (kind) => {
    let texts = found.get(kind);
    if (texts === undefined) {
      const own = resources.map(({ text }) => listOwn(text, kind, effect !== "Deny"));
      texts = own.some(({ length }) => length === 0) ? [] : [...new Set(own.flat())];
      found.set(kind, texts);
    }
    return texts;
  };
}

function listOwn(text: string, kind: Own, isAllow: boolean): readonly string[] {
  const fields = splitFields(text);
  const [, partition = "aws", service = "", , account = ""] = fields;
  const [, name] = /^(?:user|mfa)\/(.*)$/s.exec(fields.slice(5).join(":")) ?? [];
  if (service !== "iam" || name === undefined) return [];
  const start = `arn:${partition}:iam::${account}:`;
  if (kind === "any device") return [`${start}mfa/*`];
  // A Deny may keep its wildcards.
  const isKept = isAllow ? !/[*?$]/.test(name) : !name.includes("$");
  const type = kind === "device" ? "mfa" : "user";
  if (isKept) return [`${start}${type}/${name}`];
  const own = `${start}${type}/\${aws:username}`;
  return kind === "device" ? [own] : [own, `${start}user/*/\${aws:username}`];
}

/** Says where to move an action that does not apply to the resources of its statement. */
function fixType(
  statement: ParsedStatement,
  entry: Entry,
  named: readonly KnownAction[],
  own: (kind: Own) => readonly string[],
  report: Report,
): Fix {
  const arns = [...new Set(named.flatMap((action) => action.resources))];
  const areAll = (types: RegExp): boolean => arns.every((arn) => types.test(formatType(arn)));
  const isAboutUsers = areAll(/^user\//);
  if (statement.effect !== "Deny" && isAboutUsers && named.some(({ name }) => changesPermissions(name))) {
    return ["remove it: with the right resource, users could change their own permissions"];
  }
  // A device may have any name, and AWS enables it for one user only.
  const isNew = named.every(({ name }) => name === createDevice);
  const kind = isNew ? "any device" : isAboutUsers ? "user" : areAll(/^(sms-)?mfa\//) ? "device" : undefined;
  const texts = kind === undefined ? [] : own(kind);
  if (texts.length === 0) {
    const [, partition = "aws", , , account = ""] = splitFields(statement.resources[0]?.text ?? "");
    const examples = arns.map((arn) => {
      const ofPartition = arn.replace(/^arn:[^:]*/, `arn:${partition === "*" ? "aws" : partition}`);
      const ofAccount = ofPartition.replace(/\$\{Account\}/, /^\d{12}$/.test(account) ? account : "ACCOUNT");
      return quoteText(ofAccount.replaceAll(varying, "NAME"));
    });
    return [`move it to a statement that names what it is for: ${joinList(examples)}`];
  }
  const fix = `move it to a statement with the resource${texts.length === 1 ? "" : "s"} ${joinList(texts.map(quoteText))}`;
  const Resource = texts.length === 1 ? texts[0] : texts;
  return [fix, splitStatement(report.root, statement, [entry], { Resource })];
}

const varying = /\$\{[^{}]*\}/g;
/** The fields of an ARN as they are written: a colon in a variable is not a separator. */
const splitFields = (arn: string): string[] =>
  arn
    .replaceAll(varying, (variable) => variable.replaceAll(":", "\0"))
    .split(":")
    .map((field) => field.replaceAll("\0", ":"));
const formatType = (arn: string): string => arn.split(":").slice(5).join(":").replaceAll(varying, "*");

/** The service of an ARN, and its resource up to the first wildcard. */
interface Parts {
  readonly service: string;
  readonly resource: string;
}

function splitArn(arn: string): Parts {
  // A colon in a variable is not a separator.
  const parts = arn.replaceAll(varying, "*").split(":");
  const upToWildcard = (text: string): string => /^[^*?]*/.exec(text)?.[0] ?? "";
  // AWS completes an ARN with too few fields with wildcards.
  return { service: parts[2] ?? "*", resource: upToWildcard(parts.length < 6 ? "*" : parts.slice(5).join(":")) };
}

function isAboutOne({ resources }: KnownAction, given: readonly Parts[]): boolean {
  return resources
    .map(splitArn)
    .some(({ service, resource }) =>
      given.some(
        (other) =>
          (/[*?]/.test(other.service) || other.service === service) &&
          (resource.startsWith(other.resource) || other.resource.startsWith(resource)),
      ),
    );
}

/**
 * Checks patterns with the user's name. A user may have a path, and `${aws:username}` is the name without it; a device may
 * have any name: "You can specify any name for the virtual MFA device",
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
 */
export function checkOwnResources(statement: ParsedStatement, { statements }: ParsedDocument, report: Report): void {
  const { resourceElement, resources } = statement;
  if (resourceElement !== "Resource") return;
  const own = resources.filter(({ text }) => /\$\{\s*aws:username\s*\}/i.test(text));
  if (own.length === 0) return;
  const [hasPaths, hasNone] = [`user/team/${someone}`, `user/${someone}`].map((resource) =>
    resources.some((entry) => covers(entry, resource)),
  );
  const mayCreate =
    canCreateDevice(statement) &&
    own.some(({ text }) => text.includes(":mfa/")) &&
    !statements.some(
      (other) =>
        other.effect === statement.effect &&
        other.resourceElement === "Resource" &&
        canCreateDevice(other) &&
        other.resources.some((entry) => covers(entry, "mfa/phone")),
    );
  for (const entry of own) {
    // What follows the variable would match other users' names.
    const addInstead = (end: string): [string, Patch] => {
      const more = entry.text.replace(/:user\/.*$/s, `:user/${end}\${aws:username}`);
      return [`also add ${quoteText(more)}`, addBeside(entry, [more])];
    };
    if (covers(entry, `user/${someone}`) && !hasPaths) {
      const message = `${quoteText(entry.text)} misses users with a path: it does not match user/team/alice`;
      report.add("misses-user-paths", entry.path, message, ...addInstead("*/"));
    }
    if (covers(entry, `user/team/${someone}`) && !hasNone) {
      const message = `${quoteText(entry.text)} misses users without a path: it does not match user/alice`;
      report.add("misses-user-paths", entry.path, message, ...addInstead(""));
    }
    // The fix does not help if the ARN has another problem, too.
    if (/:mfa\//.test(entry.text) && mayCreate && covers({ ...entry, text: withAnyName(entry.text) }, "mfa/phone")) {
      const message = `${quoteText(entry.text)} matches only devices with the user's name, but AWS lets users give a device any name`;
      report.add("misses-named-devices", entry.path, message, ...fixDevices(statement, entry, report));
    }
  }
}

const withAnyName = (arn: string): string => arn.replace(/:mfa\/.*$/s, ":mfa/*");

function canCreateDevice({ actionElement, actions }: ParsedStatement): boolean {
  return (
    actions.some(({ text }) => findActions(text).some(({ name }) => name === createDevice)) ===
    (actionElement === "Action")
  );
}

/** Lets users create devices with any name. Other actions stay limited to the device with the user's name. */
function fixDevices(statement: ParsedStatement, entry: Entry, report: Report): Fix {
  const { effect, actions, resources } = statement;
  const more = withAnyName(entry.text);
  const why = "AWS enables a device for one user only";
  // The others act on users, not on devices.
  const isOther = ({ name, resources: types }: KnownAction): boolean =>
    name !== createDevice && types.some((arn) => formatType(arn) === "mfa/*");
  const hasOthers = statement.actionElement !== "Action" || actions.some(({ text }) => findActions(text).some(isOther));
  if (effect !== "Allow" || !hasOthers) {
    return [`write ${quoteText(more)}: ${why}`, replaceEntries(resources, [entry], [more])];
  }
  const create = actions.filter(({ text }) => text.toLowerCase() === createDevice.toLowerCase());
  const copy = copyStatement(report.root, statement, "NotAction");
  return [
    `allow "${createDevice}" in a statement of its own on ${quoteText(more)}: ${why}; do not allow the other actions on it`,
    create.length > 0
      ? splitStatement(report.root, statement, create, { Resource: more })
      : addStatements(report.root, [{ ...copy, Action: createDevice, Resource: more }]),
  ];
}
