// Signing in to the console: which page a user sees next, and the session in the end.
//
// AWS documents the rules, and not the order of the pages, which is inferred: the password, a device's code or a touch of
// the security key, then a new password if one is required.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/console_sign-in-mfa.html
import type { Account, Caller, Credential, MfaDevice, Password, Principal, Session } from "./account.ts";
import { verifyCode } from "./account.ts";
import { AwsError, notModeled } from "./errors.ts";
import { getGlobalRegion, type Origin } from "./events.ts";
import { changeOwnPassword } from "./iam/passwords.ts";
import { formatTime } from "./xml.ts";

/** What a person enters on all pages. */
export interface SignInForm {
  /** Undefined for the root user. */
  readonly userName: string | undefined;
  readonly password: string;
  /** The device; the default is the user's first one that the next two can be of. */
  readonly serialNumber?: string | undefined;
  readonly code?: string | undefined;
  /** Whether the person touches the security key, where there is one. */
  readonly touchesKey?: boolean | undefined;
  readonly newPassword?: string | undefined;
}

/** The page that the person sees then. */
export type SignInPage =
  | {
      readonly page: "console";
      readonly mfaUsed: boolean;
      readonly passwordChanged: boolean;
      readonly credential: Credential & { session: Session };
    }
  | { readonly page: "password"; readonly message: string }
  /** Asks for a code, or for a touch of the security key. */
  | { readonly page: "mfa"; readonly devices: readonly SignInDevice[]; readonly message: string | undefined }
  /** Asks for a new password. */
  | { readonly page: "new-password"; readonly message: string | undefined };

export interface SignInDevice {
  readonly serialNumber: string;
  readonly kind: "code" | "security-key";
}

/** Messages of the console. The second is AWS's (https://repost.aws/knowledge-center/iam-user-password-error); the others are inferred. */
const messages = {
  wrongPassword: "Your authentication information is incorrect. Please try again.",
  notChanged:
    "Either user is not authorized to perform iam:ChangePassword or entered password does not comply with account " +
    "password policy set by administrator",
  wrongCode: "Your MFA code is incorrect. Please try again.",
  expired: "Your password has expired. Contact your administrator to reset it.",
} as const;

/** AWS ends console sessions of users after twelve hours. */
const consoleSeconds = 12 * 3600;

/** Where the browser is, for CloudTrail. */
export type Browser = Pick<Origin, "sourceIp" | "userAgent">;

const thisComputer: Browser = { sourceIp: "127.0.0.1", userAgent: "" };

/**
 * Signs a person in as far as the form allows. Records a sign-in that is complete or refused, unless no user has the name.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
 */
export function signIn(account: Account, form: SignInForm, browser = thisComputer): SignInPage {
  const principal = form.userName === undefined ? account.root : account.findUser(form.userName);
  const password = principal && passwordOf(account, principal);
  const record = (mfaUsed: boolean, success: boolean): void => {
    if (principal === undefined) return;
    const origin = { ...browser, timeMs: account.now(), region: getGlobalRegion(account.partition) };
    const failure = success ? {} : { failure: "Failed authentication" };
    account.events.recordSignIn({ ...origin, principal, mfaUsed, ...failure });
  };
  if (principal === undefined || password === undefined || password.text !== form.password) {
    record(false, false);
    return { page: "password", message: messages.wrongPassword };
  }

  const mfaUsed = principal.devices.length > 0;
  const device = chooseDevice(principal.devices, form);
  if (mfaUsed && device === undefined) return askForMfa(principal.devices, undefined);
  if (device?.seed !== undefined && verifyCode(device, form.code ?? "", account.now()) !== "right") {
    record(true, false);
    return askForMfa(principal.devices, messages.wrongCode);
  }

  const session = { kind: "console" as const, mfaMs: mfaUsed ? account.now() : undefined };
  const next = takeNewPassword(account, { principal, session }, password, form.newPassword);
  if (next !== undefined) {
    if (next.page === "password") record(mfaUsed, false);
    return next;
  }
  const passwordChanged = passwordOf(account, principal)?.text !== password.text;
  setLastUse(account, principal);
  record(mfaUsed, true);
  const credential = account.addSession(principal, consoleSeconds, session);
  return { page: "console", mfaUsed, passwordChanged, credential };
}

