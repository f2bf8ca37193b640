// Checks of the root user: by the credential report, and by the account's summary, which is live.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
import type { AccountSnapshot, RootUser } from "../iam/snapshot.ts";
import { type AuditInput, type Check, decide, fails, type Judgement, judge, type Outcome } from "./check.ts";
import { daysSince, formatAgo } from "./days.ts";
import { formatLookUp } from "./remedy.ts";

/** Neither AWS nor CIS names a number. */
const unusedDays = 90;

const lookAtRoot = ({ snapshot }: AuditInput, find: (root: RootUser) => Judgement, passes: string): Outcome =>
  decide(judge(snapshot.root, "the root user", find), passes);

type Fact = "AccountMFAEnabled" | "AccountAccessKeysPresent" | "AccountPasswordPresent";

/** What the summary says of the root user; undefined if it was not read, or does not say it. */
function readFact({ summary }: AccountSnapshot, fact: Fact): boolean | undefined {
  const count = "value" in summary ? summary.value[fact] : undefined;
  return count === undefined ? undefined : count > 0;
}

const newOrInactive =
  "the root user has an access key that is not active in the credential report: it is inactive, or newer than the report";

function judgeMfa(input: AuditInput): Outcome {
  const { snapshot } = input;
  const isEnabled = readFact(snapshot, "AccountMFAEnabled");
  if (isEnabled === true) return decide(undefined, "it has one");
  const hasKeys = readFact(snapshot, "AccountAccessKeysPresent");
  const hasPassword = readFact(snapshot, "AccountPasswordPresent");
  if (hasKeys === false && hasPassword === false)
    return decide(undefined, "it has neither a password nor an access key");
  const failed = fails("the root user has no MFA device");
  if (isEnabled === false && hasPassword === true) return decide(failed, "");
  return lookAtRoot(
    input,
    (root) => {
      if (root.hasMfa && isEnabled === undefined) return undefined;
      if ((hasPassword ?? root.hasPassword) || root.activeAccessKeys > 0) return failed;
      return hasKeys === true ? { unknown: newOrInactive } : undefined;
    },
    "it has one, or neither a password nor an access key",
  );
}

function judgeKeys(input: AuditInput): Outcome {
  const hasKeys = readFact(input.snapshot, "AccountAccessKeysPresent");
  if (hasKeys === false) return decide(undefined, "it has none");
  return lookAtRoot(
    input,
    ({ activeAccessKeys: count }) => {
      if (count > 0)
        return fails(`the root user has ${count === 1 ? "an active access key" : `${count} active access keys`}`);
      if (hasKeys === undefined) return undefined;
      return { unknown: newOrInactive };
    },
    "it has none",
  );
}

export const rootChecks: readonly Check[] = [
  {
    id: "root-mfa",
    title: "the root user has an MFA device",
    severity: "high",
    remedy:
      "sign in as the root user, and assign an MFA device: https://console.aws.amazon.com/iam/home#/security_credentials",
    controls: { cis5: "1.4", cis6: "2.4", cis7: "2.5", securityHub: ["IAM.9"], config: ["ROOT_ACCOUNT_MFA_ENABLED"] },
    look: judgeMfa,
  },
  {
    id: "root-no-keys",
    title: "the root user has no active access key",
    severity: "high",
    remedy:
      "sign in as the root user, and delete its access keys: https://console.aws.amazon.com/iam/home#/security_credentials",
    controls: { cis5: "1.3", cis6: "2.3", cis7: "2.4", securityHub: ["IAM.4"], config: ["IAM_ROOT_ACCESS_KEY_CHECK"] },
    look: judgeKeys,
  },
  {
    id: "root-unused",
    title: `the root user was not used for ${unusedDays} days`,
    severity: "medium",
    remedy: formatLookUp("root", "aws"),
    controls: { cis5: "1.6", cis6: "2.6", cis7: "2.7" },
    look: (input) => ({
      ...lookAtRoot(input, (root) => judgeUse(root, input.now), "neither its password nor an access key was used"),
      remedy: formatLookUp("root", input.snapshot.partition),
    }),
  },
];

function judgeUse({ passwordLastUsed, accessKeyLastUsed, activeAccessKeys }: RootUser, now: number): Judgement {
  const uses = [
    ...(passwordLastUsed === null ? [] : [{ what: "signed in", time: passwordLastUsed }]),
    ...(accessKeyLastUsed === null || accessKeyLastUsed === undefined
      ? []
      : [{ what: "used an access key", time: accessKeyLastUsed }]),
  ].map((use) => ({ ...use, days: daysSince(use.time, now) }));
  const recent = uses.filter(({ days }) => days < unusedDays);
  if (recent.length > 0) {
    return fails(recent.map(({ what, time, days }) => `the root user ${what} ${formatAgo(days)} (${time})`).join("; "));
  }
  if (accessKeyLastUsed !== undefined || activeAccessKeys === 0) return undefined;
  return { unknown: "the use of the root user's access keys was not read" };
}
