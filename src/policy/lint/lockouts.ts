// Finds out whether a Deny keeps users from setting up MFA: all of them, or those that it names or leaves out.
import { listExemptions } from "../enforcement.ts";
import type { ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import {
  covers,
  coversAnyOne,
  createDevice,
  findLockedOut,
  type LockedOut,
  listDevices,
  someone,
} from "../locked-out.ts";
import { isAmong, isListOfNeeded } from "./exemptions.ts";
import { isEverything } from "./known.ts";
import { addBeside, addToList, changeStatement, renameKey, replaceEntries } from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import { joinList, quoteText } from "./words.ts";

// Whether to exempt the password is a decision of its own.
const exempt = listExemptions({ passwordChange: false }).map(({ action }) => action);
export const notAction = `write "NotAction": [${exempt.map(quoteText).join(", ")}]`;

/** What a statement denies of what users need to enroll, and to whom. */
export interface DeniedNeed {
  readonly action: string;
  readonly whom: LockedOut;
}

/** @param needed the actions that enrolling calls */
export function listDeniedNeeds(statement: ParsedStatement, needed: readonly string[]): readonly DeniedNeed[] {
  const needs = needed.flatMap((action) => {
    if (isAmong(action, statement.actions) !== (statement.actionElement === "Action")) return [];
    const whom = findLockedOut(statement, action);
    return whom === undefined ? [] : { action, whom };
  });
  // Those who cannot create virtual devices need no list of them.
  const isForSome = needs.some(({ action, whom }) => action === createDevice && whom === "others");
  return isForSome ? needs.filter(({ action }) => action !== listDevices) : needs;
}

const listOf = (needs: readonly DeniedNeed[], whom: LockedOut): readonly string[] =>
  needs.filter((need) => need.whom === whom).map(({ action }) => action);

/** Checks what a Deny without MFA covers of what all users need to set it up. */
export function checkLockout(statement: ParsedStatement, needs: readonly DeniedNeed[], report: Report): void {
  const all = listOf(needs, "all");
  if (all.length > 0 && isOnlyVirtual(all)) {
    const message = `this denies ${joinList(all)} without MFA, so users can only enroll passkeys and hardware tokens`;
    const [fix] = leaveOut(statement, all);
    const at = [...statement.path, "Action"];
    report.add("only-passkeys", at, message, `${fix}, unless users should not have authenticator apps`);
  } else if (all.length > 0) checkDenied(statement, all, report);
}

/** Whether only authenticator apps cannot be enrolled. */
const isOnlyVirtual = (denied: readonly string[]): boolean =>
  denied.includes(createDevice) && denied.every((action) => action === createDevice || action === listDevices);

/** Checks whether a Deny without MFA keeps users whom it names from setting it up, or all others. */
export function checkNamed(statement: ParsedStatement, needs: readonly DeniedNeed[], report: Report): void {
  const { resources, path } = statement;
  const at = [...path, statement.actionElement ?? "Action"];
  const named = listOf(needs, "named");
  const namedEntries = resources.filter((entry) => /:(user|mfa)\//.test(entry.text) && !coversAnyOne(entry));
  const names = joinList(namedEntries.map(({ text }) => quoteText(text)));
  if (named.length > 0) {
    const message = `this denies ${joinList(named)} without MFA for ${names}: these users cannot set up MFA and stay locked out`;
    report.add("named-users", at, message, ...letEnroll(statement, named));
  }
  const others = listOf(needs, "others");
  if (others.length > 0) {
    const [, partition = "aws", account = "*"] =
      namedEntries[0]?.text.match(/^arn:(aws[\w-]*):iam::(\d{12}|\*):/) ?? [];
    const own = ["mfa/*", `user/\${aws:username}`, `user/*/\${aws:username}`].map(
      (resource) => `arn:${partition}:iam::${account}:${resource}`,
    );
    const right = own.filter((text) => !resources.some((entry) => entry.text === text));
    const wrong = namedEntries.filter(({ text }) => !own.includes(text));
    const [rule, then] = isOnlyVirtual(others)
      ? (["only-passkeys", "others can only enroll passkeys and hardware tokens"] as const)
      : (["named-users", "all others cannot set up MFA and stay locked out"] as const);
    const message = `this denies ${joinList(others)} without MFA for all users and devices except ${names}: ${then}`;
    const fix: Fix =
      wrong.length === 0
        ? [`also add ${joinList(right.map(quoteText))}`, addToList(resources, right)]
        : [
            `write ${joinList(right.map(quoteText))} instead of ${joinList(wrong.map(({ text }) => quoteText(text)))}`,
            replaceEntries(resources, wrong, right),
          ];
    report.add(rule, [...path, "NotResource"], message, ...fix);
  }
  checkLeftOut(statement, listOf(needs, "paths"), listOf(needs, "otherNames"), report);
}

/** Checks a Deny that does not test MFA, and denies what users without a device need. */
export function checkEnrollmentDenied(statement: ParsedStatement, needs: readonly DeniedNeed[], report: Report): void {
  const { path, actionElement = "Action", conditions, resources } = statement;
  const of = (whom: LockedOut): readonly string[] => listOf(needs, whom);
  const [all, named, others] = [of("all"), of("named"), of("others")];
  const at = [...path, actionElement];
  const who = describeConditions(conditions);
  if (all.length > 0 && isOnlyVirtual(all)) {
    const message = `this denies ${joinList(all)}${who}, so users can only enroll passkeys and hardware tokens`;
    report.add(
      "only-passkeys",
      at,
      message,
      `${letEnroll(statement, all)[0]}, unless users should not have authenticator apps`,
    );
  } else if (all.length > 0) {
    const message = `this denies ${joinList(all)}${who}, with or without MFA: users without a device cannot enroll one`;
    report.add("enrollment-denied", at, message, ...letEnroll(statement, all));
  }
  checkLeftOut(statement, of("paths"), of("otherNames"), report);
  const some = [...named, ...others];
  if (some.length === 0) return;
  const names = resources.filter((entry) => !coversAnyOne(entry)).map(({ text }) => quoteText(text));
  const whom = named.length > 0 ? joinList(names) : `all users and devices except ${joinList(names)}`;
  const denies = `this denies ${joinList(some)}${who} for ${whom}`;
  const [fix, patch] = letEnroll(statement, some);
  if (isOnlyVirtual(some)) {
    const message = `${denies}: these users can only enroll passkeys and hardware tokens`;
    report.add("only-passkeys", at, message, `${fix}, unless they should not have authenticator apps`);
  } else {
    const message = `${denies}: these users cannot enroll a device while the policy applies to them`;
    report.add("enrollment-denied", at, message, fix, patch);
  }
}

/** Says how a Deny leaves out what users need to enroll. */
function letEnroll(statement: ParsedStatement, denied: readonly string[]): Fix {
  const { actionElement, actions } = statement;
  if (actionElement === "NotAction") return [`add ${joinList(denied.map(quoteText), 9)}`, addToList(actions, denied)];
  return leaveOut(statement, denied);
}

function describeConditions(conditions: readonly ParsedCondition[]): string {
  const keys = [...new Set(conditions.map(({ key }) => quoteText(key)))];
  return keys.length === 0 ? "" : ` to requests that meet the condition on ${joinList(keys)}`;
}

/** Checks whether a Deny leaves out users with a path, and devices with any name. */
function checkLeftOut(
  { resources }: ParsedStatement,
  withPath: readonly string[],
  withName: readonly string[],
  report: Report,
): void {
  const [user, device] = [`user/${someone}`, `mfa/${someone}`].map((own) =>
    resources.find((entry) => entry.text !== "*" && covers(entry, own)),
  );
  if (user !== undefined && withPath.length > 0) {
    const message = `${quoteText(user.text)} misses users with a path: for user/team/alice, this denies ${joinList(withPath)} without MFA`;
    const more = user.text.replace(/:user\/.*$/s, `:user/*/\${aws:username}`);
    report.add("misses-user-paths", user.path, message, `also add ${quoteText(more)}`, addBeside(user, [more]));
  }
  if (device !== undefined && withName.length > 0) {
    const message = `${quoteText(device.text)} matches only devices with the user's name: for any other name, this denies ${joinList(withName)} without MFA`;
    const more = device.text.replace(/:mfa\/.*$/s, ":mfa/*");
    const fix = `write ${quoteText(more)}: AWS enables a device for one user only`;
    report.add("misses-named-devices", device.path, message, fix, replaceEntries(resources, [device], [more]));
  }
}

export function isEverywhere({ resourceElement, resources }: ParsedStatement): boolean {
  return resourceElement === "Resource" && resources.some(({ text }) => /^\*+$/.test(text));
}

/** Reports a Deny that covers actions that all users need. */
function checkDenied(statement: ParsedStatement, needed: readonly string[], report: Report): void {
  const { actions, path, resourceElement } = statement;
  const at = [...path, "Action"];
  const add = (message: string, ...fix: Fix): void => report.add("action-instead-of-notaction", at, message, ...fix);
  if (needed.length > 1 && resourceElement === "Resource" && isListOfNeeded(actions)) {
    const message = "this denies only what users need to set up MFA, and nothing else";
    add(message, 'write "NotAction"', renameKey(at, "NotAction"));
    return;
  }
  const message = `this also denies ${joinList(needed)}: users without MFA cannot set it up and stay locked out`;
  // A Deny of all actions on all resources would lock users out.
  const whole = isEverywhere(statement) ? notAction : `${notAction} and "Resource": "*"`;
  if (actions.some(({ text }) => isEverything(text))) {
    add(message, whole, changeStatement(statement, everythingElse(statement)));
  } else if (actions.some(({ text }) => /^iam:\*+$/i.test(text))) {
    // "NotAction" would require MFA for all other services, too.
    const fix = `to require MFA for IAM only, replace "iam:*" with the actions or patterns that need it, such as "iam:Put*"; to require it for everything, ${whole}`;
    add(message, fix);
  } else add(message, ...leaveOut(statement, needed));
}

/** Removes actions from a list, misspelled ones too. */
function leaveOut({ actions }: ParsedStatement, names: readonly string[]): Fix {
  const old = actions.filter((entry) => names.some((name) => isAmong(name, [entry])));
  if (old.some(({ text }) => /[*?]/.test(text))) {
    return [`remove ${joinList(names.map(quoteText))}; replace the pattern with action names`];
  }
  const fix = `remove ${joinList(old.map(({ text }) => quoteText(text)))}`;
  if (old.length === actions.length) return [`${fix}, which is the whole statement`];
  return [fix, replaceEntries(actions, old, [])];
}

/** The elements of a statement about everything but what users need. */
export function everythingElse({ actionElement, resourceElement }: ParsedStatement): Readonly<Record<string, unknown>> {
  return {
    ...(actionElement === "Action" ? { Action: null, NotAction: exempt } : {}),
    ...(resourceElement === "NotResource" ? { NotResource: null } : {}),
    Resource: "*",
  };
}