/** The password of a user or of the root user. */
export function passwordOf(account: Account, principal: Principal): Password | undefined {
  return principal === account.root ? account.rootPassword : principal.user?.password;
}

/** The time that IAM shows as PasswordLastUsed. */
function setLastUse(account: Account, principal: Principal): void {
  const lastUsedMs = account.now();
  if (principal === account.root) account.rootPassword = { ...account.rootPassword, lastUsedMs };
  else if (principal.user?.password) principal.user.password = { ...principal.user.password, lastUsedMs };
}

/** Finds the device that the form has a code or a touch for. */
function chooseDevice(devices: readonly MfaDevice[], form: SignInForm): MfaDevice | undefined {
  const { serialNumber, code, touchesKey = false } = form;
  return devices.find(
    (device) =>
      (serialNumber === undefined || device.serialNumber === serialNumber) &&
      (device.seed === undefined ? touchesKey : code !== undefined),
  );
}

function askForMfa(devices: readonly MfaDevice[], message: string | undefined): SignInPage {
  const shown = devices.map(({ serialNumber, seed }) => ({
    serialNumber,
    kind: seed === undefined ? ("security-key" as const) : ("code" as const),
  }));
  return { page: "mfa", devices: shown, message };
}

/**
 * Changes a password that has expired or must be changed. The change needs permission like every other, which a policy that
 * requires MFA denies to a user without a device. The account's password policy may allow it for everyone, and a deny still
 * applies. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
 *
 * @returns the page to show instead of the console; undefined if nothing is to be changed any more
 */
function takeNewPassword(
  account: Account,
  caller: Caller,
  password: Password,
  text: string | undefined,
): Exclude<SignInPage, { page: "console" }> | undefined {
  const { name } = caller.principal;
  // "The IAM password policy does not apply to the AWS account root user password."
  if (name === undefined) return undefined;
  const isExpired = hasExpired(account, password);
  if (isExpired && account.passwordPolicy?.hardExpiry) return { page: "password", message: messages.expired };
  if (!isExpired && !password.resetRequired) return undefined;
  if (text === undefined) return { page: "new-password", message: undefined };
  try {
    changeOwnPassword(account, caller, account.user(name), text);
    return undefined;
  } catch (error) {
    if (error instanceof AwsError && error.code !== "NotImplemented") {
      return { page: "new-password", message: messages.notChanged };
    }
    throw error;
  }
}

function hasExpired({ passwordPolicy, now }: Account, { changedMs }: Password): boolean {
  const days = passwordPolicy?.maxAgeDays;
  return days !== undefined && now() >= changedMs + days * 86_400_000;
}

/** What the sign-in page answers, as JSON: the page, and the session's credentials as a browser keeps them (inferred). */
export interface SignInAnswer {
  readonly page: SignInPage["page"];
  readonly message?: string | undefined;
  readonly devices?: readonly SignInDevice[];
  readonly mfaUsed?: boolean;
  readonly passwordChanged?: boolean;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
    /** `2026-01-31T09:00:00Z` */
    readonly expiration: string;
  };
}

const fields = ["UserName", "Password", "SerialNumber", "Code", "TouchesKey", "NewPassword"];

/** Answers the sign-in page's form. It has no address on AWS that is documented. @throws AwsError for other fields */
export function answerSignIn(
  account: Account,
  parameters: ReadonlyMap<string, string>,
  browser: Browser,
): SignInAnswer {
  const other = [...parameters.keys()].find((name) => !fields.includes(name));
  if (other !== undefined) throw notModeled(`the field ${other} of the sign-in page`);
  const form = {
    userName: parameters.get("UserName"),
    password: parameters.get("Password") ?? "",
    serialNumber: parameters.get("SerialNumber"),
    code: parameters.get("Code"),
    touchesKey: parameters.get("TouchesKey") === "true",
    newPassword: parameters.get("NewPassword"),
  };
  return toAnswer(signIn(account, form, browser));
}

export function toAnswer(page: SignInPage): SignInAnswer {
  if (page.page !== "console") return page;
  const { accessKeyId, secretAccessKey, session } = page.credential;
  const expiration = formatTime(session.expiresMs);
  const credentials = { accessKeyId, secretAccessKey, sessionToken: session.token, expiration };
  return { page: page.page, mfaUsed: page.mfaUsed, passwordChanged: page.passwordChanged, credentials };
}
