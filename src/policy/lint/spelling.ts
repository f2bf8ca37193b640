// Names that there are not: actions, condition keys, policy variables.
import type { Entry, Statement, Test } from "./content.ts";
import { dangerOf } from "./exemptions.ts";
import {
  actionMeant,
  actionsNamed,
  isKeyOfKnownService,
  isKnownKey,
  isKnownService,
  keyMeant,
  partsOf,
  updated,
} from "./known.ts";
import type { Report } from "./report.ts";
import { show } from "./words.ts";

export function checkSpelling(statement: Statement, report: Report): void {
  for (const entry of statement.actions) checkAction(entry, statement, report);
  for (const test of statement.tests) checkKey(test, report);
  for (const entry of statement.resources) checkVariables(entry, report);
  for (const { values, operator } of statement.tests) {
    if (operator?.kindOf.variables) for (const entry of values) checkVariables(entry, report);
  }
}

function checkAction({ text, path }: Entry, { actionElement, effect }: Statement, report: Report): void {
  const parts = partsOf(text);
  if (parts === undefined || actionsNamed(text).length > 0) return;
  const comes = actionElement === "NotAction" ? "so nothing is exempted by it" : "so it matches nothing";
  if (isKnownService(parts.service) && /[*?]/.test(parts.action)) {
    const mend = "write the names of the actions, or a pattern that matches them";
    report.add("wildcard-matches-nothing", path, `no action of ${parts.service} matches ${show(text)}, ${comes}`, mend);
    return;
  }
  const meant = actionMeant(text);
  // Spelt well it would be worse than misspelt.
  const danger =
    meant !== undefined && actionElement === "NotAction" && effect === "Deny" ? dangerOf(meant.name) : undefined;
  const worse = danger === undefined ? "" : `; ${meant?.name}, if that was meant, ${danger}`;
  if (meant?.isSure) {
    const mend = danger === undefined ? `write ${show(meant.name)}` : `leave ${show(text)} out`;
    report.add("misspelt-action", path, `there is no action ${show(text)}, ${comes}${worse}`, mend);
  } else if (isKnownService(parts.service)) {
    const message = `${show(text)} is not among the actions of ${parts.service} as of ${updated}; if it is misspelt, ${comes.slice(3)}${worse}`;
    const compare = "compare it with AWS's service authorization reference";
    const suggestion = meant === undefined ? compare : `${compare}, or write ${show(meant.name)}, if that was meant`;
    report.add("unknown-action", path, message, danger === undefined ? suggestion : `leave ${show(text)} out`);
  }
}

function checkKey({ key, operator, name }: Test, report: Report): void {
  if (isKnownKey(key.text)) return;
  const meant = keyMeant(key.text);
  if (meant?.isSure) {
    const isMet =
      operator !== undefined &&
      (operator.ifExists || operator.set === "ForAllValues" || (operator.isNegated && operator.set === undefined));
    const comes = operator?.isNull
      ? "so it is always absent"
      : `so it is always absent, and ${name} ${isMet ? "always" : "never"} holds`;
    report.add(
      "misspelt-condition-key",
      key.path,
      `there is no condition key ${show(key.text)}, ${comes}`,
      `write ${show(meant.name)}`,
    );
  } else if (isKeyOfKnownService(key.text)) {
    reportUnknownKey(key, key.text, meant?.name, report);
  }
}

function checkVariables({ text, path }: Entry, report: Report): void {
  for (const [escaped, , key = ""] of text.matchAll(/(\$\$\{|&\{|\$)(\w+:[\w/.-]+)\}?/g)) {
    if (!isKnownKey(key)) continue;
    const message = `${show(escaped)} is no policy variable, so it stands for itself`;
    report.add("left-over-escape", path, message, `write ${show(`\${${key}}`)}`);
  }
  for (const [variable, key = ""] of text.matchAll(/\$\{\s*([^\s,'{}*?$]+)\s*(?:,[^{}]*)?\}/g)) {
    if (isKnownKey(key)) continue;
    const meant = keyMeant(key);
    if (meant?.isSure) {
      const message = `there is no policy variable ${show(variable)}, so what it stands in matches nothing`;
      report.add("misspelt-condition-key", path, message, `write ${show(variable.replace(key, meant.name))}`);
    } else if (isKeyOfKnownService(key)) {
      reportUnknownKey({ text, path }, variable, meant && variable.replace(key, meant.name), report);
    }
  }
}

function reportUnknownKey({ path }: Entry, name: string, meant: string | undefined, report: Report): void {
  const message = `${show(name)} is not among AWS's condition keys as of ${updated}; if it is misspelt, it is always absent`;
  const compare = "compare it with AWS's list of global condition keys, or with the service's";
  const mend = meant === undefined ? compare : `${compare}, or write ${show(meant)}, if that was meant`;
  report.add("unknown-condition-key", path, message, mend);
}
