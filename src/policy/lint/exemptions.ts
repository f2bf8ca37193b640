// Checks the exemptions from a Deny without MFA: those that are missing, and those that do not belong there.

import { hasAction, type RequestSet } from "../coverage.ts";
import { listDangers } from "../dangers.ts";
import { enrollmentExemptions, passwordExemptions } from "../enforcement.ts";
import type { Entry, ParsedStatement } from "../engine/grammar.ts";
import { matches, parsePattern } from "../engine/wildcard.ts";
import { createDevice, enableDevice, listDevices } from "../locked-out.ts";
import { isNeeded, isTolerated, tolerable } from "../tolerated.ts";
import { findActions, guessSureAction, type KnownAction } from "./known.ts";
import { addToList, replaceEntries } from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import type { RuleId } from "./rules.ts";
import { isHarmless } from "./whole.ts";
import { joinList, quoteText } from "./words.ts";

const exemptions = [...enrollmentExemptions, ...passwordExemptions];

/** Whether an action is in a list, by name or by pattern. Misspelled names count as the likely intended ones: another rule reports them. */
export function isAmong(action: string, entries: readonly Entry[]): boolean {
  const lower = action.toLowerCase();
  return entries.some(
    ({ text }) =>
      matches(parsePattern(text.toLowerCase()), lower) ||
      (findActions(text).length === 0 && guessSureAction(text) === action),
  );
}

/** Lists what a Deny should exempt, but what users can enroll without. */
export function listUseful(needed: readonly string[]): readonly string[] {
  return exemptions.map(({ action }) => action).filter((action) => !needed.includes(action));
}

/** Lists the actions of a list that enroll a device. Those that list devices do not count: all kinds of policies have them. */
export function findEnrolling(entries: readonly Entry[]): string[] {
  return ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"].filter((action) => isAmong(action, entries));
}

/** Whether a statement covers an action, on some resources at least. */
export function coversAction({ actionElement, actions }: ParsedStatement, action: string): boolean {
  return isAmong(action, actions) === (actionElement === "Action");
}

/** Whether users need all actions of a list to set up MFA. */
export function isListOfNeeded(entries: readonly Entry[]): boolean {
  const names = new Set<string | undefined>(exemptions.map(({ action }) => action));
  return entries.every(({ text }) => {
    const named = findActions(text);
    return named.length > 0 ? named.every(({ name }) => names.has(name)) : names.has(guessSureAction(text));
  });
}

/**
 * Checks what a Deny without MFA should exempt, but denies.
 *
 * @param denied what it denies everyone
 * @param needed what enrolling calls; the rest is useful only
 * @param isPasswordLeftOut whether the policy allows changing passwords only with MFA
 */
export function checkMissing(
  { actions, path }: ParsedStatement,
  denied: readonly string[],
  needed: readonly string[],
  isPasswordLeftOut: boolean,
  report: Report,
): void {
  const at = [...path, "NotAction"];
  const isMissing = (action: string): boolean => denied.includes(action);
  const isOnlyPasskeys = isMissing(createDevice) && !isMissing(enableDevice);
  if (isOnlyPasskeys) {
    const message = `${createDevice} is not exempt, so users can only enroll passkeys and hardware tokens`;
    const names = [createDevice, listDevices].filter(isMissing).map(quoteText).join(" and ");
    report.add("only-passkeys", at, message, `add ${names}, unless users should not have authenticator apps`);
  }
  for (const { action, otherwise } of enrollmentExemptions.filter((each) => isMissing(each.action))) {
    if (isOnlyPasskeys && (action === createDevice || action === listDevices)) continue;
    const rule = needed.includes(action) ? "missing-exemption" : (rulesOfOthers[action] ?? "missing-useful-exemption");
    report.add(
      rule,
      at,
      `${action} is not exempt: ${otherwise}`,
      `add ${quoteText(action)}`,
      addToList(actions, [action]),
    );
  }
  const missing = passwordExemptions.filter(({ action }) => isMissing(action));
  const password = missing.filter(({ action }) => rulesOfOthers[action] === "missing-password-exemption");
  const [first] = password;
  if (first !== undefined) {
    const names = password.map(({ action }) => quoteText(action)).join(" and ");
    const before = "have users change their password before the policy applies to them";
    const fix = isPasswordLeftOut ? before : `${before}, or add ${names}`;
    report.add("missing-password-exemption", at, `${first.action} is not exempt: ${first.otherwise}`, fix);
  }
  for (const { action, otherwise } of missing.filter((each) => !password.includes(each))) {
    const patch = addToList(actions, [action]);
    const message = `${action} is not exempt: ${otherwise}`;
    report.add("missing-details-exemption", at, message, `add ${quoteText(action)}`, patch);
  }
}

