// Checks the exemptions from a Deny without MFA: those that are missing, and those that do not belong there.
import { enrollmentExemptions, passwordExemptions } from "../enforcement.ts";
import type { Entry, ParsedStatement } from "../engine/grammar.ts";
import { isNeeded, isTolerated, tolerable } from "../tolerated.ts";
import { findActions, guessSureAction, isKnownService, splitAction } from "./known.ts";
import { addToList, replaceEntries } from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import type { RuleId } from "./rules.ts";
import { joinList, quoteText } from "./words.ts";

const exemptions = [...enrollmentExemptions, ...passwordExemptions];

/** Whether an action is in a list, by name or by pattern. Misspelled names count as the likely intended ones: another rule reports them. */
function isAmong(action: string, entries: readonly Entry[]): boolean {
  return entries.some(({ text }) => {
    const named = findActions(text);
    return named.length > 0 ? named.some(({ name }) => name === action) : guessSureAction(text) === action;
  });
}

/** Returns the actions in a list that users need to set up MFA. */
export function findNeeded(entries: readonly Entry[]): string[] {
  return enrollmentExemptions.flatMap(({ action }) =>
    findRule(action) === "missing-exemption" && isAmong(action, entries) ? action : [],
  );
}

/** Lists the actions of a list that enroll a device. Those that list devices do not count: all kinds of policies have them. */
export function findEnrolling(entries: readonly Entry[]): string[] {
  return ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"].filter((action) => isAmong(action, entries));
}

/** Whether a statement covers an action, on some resources at least. */
export function coversAction({ actionElement, actions }: ParsedStatement, action: string): boolean {
  return isAmong(action, actions) === (actionElement === "Action");
}

/** Whether users need all actions of a list to set up MFA. */
export function isListOfNeeded(entries: readonly Entry[]): boolean {
  const names = new Set<string | undefined>(exemptions.map(({ action }) => action));
  return entries.every(({ text }) => {
    const named = findActions(text);
    return named.length > 0 ? named.every(({ name }) => names.has(name)) : names.has(guessSureAction(text));
  });
}

/** What users need for an authenticator app, but not for a passkey or a hardware token. */
const virtual = { create: "iam:CreateVirtualMFADevice", list: "iam:ListVirtualMFADevices" };

export function isVirtual(action: string): boolean {
  return action === virtual.create || action === virtual.list;
}

/** @param isPasswordLeftOut whether the policy allows changing passwords only with MFA */
export function checkMissing({ actions, path }: ParsedStatement, isPasswordLeftOut: boolean, report: Report): void {
  const at = [...path, "NotAction"];
  const isMissing = (action: string): boolean => !isAmong(action, actions);
  const isOnlyPasskeys = isMissing(virtual.create) && !isMissing("iam:EnableMFADevice");
  if (isOnlyPasskeys) {
    const message = `${virtual.create} is not exempt, so users can only enroll passkeys and hardware tokens`;
    const names = [virtual.create, virtual.list].filter(isMissing).map(quoteText).join(" and ");
    report.add("only-passkeys", at, message, `add ${names}, unless users should not have authenticator apps`);
  }
  for (const { action, otherwise } of enrollmentExemptions.filter((each) => isMissing(each.action))) {
    if (isOnlyPasskeys && isVirtual(action)) continue;
    const patch = addToList(actions, [action]);
    report.add(findRule(action), at, `${action} is not exempt: ${otherwise}`, `add ${quoteText(action)}`, patch);
  }
  const missing = passwordExemptions.filter(({ action }) => isMissing(action));
  const password = missing.filter(({ action }) => findRule(action) === "missing-password-exemption");
  const [first] = password;
  if (first !== undefined) {
    const names = password.map(({ action }) => quoteText(action)).join(" and ");
    const before = "have users change their password before the policy applies to them";
    const fix = isPasswordLeftOut ? before : `${before}, or add ${names}`;
    report.add("missing-password-exemption", at, `${first.action} is not exempt: ${first.otherwise}`, fix);
  }
  for (const { action, otherwise } of missing.filter((each) => !password.includes(each))) {
    const patch = addToList(actions, [action]);
    const message = `${action} is not exempt: ${otherwise}`;
    report.add("missing-details-exemption", at, message, `add ${quoteText(action)}`, patch);
  }
}

