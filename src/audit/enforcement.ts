// Checks of the enforcement itself: that users without MFA are denied, not only that they have devices.

import type { UserDecisions } from "../iam/decisions.ts";
import { type Enforcement, findDifferences, findGroup } from "../iam/enforcement.ts";
import { findAutomation, isBreakGlass, isMember, roleTag } from "../iam/parts.ts";
import type { Simulated } from "../iam/simulated.ts";
import type { AccountSnapshot, Known, User } from "../iam/snapshot.ts";
import { parseDocument } from "../policy/engine/document.ts";
import { readJson, SourceError } from "../policy/engine/json.ts";
import { lint } from "../policy/lint/lint.ts";
import { listNeededToEnroll, resourceToEnroll } from "../policy/locked-out.ts";
import { formatOption, quoteShellWord } from "../text.ts";
import {
  type AuditInput,
  type Check,
  fails,
  hasDevice,
  type Judgement,
  joinJudgements,
  judge,
  judgeDevices,
  judgeEach,
  listCredentials,
  type Outcome,
  type Subject,
} from "./check.ts";
import { listMfaBoundaries, listMfaDenials, type MfaDenial } from "./mfa-denials.ts";

export const enforcementChecks: readonly Check[] = [
  {
    id: "enforced-for-every-user",
    title: "every active user is denied without MFA",
    severity: "high",
    remedy: "fob rollout plan --out plan.json",
    controls: {},
    look: judgeEveryUser,
  },
  {
    id: "policy-sound",
    title: "policies that deny without MFA have no error",
    severity: "high",
    remedy: "fob policy lint FILE",
    controls: {},
    look: lintPolicies,
  },
  {
    id: "group-exact",
    title: "the group has exactly the policies that fob would give it",
    severity: "medium",
    remedy: "fob rollout status",
    controls: {},
    look: ({ snapshot, enforcement }) => {
      if (snapshot.users.length === 0) return judgeEach([], "user", () => undefined);
      const { group: name, groupArn: arn } = enforcement;
      const outcome = judgeEach([{ name, arn }], "group", () => judgeGroup(snapshot, enforcement));
      return outcome.result === "pass" ? { ...outcome, reason: describeVersions(snapshot, enforcement) } : outcome;
    },
  },
  {
    id: "automation-not-enforced",
    title: "no automation user is denied without MFA",
    severity: "high",
    remedy: "aws iam list-groups-for-user --user-name USER",
    controls: {},
    look: ({ snapshot, decisionsOf, enforcement: { group } }) =>
      judgeEach(snapshot.users.filter(mayBeAutomation), "automation user", (user) => {
        if (!("value" in user.password)) return { unknown: `console password: ${user.password.unknown}` };
        const judgement = isMember(user, group)
          ? fails(
              `in group ${group}`,
              `aws iam remove-user-from-group ${formatOption("--group-name", group)} --user-name USER`,
            )
          : judge(decisionsOf(user), "policies", (decisions) =>
              decisions.findOpening() === undefined
                ? fails(
                    "denied without MFA, and a program cannot type a code",
                    "fob policy simulate --account --user USER",
                  )
                : undefined,
            );
        if (judgement === undefined || !("fails" in judgement) || user.tags[roleTag] !== undefined) return judgement;
        if (!isAutomation(user)) return { unknown: `${judgement.fails}; ${devicesDecide}` };
        return { unknown: `${judgement.fails}; ${guessed}`, remedy: tagAutomation };
      }),
  },
  {
    id: "enforced-without-device",
    title: "every user under enforcement has an MFA device",
    severity: "high",
    remedy: "fob rollout status",
    controls: {},
    look: ({ snapshot, decisionsOf, enforcement: { group } }) =>
      judgeEach(
        snapshot.users.filter((user) => isMember(user, group) || !isAutomation(user)),
        "user",
        (user) =>
          judgeDevices(user, ({ length }) =>
            length > 0 ? undefined : judgeWithoutDevice(user, isMember(user, group), decisionsOf),
          ),
      ),
  },
  {
    id: "policy-attached-to-group-only",
    title: "policies that deny without MFA are attached to groups only",
    severity: "medium",
    remedy: "aws iam list-entities-for-policy --policy-arn ARN",
    controls: {},
    look: ({ snapshot }) => {
      const denials = new Map<string, MfaDenial[]>();
      for (const each of listMfaDenials(snapshot)) {
        denials.set(each.holderArn, [...(denials.get(each.holderArn) ?? []), each]);
      }
      const read = new Set(snapshot.managedPolicies.map(({ arn }) => arn));
      return judgeEach([...snapshot.users, ...snapshot.roles], "identity", ({ name, arn, attachedPolicies }) => {
        const found = (denials.get(arn) ?? []).map((denial) => {
          const why = denial.holder === "role" ? ", and a role's sessions never have MFA" : "";
          const isNeeded = denial.holder === "user" && !isEnforcedByGroup(arn, snapshot, denials);
          return fails(
            `${denial.holder} has the policy ${denial.name} of its own${why}`,
            isNeeded || allowsSomething(denial.document)
              ? lintOf(denial, versionOf(denial.arn, snapshot))
              : removeFrom(name, denial),
          );
        });
        if (found.length > 0) return joinJudgements(found);
        const missing = attachedPolicies.find((policy) => !read.has(policy));
        return missing === undefined ? undefined : { unknown: `AWS did not return the policy ${missing}` };
      });
    },
  },
];

