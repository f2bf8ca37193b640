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
import { readJsonFile } from "./files.ts";

const formats = ["text", "json", "sarif"] as const;
const kinds: readonly Kind[] = ["enforcement", "role", "scp"];

export const policyLintCommand = defineCommand({
  name: "policy lint",
  description:
    "Checks an identity-based policy and suggests fixes: syntax AWS rejects, unknown names, ARNs that match nothing, " +
    "and, in a policy that denies requests without MFA, gaps and lockouts. docs/policy-rules.md lists the rules. " +
    "Exits with 3 if it finds an error.",
  takes: { name: "file", atLeast: 1, atMost: 1, text: "the policy, as JSON; - for stdin" },
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
    const found = lint(await readJsonFile(file, context), { as: kinds.find((kind) => kind === as), partition });
    const findings = found.map((finding) => ({ file, ...finding }));
    context.stdout.write(writers[format](findings));
    context.say.note(`${quote(file)}: ${summarizeFindings(findings)}`);
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