/** The rules for actions that users can set up MFA without. */
const rulesOfOthers: Readonly<Record<string, RuleId>> = {
  "iam:ChangePassword": "missing-password-exemption",
  "iam:GetAccountPasswordPolicy": "missing-password-exemption",
  "sts:GetSessionToken": "missing-session-exemption",
};

/** Exemptions that are not even worth a note. */
const harmless = new Set(["iam:ListUsers", "iam:GetLoginProfile", "iam:TagMFADevice"]);

/**
 * Checks the exemptions from a Deny without MFA.
 *
 * @param findOpen finds what no other statement denies of the requests that an exemption leaves out
 */
export function checkExempt(
  entries: readonly Entry[],
  findOpen: (entry: Entry) => readonly RequestSet[],
  report: Report,
): void {
  const isWhole = ({ text }: Entry): boolean => text.startsWith("*");
  const covering = new Map(
    exemptions.map(({ action }) => [action, entries.filter((entry) => !isWhole(entry) && isAmong(action, [entry]))]),
  );
  for (const entry of entries) {
    const { text, path } = entry;
    const open = findOpen(entry);
    if (open.length === 0) continue;
    const named = findActions(text).filter(({ lowerName }) => open.some((set) => hasAction(set, lowerName)));
    const found = listDangers(text).filter(
      ({ name }) => named.some((each) => each.name === name) && !isTolerated(name),
    );
    const isPattern = /[*?]/.test(text);
    const [first] = found;
    if (first !== undefined) {
      const message = isPattern
        ? `${quoteText(text)} exempts ${joinList(found.map(({ name }) => name))}; ${first.name} ${first.danger}`
        : `${quoteText(text)} works without MFA: it ${first.danger}`;
      report.add("dangerous-exemption", path, message, ...fixExemption(entry, entries, covering));
      continue;
    }
    const beyond = named.filter(({ name }) => !isNeeded(name) && !isTolerated(name));
    if (isHarmless(open)) checkTolerated(entry, named, report);
    else if (isPattern) {
      // fob does not know all services.
      const what = beyond.length === 0 ? "" : `, including ${joinList(beyond.map(({ name }) => name))}`;
      const message = `everything that matches ${quoteText(text)} works without MFA${what}`;
      report.add("wildcard-exemption", path, message, ...fixExemption(entry, entries, covering));
    } else {
      const message = `${quoteText(text)} works without MFA, and users do not need it to set up MFA`;
      report.add("extra-exemption", path, message, "remove it, unless you know who needs it");
    }
  }
}

function checkTolerated({ text, path }: Entry, named: readonly KnownAction[], report: Report): void {
  const tolerated = named.filter(({ name }) => isTolerated(name) && !harmless.has(name));
  if (tolerated.length === 0) return;
  const message = tolerated.some(({ name }) => name === tolerable)
    ? `${tolerable} works without MFA: AWS advises against it, but it deletes only devices that are not enabled`
    : `${quoteText(text)} works without MFA, and users do not need it to set up MFA, but it changes nothing`;
  report.add("tolerated-exemption", path, message, "remove it, unless you know who needs it");
}

/**
 * Removes an exemption, but keeps what it exempts and users need.
 *
 * @param covering the entries of the list that exempt each action that users need
 */
function fixExemption(entry: Entry, entries: readonly Entry[], covering: ReadonlyMap<string, readonly Entry[]>): Fix {
  const needed = [...covering]
    .filter(([action, all]) => isAmong(action, [entry]) && !all.some((other) => other !== entry))
    .map(([action]) => action);
  const patch = replaceEntries(entries, [entry], needed);
  const remove = `remove ${quoteText(entry.text)}`;
  return [
    needed.length === 0 ? remove : `${remove}, and name the actions that users need: ${needed.join(", ")}`,
    patch,
  ];
}
