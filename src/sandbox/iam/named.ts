// The users that calls are about, and whether the caller may make the call.
import type { RequestContext } from "../../policy/engine/evaluate.ts";
import type { Account, Principal, UserPrincipal } from "../account.ts";
import { AwsError } from "../errors.ts";
import { type QueryCall, validate } from "../query.ts";
import { writeElement, writeTime } from "../xml.ts";

/** AWS's pattern of the names of users, groups, policies and virtual devices. */
export const namePattern = "[\\w+=,.@-]+";

/** AWS's pattern of paths. */
export const pathPattern = "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)";

/**
 * Returns the user that the parameter UserName names, or without it the calling user. Throws AccessDenied or NoSuchEntity.
 *
 * @param userName whether the call needs UserName
 * @param context condition keys of this request alone
 */
export function takeUser(
  call: QueryCall,
  action: string,
  userName: "optional" | "required" = "optional",
  context: RequestContext = {},
): UserPrincipal {
  const { account, caller } = call;
  const name = readUserName(call, userName === "required") ?? caller.principal.name;
  if (name === undefined) {
    throw new AwsError("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  }
  const arn = account.findUser(name)?.arn ?? account.arn(`user/${name}`);
  account.authorize(caller, action, arn, `user ${name}`, context);
  return account.user(name);
}

/** Like {@link takeUser}, for calls that the root user may make about itself by giving no name. */
export function takeUserOrRoot(call: QueryCall, action: string): Principal {
  const { account, caller } = call;
  const isRoot = caller.principal === account.root && readUserName(call) === undefined;
  return isRoot ? account.root : takeUser(call, action);
}

function readUserName({ parameters }: QueryCall, isRequired = false): string | undefined {
  const value = parameters.get("UserName");
  validate({ name: "userName", value, isRequired, min: 1, max: 128, pattern: namePattern });
  return value;
}

/** Returns the items whose path begins with the parameter PathPrefix. */
export function filterByPath<T>(
  parameters: ReadonlyMap<string, string>,
  items: readonly T[],
  pathOf: (item: T) => string,
): readonly T[] {
  const prefix = parameters.get("PathPrefix") ?? "/";
  validate({ name: "pathPrefix", value: prefix, min: 1, max: 512, pattern: "\\u002F[\\u0021-\\u007F]*" });
  return items.filter((item) => pathOf(item).startsWith(prefix));
}

/** Writes what IAM says of a user in most answers. https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html */
export function writeUserFields({ name, arn, userId, user }: UserPrincipal): string {
  const used = user.password?.lastUsedMs;
  return [
    ...[writeElement("Path", user.path), writeElement("UserName", name), writeElement("UserId", userId)],
    ...[writeElement("Arn", arn), writeTime("CreateDate", user.createdMs)],
    used === undefined ? "" : writeTime("PasswordLastUsed", used),
  ].join("");
}

/** Like {@link writeUserFields}; the root user has no name and no path. */
export function writePrincipal(account: Account, principal: Principal): string {
  const user = principal.name === undefined ? undefined : account.findUser(principal.name);
  if (user !== undefined) return writeUserFields(user);
  const used = account.rootPassword.lastUsedMs;
  return [
    ...[writeElement("UserId", principal.userId), writeElement("Arn", principal.arn)],
    writeTime("CreateDate", account.createdMs),
    used === undefined ? "" : writeTime("PasswordLastUsed", used),
  ].join("");
}

/** Writes a permissions boundary, given as the ARN of its policy. */
export const writeBoundary = (arn: string): string =>
  `<PermissionsBoundary>${writeElement("PermissionsBoundaryType", "Policy")}${writeElement("PermissionsBoundaryArn", arn)}</PermissionsBoundary>`;