/** Whether a policy does more than to deny: a user or role may need it. */
function allowsSomething(document: string): boolean {
  try {
    return parseDocument(JSON.parse(document)).statements.some(({ effect }) => effect !== "Deny");
  } catch {
    return true;
  }
}

/** Whether a group of a user has a policy that denies without MFA: then the user's own is not the only one. */
function isEnforcedByGroup(
  userArn: string,
  { users, groups }: AccountSnapshot,
  denials: ReadonlyMap<string, readonly MfaDenial[]>,
): boolean {
  const names = users.find(({ arn }) => arn === userArn)?.groups ?? [];
  return groups.some(({ name, arn }) => names.includes(name) && denials.has(arn));
}

const versionOf = (policyArn: string, { managedPolicies }: AccountSnapshot): string | undefined =>
  managedPolicies.find(({ arn }) => arn === policyArn)?.defaultVersion;

/** The command that takes a policy from a user or role. */
function removeFrom(holder: string, { holder: kind, holderArn, arn, name }: MfaDenial): string {
  const of = formatOption(`--${kind}-name`, holder);
  return arn === holderArn
    ? `aws iam delete-${kind}-policy ${of} ${formatOption("--policy-name", name)}`
    : `aws iam detach-${kind}-policy ${of} --policy-arn ${quoteShellWord(arn)}`;
}

/** The command that lints a policy of the account. */
function lintOf({ holder: kind, holderArn, arn, name }: MfaDenial, version: string | undefined): string {
  const get =
    arn === holderArn
      ? `get-${kind}-policy ${formatOption(`--${kind}-name`, arn.replace(/^.*\//, ""))} ${formatOption("--policy-name", name)} --query PolicyDocument`
      : `get-policy-version --policy-arn ${quoteShellWord(arn)} --version-id ${version ?? "v1"} --query PolicyVersion.Document`;
  return `aws iam ${get} --output json | fob policy lint -`;
}

/**
 * What is not known makes no user an automation user, and neither does the tag where there is a console password. Without
 * the tag, one who has an MFA device is a person who only works with access keys: the rollout leaves that user out until it
 * is known, but an audit must not.
 */
function isAutomation(user: User): boolean {
  const found = findAutomation(user);
  if (!("value" in found) || found.value === null) return false;
  if (found.value === "tag") return "value" in user.password && user.password.value === null;
  return hasDevice(user) === false;
}

const hasNoCredentials = (user: User): boolean => {
  const credentials = listCredentials(user);
  return "value" in credentials && credentials.value.length === 0;
};

/** Whether a user has an access key and no password, and it is not known whether there is a device. */
function isOpenByDevices(user: User): boolean {
  const found = findAutomation(user);
  return "value" in found && found.value === "key" && hasDevice(user) === undefined;
}

const devicesDecide = "whether it is an automation user depends on its MFA devices, which are not known";

/** An automation user with credentials, or one of whom it is not known whether there is a password or a device. */
const mayBeAutomation = (user: User): boolean =>
  (isAutomation(user) && !hasNoCredentials(user)) ||
  (user.tags[roleTag] === "automation" && !("value" in user.password)) ||
  isOpenByDevices(user);

/** Why a user need not be denied without MFA, in words; undefined if the user must be. */
export function findExemption(user: User, breakGlass: readonly string[]): string | undefined {
  if (isBreakGlass(user, [])) return `break-glass: tag ${roleTag}`;
  if (isBreakGlass(user, breakGlass)) return "break-glass: named with --break-glass";
  if (!isAutomation(user)) return undefined;
  return user.tags[roleTag] === "automation"
    ? `automation: tag ${roleTag}`
    : "automation: an access key, no password and no MFA device";
}

