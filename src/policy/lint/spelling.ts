// Finds unknown names: actions, condition keys and policy variables.

import { changesPermissions, findDanger } from "../dangers.ts";
import type { Entry, ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { isNeeded, isTolerated } from "../tolerated.ts";
import {
  findActions,
  guessAction,
  guessKey,
  isKeyOfKnownService,
  isKnownKey,
  isKnownService,
  splitAction,
  updated,
} from "./known.ts";
import { lookUpAction, otherUpdated } from "./other-services.ts";
import { renameKey, replaceEntries, replaceText } from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import { fixResource, isNarrow } from "./resources.ts";
import { checkTemplates } from "./templates.ts";
import { quoteText } from "./words.ts";

export function checkSpelling(statement: ParsedStatement, report: Report): void {
  for (const entry of statement.actions) checkAction(entry, statement, report);
  for (const condition of statement.conditions) checkKey(condition, statement, report);
  const check = (entry: Entry, hasVariables: boolean, fix: (right: string) => Fix): void => {
    checkTemplates(entry, fix, report);
    if (hasVariables) checkVariables(entry, fix, report);
  };
  for (const entry of statement.actions) checkTemplates(entry, (right) => [`write ${quoteText(right)}`], report);
  for (const entry of statement.resources) check(entry, true, (right) => fixResource(statement, entry, right));
  for (const { values, operator } of statement.conditions) {
    const hasVariables = operator?.kindOf.variables ?? false;
    for (const entry of values) check(entry, hasVariables, (right) => [`write ${quoteText(right)}`]);
  }
}

/** Whether an Allow can only be about the user's own user and about those that it names. */
function isNarrowAllow({ effect, resourceElement, resources }: ParsedStatement): boolean {
  return effect === "Allow" && resourceElement === "Resource" && resources.every(({ text }) => isNarrow(text));
}

/** Why a Deny should not exempt an action; undefined if it may. */
function findExemptionDanger(action: string, { effect, conditions }: ParsedStatement): string | undefined {
  if (effect !== "Deny") return undefined;
  const isAboutMfa = conditions.some(({ lowerKey }) => lowerKey.startsWith("aws:multifactorauth"));
  const isUnneeded = isAboutMfa && !isNeeded(action) && !isTolerated(action);
  return (
    findDanger(action) ?? (isUnneeded ? "works without MFA then, and users do not need it to set up MFA" : undefined)
  );
}

function checkAction(entry: Entry, statement: ParsedStatement, report: Report): void {
  const { text, path } = entry;
  const { actionElement, actions, effect } = statement;
  const parts = splitAction(text);
  if (parts === undefined || findActions(text).length > 0) return;
  const comes = actionElement === "NotAction" ? "so it exempts nothing" : "so it matches nothing";
  if (isKnownService(parts.service) && /[*?]/.test(parts.action)) {
    const fix = "name the actions, or use a pattern that matches them";
    report.add(
      "wildcard-matches-nothing",
      path,
      `no action of ${parts.service} matches ${quoteText(text)}, ${comes}`,
      fix,
    );
    return;
  }
  const meant = guessAction(text);
  // Correcting the name would make it worse.
  const danger =
    meant !== undefined && actionElement === "NotAction" ? findExemptionDanger(meant.name, statement) : undefined;
  const worse = danger === undefined ? "" : `; if you meant ${meant?.name}, it ${danger}`;
  if (meant?.isSure) {
    const message = `AWS has no action ${quoteText(text)}, ${comes}${worse}`;
    if (danger !== undefined) {
      report.add("misspelled-action", path, message, `remove ${quoteText(text)}`, replaceEntries(actions, [entry], []));
      return;
    }
    const write = `write ${quoteText(meant.name)}`;
    // The statement starts to allow the action.
    const newDanger = effect === "Allow" && actionElement === "Action" ? findDanger(meant.name) : undefined;
    const isSafe =
      effect === "Allow" && actionElement === "Action"
        ? isNarrowAllow(statement) && !changesPermissions(meant.name)
        : true;
    const fix =
      newDanger === undefined || isSafe
        ? write
        : `${write}, but only if users should be allowed to do that on all resources of the statement: it ${newDanger}`;
    report.add("misspelled-action", path, message, fix, isSafe ? replaceText(entry, meant.name) : undefined);
  } else if (isKnownService(parts.service)) {
    const message = `${quoteText(text)} is not in fob's list of ${parts.service} actions, as of ${updated}; if it is misspelled, ${comes.slice(3)}${worse}`;
    report.add(
      "unknown-action",
      path,
      message,
      danger === undefined ? suggestAction(meant?.name) : `remove ${quoteText(text)}`,
    );
  } else {
    const listed = lookUpAction(text);
    if (listed === undefined || listed.isListed) return;
    const message = `${quoteText(text)} is not in fob's list of ${listed.service} actions, as of ${otherUpdated}; if it is misspelled, ${comes.slice(3)}`;
    report.add("unknown-action", path, message, suggestAction(listed.meant?.name));
  }
}

function suggestAction(name: string | undefined): string {
  const compare = "check it in AWS's service authorization reference";
  return name === undefined ? compare : `${compare}, or write ${quoteText(name)} if you meant that`;
}

function checkKey({ key, path, operator, name }: ParsedCondition, statement: ParsedStatement, report: Report): void {
  if (isKnownKey(key)) return;
  const meant = guessKey(key);
  if (meant?.isSure) {
    const isMet =
      operator !== undefined &&
      (operator.ifExists || operator.set === "ForAllValues" || (operator.isNegated && operator.set === undefined));
    const comes = operator?.isNull
      ? "so it is always absent"
      : `so it is always absent, and ${name} is ${isMet ? "always" : "never"} met`;
    report.add(
      "misspelled-condition-key",
      path,
      `AWS has no condition key ${quoteText(key)}, ${comes}`,
      `write ${quoteText(meant.name)}`,
      isNarrowAllow(statement) || (statement.effect === "Deny" && /^aws:multifactorauth/i.test(meant.name))
        ? renameKey(path, meant.name)
        : undefined,
    );
  } else if (isKeyOfKnownService(key)) {
    reportUnknownKey({ text: key, path }, key, meant?.name, report);
  }
}

function checkVariables({ text, path }: Entry, fix: (right: string) => Fix, report: Report): void {
  for (const [variable, key = ""] of text.matchAll(/\$\{\s*([^\s,'{}*?$]+)\s*(?:,[^{}]*)?\}/g)) {
    if (isKnownKey(key)) continue;
    const meant = guessKey(key);
    if (meant?.isSure) {
      const right = text.replace(variable, () => variable.replace(key, meant.name));
      const message = `AWS has no policy variable ${quoteText(variable)}, so this text matches nothing`;
      report.add("misspelled-condition-key", path, message, ...fix(right));
    } else if (isKeyOfKnownService(key) && !key.includes("::")) {
      reportUnknownKey({ text, path }, variable, meant && variable.replace(key, meant.name), report);
    }
  }
}

function reportUnknownKey({ path }: Entry, name: string, meant: string | undefined, report: Report): void {
  const message = `${quoteText(name)} is not in fob's list of condition keys, as of ${updated}; if it is misspelled, it is always absent`;
  const compare = "check it in AWS's lists of global and service condition keys";
  const fix = meant === undefined ? compare : `${compare}, or write ${quoteText(meant)} if you meant that`;
  report.add("unknown-condition-key", path, message, fix);
}
