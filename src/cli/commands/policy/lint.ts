// `fob policy lint`: checks a policy and suggests fixes.
import { partitionNames } from "../../../aws/partitions.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import type { Place } from "../../../policy/engine/json.ts";
import { type Finding, type Kind, lint } from "../../../policy/lint/lint.ts";
import { escapeControlCharacters, formatJson, quote } from "../../../text.ts";
import { defineCommand } from "../../command.ts";
import { readJsonFile } from "./files.ts";

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
    json: { text: "print JSON" },
  },
  examples: [
    "fob policy lint enforce-mfa-policy.json",
    "fob policy lint --as enforcement --partition aws-us-gov policy.json",
    "fob policy lint --as scp require-mfa.json",
    "fob policy show | fob policy lint -",
  ],
  async run([file = ""], { as, partition, json }, context) {
    for (const [flag, value, choices] of [
      ["--as", as, kinds],
      ["--partition", partition, partitionNames],
    ] as const) {
      if (value === undefined || choices.some((choice) => choice === value)) continue;
      throw new UsageError(`invalid ${flag} ${quote(value)}`, `choose one of: ${choices.join(", ")}`);
    }
    const findings = lint(await readJsonFile(file, context), {
      as: kinds.find((kind) => kind === as),
      partition,
    });
    context.stdout.write(json ? formatJson(findings) : formatFindings(file, findings));
    context.say.note(`${quote(file)}: ${summarize(findings)}`);
    return findings.some(({ level }) => level === "error") ? exitCodes.notFresh : exitCodes.done;
  },
});

function formatFindings(file: string, findings: readonly Finding[]): string {
  return findings
    .map(
      ({ line, column, level, rule, message, fix, also = [] }) =>
        `${escapeControlCharacters(`${file}:${line}:${column} ${level} ${rule} ${message}`)}\n    ${escapeControlCharacters(fix)}\n${formatPlaces(also)}`,
    )
    .join("");
}

/** Lists the first of the other places. */
function formatPlaces(places: readonly Place[]): string {
  if (places.length === 0) return "";
  const most = 20;
  const listed = places.slice(0, most).map(({ line, column }) => `${line}:${column}`);
  const rest = places.length > most ? ` and ${places.length - most} more places` : "";
  return `    also at ${listed.join(", ")}${rest}\n`;
}

function summarize(findings: readonly Finding[]): string {
  const counts = (["error", "warning", "note"] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : `${count} ${level}${count === 1 ? "" : "s"}`;
  });
  return counts.length === 0 ? "no findings" : counts.join(", ");
}
