// Checks of users and their credentials: the credential report's, held against what else is known of a user.

import { isBreakGlass } from "../iam/parts.ts";
import type { AccessKey, User } from "../iam/snapshot.ts";
import {
  type Check,
  fails,
  type Judgement,
  joinJudgements,
  judge,
  judgeDevices,
  judgeEach,
  listCredentials,
} from "./check.ts";
import { daysSince, formatAgo, formatDays } from "./days.ts";

/**
 * "Unused for 45 days or more": control 1.11 of the CIS AWS Foundations Benchmark 5.0.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-22
 */
export const unusedDays = 45;
/** Control 1.13 of the same. https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-3 */
const oldDays = 90;

const isActive = (key: AccessKey): boolean => key.active;

/** Only what was looked up about a user has the IDs of keys. */
export const deactivate = (key: AccessKey | undefined): string =>
  key?.id === undefined
    ? "aws iam list-access-keys --user-name USER"
    : `aws iam update-access-key --user-name USER --access-key-id ${key.id} --status Inactive`;

const judgeKeys = ({ accessKeys }: User, find: (active: readonly AccessKey[]) => Judgement): Judgement =>
  judge(accessKeys, "access keys", (keys) => find(keys.filter(isActive)));

/** Fails if the user has no MFA device. */
const requireDevice = (user: User, evidence: string, remedy?: string): Judgement =>
  judgeDevices(user, ({ length }) => (length > 0 ? undefined : fails(`${evidence}, and no MFA device`, remedy)));

/** By the day it is known again as the same, on another day. */
const nameDay = (time: string | null): string => (time === null ? "" : ` (${time.slice(0, 10)})`);

export const userChecks: readonly Check[] = [
  {
    id: "every-active-user-has-mfa",
    title: "every active user has an MFA device",
    severity: "high",
    remedy: "fob rollout status",
    controls: {
      ...{ cis5: "1.9", cis6: "2.9", cis7: "2.10", securityHub: ["IAM.5"] },
      config: ["MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"],
    },
    look: ({ snapshot }) =>
      judgeEach(snapshot.users, "user", (user) =>
        judge(listCredentials(user), "credentials", (found) =>
          found.length === 0 ? undefined : requireDevice(user, found.join(" and ")),
        ),
      ),
  },
  {
    id: "no-active-key-without-mfa",
    title: "no user without an MFA device has an active access key",
    severity: "high",
    remedy: "aws iam list-access-keys --user-name USER",
    controls: {},
    look: ({ snapshot, now }) =>
      judgeEach(snapshot.users, "user", (user) =>
        judgeKeys(user, (keys) => {
          if (keys.length === 0) return undefined;
          const unused = keys.find(({ lastUsed }) => lastUsed === null || daysSince(lastUsed, now) >= unusedDays);
          // What is in use may be a program, which stops without it.
          const text = keys.length === 1 ? "an active access key" : `${keys.length} active access keys`;
          return requireDevice(user, text, deactivate(unused));
        }),
      ),
  },
  {
    id: "unused-credentials",
    title: `no password and no active access key is unused for ${unusedDays} days`,
    severity: "medium",
    remedy: "aws iam delete-login-profile --user-name USER",
    controls: {
      ...{ cis5: "1.11", cis6: "2.11", cis7: "2.11", securityHub: ["IAM.22"] },
      config: ["IAM_USER_UNUSED_CREDENTIALS_CHECK"],
    },
    look: ({ snapshot, breakGlass, now }) => {
      // That its password is not used is what a break-glass user is for.
      const exempt = snapshot.users.filter((user) => isBreakGlass(user, breakGlass));
      const outcome = judgeEach(snapshot.users, "user", (user) => findUnused(user, exempt.includes(user), now));
      const names = exempt.map(({ name }) => name).join(", ");
      return names === "" ? outcome : { ...outcome, reason: `${outcome.reason}; exempt: the password of ${names}` };
    },
  },
  {
    id: "old-access-keys",
    title: `no active access key is older than ${oldDays} days`,
    severity: "medium",
    remedy: "aws iam list-access-keys --user-name USER",
    controls: {
      ...{ cis5: "1.13", cis6: "2.13", cis7: "2.12", securityHub: ["IAM.3"], config: ["ACCESS_KEYS_ROTATED"] },
    },
    look: ({ snapshot, now }) =>
      judgeEach(snapshot.users, "user", (user) =>
        judgeKeys(user, (keys) => {
          if (daysSince(user.created, now) <= oldDays) return undefined;
          const old = keys.filter(({ lastRotated }) => lastRotated !== null && daysSince(lastRotated, now) > oldDays);
          const texts = old.map(
            ({ lastRotated }) =>
              `an access key is ${formatDays(daysSince(lastRotated ?? "", now))} old${nameDay(lastRotated)}`,
          );
          // AWS makes no third key: an old one that is not in use goes.
          const [leastUsed] = keys.toSorted(compareUse);
          const canGo = keys.length > 1 && leastUsed !== undefined && old.includes(leastUsed);
          if (old.length > 0) return fails(texts.join("; "), canGo ? deactivate(leastUsed) : undefined);
          const isUnknown = keys.some(({ lastRotated }) => lastRotated === null);
          return isUnknown ? { unknown: "the age of an access key is not known" } : undefined;
        }),
      ),
  },
  {
    id: "two-active-keys",
    title: "no user has two active access keys",
    severity: "low",
    remedy: "aws iam list-access-keys --user-name USER",
    controls: { cis5: "1.12", cis6: "2.12" },
    look: ({ snapshot }) =>
      judgeEach(snapshot.users, "user", (user) =>
        judgeKeys(user, (keys) =>
          keys.length < 2
            ? undefined
            : fails(`${keys.length} active access keys`, deactivate(keys.toSorted(compareUse)[0])),
        ),
      ),
  },
  {
    id: "security-key-only-with-key",
    title: "no user with an access key has only security keys, whose codes STS does not take",
    severity: "medium",
    remedy:
      "aws iam create-virtual-mfa-device --virtual-mfa-device-name USER --bootstrap-method QRCodePNG --outfile qr.png",
    controls: {},
    look: ({ snapshot }) =>
      judgeEach(snapshot.users, "user", (user) =>
        judgeKeys(user, ({ length }) =>
          length === 0
            ? undefined
            : judgeDevices(user, (devices) => {
                if (devices.length === 0 || devices.some(({ kind }) => kind === "virtual" || kind === "hardware"))
                  return undefined;
                if (devices.some(({ kind }) => kind === "unknown"))
                  return { unknown: "the kind of an MFA device is not known" };
                return fails("an active access key, and only security keys");
              }),
        ),
      ),
  },
];

