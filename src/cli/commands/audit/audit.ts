// `fob audit`: whether MFA is enforced in an account, for everyone, and how that is known.
import { type Audit, prepareAudit, runChecks } from "../../../audit/audit.ts";
import { type Severity, severities } from "../../../audit/check.ts";
import { getRemaining } from "../../../audit/found.ts";
import { formatCsv } from "../../../csv.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { isBreakGlass } from "../../../iam/parts.ts";
import { formatJson, quote } from "../../../text.ts";
import {
  alarmPermissions,
  configPermissions,
  confirmPermissions,
  readPermissions,
  withAccount,
} from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import { chooseFormat } from "../../options.ts";
import { administratorOptions, groupOption, parseGroup } from "../rollout/options.ts";
import { applyFiles, readFiles } from "./files.ts";
import { formatAuditSarif } from "./sarif.ts";
import { formatAudit, formatAuditMarkdown, listRows } from "./text.ts";

const permissions = [...readPermissions, ...alarmPermissions, ...configPermissions];

const formats = ["table", "json", "csv", "markdown", "html", "sarif"] as const;

export const auditCommand = defineCommand({
  name: "audit",
  description:
    "Checks whether MFA is enforced in the account, for everyone: from the policies of every user, not only from who has " +
    "a device. Also checks the break-glass user, the root user and old credentials. Changes nothing. What could not be " +
    "read is unknown, never a pass. Exits with 3 if a check of the severity of --fail-on fails, or is unknown.",
  options: {
    ...groupOption,
    breakGlass: { value: "user", many: true, text: "treat this user as a break-glass user, as the tag fob-role does" },
    failOn: {
      value: "severity",
      text: "the least severity that counts: high, medium or low (default: high)",
      choices: severities,
    },
    baseline: {
      value: "file",
      text: "an earlier audit of the same account, from --json: only failures that it does not have count",
    },
    accepted: {
      value: "file",
      text: "risks that someone accepts, each with a person, a reason and an end date: they do not count until then",
    },
    fresh: {
      text: "confirm what the credential report says by calls about each user, and ask AWS's policy simulator about each: where it disagrees with fob, the user is unknown",
    },
    allowUnknown: { text: "exit with 0 although checks are unknown" },
    format: { value: "format", text: "table, json, csv, markdown, html or sarif (default: table)", choices: formats },
    json: { text: "short for --format json" },
    printPolicy: { text: "print the policy that this command needs, and do nothing else" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: ["fob audit --profile admin", "fob audit --fail-on low --json", "fob audit --format html > audit.html"],
  async run(_, options, context) {
    if (options.printPolicy) {
      const more = options.fresh ? confirmPermissions : [];
      return printLeastPolicy([...new Set([...permissions, ...more])].sort(), context);
    }
    const format = chooseFormat(options, formats);
    const group = parseGroup(options.group);
    const { breakGlass = [], allowUnknown = false } = options;
    const failOn = parseSeverity(options.failOn);
    const files = await readFiles(options, context);
    const { found, input } = await withAccount(options, "fob audit", context, async ({ snapshot: reported, aws }) => {
      const { snapshot, ...fresh } = options.fresh
        ? await (await import("../../confirm.ts")).confirmAccount(aws, reported, breakGlass)
        : { snapshot: reported };
      const { findSignInAlarm } = await import("../../sign-in-alarm.ts");
      const emergency = snapshot.users.filter((user) => isBreakGlass(user, breakGlass));
      const alarms = emergency.map(async (user) => [user.arn, await findSignInAlarm(aws, user)] as const);
      const { findConfigRules } = await import("../../config-rules.ts");
      const [signIns, config] = await Promise.all([Promise.all(alarms), findConfigRules(aws)]);
      const signInAlarms = new Map(signIns);
      const input = prepareAudit(snapshot, { ...fresh, group, breakGlass, signInAlarms, config, now: context.now() });
      return { found: runChecks(input), input };
    });
    const audit = applyFiles(found, files, context);
    const { columns } = context.stdout;
    context.stdout.write(
      await {
        table: () => formatAudit(audit, context.now(), columns),
        json: () => formatJson(audit),
        csv: () => formatCsv(listRows(audit)),
        markdown: () => formatAuditMarkdown(audit),
        sarif: () => formatAuditSarif(audit),
        html: async () => (await import("./html/report.ts")).formatAuditHtml(audit, input),
      }[format](),
    );
    return holds(audit, failOn, allowUnknown) ? exitCodes.done : exitCodes.notFresh;
  },
});

/** @throws UsageError */
function parseSeverity(name: string = "high"): Severity {
  const found = severities.find((each) => each === name);
  if (found !== undefined) return found;
  throw new UsageError(`invalid --fail-on ${quote(name)}`, `choose one of: ${severities.join(", ")}`);
}

/** Whether all checks, without what is accepted and what the baseline has, of at least this severity hold. */
function holds({ checks: results }: Audit, failOn: Severity, allowUnknown: boolean): boolean {
  const counted = severities.slice(0, severities.indexOf(failOn) + 1);
  return results
    .filter(({ severity }) => counted.includes(severity))
    .map(getRemaining)
    .every((result) => result === "pass" || (result === "unknown" && allowUnknown));
}
