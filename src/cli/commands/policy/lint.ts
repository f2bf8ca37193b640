// `fob policy lint`: checks a policy and suggests fixes.
import { homepage, version } from "../../../../package.json";
import { partitionNames } from "../../../aws/partitions.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { type Finding, formatFindings, formatFindingsJson, summarizeFindings } from "../../../findings.ts";
import { type Kind, lint } from "../../../policy/lint/lint.ts";
import { rules } from "../../../policy/lint/rules.ts";
import { formatSarif } from "../../../sarif.ts";
import { quote } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import { chooseFormat } from "../../options.ts";
import { readPolicies, rejectWithoutPolicy } from "./files.ts";

const formats = ["text", "json", "sarif"] as const;
const kinds: readonly Kind[] = ["enforcement", "role", "scp"];

export const policyLintCommand = defineCommand({
  name: "policy lint",
  description:
    "Checks an identity-based policy and suggests fixes: syntax AWS rejects, unknown names, ARNs that match nothing, " +
    "and, in a policy that denies requests without MFA, gaps and lockouts. docs/policy-rules.md lists the rules. " +
    "Exits with 3 if it finds an error. The file is JSON: a policy or its statements, the output of aws iam " +
    "get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a " +
    "CloudFormation template, or the output of terraform show -json. fob checks every identity-based policy and service " +
    "control policy in it, but no trust policies.",
  takes: { name: "file", atLeast: 1, atMost: 1, text: "the file with the policy, as JSON; - for stdin" },
  options: {
    as: {
      value: "kind",
      text: "check it as an MFA enforcement policy (enforcement), a policy of a role (role) or a service control policy (scp) (default: detect)",
      choices: kinds,
    },
    partition: {
      value: "partition",
      text: "require this partition in every ARN, e.g. aws-cn (default: any one, but not a mix)",
      choices: partitionNames,
    },
    format: {
      value: "format",
      text: "text, json, or sarif for code scanning, which expects paths from the working directory (default: text)",
      choices: formats,
    },
    json: { text: "short for --format json" },
  },
  examples: [
    "fob policy lint enforce-mfa-policy.json",
    "fob policy lint --as enforcement --partition aws-us-gov policy.json",
    "fob policy lint --as scp require-mfa.json",
    "fob policy show | fob policy lint -",
    "aws iam get-account-authorization-details | fob policy lint -",
    "fob policy lint --format sarif policies/enforce-mfa.json > fob.sarif",
  ],
  async run([file = ""], { as, partition, ...options }, context) {
    for (const [flag, value, choices] of [
      ["--as", as, kinds],
      ["--partition", partition, partitionNames],
    ] as const) {
      if (value === undefined || choices.some((choice) => choice === value)) continue;
      throw new UsageError(`invalid ${flag} ${quote(value)}`, `choose one of: ${choices.join(", ")}`);
    }
    const format = chooseFormat(options, formats);
    const policies = await readPolicies(file, context);
    if (policies.length === 0) rejectWithoutPolicy(file);
    const own = policies.filter((policy) => !policy.isAwsManaged);
    const findings = own.flatMap(({ name, json, unknown, kind }) =>
      lint(json, { as: kinds.find((known) => known === as) ?? kind, partition, unknown }).map((finding) => ({
        file,
        ...(name === undefined ? {} : { subject: name }),
        ...finding,
      })),
    );
    const skipped = policies.length - own.length;
    if (skipped > 0) context.say.note(`not checked: ${skipped} ${skipped === 1 ? "policy" : "policies"} of AWS`);
    context.stdout.write(writers[format](findings));
    const several = own.length === 1 ? "" : ` (${own.length} policies)`;
    context.say.note(`${quote(file)}${several}: ${summarizeFindings(findings)}`);
    return findings.some(({ level }) => level === "error") ? exitCodes.notFresh : exitCodes.done;
  },
});

const writers: Readonly<Record<(typeof formats)[number], (findings: readonly Finding[]) => string>> = {
  text: formatFindings,
  json: formatFindingsJson,
  sarif: (findings) => formatSarif(findings, { version, homepage, rules, help, folder: process.cwd() }),
};

const help =
  "Each finding says how to fix it. `docs/policy-rules.md` of fob has an example of every rule. " +
  "`fob policy simulate` shows what a policy allows with and without MFA.";