const findRule = (action: string): RuleId => rulesOfOthers[action] ?? "missing-exemption";

/** The rules for actions that users can set up MFA without. */
const rulesOfOthers: Readonly<Record<string, RuleId>> = {
  "iam:GetUser": "missing-useful-exemption",
  "iam:ResyncMFADevice": "missing-useful-exemption",
  "iam:ChangePassword": "missing-password-exemption",
  "iam:GetAccountPasswordPolicy": "missing-password-exemption",
  "sts:GetSessionToken": "missing-session-exemption",
};

/** What an attacker with a stolen password or access key could do without MFA. */
const dangers: readonly { readonly actions: RegExp; readonly danger: string }[] = [
  { actions: /^iam:deactivatemfadevice$/, danger: "deactivates a user's device, which removes MFA" },
  {
    actions: /^iam:(create|update)accesskey$/,
    danger: "creates or reactivates an access key, which an attacker can keep",
  },
  { actions: /^iam:(create|update)loginprofile$/, danger: "sets the console password of a user" },
  { actions: /^iam:deleteloginprofile$/, danger: "removes the console password of a user" },
  {
    actions: /^iam:(add|remove)user(to|from)group$/,
    danger: "gives a user the permissions of a group, or removes a user from the group that enforces MFA",
  },
  {
    actions:
      /^iam:(attach|detach|put|delete|create|setdefault)(user|group|role)?(policy|policyversion|permissionsboundary)$/,
    danger: "changes permissions, including this policy",
  },
  {
    actions: /^iam:(createrole|acquirerole|updateassumerolepolicy)$/,
    danger: "creates a role, or changes who can assume one",
  },
  {
    actions:
      /^iam:((create|update)samlprovider|createopenidconnectprovider|updateopenidconnectproviderthumbprint|addclientidtoopenidconnectprovider)$/,
    danger: "changes which identity providers the account trusts; their sign-ins need no MFA of the account",
  },
  {
    actions: /^iam:(update|delete)accountpasswordpolicy$/,
    danger: "weakens the password policy for all users",
  },
  { actions: /^iam:(create|update|delete)(user|group)$/, danger: "creates, renames or deletes users or groups" },
  {
    actions: /^iam:(create|reset|update)servicespecificcredential$/,
    danger: "creates credentials that do not support MFA",
  },
  {
    actions: /^iam:(upload|update)(sshpublickey|signingcertificate|cloudfrontpublickey)$/,
    danger: "creates credentials that do not support MFA",
  },
  {
    actions: /^iam:(acceptdelegationrequest|associatedelegationrequest|senddelegationtoken)$/,
    danger: "gives another account temporary access in the user's name",
  },
  {
    actions: /^iam:updateaccountemailaddress$/,
    danger: "changes the email address of the account, which resets the root user's password",
  },
  {
    actions: /^iam:(enable|disable)organizationsroot(sessions|credentialsmanagement)$/,
    danger: "changes who can act as the root user of member accounts",
  },
  {
    actions: /^signin:(put|delete)(resourcepermissionstatement|consoleauthorizationconfiguration)$/,
    danger: "changes who can sign in to the console",
  },
  { actions: /^iam:addroletoinstanceprofile$/, danger: "gives a role to instances, which then act without MFA" },
  { actions: /^iam:passrole$/, danger: "passes roles to services, which then act without MFA" },
  {
    actions: /^sts:assumerole(with\w+)?$/,
    danger: "assumes a role without MFA, and this policy does not apply to roles",
  },
  {
    actions: /^sts:(assumeroot|getfederationtoken|getdelegatedaccesstoken|getscopedcredentials)$/,
    danger: "starts sessions without MFA",
  },
  { actions: /^sts:getservicebearertoken$/, danger: "gets a token for services without MFA" },
  { actions: /^sts:getwebidentitytoken$/, danger: "signs in to external services as the user, without MFA" },
];

const ranks = new Map<string, number>();

/** The place of an action in the list above, the worst first; -1 if it is not dangerous. */
function findRank(name: string): number {
  let rank = ranks.get(name);
  if (rank === undefined) {
    const lower = name.toLowerCase();
    rank = dangers.findIndex(({ actions }) => actions.test(lower));
    ranks.set(name, rank);
  }
  return rank;
}

const dangersByText = new Map<string, readonly { readonly name: string; readonly danger: string }[]>();

