// Whom a Deny keeps from enrolling: everyone, or only the users that it names or leaves out. Lint and simulate must agree
// on it.
import { partitionNames } from "../aws/partitions.ts";
import { UNKNOWN } from "./engine/evaluate.ts";
import type { Entry, ParsedStatement } from "./engine/grammar.ts";
import { readTemplate, resolveVariables } from "./engine/template.ts";
import { matches } from "./engine/wildcard.ts";

export const createDevice = "iam:CreateVirtualMFADevice";
export const enableDevice = "iam:EnableMFADevice";
export const listDevices = "iam:ListVirtualMFADevices";

/**
 * Lists what enrolling a first device calls. In the console, this includes what shows the page with the devices:
 * iam:GetUser "is required to view most of the information on the My security credentials page", and AWS says of its
 * policy without iam:GetUser that it is for "the AWS API or AWS CLI".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_iam_mfa-selfmanage.html
 *
 * @param isVirtualDenied whether virtual devices cannot be created anyway: other kinds need no list of them
 */
export function listNeededToEnroll(how: "console" | "key", isVirtualDenied = false): readonly string[] {
  const views = how === "key" ? [] : ["iam:GetUser", "iam:ListMFADevices", ...(isVirtualDenied ? [] : [listDevices])];
  return [createDevice, enableDevice, ...views];
}

/** What an action of enrolling is about: the device, all devices, or the user. */
export function resourceToEnroll({ arn }: { readonly arn: string }, action: string): string {
  if (action === listDevices) return "*";
  return action === createDevice ? arn.replace(/:user\/.*$/, ":mfa/phone") : arn;
}

/** The name of an example user that no policy names. */
export const someone = "fob-example-user";

/**
 * Whether a pattern matches a resource for the user {@link someone}, in an account and a partition that it allows.
 *
 * @param ifUnknown what to return if that depends on other variables
 */
export function covers({ text }: Pick<Entry, "text">, resource: string, ifUnknown = false): boolean {
  if (/^\*+$/.test(text)) return true;
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
  const pattern = resolveVariables(template, (key) => (key === "aws:username" ? [someone] : UNKNOWN));
  return typeof pattern === "string" ? matches(pattern, arn) : ifUnknown;
}

/**
 * Whom a Deny keeps from an action that enrolling needs. "named": the users that it names. "others": all but those.
 * "paths": users with a path. "otherNames": everyone, unless the device has the user's name.
 */
export type LockedOut = "all" | "named" | "others" | "paths" | "otherNames";

/** Looks at the resources of a Deny only. @returns undefined if it keeps no user from the action */
export function findLockedOut({ resourceElement, resources }: ParsedStatement, action: string): LockedOut | undefined {
  const isNot = resourceElement === "NotResource";
  const isCovered = (resource: string): boolean => resources.some((entry) => covers(entry, resource, !isNot));
  const isOfUser = action !== createDevice && action !== listDevices;
  const type = isOfUser ? "user/" : "mfa/";
  const own = `${type}${someone}`;
  // AWS names the resource mfa/ when it denies iam:ListVirtualMFADevices.
  const any = isOfUser ? own : action === listDevices ? type : `${type}${someone}-2`;
  const named = resources.some((entry) => entry.text.includes(`:${type}`) && !coversAnyOne(entry));
  // Users can give a device another name than the one denied.
  if (!isNot) return isCovered(any) ? "all" : named && isOfUser ? "named" : undefined;
  if (isCovered(any)) return isOfUser && !isCovered(`user/team/${someone}`) ? "paths" : undefined;
  // The list is of all devices, whatever their names.
  if (action === listDevices) return "all";
  if (!isOfUser && isCovered(own)) return "otherNames";
  return named ? "others" : "all";
}

/** Whether a resource is not limited to users or devices that it names. */
export function coversAnyOne(entry: Pick<Entry, "text">): boolean {
  return [`user/${someone}`, `mfa/${someone}`].some((resource) => covers(entry, resource));
}
