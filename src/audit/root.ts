// Checks of the root user.
import type { RootUser } from "../iam/snapshot.ts";
import { type AuditInput, type Check, decide, fails, type Judgement, judge, type Outcome } from "./check.ts";

/** The root user is for what no other user can do. */
const unusedDays = 90;

const lookAtRoot = ({ snapshot }: AuditInput, find: (root: RootUser) => Judgement, passes: string): Outcome =>
  decide(judge(snapshot.root, "the root user", find), passes);

export const rootChecks: readonly Check[] = [
  {
    id: "root-mfa",
    title: "the root user has an MFA device",
    severity: "high",
    remedy:
      "sign in as the root user, and assign an MFA device: https://console.aws.amazon.com/iam/home#/security_credentials",
    controls: { cis5: "1.4", cis6: "2.4", cis7: "2.5", securityHub: ["IAM.9"], config: ["ROOT_ACCOUNT_MFA_ENABLED"] },
    look: (input) =>
      lookAtRoot(
        input,
        ({ hasMfa, hasPassword, activeAccessKeys }) => {
          if (hasMfa || (!hasPassword && activeAccessKeys === 0)) return undefined;
          return fails("the root user has no MFA device");
        },
        "it has one, or neither a password nor an access key",
      ),
  },
  {
    id: "root-no-keys",
    title: "the root user has no active access key",
    severity: "high",
    remedy:
      "sign in as the root user, and delete its access keys: https://console.aws.amazon.com/iam/home#/security_credentials",
    controls: { cis5: "1.3", cis6: "2.3", cis7: "2.4", securityHub: ["IAM.4"], config: ["IAM_ROOT_ACCESS_KEY_CHECK"] },
    look: (input) =>
      lookAtRoot(
        input,
        ({ activeAccessKeys: count }) =>
          count === 0
            ? undefined
            : fails(`the root user has ${count === 1 ? "an active access key" : `${count} active access keys`}`),
        "it has none",
      ),
  },
  {
    id: "root-unused",
    title: `the root user was not used for ${unusedDays} days`,
    severity: "medium",
    remedy: "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root",
    controls: { cis5: "1.6", cis6: "2.6", cis7: "2.7", securityHub: ["IAM.20"] },
    look: (input) =>
      lookAtRoot(
        input,
        ({ passwordLastUsed, activeAccessKeys }) => {
          if (passwordLastUsed !== null) {
            const days = Math.floor((input.now - Date.parse(passwordLastUsed)) / 86_400_000);
            if (days < unusedDays) return fails(`the root user signed in ${days} days ago (${passwordLastUsed})`);
          }
          return activeAccessKeys === 0
            ? undefined
            : { unknown: "the use of the root user's access keys was not looked at" };
        },
        "its password was not used",
      ),
  },
];
