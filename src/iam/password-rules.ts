// What an account wants of passwords, in words, and whether a new one has it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
import type { CharacterClass, PasswordPolicy } from "./snapshot.ts";

/** An account's password policy in IAM's answer; undefined for an account without one. */
type Answer = Awaited<ReturnType<typeof import("../aws/iam-account.ts").getPasswordPolicy>>;

export interface PasswordRules {
  readonly minimumLength: number;
  readonly requires: readonly CharacterClass[];
  /** How many of the four classes it needs. */
  readonly classes: number;
  /** Days after which it expires. */
  readonly maxAgeDays: number | null;
  /** How many of the passwords before it may not be. */
  readonly notOfLast: number | undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html */
const classes: Readonly<Record<CharacterClass, { readonly pattern: RegExp; readonly name: string }>> = {
  UppercaseCharacters: { pattern: /[A-Z]/, name: "an uppercase letter" },
  LowercaseCharacters: { pattern: /[a-z]/, name: "a lowercase letter" },
  Numbers: { pattern: /[0-9]/, name: "a number" },
  Symbols: { pattern: /[!@#$%^&*()_+\-=[\]{}|']/, name: "a symbol" },
};
const allClasses = Object.keys(classes) as CharacterClass[];

/** What every password of IAM's must be like. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html */
const longest = 128;
const takes = /^[\t\n\r -\u00ff]*$/;
const controls = /[\p{Cc}]/u;

export function readPasswordPolicy(policy: Answer): PasswordPolicy | null {
  if (policy === undefined) return null;
  return {
    allowUsersToChangePassword: policy.AllowUsersToChangePassword === true,
    hardExpiry: policy.HardExpiry === true,
    maxAgeDays: policy.ExpirePasswords === true ? (policy.MaxPasswordAge ?? null) : null,
    // AWS's default of a policy that does not say it.
    minimumLength: policy.MinimumPasswordLength ?? 6,
    requires: allClasses.filter((name) => policy[`Require${name}`] === true),
  };
}

/** The rules of new passwords: AWS's default for an account without a policy. */
export function readRules(policy: Answer): PasswordRules {
  const read = readPasswordPolicy(policy);
  if (!read) return { minimumLength: 8, requires: [], classes: 3, maxAgeDays: null, notOfLast: undefined };
  const { minimumLength, requires, maxAgeDays } = read;
  return { minimumLength, requires, maxAgeDays, classes: 0, notOfLast: policy?.PasswordReusePrevention || undefined };
}

/** The rules in words, one a line. */
export function describeRules(rules: PasswordRules): string[] {
  const { minimumLength, requires, maxAgeDays, notOfLast } = rules;
  return [
    `at least ${minimumLength} characters, at most ${longest}`,
    ...(requires.length > 0
      ? [`at least ${joinNames(requires)} (symbols: ! @ # $ % ^ & * ( ) _ + - = [ ] { } | ')`]
      : []),
    ...(rules.classes > 0 ? [`at least ${rules.classes} of: ${allClasses.map(nameOf).join(", ")}`] : []),
    ...(notOfLast === undefined
      ? []
      : [notOfLast === 1 ? "not your current password" : `not one of your last ${notOfLast} passwords`]),
    ...(maxAgeDays === null ? [] : [`it expires after ${maxAgeDays} days`]),
  ];
}

const nameOf = (name: CharacterClass): string => classes[name].name;
const joinNames = (names: readonly CharacterClass[]): string => names.map(nameOf).join(", ");

/**
 * What is wrong with a new password, as far as that can be told here; undefined if nothing is.
 *
 * @param rules undefined where they are not known
 */
export function findPasswordProblem(password: string, rules: PasswordRules | undefined): string | undefined {
  if (password === "") return "type a password";
  if (controls.test(password)) return "the password contains a control character, such as an arrow key";
  if (!takes.test(password))
    return "the password has a character that AWS does not take: use letters without accents, digits and symbols";
  if (password.length > longest) return `the password has ${password.length} characters, and AWS takes ${longest}`;
  if (!rules) return undefined;
  const { minimumLength, requires } = rules;
  if (password.length < minimumLength) {
    return `the password has ${password.length} characters, and needs ${minimumLength}`;
  }
  const missing = allClasses.filter((name) => !classes[name].pattern.test(password));
  const wanted = missing.filter((name) => requires.includes(name));
  if (wanted.length > 0) return `the password lacks ${joinNames(wanted)}`;
  const has = allClasses.length - missing.length;
  if (has >= rules.classes) return undefined;
  return `the password has ${has} of the four kinds of characters, and needs ${rules.classes}; it lacks ${joinNames(missing)}`;
}