/** Lists the dangerous actions that an action or a pattern names, the worst first. */
function listDangers(text: string): readonly { readonly name: string; readonly danger: string }[] {
  let found = dangersByText.get(text);
  if (found === undefined) {
    const known = findActions(text).map(({ name }) => name);
    found = known
      .sort((a, b) => findRank(a) - findRank(b))
      .flatMap((name) => {
        const danger = findDanger(name);
        return danger === undefined ? [] : { name, danger };
      });
    dangersByText.set(text, found);
  }
  return found;
}

/** Describes why a known action is dangerous without MFA; undefined if it is not. */
export function findDanger(action: string): string | undefined {
  return dangers[findRank(action)]?.danger;
}

/** Whether an action changes the permissions of a user: on their own user, users could give themselves any. */
export function changesPermissions(name: string): boolean {
  return /^iam:(attach|detach|put|delete)user(policy|permissionsboundary)$/i.test(name);
}

/** Exemptions that are not even worth a note. */
const harmless = new Set(["iam:ListUsers", "iam:GetLoginProfile", "iam:TagMFADevice"]);

export function checkExempt(entries: readonly Entry[], report: Report): void {
  const isWhole = ({ text }: Entry): boolean => text.startsWith("*");
  const covering = new Map(
    exemptions.map(({ action }) => [action, entries.filter((entry) => !isWhole(entry) && isAmong(action, [entry]))]),
  );
  for (const entry of entries) {
    const { text, path } = entry;
    const named = findActions(text);
    const found = listDangers(text).filter(({ name }) => !isTolerated(name));
    const isPattern = /[*?]/.test(text);
    const [first] = found;
    if (first !== undefined) {
      const message = isPattern
        ? `${quoteText(text)} exempts ${joinList(found.map(({ name }) => name))}; ${first.name} ${first.danger}`
        : `${quoteText(text)} works without MFA: it ${first.danger}`;
      report.add("dangerous-exemption", path, message, ...fixExemption(entry, entries, covering));
      continue;
    }
    // Including actions of services that fob does not know.
    const isOther = !isKnownService(splitAction(text)?.service ?? "");
    const beyond = named.filter(({ name }) => !isNeeded(name) && !isTolerated(name));
    // Another rule reports a typo, which exempts nothing.
    const isUnknown = named.length === 0 && splitAction(text) !== undefined && guessSureAction(text) === undefined;
    if (isPattern && (isOther || beyond.length > 0)) {
      const what = isOther ? "" : `, including ${joinList(beyond.map(({ name }) => name))}`;
      const message = `everything that matches ${quoteText(text)} works without MFA${what}`;
      report.add("wildcard-exemption", path, message, ...fixExemption(entry, entries, covering));
    } else if (!isPattern && (isUnknown || beyond.length > 0)) {
      const message = `${quoteText(text)} works without MFA, and users do not need it to set up MFA`;
      report.add("extra-exemption", path, message, "remove it, unless you know who needs it");
    } else
      checkTolerated(
        entry,
        named.map(({ name }) => name),
        report,
      );
  }
}

function checkTolerated({ text, path }: Entry, names: readonly string[], report: Report): void {
  const tolerated = names.filter((name) => isTolerated(name) && !harmless.has(name));
  if (tolerated.length === 0) return;
  const message = tolerated.includes(tolerable)
    ? `${tolerable} works without MFA: AWS advises against it, but it deletes only devices that are not enabled`
    : `${quoteText(text)} works without MFA, and users do not need it to set up MFA, but it changes nothing`;
  report.add("tolerated-exemption", path, message, "remove it, unless you know who needs it");
}

/**
 * Removes an exemption, but keeps what it exempts and users need.
 *
 * @param covering the entries of the list that exempt each action that users need
 */
function fixExemption(entry: Entry, entries: readonly Entry[], covering: ReadonlyMap<string, readonly Entry[]>): Fix {
  const needed = [...covering]
    .filter(([action, all]) => isAmong(action, [entry]) && !all.some((other) => other !== entry))
    .map(([action]) => action);
  const patch = replaceEntries(entries, [entry], needed);
  const remove = `remove ${quoteText(entry.text)}`;
  return [
    needed.length === 0 ? remove : `${remove}, and name the actions that users need: ${needed.join(", ")}`,
    patch,
  ];
}
