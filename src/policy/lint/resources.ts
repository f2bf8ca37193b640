// Checks ARNs: their partitions and fields, whether the actions of a statement apply to them, and users and devices they miss.
import { partitionNames } from "../../aws/partitions.ts";
import { findNearest } from "../../nearest.ts";
import type { ParsedDocument } from "../engine/document.ts";
import type { Entry, ParsedStatement } from "../engine/grammar.ts";
import { readTemplate, resolveVariables } from "../engine/template.ts";
import { matches } from "../engine/wildcard.ts";
import { findActions, isEverything, type KnownAction } from "./known.ts";
import type { Report } from "./report.ts";
import { joinList, quoteText } from "./words.ts";

/** @param wanted the partition to require; without it, all ARNs must have the same one */
export function checkPartitions({ statements }: ParsedDocument, wanted: string | undefined, report: Report): void {
  const arns = statements
    .flatMap(({ resources, conditions }) => [...resources, ...conditions.flatMap(({ values }) => values)])
    .flatMap((entry) => {
      const [, partition] = /^arn:([^:]*):/.exec(entry.text) ?? [];
      return partition === undefined || /[*?$]/.test(partition) ? [] : [{ ...entry, partition }];
    });
  const counts = new Map<string, number>();
  for (const { partition } of arns) {
    if (partitionNames.includes(partition)) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  const [[most] = []] = [...counts].sort(([, a], [, b]) => b - a);
  const right = wanted ?? most ?? "aws";
  for (const { text, path, partition } of arns) {
    const fix = (name: string): string => `write ${quoteText(text.replace(/^arn:[^:]*/, `arn:${name}`))}`;
    if (!partitionNames.includes(partition)) {
      const message = `AWS has no partition ${quoteText(partition)}, so this ARN matches nothing`;
      report.add("unknown-partition", path, message, fix(wanted ?? guessPartition(partition) ?? right));
    } else if (partition !== right) {
      const others = wanted === undefined ? `most ARNs here have ${right}` : `--partition is ${right}`;
      const message = `this ARN has the partition ${partition}, but ${others}: in accounts of ${right} it matches nothing`;
      report.add(wanted === undefined ? "several-partitions" : "wrong-partition", path, message, fix(right));
    }
  }
}

const guessPartition = (name: string): string | undefined => findNearest(name, partitionNames);

/** Checks the fields of ARNs. */
export function checkFields({ resources }: ParsedStatement, report: Report): void {
  for (const { text, path } of resources) {
    const fields = splitFields(text);
    if (fields[0] !== "arn") continue;
    const [, partition = "", service = "", region = "", account = ""] = fields;
    const resource = fields.slice(5).join(":");
    const last = fields.at(-1) ?? "";
    if (service === "iam" && fields.length >= 5) {
      const write = (rest: string): string => `write ${quoteText(`arn:${partition}:iam::${rest}`)}`;
      if (!/^[*?\d]*$|^aws$/.test(account) && fields.length === 5) {
        report.add(
          "wrong-iam-arn",
          path,
          `${quoteText(text)} has no account, so it matches nothing`,
          write(`*:${last}`),
        );
        continue;
      }
      const isAccount = /[*?$]/.test(account) || /^(\d{12}|aws)$/.test(account);
      if (fields.length >= 6 && !isAccount) {
        const what =
          account === "" ? "has no account" : `has the account ${quoteText(account)}, but an account has twelve digits`;
        report.add("wrong-iam-arn", path, `${quoteText(text)} ${what}, so it matches nothing`, write(`*:${resource}`));
        continue;
      }
      if (fields.length >= 6 && !/[*?$]|^$/.test(region)) {
        const message = `${quoteText(text)} has a region, but ARNs of IAM have none, so it matches nothing`;
        report.add("wrong-iam-arn", path, message, write(`${account}:${resource}`));
        continue;
      }
    }
    if (fields.length >= 6 || (fields.length < 4 ? last.endsWith("*") : last === "*")) continue;
    const whole = text + ":*".repeat(6 - fields.length);
    const message = `${quoteText(text)} has ${fields.length} of six fields: AWS reads it as ${quoteText(whole)}`;
    const isShort = fields.length === 5 && !/^\d*$/.test(last);
    const meant = [...fields.slice(0, 4), service === "s3" ? "" : "*", fields.slice(4).join(":")].join(":");
    report.add("incomplete-arn", path, message, `write ${quoteText(isShort ? meant : whole)}, if you mean that`);
  }
}

/** Checks whether the actions of a statement apply to its resources. */
export function checkTypes(
  { actionElement, actions, resourceElement, resources }: ParsedStatement,
  report: Report,
): void {
  if (actionElement !== "Action" || resourceElement !== "Resource" || resources.length === 0) return;
  if (resources.some(({ text }) => text === "*")) return;
  const given = resources.map(({ text }) => splitArn(text));
  const partition = /^arn:([\w-]+):/.exec(resources[0]?.text ?? "")?.[1] ?? "aws";
  for (const { text, path } of actions) {
    // It includes actions of services that fob does not know.
    if (isEverything(text)) continue;
    const named = findActions(text);
    if (named.length === 0 || named.some((action) => isAboutOne(action, given))) continue;
    const arns = [...new Set(named.flatMap((action) => action.resources))];
    if (arns.length > 0) {
      const here = resources.length === 1 ? quoteText(resources[0]?.text ?? "") : "the resources here";
      const types = joinList(arns.map(formatType));
      const right = joinList(arns.map((arn) => quoteText(makeExample(arn, partition))));
      const message = `${quoteText(text)} applies to ${types}, not to ${here}: the statement has no effect on it`;
      report.add("wrong-resource", path, message, `move it to a statement with the resource ${right}`);
    } else {
      const message = `AWS lists no resource type for ${quoteText(text)}: it may never match the resources here`;
      report.add("needs-all-resources", path, message, 'move it to a statement with "Resource": "*"');
    }
  }
}

const varying = /\$\{[^{}]*\}/g;
/** The fields of an ARN as they are written: a colon in a variable is not a separator. */
const splitFields = (arn: string): string[] =>
  arn
    .replaceAll(varying, (variable) => variable.replaceAll(":", "\0"))
    .split(":")
    .map((field) => field.replaceAll("\0", ":"));
const formatType = (arn: string): string => arn.split(":").slice(5).join(":").replaceAll(varying, "*");
const makeExample = (arn: string, partition: string): string =>
  arn.replace(/^arn:[^:]*/, `arn:${partition}`).replaceAll(varying, "*");

/** The service of an ARN, and its resource up to the first wildcard. */
interface Parts {
  readonly service: string;
  readonly resource: string;
}

function splitArn(arn: string): Parts {
  // A colon in a variable is not a separator.
  const parts = arn.replaceAll(varying, "*").split(":");
  const upToWildcard = (text: string): string => /^[^*?]*/.exec(text)?.[0] ?? "";
  // AWS completes an ARN with too few fields with wildcards.
  return { service: parts[2] ?? "*", resource: upToWildcard(parts.length < 6 ? "*" : parts.slice(5).join(":")) };
}

function isAboutOne({ resources }: KnownAction, given: readonly Parts[]): boolean {
  return resources
    .map(splitArn)
    .some(({ service, resource }) =>
      given.some(
        (other) =>
          (/[*?]/.test(other.service) || other.service === service) &&
          (resource.startsWith(other.resource) || other.resource.startsWith(resource)),
      ),
    );
}

/**
 * Checks patterns with the user's name. A user may have a path, and `${aws:username}` is the name without it; a device may
 * have any name: "You can specify any name for the virtual MFA device",
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
 */
export function checkOwnResources({ resourceElement, resources }: ParsedStatement, report: Report): void {
  if (resourceElement !== "Resource") return;
  const own = resources.filter(({ text }) => /\$\{\s*aws:username\s*\}/i.test(text));
  if (own.length === 0) return;
  const [hasPaths, hasNone, hasNames] = ["user/team/alice", "user/alice", "mfa/phone"].map((resource) =>
    resources.some((entry) => covers(entry, resource)),
  );
  for (const entry of own) {
    if (covers(entry, "user/alice") && !hasPaths) {
      const message = `${quoteText(entry.text)} misses users with a path: it does not match user/team/alice`;
      const more = entry.text.replace("user/${", "user/*/${");
      report.add("misses-user-paths", entry.path, message, `also add ${quoteText(more)}`);
    }
    if (covers(entry, "user/team/alice") && !hasNone) {
      const message = `${quoteText(entry.text)} misses users without a path: it does not match user/alice`;
      const more = entry.text.replace(/user\/.*\$\{/s, "user/${");
      report.add("misses-user-paths", entry.path, message, `also add ${quoteText(more)}`);
    }
    if (/:mfa\//.test(entry.text) && !hasNames) {
      const message = `${quoteText(entry.text)} matches only devices with the user's name, but AWS lets users give a device any name`;
      const more = entry.text.replace(/mfa\/.*$/s, "mfa/*");
      report.add(
        "misses-named-devices",
        entry.path,
        message,
        `write ${quoteText(more)}: AWS enables a device for one user only`,
      );
    }
  }
}

/** Whether a pattern matches a resource of the user `alice`, in an account and a partition that it allows. */
export function covers({ text }: Entry, resource: string): boolean {
  if (text === "*") return true;
  const [, partition = "", , , account = ""] = text.split(":");
  const arn = [
    "arn",
    partitionNames.includes(partition) ? partition : "aws",
    "iam",
    "",
    /^\d{12}$/.test(account) ? account : "123456789012",
    resource,
  ].join(":");
  const template = readTemplate(text, { wildcards: true, variables: true });
  const pattern = resolveVariables(template, (key) => (key === "aws:username" ? ["alice"] : undefined));
  return typeof pattern === "string" && matches(pattern, arn);
}
