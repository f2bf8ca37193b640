// Finds the parts of policies that are about particular users. A result for one user may not apply to another.
import type { Statement } from "./engine/grammar.ts";

/** Whether a context key (in lower case) tells who makes the request. */
export function isIdentityKey(key: string): boolean {
  const keys = ["aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount"];
  return keys.includes(key) || key.startsWith("aws:principaltag/");
}

/** Lists the conditions on who makes the request, as `aws:username (StringNotLike b*, ci-*)`. */
export function listIdentityConditions(statements: readonly Statement[]): readonly string[] {
  const texts = statements.flatMap(({ conditions }) =>
    conditions
      .filter(({ lowerKey }) => isIdentityKey(lowerKey))
      .map(({ key, name, values }) => `${key} (${name} ${values.map(({ text }) => text).join(", ")})`),
  );
  return [...new Set(texts)];
}

/** Lists the users that ARNs of a statement's resources name, by themselves or by a device of the same name. */
export function listNamedUsers(statements: readonly Statement[]): readonly string[] {
  const names = statements.flatMap(({ resources }) =>
    resources.flatMap(
      ({ text }) => /^arn:[^:]*:iam::[^:]*:(?:user|mfa)\/(?:.*\/)?([\w+=,.@-]+)$/.exec(text)?.[1] ?? [],
    ),
  );
  return [...new Set(names)];
}