/** The key that was used the longest time ago first. */
const compareUse = (a: AccessKey, b: AccessKey): number => (a.lastUsed ?? "").localeCompare(b.lastUsed ?? "");

/**
 * What was never used counts from the time at which it was made or changed. All that is unused is named.
 *
 * @param mayRest whether the password need not be used
 */
function findUnused(user: User, mayRest: boolean, now: number): Judgement {
  // Nothing of the user is older.
  if (daysSince(user.created, now) < unusedDays) return undefined;
  return joinJudgements([mayRest ? undefined : judgePassword(user, now), ...judgeUnusedKeys(user, now)]);
}

function judgePassword({ password }: User, now: number): Judgement {
  return judge(password, "console password", (value) => {
    if (value === null) return undefined;
    const { lastUsed, lastChanged } = value;
    return judge(lastUsed, "use of the password", (used) => {
      if (used !== null) return judgeAge("the password was last used", used, now);
      return judge(lastChanged, "change of the password", (changed) =>
        changed === null
          ? { unknown: "the password was never used, and when it was set is not known" }
          : judgeAge("the password was never used, and was set", changed, now),
      );
    });
  });
}

function judgeUnusedKeys({ accessKeys }: User, now: number): readonly Judgement[] {
  if (!("value" in accessKeys)) return [{ unknown: `access keys: ${accessKeys.unknown}` }];
  return accessKeys.value.filter(isActive).map((key) => {
    const { lastUsed, lastRotated } = key;
    if (lastUsed !== null) return judgeAge("an access key was last used", lastUsed, now, deactivate(key));
    if (lastRotated === null) return { unknown: "an access key was never used, and its age is not known" };
    return judgeAge("an access key was never used, and was made", lastRotated, now, deactivate(key));
  });
}

function judgeAge(what: string, time: string, now: number, remedy?: string): Judgement {
  const days = daysSince(time, now);
  return days >= unusedDays ? fails(`${what} ${formatAgo(days)}${nameDay(time)}`, remedy) : undefined;
}
