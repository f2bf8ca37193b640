// `fob policy simulate --account --user NAME`: the policies that a user of the account really has.
import { FobError, UsageError } from "../../../errors.ts";
import { readPasswordPolicy } from "../../../iam/password-rules.ts";
import { findUser, indexPolicies } from "../../../iam/policies-of.ts";
import { readIdentities } from "../../../iam/read.ts";
import type { UserIdentity } from "../../../iam/snapshot.ts";
import { tryCall } from "../../../iam/try-call.ts";
import { findNearest } from "../../../nearest.ts";
import type { PolicyDocument } from "../../../policy/engine/document.ts";
import { describeUser, type Subject } from "../../../policy/engine/subject.ts";
import { quote } from "../../../text.ts";
import { type AdministratorOptions, announceCaller, askAsAdministrator } from "../../administrator.ts";
import type { Context } from "../../context.ts";

export interface AccountUser {
  readonly names: readonly string[];
  readonly policies: readonly PolicyDocument[];
  readonly boundary: PolicyDocument | undefined;
  readonly subject: Subject;
  /** Whether the account's password policy lets users change their own password. */
  readonly mayChangePassword: boolean;
}

/** @param nameOrArn of the user @throws FobError, UsageError if there is no such user */
export async function readAccountUser(
  nameOrArn: string,
  options: AdministratorOptions,
  context: Context,
): Promise<AccountUser> {
  const calls = await import("../../../aws/iam-account.ts");
  return await askAsAdministrator(options, "fob policy simulate", context, async (aws) => {
    const { account } = await announceCaller(aws, context);
    const [identities, passwordPolicy] = await Promise.all([
      readIdentities(aws, calls),
      tryCall(async () => readPasswordPolicy(await calls.getPasswordPolicy(aws))),
    ]);
    const user = findUser(identities, nameOrArn);
    if (user === undefined) {
      const meant = findNearest(
        nameOrArn,
        identities.users.map(({ name }) => name),
      );
      throw new UsageError(
        `no user ${quote(nameOrArn)} in account ${account}`,
        meant === undefined ? "aws iam list-users" : `did you mean: ${meant}`,
      );
    }
    const found = indexPolicies(identities)(user);
    if ("unknown" in found) {
      throw new FobError(
        `the policies of ${quote(user.name)} are not known: ${found.unknown}`,
        "check them: aws iam get-account-authorization-details > account.json && fob policy lint account.json",
      );
    }
    if ("unknown" in passwordPolicy) {
      context.say.warning(
        `cannot read the password policy: ${passwordPolicy.unknown}; users are taken to be unable to change their own password`,
      );
    }
    const { policies, boundary } = found.value;
    return {
      names: policies.map(({ name }) => name),
      policies: policies.map(({ document }) => document),
      boundary: boundary?.document,
      subject: toSubject(user),
      mayChangePassword: "value" in passwordPolicy && passwordPolicy.value?.allowUsersToChangePassword === true,
    };
  });
}

function toSubject(user: UserIdentity): Subject {
  const subject = describeUser(user);
  if (subject === undefined) throw new FobError(`AWS returned ${quote(user.arn)} as the ARN of a user`, "try again");
  return subject;
}
