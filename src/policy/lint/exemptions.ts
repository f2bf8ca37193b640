// What is exempt from a Deny without MFA: what is missing there, and what has no place there.
import { enrolmentExemptions, listExemptions, passwordExemptions } from "../enforcement.ts";
import { needsNoPermissions } from "../engine/evaluate.ts";
import type { Entry, ParsedStatement } from "../engine/grammar.ts";
import { findActions, guessAction, guessSureAction, isKnownService, splitAction } from "./known.ts";
import type { Report } from "./report.ts";
import type { RuleId } from "./rules.ts";
import { joinList, quoteText } from "./words.ts";

const exemptions = [...enrolmentExemptions, ...passwordExemptions];

/** Whether an action is among these, by its name or by a pattern. What a misspelt one was to be counts: its spelling is another rule's. */
function isAmong(action: string, entries: readonly Entry[]): boolean {
  return entries.some(({ text }) => {
    const named = findActions(text);
    return named.length > 0 ? named.some(({ name }) => name === action) : guessSureAction(text) === action;
  });
}

/** What users cannot get MFA without, of these actions. */
export function findNeeded(entries: readonly Entry[]): string[] {
  return enrolmentExemptions.flatMap(({ action }) =>
    findRule(action) === "missing-exemption" && isAmong(action, entries) ? action : [],
  );
}

/** Whether these make users get MFA: one that lists devices is in policies of all kinds. */
export function letsEnrol(entries: readonly Entry[]): boolean {
  return ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"].some((action) => isAmong(action, entries));
}

/** Whether all of these actions are such as users need to get MFA. */
export function isListOfNeeded(entries: readonly Entry[]): boolean {
  const names = new Set<string | undefined>(exemptions.map(({ action }) => action));
  return entries.every(({ text }) => {
    const named = findActions(text);
    return named.length > 0 ? named.every(({ name }) => names.has(name)) : names.has(guessSureAction(text));
  });
}

export function checkMissing({ actions, path }: ParsedStatement, report: Report): void {
  const at = [...path, "NotAction"];
  const isMissing = (action: string): boolean => !isAmong(action, actions);
  for (const { action, otherwise } of enrolmentExemptions.filter((each) => isMissing(each.action))) {
    report.add(findRule(action), at, `${action} is not exempt: ${otherwise}`, `add ${quoteText(action)}`);
  }
  const missing = passwordExemptions.filter(({ action }) => isMissing(action));
  const password = missing.filter(({ action }) => findRule(action) === "missing-password-exemption");
  const [first] = password;
  if (first !== undefined) {
    const names = password.map(({ action }) => quoteText(action)).join(" and ");
    const fix = `add ${names}, or let users change their password before the policy is for them`;
    report.add("missing-password-exemption", at, `${first.action} is not exempt: ${first.otherwise}`, fix);
  }
  for (const { action, otherwise } of missing.filter((each) => !password.includes(each))) {
    report.add("missing-details-exemption", at, `${action} is not exempt: ${otherwise}`, `add ${quoteText(action)}`);
  }
}

const findRule = (action: string): RuleId => rulesOfOthers[action] ?? "missing-exemption";

/** Of what users can get MFA without. */
const rulesOfOthers: Readonly<Record<string, RuleId>> = {
  "iam:GetUser": "missing-useful-exemption",
  "iam:ResyncMFADevice": "missing-useful-exemption",
  "iam:ChangePassword": "missing-password-exemption",
  "iam:GetAccountPasswordPolicy": "missing-password-exemption",
  "sts:GetSessionToken": "missing-session-exemption",
};

