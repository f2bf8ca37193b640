// Finds unknown names: actions, condition keys and policy variables.
import type { Entry, ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { findDanger } from "./exemptions.ts";
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
import type { Report } from "./report.ts";
import { quoteText } from "./words.ts";

export function checkSpelling(statement: ParsedStatement, report: Report): void {
  for (const entry of statement.actions) checkAction(entry, statement, report);
  for (const condition of statement.conditions) checkKey(condition, report);
  for (const entry of statement.resources) checkVariables(entry, report);
  for (const { values, operator } of statement.conditions) {
    if (operator?.kindOf.variables) for (const entry of values) checkVariables(entry, report);
  }
}

function checkAction({ text, path }: Entry, { actionElement, effect }: ParsedStatement, report: Report): void {
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
    meant !== undefined && actionElement === "NotAction" && effect === "Deny" ? findDanger(meant.name) : undefined;
  const worse = danger === undefined ? "" : `; if you meant ${meant?.name}, it ${danger}`;
  if (meant?.isSure) {
    const fix = danger === undefined ? `write ${quoteText(meant.name)}` : `remove ${quoteText(text)}`;
    report.add("misspelled-action", path, `AWS has no action ${quoteText(text)}, ${comes}${worse}`, fix);
  } else if (isKnownService(parts.service)) {
    const message = `${quoteText(text)} is not in fob's list of ${parts.service} actions, as of ${updated}; if it is misspelled, ${comes.slice(3)}${worse}`;
    const compare = "check it in AWS's service authorization reference";
    const suggestion =
      meant === undefined ? compare : `${compare}, or write ${quoteText(meant.name)} if you meant that`;
    report.add("unknown-action", path, message, danger === undefined ? suggestion : `remove ${quoteText(text)}`);
  }
}

function checkKey({ key, path, operator, name }: ParsedCondition, report: Report): void {
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
    );
  } else if (isKeyOfKnownService(key)) {
    reportUnknownKey({ text: key, path }, key, meant?.name, report);
  }
}

function checkVariables({ text, path }: Entry, report: Report): void {
  for (const [escaped, , key = ""] of text.matchAll(/(\$\$\{|&\{|\$)(\w+:[\w/.-]+)\}?/g)) {
    if (!isKnownKey(key)) continue;
    const message = `${quoteText(escaped)} is not a policy variable, so AWS treats it as plain text`;
    report.add("left-over-escape", path, message, `write ${quoteText(`\${${key}}`)}`);
  }
  for (const [variable, key = ""] of text.matchAll(/\$\{\s*([^\s,'{}*?$]+)\s*(?:,[^{}]*)?\}/g)) {
    if (isKnownKey(key)) continue;
    const meant = guessKey(key);
    if (meant?.isSure) {
      const message = `AWS has no policy variable ${quoteText(variable)}, so this text matches nothing`;
      report.add("misspelled-condition-key", path, message, `write ${quoteText(variable.replace(key, meant.name))}`);
    } else if (isKeyOfKnownService(key)) {
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
