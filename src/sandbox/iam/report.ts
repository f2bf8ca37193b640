// The credential report: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
//
// Lower-case booleans, `Z`, no line end after the last row and the four-hour cache are as in a captured report of 2026.
import type { Account, Credential, Principal } from "../account.ts";
import { AwsError } from "../errors.ts";
import type { QueryAction } from "../query.ts";
import { formatTime, writeElement, writeTime } from "../xml.ts";

/** ms for which AWS returns the same report. */
const cacheMs = 4 * 3_600_000;

/** AWS makes a new report at most every four hours. Here it is complete at once, but the first answer is AWS's. */
export const generateCredentialReport: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "iam:GenerateCredentialReport", "*", "*");
    const { report } = account;
    if (report !== undefined && account.now() - report.generatedMs < cacheMs) return writeElement("State", "COMPLETE");
    account.report = { text: writeReport(account), generatedMs: account.now() };
    const description = "No report exists. Starting a new report generation task";
    return writeElement("State", "STARTED") + writeElement("Description", description);
  },
};

export const getCredentialReport: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "iam:GetCredentialReport", "*", "*");
    const { report } = account;
    if (report === undefined) throw new AwsError("ReportNotPresent", 410, "No report is present");
    if (account.now() - report.generatedMs >= cacheMs) throw new AwsError("ReportExpired", 410, "Unknown");
    const content = Buffer.from(report.text).toString("base64");
    return [
      ...[writeElement("Content", content), writeElement("ReportFormat", "text/csv")],
      writeTime("GeneratedTime", report.generatedMs),
    ].join("");
  },
};

const keyColumns = ["active", "last_rotated", "last_used_date", "last_used_region", "last_used_service"];
const columns = [
  ...["user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed"],
  ...["password_next_rotation", "mfa_active"],
  ...[1, 2].flatMap((number) => keyColumns.map((name) => `access_key_${number}_${name}`)),
  ...["cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"],
];

function writeReport(account: Account): string {
  const users = [...account.users()].sort((a, b) => compare(a.name.toLowerCase(), b.name.toLowerCase()));
  const rows = [account.root, ...users].map((principal) => writeRow(account, principal));
  return [columns, ...rows].map((cells) => cells.map(quoteCell).join(",")).join("\n");
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** RFC 4180: user names may have commas. */
const quoteCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function writeRow(account: Account, principal: Principal): string[] {
  const isRoot = principal === account.root;
  const keys = account.accessKeysOf(principal);
  return [
    ...[principal.name ?? "<root_account>", principal.arn, formatTime(principal.user?.createdMs ?? account.createdMs)],
    ...writePassword(account, principal, isRoot),
    String(principal.devices.length > 0),
    ...[0, 1].flatMap((index) => writeKey(keys[index])),
    ...["false", "N/A", "false", "N/A"],
  ];
}

function writePassword(account: Account, { user }: Principal, isRoot: boolean): string[] {
  const password = isRoot ? account.rootPassword : user?.password;
  if (password === undefined) return ["false", "N/A", "N/A", "N/A"];
  const { lastUsedMs, changedMs } = password;
  const days = account.passwordPolicy?.maxAgeDays;
  const nextRotation = days === undefined ? "N/A" : formatTime(changedMs + days * 86_400_000);
  return [
    "true",
    lastUsedMs === undefined ? "no_information" : formatTime(lastUsedMs),
    formatTime(changedMs),
    isRoot ? "not_supported" : nextRotation,
  ];
}

function writeKey(key: Credential | undefined): string[] {
  if (key === undefined) return ["false", "N/A", "N/A", "N/A", "N/A"];
  const { active, createdMs, lastUsed } = key;
  const used =
    lastUsed === undefined ? ["N/A", "N/A", "N/A"] : [formatTime(lastUsed.ms), lastUsed.region, lastUsed.service];
  return [String(active), formatTime(createdMs), ...used];
}
