// Checks of the enforcement itself: that users without MFA are denied, not only that they have devices.

import { type Enforcement, findDifferences, findGroup } from "../iam/enforcement.ts";
import { isBreakGlass, isMember, roleTag } from "../iam/parts.ts";
import type { AccountSnapshot, User } from "../iam/snapshot.ts";
import { readJson, SourceError } from "../policy/engine/json.ts";
import { lint } from "../policy/lint/lint.ts";
import {
  type AuditInput,
  type Check,
  fails,
  type Judgement,
  judge,
  judgeEach,
  listCredentials,
  type Outcome,
} from "./check.ts";
import { listMfaDenials } from "./mfa-denials.ts";

export const enforcementChecks: readonly Check[] = [
  {
    id: "enforced-for-every-user",
    title: "every active user is denied without MFA",
    severity: "high",
    remedy: "fob rollout plan --out plan.json",
    controls: {},
    look: (input) => {
      const { users } = input.snapshot;
      const { breakGlass } = input;
      const outcome = judgeEach(
        users.filter((user) => findExemption(user, breakGlass) === undefined),
        "user",
        (user) =>
          judge(listCredentials(user), "credentials", ({ length }) =>
            length === 0 ? undefined : judgeDenied(user, input),
          ),
      );
      const exempt = users.flatMap((user) => {
        const why = findExemption(user, breakGlass);
        return why === undefined ? [] : `${user.name} (${why})`;
      });
      return exempt.length === 0 ? outcome : { ...outcome, reason: `${outcome.reason}; exempt: ${exempt.join(", ")}` };
    },
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
      const { group: name, groupArn: arn } = enforcement;
      return judgeEach([{ name, arn }], "group", () => judgeGroup(snapshot, enforcement));
    },
  },
  {
    id: "automation-not-enforced",
    title: "no program's user is denied without MFA",
    severity: "high",
    remedy: "fob rollout undo --user USER",
    controls: {},
    look: ({ snapshot, decisionsOf, enforcement: { group } }) =>
      judgeEach(snapshot.users.filter(isAutomation), "program's user", (user) => {
        if (isMember(user, group)) return fails(`in group ${group}`);
        return judge(decisionsOf(user), "policies", (decisions) =>
          decisions.findOpening() === undefined
            ? fails("denied without MFA, and it has no one to type a code")
            : undefined,
        );
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
        snapshot.users.filter((user) => isMember(user, group)),
        "member",
        (user) =>
          judge(user.devices, "MFA devices", ({ length }) => {
            if (length > 0) return undefined;
            return fails(`no MFA device, and ${describeEnrollment(user, decisionsOf)}`);
          }),
      ),
  },
  {
    id: "policy-attached-to-group-only",
    title: "policies that deny without MFA are attached to groups only",
    severity: "medium",
    remedy: "aws iam list-entities-for-policy --policy-arn ARN",
    controls: {},
    look: ({ snapshot }) => {
      const denials = new Map(listMfaDenials(snapshot).map((denial) => [denial.holderArn, denial]));
      const read = new Set(snapshot.managedPolicies.map(({ arn }) => arn));
      return judgeEach([...snapshot.users, ...snapshot.roles], "identity", ({ arn, attachedPolicies }) => {
        const denial = denials.get(arn);
        if (denial !== undefined) {
          const why = denial.holder === "role" ? ", and a role's sessions never have MFA" : "";
          return fails(`${denial.holder} has the policy ${denial.name} of its own${why}`);
        }
        const missing = attachedPolicies.find((policy) => !read.has(policy));
        return missing === undefined ? undefined : { unknown: `AWS did not return the policy ${missing}` };
      });
    },
  },
];

/** An access key and no console password, or the tag. What is not known makes no user a program. */
function isAutomation({ tags, accessKeys, password }: User): boolean {
  if (tags[roleTag] === "automation") return true;
  if (!("value" in accessKeys) || !("value" in password)) return false;
  return password.value === null && accessKeys.value.some(({ active }) => active);
}

function judgeGroup(snapshot: AccountSnapshot, enforcement: Enforcement): Judgement {
  const { group: name, policies } = enforcement;
  const group = findGroup(snapshot, name);
  if (group === undefined) return fails(`group ${name} does not exist`);
  const differences = findDifferences(snapshot, enforcement);
  if (differences.length > 0) return fails(differences.map(({ detail }) => detail).join("; "));
  const read = new Set(snapshot.managedPolicies.map(({ arn }) => arn));
  const missing = policies.find(({ arn }) => group.attachedPolicies.includes(arn) && !read.has(arn));
  return missing && { unknown: `AWS did not return the policy ${missing.arn}` };
}

/** Why a user need not be denied without MFA; undefined if the user must be. */
export function findExemption(user: User, breakGlass: readonly string[]): "break-glass" | "automation" | undefined {
  if (isBreakGlass(user, breakGlass)) return "break-glass";
  return isAutomation(user) ? "automation" : undefined;
}

/** Whether a user is denied without MFA. */
export const judgeDenied = (user: User, { decisionsOf }: Pick<AuditInput, "decisionsOf">): Judgement =>
  judge(decisionsOf(user), "policies", (decisions) => {
    const opening = decisions.findOpening();
    return opening === undefined ? undefined : fails(`works without MFA: ${opening}`);
  });

function describeEnrollment(user: User, decisionsOf: AuditInput["decisionsOf"]): string {
  const decisions = decisionsOf(user);
  if (!("value" in decisions)) return "whether the user can enroll one is not known";
  const may = decisions.value.decide({ action: "iam:EnableMFADevice", resource: user.arn }, "sign-in");
  if (may === "unknown") return "whether the user can enroll one is not known";
  return may === "allowed" ? "the user can enroll one" : "the user cannot enroll one";
}

function lintPolicies({ snapshot }: AuditInput): Outcome {
  const { partition } = snapshot;
  const policies = new Map(listMfaDenials(snapshot).map((denial) => [`${denial.arn} ${denial.name}`, denial]));
  if (policies.size === 0) {
    return { result: "fail", subjects: [], reason: "no policy of a user, a group or a role denies without MFA" };
  }
  return judgeEach([...policies.values()], "policy", ({ document }) => {
    try {
      const [first, ...more] = lint(readJson(document), { partition }).filter(({ level }) => level === "error");
      if (first === undefined) return undefined;
      const others = [...new Set(more.map(({ rule }) => rule))];
      return fails(`${first.rule}: ${first.message}${others.length === 0 ? "" : `; also ${others.join(", ")}`}`);
    } catch (error) {
      if (error instanceof SourceError) return { unknown: error.message };
      throw error;
    }
  });
}
