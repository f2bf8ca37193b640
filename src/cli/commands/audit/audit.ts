// `fob audit`: whether MFA is enforced in an account, for everyone, and how that is known.
import { type Audit, prepareAudit, runChecks } from "../../../audit/audit.ts";
import { type Severity, severities } from "../../../audit/check.ts";
import { getRemaining } from "../../../audit/found.ts";
import { listPeople } from "../../../audit/people.ts";
import { AwsFailure } from "../../../aws/failures.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { isBreakGlass } from "../../../iam/parts.ts";
import { snapshotActions } from "../../../iam/read.ts";
import { quote } from "../../../text.ts";
import { alarmPermissions, configPermissions, confirmPermissions, withAccount } from "../../account.ts";
import { type AdministratorOptions, printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { chooseFormat } from "../../options.ts";
import { administratorOptions, groupOption, parseGroup } from "../rollout/options.ts";
import {
  type AuditedAccount,
  auditOrganization,
  auditProfiles,
  type MakeAudit,
  parseProfiles,
  parseRole,
} from "./accounts.ts";
import { applyFiles, applyToAll, readFiles } from "./files.ts";
import { formats, type MadeAudit, writers } from "./writers.ts";

const organizationPermissions = ["organizations:ListAccounts", "sts:AssumeRole"];
const permissions = [...snapshotActions, ...alarmPermissions, ...configPermissions];

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
    profiles: { value: "names", text: "audit the accounts of these profiles, separated by commas, in one report" },
    organizationRole: {
      value: "role",
      text: "audit all active accounts of your organization, each with the role of this name in it, in one report",
    },
  },
  common: ["noInput", "debug"],
  examples: [
    "fob audit --profile admin",
    "fob audit --fail-on low --json",
    "fob audit --format html > audit.html",
    "fob audit --profiles dev,prod",
  ],
  async run(_, options, context) {
    if (options.printPolicy) return printLeastPolicy(listPermissions(options), context);
    const format = chooseFormat(options, formats);
    const writer = writers[format];
    const gather = chooseAccounts(options);
    const failOn = parseSeverity(options.failOn);
    const hold = (audit: Audit): boolean => holds(audit, failOn, options.allowUnknown === true);
    const make = createMaker({ ...options, group: parseGroup(options.group) }, context);
    const files = await readFiles(options, gather !== undefined, context);
    const surroundings = () => ({ now: context.now(), columns: context.stdout.columns });
    if (gather !== undefined) {
      const look: MakeAudit = async (each) => {
        const { audit, input } = await make(each);
        return writer.hasPeople === true ? { audit, people: listPeople(input) } : { audit };
      };
      const report = applyToAll(await gather(look, context), files, context);
      context.stdout.write(await writer.many(report, surroundings()));
      const all = report.accounts.every(({ audit }) =>
        "value" in audit ? hold(audit.value) : options.allowUnknown === true,
      );
      return all ? exitCodes.done : exitCodes.notFresh;
    }
    const made = await withAccount(options, "fob audit", context, make).catch(explainRefusal);
    const audit = applyFiles(made.audit, files, context);
    context.stdout.write(await writer.one({ ...made, audit }, surroundings()));
    return hold(audit) ? exitCodes.done : exitCodes.notFresh;
  },
});

/** Without the identities there is nothing to audit. @throws always */
function explainRefusal(error: unknown): never {
  if (!(error instanceof AwsFailure) || error.consequence !== "refused") throw error;
  const hints = [...error.hints, "all permissions that it needs: fob audit --print-policy"];
  throw new AwsFailure(error.consequence, error.message, hints, error);
}

interface MakerOptions {
  readonly group: string;
  readonly breakGlass?: readonly string[] | undefined;
  readonly fresh?: boolean | undefined;
}

/** Makes the audit of an account that was read, and looks up what is not in IAM. */
function createMaker({ group, breakGlass = [], fresh: isFresh = false }: MakerOptions, { now, say, env }: Context) {
  return async ({ snapshot: reported, aws }: AuditedAccount): Promise<MadeAudit> => {
    for (const name of breakGlass) {
      if (reported.users.some((user) => user.name.toLowerCase() === name.toLowerCase())) continue;
      say.warning(`account ${reported.account} has no user ${quote(name)} (from --break-glass)`);
    }
    const { snapshot, ...fresh } = isFresh
      ? await (await import("../../confirm.ts")).confirmAccount(aws, reported, breakGlass)
      : { snapshot: reported };
    const { findSignInAlarm } = await import("../../sign-in-alarm.ts");
    const emergency = snapshot.users.filter((user) => isBreakGlass(user, breakGlass));
    const alarms = emergency.map(async (user) => [user.arn, await findSignInAlarm(aws, user)] as const);
    const { findConfigRules } = await import("../../config-rules.ts");
    const [signIns, config] = await Promise.all([Promise.all(alarms), findConfigRules(aws)]);
    const signInAlarms = new Map(signIns);
    const { sessionProfile } = aws.access;
    // Without a variable, programs take the default profile by themselves.
    const isUsual = sessionProfile === "default" && !env.AWS_PROFILE && !env.AWS_ACCESS_KEY_ID;
    const profile = isUsual ? undefined : sessionProfile;
    const input = prepareAudit(snapshot, { ...fresh, group, breakGlass, signInAlarms, config, profile, now: now() });
    return { audit: runChecks(input), input };
  };
}

interface AccountOptions extends AdministratorOptions {
  readonly profiles?: string | undefined;
  readonly organizationRole?: string | undefined;
}

/** What reads many accounts; undefined if there is only one. @throws UsageError */
function chooseAccounts(options: AccountOptions) {
  const { profile, profiles, organizationRole } = options;
  if (profiles !== undefined && (profile !== undefined || organizationRole !== undefined)) {
    const other = profile === undefined ? "--organization-role" : "--profile";
    throw new UsageError(`--profiles cannot be used with ${other}`, "fob audit --help");
  }
  if (profiles !== undefined) {
    const names = parseProfiles(profiles);
    return (make: MakeAudit, context: Context) => auditProfiles(names, options, make, context);
  }
  if (organizationRole === undefined) return undefined;
  const role = parseRole(organizationRole);
  return (make: MakeAudit, context: Context) => auditOrganization(role, options, make, context);
}

function listPermissions({ organizationRole, fresh }: AccountOptions & { readonly fresh?: boolean | undefined }) {
  const more = [
    ...(fresh ? confirmPermissions : []),
    ...(organizationRole === undefined ? [] : organizationPermissions),
  ];
  return [...new Set([...permissions, ...more])].sort();
}

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
