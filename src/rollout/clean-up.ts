// What no one uses, with its dates and the commands that remove it. fob does not run these.
import { isBreakGlass } from "../iam/parts.ts";
import type { AccessKey, AccountSnapshot, Known, Password, User } from "../iam/snapshot.ts";
import { quoteShellWord } from "../text.ts";

/** What is unused. */
export interface CleanUp {
  readonly user: string;
  /** `access key AKIAIOSFODNN7EXAMPLE, last used 2026-01-31` */
  readonly what: string;
  /** In the order in which AWS takes them. */
  readonly commands: readonly string[];
}

const day = 86_400_000;
const unusedDays = 90;

/**
 * Lists the access keys of a user that are unused, then the user, if all that is known of the user is.
 *
 * @param asProfile what the commands end with: ` --profile admin`
 */
export function listUnused(user: User, asProfile: string, now: number): readonly CleanUp[] {
  const { name, created, password, accessKeys } = user;
  if (!("value" in password) || !("value" in accessKeys)) return [];
  const isOld = (time: string | null): boolean => now - Date.parse(time ?? created) > unusedDays * day;
  const isUnused = ({ lastUsed, lastRotated }: AccessKey): boolean => isOld(lastUsed) && isOld(lastRotated);
  const active = accessKeys.value.filter((key) => key.active);
  const unused = active.filter(isUnused);
  const aws = formatFor(name, asProfile);
  const keys = unused.map(({ id, lastUsed }): CleanUp => {
    const what = `access key${id === undefined ? "" : ` ${id}`}, ${describeUse(lastUsed)}`;
    if (id === undefined) return { user: name, what, commands: [aws("list-access-keys")] };
    return { user: name, what, commands: [aws("update-access-key", `--access-key-id ${id} --status Inactive`)] };
  });
  const times = listTimes(password.value);
  const isIdle = times?.every(isOld) === true && unused.length === active.length && isOld(null);
  if (!isIdle) return keys;
  const what = `user, created ${created.slice(0, 10)}, ${describePassword(password.value)}; other credentials were not looked at`;
  return [...keys, { user: name, what, commands: listRemoval(user, accessKeys.value, aws, asProfile) }];
}

/** The names of users with something unused, whose access keys have no IDs yet: the credential report has none. */
export const listOwnersToLookUp = (account: AccountSnapshot, breakGlass: readonly string[], now: number): string[] =>
  account.users
    .filter((user) => !isBreakGlass(user, breakGlass) && listUnused(user, "", now).length > 0)
    .filter(({ accessKeys }) => "value" in accessKeys && accessKeys.value.some(({ id }) => id === undefined))
    .map(({ name }) => name);

/** The account with access keys that were looked up; those that were not stay as they are. */
export const withKeys = (
  account: AccountSnapshot,
  keys: ReadonlyMap<string, Known<readonly AccessKey[]>>,
): AccountSnapshot => ({
  ...account,
  users: account.users.map((user) => {
    const accessKeys = keys.get(user.name);
    return accessKeys !== undefined && "value" in accessKeys ? { ...user, accessKeys } : user;
  }),
});

/** When a password was used and changed; undefined if that is not known. */
function listTimes(password: Password | null): readonly (string | null)[] | undefined {
  if (password === null) return [];
  const { lastUsed, lastChanged } = password;
  return "value" in lastUsed && "value" in lastChanged ? [lastUsed.value, lastChanged.value] : undefined;
}

const describeUse = (time: string | null): string => (time === null ? "never used" : `last used ${time.slice(0, 10)}`);

function describePassword(password: Password | null): string {
  if (password === null) return "no console password";
  return `console password ${describeUse("value" in password.lastUsed ? password.lastUsed.value : null)}`;
}

type FormatCommand = (command: string, options?: string) => string;

const formatFor =
  (user: string, asProfile: string): FormatCommand =>
  (command, options = "") =>
    `aws iam ${command} --user-name ${user}${options === "" ? "" : ` ${options}`}${asProfile}`;

/** AWS deletes a user only once these are gone. */
function listRemoval(user: User, keys: readonly AccessKey[], aws: FormatCommand, asProfile: string): readonly string[] {
  const { devices, password, inlinePolicies, attachedPolicies, groups } = user;
  const ids = keys.flatMap(({ id }) => id ?? []);
  const deleteKey = (id: string): string => aws("delete-access-key", `--access-key-id ${id}`);
  const list = aws("list-access-keys", "--query 'AccessKeyMetadata[].AccessKeyId' --output text");
  return [
    ...(ids.length === keys.length ? ids.map(deleteKey) : [`for id in $(${list}); do ${deleteKey('"$id"')}; done`]),
    ...("value" in devices
      ? devices.value.flatMap(({ serialNumber, kind }) => {
          const serial = `--serial-number ${quoteShellWord(serialNumber)}`;
          return [
            aws("deactivate-mfa-device", serial),
            ...(kind === "virtual" ? [`aws iam delete-virtual-mfa-device ${serial}${asProfile}`] : []),
          ];
        })
      : [aws("list-mfa-devices")]),
    ...("value" in password && password.value === null ? [] : [aws("delete-login-profile")]),
    ...inlinePolicies.map((policy) => aws("delete-user-policy", `--policy-name ${quoteShellWord(policy.name)}`)),
    ...attachedPolicies.map((arn) => aws("detach-user-policy", `--policy-arn ${quoteShellWord(arn)}`)),
    ...groups.map((group) => aws("remove-user-from-group", `--group-name ${quoteShellWord(group)}`)),
    aws("delete-user"),
  ];
}