function judgeGroup(snapshot: AccountSnapshot, enforcement: Enforcement): Judgement {
  const { group: name, policies } = enforcement;
  const group = findGroup(snapshot, name);
  if (group === undefined) return fails(`group ${name} does not exist`, "fob rollout plan --out plan.json");
  const differences = findDifferences(snapshot, enforcement);
  if (differences.length > 0) return fails(differences.map(({ detail }) => detail).join("; "));
  // Without members that is no difference for the rollout.
  const detached = policies.find(({ arn }) => !group.attachedPolicies.includes(arn));
  if (detached !== undefined) return fails(`group ${name} does not have ${detached.arn}`);
  const read = new Set(snapshot.managedPolicies.map(({ arn }) => arn));
  const missing = policies.find(({ arn }) => !read.has(arn));
  return missing && { unknown: `AWS did not return the policy ${missing.arn}` };
}

function describeVersions(snapshot: AccountSnapshot, { group, policies }: Enforcement): string {
  const described = policies.map(({ name, arn }) => `${name} (default version ${versionOf(arn, snapshot) ?? ""})`);
  return `${group} has ${described.join(" and ")}`;
}

/** Users without credentials are not counted. Where only users taken for automation are active, nothing is proven. */
function judgeEveryUser(input: AuditInput): Outcome {
  const { users } = input.snapshot;
  const { breakGlass, simulated } = input;
  const active = users.filter((user) => mustBeDenied(user, breakGlass));
  const outcome = judgeEach(active, "active user", (user) =>
    judge(listCredentials(user), "credentials", () => {
      const judgement = judgeDenied(user, input);
      const isOpen = judgement !== undefined && "fails" in judgement && isOpenByDevices(user);
      return isOpen ? { unknown: `${judgement.fails}; ${devicesDecide}` } : judgement;
    }),
  );
  const exempt = users.flatMap((user) => {
    const evidence = findExemption(user, breakGlass);
    return evidence === undefined ? [] : [{ name: user.name, arn: user.arn, evidence }];
  });
  const wasAsked = simulated !== undefined && active.length > 0 && outcome.result === "pass";
  const asked = wasAsked ? "; AWS's simulator agrees" : "";
  const reason = `${outcome.reason}${asked}${nameExempt(exempt)}`;
  const untagged = users.filter((user) => isAutomation(user) && user.tags[roleTag] === undefined);
  const rest = exempt.length === 0 ? {} : { exempt };
  if (active.length > 0 || untagged.length === 0) return { ...outcome, ...rest, reason };
  const subjects = untagged.map(({ name, arn }) => ({ name, arn, evidence: guessed }));
  return { result: "unknown", subjects, ...rest, reason, remedy: tagAutomation };
}

/** A reason names so many; the outcome has all. */
const mostExempt = 10;

function nameExempt(exempt: readonly Subject[]): string {
  if (exempt.length === 0) return "";
  const more = exempt.length - mostExempt;
  const names = exempt.slice(0, mostExempt).map(({ name, evidence }) => `${name} (${evidence})`);
  return `; exempt: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const guessed = `taken for an automation user; if it is one, tag it ${roleTag}=automation`;
const tagAutomation = `aws iam tag-user --user-name USER --tags Key=${roleTag},Value=automation`;

/** Whether a user has to be denied without MFA. One of whom it is not known what credentials there are has to. */
export function mustBeDenied(user: User, breakGlass: readonly string[]): boolean {
  if (findExemption(user, breakGlass) !== undefined) return false;
  return !hasNoCredentials(user);
}

/** Whether a user is denied without MFA, by fob's evaluator and, if that was asked, by AWS's simulator. */
export const judgeDenied = (user: User, { decisionsOf, simulated }: Asked): Judgement =>
  judge(decisionsOf(user), "policies", (decisions) => {
    const opening = decisions.findOpening();
    const found = opening === undefined ? undefined : describeOpen(opening, user, decisions);
    if (simulated !== undefined) return joinSimulated(found, simulated.get(user.name));
    return found === undefined ? undefined : fails(found);
  });

function describeOpen(opening: string, { tags }: User, decisions: UserDecisions): string {
  const exempt =
    tags[roleTag] === "automation" ? `the tag ${roleTag} does not exempt a user with a console password; ` : "";
  // What policies do not deny does not work yet if none allows it.
  const isAllowed = (["key", "sign-in"] as const).some((method) => decisions.listAllowed(method).length > 0);
  return `${exempt}MFA is not enforced: ${opening}${isAllowed ? "" : ", and nothing is allowed either"}`;
}

type Asked = Pick<AuditInput, "decisionsOf" | "simulated">;

/** Both have to say the same. What is not enforced by fob fails also if AWS does not answer. */
function joinSimulated(opening: string | undefined, known: Known<Simulated> = { unknown: "not asked" }): Judgement {
  const ours = opening ?? "denied without MFA";
  if (!("value" in known)) {
    const why = `what AWS's simulator says is not known: ${known.unknown}`;
    return opening === undefined ? { unknown: `fob: ${ours}; ${why}` } : fails(`${ours}; ${why}`);
  }
  const { agreed, allowed, disagreements } = known.value;
  if (disagreements.length > 0) {
    return { unknown: `fob: ${ours}; AWS's simulator disagrees: ${disagreements.join("; ")}` };
  }
  if (opening !== undefined)
    return fails(`${ours}; asked about ${agreed} requests without MFA, AWS's simulator allows ${allowed}, as fob does`);
  return agreed > 0 ? undefined : { unknown: `fob: ${ours}; AWS's simulator was asked nothing that fob could decide` };
}

