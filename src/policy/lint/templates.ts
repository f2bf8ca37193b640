// Finds what is left over from templates: placeholders, and policy variables escaped for another program.
import type { Entry } from "../engine/grammar.ts";
import { guessKey, isKnownKey } from "./known.ts";
import type { Fix, Report } from "./report.ts";
import { joinList, quoteText } from "./words.ts";

/** Checks a text. @param fix makes a fix from the right text */
export function checkTemplates({ text, path }: Entry, fix: (right: string) => Fix, report: Report): void {
  for (const { escaped, key } of findEscaped(text)) {
    const message = `${quoteText(escaped)} is not a policy variable, so AWS treats it as plain text`;
    report.add("left-over-escape", path, message, ...fix(text.replace(escaped, () => `\${${key}}`)));
  }
  const found = findPlaceholders(text);
  if (found.length === 0) return;
  const names = joinList(found.map(quoteText));
  const are =
    found.length === 1
      ? "is a template placeholder, not a policy variable"
      : "are template placeholders, not policy variables";
  const message = `${names} ${are}: this text matches nothing`;
  report.add("left-over-template", path, message, "replace it with its value");
}

/** Finds policy variables of AWS in another notation, such as `&{aws:username}` and `$aws:username`. */
function findEscaped(text: string): { readonly escaped: string; readonly key: string }[] {
  const inBraces = [...text.matchAll(/(?:\$\$|[&@#%])\{(\w+:[\w/.-]+)\}/g)].flatMap(([escaped, key = ""]) =>
    isKnownKey(key) ? { escaped, key } : [],
  );
  const bare = [...text.matchAll(/\$(\w+:[\w/.-]+)/g)].flatMap(([, all = ""]) => {
    const key = findKnownStart(all);
    return key === undefined ? [] : { escaped: `$${key}`, key };
  });
  return [...inBraces, ...bare];
}

/** Returns the known key that a text starts with: `aws:username` of `aws:username/home`. */
function findKnownStart(text: string): string | undefined {
  if (isKnownKey(text)) return text;
  const [start = ""] = /^\w+:\w+/.exec(text) ?? [];
  return isKnownKey(start) ? start : undefined;
}

/** Finds placeholders of Terraform (`${var.name}`), CloudFormation (`${AWS::AccountId}`) and others (`{{name}}`, `<NAME>`). */
function findPlaceholders(text: string): string[] {
  const variables = [...text.matchAll(/\$?\$\{([^{}]*)\}/g)]
    .filter(([, name = ""]) => !/^[*?$]?$/.test(name.trim()) && !isPolicyVariable(name))
    .map(([all]) => all);
  const others = text.match(/\{\{[^{}]*\}\}|<[A-Za-z][\w .:-]*>/g) ?? [];
  const braces = [...text.matchAll(/[&@#%]\{([^{}]*)\}/g)]
    .filter(([, name = ""]) => !isPolicyVariable(name))
    .map(([all]) => all);
  return [...new Set([...variables, ...others, ...braces])];
}

/** Whether braces have the name of a condition key, known or not, or a misspelling of one. */
function isPolicyVariable(content: string): boolean {
  const [name = ""] = content.trim().split(/\s*,/);
  return /^!?[a-z][\w-]*:[^:]/i.test(name) || (guessKey(name)?.isSure ?? false);
}
