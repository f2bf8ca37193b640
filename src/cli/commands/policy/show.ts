// `fob policy show`: prints the enforcement policy, or explains it.
import { exitCodes, UsageError } from "../../../errors.ts";
import {
  type Explained,
  enforceMfaPolicy,
  explainEnforceMfa,
  explainSelfManage,
  selfManagePolicy,
} from "../../../policy/enforcement.ts";
import { hangText } from "../../../terminal/table.ts";
import { formatJson } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import { parsePolicyOptions, policyOptions } from "./options.ts";

export const policyShowCommand = defineCommand({
  name: "policy show",
  description:
    "Prints enforce-mfa-policy, which denies everything without MFA except what a user needs to enroll a device and " +
    "start a session. Attach it to the group RequireMFA, not to roles or to users that machines use. It grants " +
    "nothing: --self-manage prints the policy that lets users without other permissions enroll. " +
    "AWS advises against letting users change their password without MFA. This policy does, because users with a " +
    "temporary or expired password could not sign in to enroll; --no-password-change leaves it out.",
  options: {
    selfManage: { text: "print self-manage-mfa-policy, which lets users manage their own MFA devices and password" },
    withAccessKeys: { text: "with --self-manage: also let users with MFA manage their own access keys" },
    ...policyOptions,
    explain: { text: "explain each statement and each action instead" },
    json: { text: "print the explanation as JSON too" },
  },
  examples: [
    "fob policy show > enforce-mfa-policy.json",
    "fob policy show --self-manage > self-manage-mfa-policy.json",
    "fob policy show --self-manage --with-access-keys",
    "fob policy show --max-age 12h --explain",
    'aws iam create-policy --policy-name enforce-mfa-policy --policy-document "$(fob policy show)"',
  ],
  run(_, options, { stdout }) {
    const variant = parsePolicyOptions(options);
    const companion = { partition: variant.partition, accessKeys: options.withAccessKeys === true };
    if (options.withAccessKeys && !options.selfManage) {
      throw new UsageError(
        "--with-access-keys can only be used with --self-manage",
        "for example: fob policy show --self-manage --with-access-keys",
      );
    }
    if (options.selfManage && (options.noPasswordChange || options.maxAge !== undefined || options.viaAwsService)) {
      throw new UsageError(
        "--no-password-change, --max-age and --via-aws-service cannot be used with --self-manage",
        "they change enforce-mfa-policy only",
      );
    }
    if (options.explain) {
      const explained = options.selfManage ? explainSelfManage(companion) : explainEnforceMfa(variant);
      stdout.write(options.json ? formatJson(explained) : formatExplanations(explained, stdout.columns));
    } else {
      const policy = options.selfManage ? selfManagePolicy(companion) : enforceMfaPolicy(variant);
      stdout.write(formatJson(policy));
    }
    return Promise.resolve(exitCodes.done);
  },
});

function formatExplanations(statements: readonly Explained[], columns: number): string {
  return statements
    .map(({ sid, why, actions }) => {
      const width = Math.max(...actions.map(({ action }) => action.length));
      // On a narrow terminal the reason is below the action.
      const isNarrow = columns < 2 * width;
      const lines = actions.map(({ action, why: reason }) =>
        isNarrow
          ? `  ${action}\n${hangText("    ", reason, columns)}\n`
          : `${hangText(`  ${action.padEnd(width)}  `, reason, columns)}\n`,
      );
      return `${hangText("", `${sid}: ${why}`, columns)}\n${lines.join("")}`;
    })
    .join("\n");
}