/** Under enforcement is who has credentials, and is in the group or denied without it. */
function judgeWithoutDevice(user: User, isInGroup: boolean, decisionsOf: AuditInput["decisionsOf"]): Judgement {
  if (hasNoCredentials(user)) return undefined;
  const decisions = decisionsOf(user);
  if (!isInGroup) {
    const credentials = listCredentials(user);
    if (!("value" in credentials)) return { unknown: `credentials: ${credentials.unknown}` };
    if (!("value" in decisions)) return { unknown: `policies: ${decisions.unknown}` };
    if (decisions.value.findOpening() !== undefined) return undefined;
  }
  return fails(`no MFA device, and ${describeEnrollment(user, decisions)}`);
}

/** In the console or with an access key, whichever the user has. */
function describeEnrollment(user: User, decisions: ReturnType<AuditInput["decisionsOf"]>): string {
  const { password, accessKeys } = user;
  if (!("value" in decisions && "value" in password && "value" in accessKeys)) {
    return "whether the user can enroll one is not known";
  }
  const ways = [
    ...(password.value === null ? [] : [{ how: "console", method: "sign-in" } as const]),
    ...(accessKeys.value.some(({ active }) => active) ? [{ how: "key", method: "key" } as const] : []),
  ];
  const missing = ways.map(({ how, method }) =>
    listNeededToEnroll(how).filter((action) => {
      const request = { action, resource: resourceToEnroll(user, action) };
      return decisions.value.decide(request, method) !== "allowed";
    }),
  );
  if (missing.some(({ length }) => length === 0)) return "the user can enroll one";
  return `the user cannot enroll one: not allowed without MFA: ${[...new Set(missing.flat())].join(", ")}`;
}

/** Policies that are attached, or boundaries, and that AWS did not return. */
function listUnread({ users, groups, roles, managedPolicies }: AccountSnapshot): readonly string[] {
  const read = new Set(managedPolicies.map(({ arn }) => arn));
  const attached = [...users, ...groups, ...roles].flatMap(({ attachedPolicies }) => attachedPolicies);
  const boundaries = [...users, ...roles].flatMap(({ boundary }) => boundary ?? []);
  return [...new Set([...attached, ...boundaries])].filter((arn) => !read.has(arn));
}

function lintPolicies({ snapshot }: AuditInput): Outcome {
  const { partition } = snapshot;
  const boundaries = listMfaBoundaries(snapshot).map((each): MfaDenial => ({ ...each, holder: "user", holderArn: "" }));
  const policies = new Map(
    [...listMfaDenials(snapshot), ...boundaries].map((denial) => [`${denial.arn} ${denial.name}`, denial]),
  );
  const unread = listUnread(snapshot);
  if (policies.size === 0 && unread.length === 0) {
    if (snapshot.users.length === 0) return judgeEach([], "user", () => undefined);
    const reason = "no policy of a user, a group or a role denies without MFA";
    return { result: "fail", subjects: [], reason, remedy: "fob rollout plan --out plan.json" };
  }
  const all = [...policies.values(), ...unread.map((arn) => ({ name: arn.replace(/^.*\//, ""), arn, document: null }))];
  return judgeEach(all, "policy", (denial) => {
    if (denial.document === null) return { unknown: "AWS did not return the policy" };
    const remedy = lintOf(denial, versionOf(denial.arn, snapshot));
    try {
      const errors = lint(readJson(denial.document), { partition }).filter(({ level }) => level === "error");
      return joinJudgements(
        errors.map(({ rule, message, also = [] }) => {
          const places = also.length === 0 ? "" : ` (in ${also.length + 1} places)`;
          return fails(`${rule}: ${message}${places}`, remedy);
        }),
      );
    } catch (error) {
      if (error instanceof SourceError) return { unknown: error.message, remedy };
      throw error;
    }
  });
}
