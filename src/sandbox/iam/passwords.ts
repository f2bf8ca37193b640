// Console passwords, and the account's policy for them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { Account, AccountPasswordPolicy, Caller, CharacterClass, UserPrincipal } from "../account.ts";
import { AwsError, accessDenied } from "../errors.ts";
import { type Checked, type QueryAction, type QueryCall, readBoolean, readInteger, validate } from "../query.ts";
import { writeElement, writeTime } from "../xml.ts";
import { takeUser } from "./named.ts";

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html */
const createLoginProfile: QueryAction = {
  parameters: ["UserName", "Password", "PasswordResetRequired"],
  run: (call) => {
    const { account, parameters } = call;
    const text = readPassword(parameters, "Password");
    const resetRequired = readBoolean(parameters, "PasswordResetRequired") ?? false;
    const owner = takeUser(call, "iam:CreateLoginProfile");
    if (owner.user.password !== undefined) {
      throw new AwsError("EntityAlreadyExists", 409, `Login Profile for user ${owner.name} already exists.`);
    }
    requireConformity(text, account.passwordPolicy);
    account.setPassword(owner, text, resetRequired);
    return writeLoginProfile(owner);
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateLoginProfile.html */
const updateLoginProfile: QueryAction = {
  parameters: ["UserName", "Password", "PasswordResetRequired"],
  run: (call) => {
    const { account, parameters } = call;
    const text = parameters.has("Password") ? readPassword(parameters, "Password") : undefined;
    const resetRequired = readBoolean(parameters, "PasswordResetRequired");
    const owner = takeUser(call, "iam:UpdateLoginProfile", "required");
    const password = takePassword(owner);
    if (text !== undefined) {
      requireConformity(text, account.passwordPolicy);
      account.setPassword(owner, text, resetRequired ?? password.resetRequired);
    } else {
      owner.user.password = { ...password, resetRequired: resetRequired ?? password.resetRequired };
    }
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html */
const deleteLoginProfile: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const owner = takeUser(call, "iam:DeleteLoginProfile");
    takePassword(owner);
    owner.user.password = undefined;
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html */
const getLoginProfile: QueryAction = {
  parameters: ["UserName"],
  run: (call) => writeLoginProfile(takeUser(call, "iam:GetLoginProfile")),
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html */
const changePassword: QueryAction = {
  parameters: ["OldPassword", "NewPassword"],
  run: ({ account, caller, parameters }) => {
    const [before, after] = [readPassword(parameters, "OldPassword"), readPassword(parameters, "NewPassword")];
    const { name } = caller.principal;
    if (name === undefined) {
      throw new AwsError("InvalidUserType", 400, "Only IAM users can change their own password.");
    }
    const owner = account.user(name);
    account.authorize(caller, "iam:ChangePassword", owner.arn, `user ${name}`);
    if (takePassword(owner).text !== before) throw accessDenied("The old password was incorrect.");
    changeOwnPassword(account, caller, owner, after);
    return "";
  },
};

/** Sets a new password of the user's own. @throws AwsError AccessDenied or PasswordPolicyViolation */
export function changeOwnPassword(account: Account, caller: Caller, owner: UserPrincipal, text: string): void {
  account.authorize(caller, "iam:ChangePassword", owner.arn, `user ${owner.name}`);
  requireConformity(text, account.passwordPolicy);
  account.setPassword(owner, text, false);
}

function takePassword({ name, user }: UserPrincipal) {
  if (user.password !== undefined) return user.password;
  throw new AwsError("NoSuchEntity", 404, `Login Profile for User ${name} cannot be found.`);
}

function writeLoginProfile(owner: UserPrincipal): string {
  const { changedMs, resetRequired } = takePassword(owner);
  const content = [
    ...[writeElement("UserName", owner.name), writeTime("CreateDate", changedMs)],
    writeElement("PasswordResetRequired", String(resetRequired)),
  ];
  return `<LoginProfile>${content.join("")}</LoginProfile>`;
}

/** Without the value in the message of a violated constraint: it is a secret. */
function readPassword(parameters: ReadonlyMap<string, string>, name: string): string {
  const text = parameters.get(name);
  const field = name.charAt(0).toLowerCase() + name.slice(1);
  const check: Checked = { name: field, value: text, isRequired: true, min: 0, max: Number.POSITIVE_INFINITY };
  validate(check);
  if (/^[\t\n\r -\u00ff]{1,128}$/.test(text as string)) return text as string;
  throw new AwsError(
    "ValidationError",
    400,
    `1 validation error detected: Value at '${field}' is not a valid password`,
  );
}

/** The characters of each class. https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html */
const characters: Readonly<Record<CharacterClass, { readonly pattern: RegExp; readonly name: string }>> = {
  Symbols: { pattern: /[!@#$%^&*()_+\-=[\]{}|']/, name: "one symbol" },
  Numbers: { pattern: /[0-9]/, name: "one number" },
  UppercaseCharacters: { pattern: /[A-Z]/, name: "one uppercase letter" },
  LowercaseCharacters: { pattern: /[a-z]/, name: "one lowercase letter" },
};
const classes = Object.keys(characters) as CharacterClass[];

/**
 * Without a policy of its own an account has AWS's default: eight characters and three of the four classes.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html#default-policy-details
 */
function requireConformity(text: string, policy: AccountPasswordPolicy | undefined): void {
  const violation = (problem: string) =>
    new AwsError("PasswordPolicyViolation", 400, `Password should have ${problem}`);
  const minimum = policy?.minimumLength ?? 8;
  if (text.length < minimum) throw violation(`a minimum length of ${minimum}`);
  const missing = classes.filter((name) => !characters[name].pattern.test(text));
  if (policy === undefined && missing.length > 1) throw violation("at least three kinds of characters");
  const first = missing.find((name) => policy?.requires?.includes(name));
  if (first !== undefined) throw violation(`at least ${characters[first].name}`);
}

/**
 * Replaces the whole policy: what the call does not set gets AWS's default. Passwords before the latest are not kept, so
 * PasswordReusePrevention is not modeled.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
 */
const updateAccountPasswordPolicy: QueryAction = {
  parameters: [
    ...["AllowUsersToChangePassword", "HardExpiry", "MaxPasswordAge", "MinimumPasswordLength"],
    ...classes.map((name) => `Require${name}`),
  ],
  run: ({ account, caller, parameters }) => {
    const maxAgeDays = readInteger(parameters, "MaxPasswordAge");
    const minimumLength = readInteger(parameters, "MinimumPasswordLength") ?? 6;
    validate(
      { name: "maxPasswordAge", value: maxAgeDays, min: 1, max: 1095 },
      { name: "minimumPasswordLength", value: minimumLength, min: 6, max: 128 },
    );
    const policy: AccountPasswordPolicy = {
      allowUsersToChangePassword: readBoolean(parameters, "AllowUsersToChangePassword") ?? false,
      hardExpiry: readBoolean(parameters, "HardExpiry") ?? false,
      ...{ maxAgeDays, minimumLength },
      requires: classes.filter((name) => readBoolean(parameters, `Require${name}`) ?? false),
    };
    account.authorize(caller, "iam:UpdateAccountPasswordPolicy", "*", "*");
    account.passwordPolicy = policy;
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html */
const getAccountPasswordPolicy: QueryAction = {
  parameters: [],
  run: ({ account, caller }: QueryCall) => {
    account.authorize(caller, "iam:GetAccountPasswordPolicy", "*", "*");
    const {
      allowUsersToChangePassword,
      hardExpiry,
      maxAgeDays,
      minimumLength,
      requires = [],
    } = takePasswordPolicy(account);
    const content = [
      writeElement("AllowUsersToChangePassword", String(allowUsersToChangePassword)),
      writeElement("ExpirePasswords", String(maxAgeDays !== undefined)),
      writeElement("HardExpiry", String(hardExpiry)),
      maxAgeDays === undefined ? "" : writeElement("MaxPasswordAge", String(maxAgeDays)),
      writeElement("MinimumPasswordLength", String(minimumLength)),
      ...classes.map((name) => writeElement(`Require${name}`, String(requires.includes(name)))),
    ];
    return `<PasswordPolicy>${content.join("")}</PasswordPolicy>`;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountPasswordPolicy.html */
const deleteAccountPasswordPolicy: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "iam:DeleteAccountPasswordPolicy", "*", "*");
    takePasswordPolicy(account);
    account.passwordPolicy = undefined;
    return "";
  },
};

function takePasswordPolicy({ id, passwordPolicy }: Account): AccountPasswordPolicy {
  if (passwordPolicy !== undefined) return passwordPolicy;
  throw new AwsError("NoSuchEntity", 404, `The Password Policy with domain name ${id} cannot be found.`);
}

/** Replaces the alias. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html */
const createAccountAlias: QueryAction = {
  parameters: ["AccountAlias"],
  run: ({ account, caller, parameters }) => {
    const value = parameters.get("AccountAlias");
    const pattern = "[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]";
    validate({ name: "accountAlias", value, isRequired: true, min: 3, max: 63, pattern });
    account.authorize(caller, "iam:CreateAccountAlias", "*", "*");
    if (value === account.alias) {
      throw new AwsError("EntityAlreadyExists", 409, `The account alias ${value} already exists.`);
    }
    account.alias = value;
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html */
const deleteAccountAlias: QueryAction = {
  parameters: ["AccountAlias"],
  run: ({ account, caller, parameters }) => {
    const value = parameters.get("AccountAlias");
    validate({ name: "accountAlias", value, isRequired: true, min: 3, max: 63 });
    account.authorize(caller, "iam:DeleteAccountAlias", "*", "*");
    if (value !== account.alias) {
      throw new AwsError("NoSuchEntity", 404, `The account alias with name ${value} cannot be found.`);
    }
    account.alias = undefined;
    return "";
  },
};

export const passwordActions: Readonly<Record<string, QueryAction>> = {
  CreateLoginProfile: createLoginProfile,
  UpdateLoginProfile: updateLoginProfile,
  DeleteLoginProfile: deleteLoginProfile,
  GetLoginProfile: getLoginProfile,
  ChangePassword: changePassword,
  UpdateAccountPasswordPolicy: updateAccountPasswordPolicy,
  GetAccountPasswordPolicy: getAccountPasswordPolicy,
  DeleteAccountPasswordPolicy: deleteAccountPasswordPolicy,
  CreateAccountAlias: createAccountAlias,
  DeleteAccountAlias: deleteAccountAlias,
};
