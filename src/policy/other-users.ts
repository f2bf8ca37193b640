// Finds the parts of policies that are about particular users. A result for one user may not apply to another.
import type { ParsedCondition, Statement } from "./engine/grammar.ts";

/** Whether a context key (in lower case) tells who makes the request. */
export function isIdentityKey(key: string): boolean {
  const keys = ["aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount"];
  return keys.includes(key) || key.startsWith("aws:principaltag/");
}

/**
 * Whether all requests of IAM users meet a condition, by what AWS says of the keys; false if in doubt. The partition is
 * that of the account, so it is the same for all of its users.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function holdsForEveryUser({
  lowerKey,
  name,
  values,
}: Pick<ParsedCondition, "lowerKey" | "name" | "values">): boolean {
  const texts = values.map(({ text }) => text);
  const is = (...operators: readonly string[]): boolean => operators.includes(name.toLowerCase());
  switch (lowerKey) {
    case "aws:principalarn":
      if (is("null")) return texts.every((text) => text === "false");
      // These compare an ARN by its six parts, so that a role's cannot match a user's.
      if (is("arnnotlike", "arnnotequals"))
        return texts.every((text) => /^arn:[\w*-]+:(iam|sts)::[\d*]*:(assumed-)?role\//.test(text));
      return (
        is("arnlike", "arnequals", "stringlike") && texts.some((text) => /^arn:[\w*-]+:iam::\*:user\/\*$/.test(text))
      );
    case "aws:username":
      if (is("null")) return texts.every((text) => text === "false");
      return is("stringlike") && texts.includes("*");
    default:
      return false;
  }
}

/** Lists the conditions on who makes the request, as `aws:username (StringNotLike b*, ci-*)`. */
export function listIdentityConditions(statements: readonly Statement[]): readonly string[] {
  const texts = statements.flatMap(({ conditions }) =>
    conditions
      .filter((condition) => isIdentityKey(condition.lowerKey) && !holdsForEveryUser(condition))
      .map(({ key, name, values }) => `${key} (${name} ${values.map(({ text }) => text).join(", ")})`),
  );
  return [...new Set(texts)];
}
