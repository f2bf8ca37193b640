// `fob policy show`: the enforcement policy, and why it says what it says.
import { exitCodes, UsageError } from "../../../errors.ts";
import {
  type Explained,
  enforceMfaPolicy,
  explainEnforceMfa,
  explainSelfManage,
  selfManagePolicy,
} from "../../../policy/enforcement.ts";
import { formatJson } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import { parsePolicyOptions, policyOptions } from "./options.ts";

export const policyShowCommand = defineCommand({
  name: "policy show",
  description:
    "Prints enforce-mfa-policy, which denies everything without MFA except what a user needs to enrol and to open a " +
    "session. It is for the group RequireMFA, not for roles, and not for users that machines use. It grants nothing: " +
    "--self-manage prints the policy that lets users without other permissions enrol.",
  options: {
    selfManage: { text: "print self-manage-mfa-policy: users see to their own devices and password" },
    ...policyOptions,
    explain: { text: "say why each statement and each exempt action is there, instead" },
    json: { text: "print JSON, also of the explanation" },
  },
  examples: [
    "fob policy show > enforce-mfa-policy.json",
    "fob policy show --self-manage > self-manage-mfa-policy.json",
    "fob policy show --max-age 12h --explain",
    'aws iam create-policy --policy-name enforce-mfa-policy --policy-document "$(fob policy show)"',
  ],
  run(_, options, { stdout }) {
    const variant = parsePolicyOptions(options);
    if (options.selfManage && (options.noPasswordChange || options.maxAge !== undefined || options.viaAwsService)) {
      throw new UsageError(
        "--no-password-change, --max-age and --via-aws-service are about enforce-mfa-policy",
        "leave them out with --self-manage",
      );
    }
    if (options.explain) {
      const explained = options.selfManage ? explainSelfManage(variant) : explainEnforceMfa(variant);
      stdout.write(options.json ? formatJson(explained) : formatExplanations(explained));
    } else {
      const policy = options.selfManage ? selfManagePolicy(variant) : enforceMfaPolicy(variant);
      stdout.write(formatJson(policy));
    }
    return Promise.resolve(exitCodes.done);
  },
});

function formatExplanations(statements: readonly Explained[]): string {
  return statements
    .map(({ sid, why, actions }) => {
      const width = Math.max(...actions.map(({ action }) => action.length));
      const lines = actions.map(({ action, why: reason }) => `  ${action.padEnd(width)}  ${reason}\n`);
      return `${sid}: ${why}\n${lines.join("")}`;
    })
    .join("\n");
}