/** What whoever has stolen a password or a key could do with it, and how one says so. */
const dangers: readonly { readonly actions: RegExp; readonly danger: string }[] = [
  { actions: /^iam:deactivatemfadevice$/, danger: "takes a user's device away, and with it MFA" },
  {
    actions: /^iam:deletevirtualmfadevice$/,
    danger: "deletes devices: AWS says not to allow it without MFA; a new attempt to enrol takes another device name",
  },
  { actions: /^iam:(create|update)accesskey$/, danger: "makes an access key, or wakes one up, for a thief to keep" },
  { actions: /^iam:(create|update|delete)loginprofile$/, danger: "sets the console password, of whichever user" },
  {
    actions: /^iam:(add|remove)user(to|from)group$/,
    danger: "gives a user the rights of a group, or takes one out of the group that enforces MFA",
  },
  {
    actions:
      /^iam:(attach|detach|put|delete|create|setdefault)(user|group|role)?(policy|policyversion|permissionsboundary)$/,
    danger: "changes who may do what, this policy included",
  },
  { actions: /^iam:(createrole|updateassumerolepolicy)$/, danger: "decides who may take a role" },
  {
    actions:
      /^iam:((create|update)samlprovider|createopenidconnectprovider|updateopenidconnectproviderthumbprint|addclientidtoopenidconnectprovider)$/,
    danger: "decides whose sign-ins the account trusts, which need no MFA of the account's",
  },
  {
    actions: /^iam:(update|delete)accountpasswordpolicy$/,
    danger: "weakens the passwords of all users",
  },
  { actions: /^iam:(create|update|delete)(user|group)$/, danger: "makes, renames or deletes users or groups" },
  { actions: /^iam:(create|reset|update)servicespecificcredential$/, danger: "makes credentials that know no MFA" },
  { actions: /^iam:(upload|update)(sshpublickey|signingcertificate)$/, danger: "makes credentials that know no MFA" },
  { actions: /^iam:passrole$/, danger: "gives roles to services, which act without MFA then" },
  { actions: /^sts:assumerole(with\w+)?$/, danger: "takes a role without MFA, and this policy is not for roles" },
  { actions: /^sts:(assumeroot|getfederationtoken)$/, danger: "opens sessions without MFA" },
];

const dangerByAction = new Map(
  findActions("*").map(({ name, lowerName }) => [name, dangers.find(({ actions }) => actions.test(lowerName))?.danger]),
);

/** What comes of a known action without MFA, if it is dangerous. */
export function findDanger(action: string): string | undefined {
  return dangerByAction.get(action);
}

/** Reads that help users on their way through the console, or that anybody may do. */
function isHarmless(name: string): boolean {
  if (exemptions.some(({ action }) => action === name) || needsNoPermissions(name)) return true;
  return ["iam:ListUsers", "iam:GetLoginProfile", "iam:TagMFADevice"].includes(name);
}

export function checkExempt(entries: readonly Entry[], report: Report): void {
  for (const { text, path } of entries) {
    const named = findActions(text);
    const found = named.flatMap(({ name }) => {
      const danger = findDanger(name);
      return danger === undefined ? [] : { name, danger };
    });
    const isPattern = /[*?]/.test(text);
    const [first] = found;
    if (first !== undefined) {
      const message = isPattern
        ? `${quoteText(text)} exempts ${joinList(found.map(({ name }) => name))}; ${first.name} ${first.danger}`
        : `${quoteText(text)} works without MFA: it ${first.danger}`;
      report.add("dangerous-exemption", path, message, isPattern ? fixForPattern : `leave ${quoteText(text)} out`);
      continue;
    }
    // Those of services that fob does not know, too.
    const isOther = !isKnownService(splitAction(text)?.service ?? "");
    const more = named.filter(({ name }) => !isHarmless(name));
    if (isPattern && (isOther || more.some(({ isRead }) => !isRead))) {
      const what = isOther ? "" : `, ${joinList(more.map(({ name }) => name))} among it`;
      report.add(
        "wildcard-exemption",
        path,
        `all that ${quoteText(text)} matches works without MFA${what}`,
        fixForPattern,
      );
    } else if (
      !isPattern &&
      (isOther ? splitAction(text) !== undefined && guessAction(text) === undefined : more.length > 0)
    ) {
      const message = `${quoteText(text)} works without MFA, and nobody needs it to get MFA`;
      report.add("extra-exemption", path, message, "leave it out, unless you know who needs it");
    }
  }
}

const fixForPattern = `write the names of the actions that users need: ${joinList(
  listExemptions().map(({ action }) => action),
  exemptions.length,
)}`;
