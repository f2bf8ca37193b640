// The calls of the rollout, made as the administrator.
import type { Connection } from "../../../aws/connection.ts";
import { readUser } from "../../../iam/read-user.ts";
import { flatMapKnown, type Known, type User } from "../../../iam/snapshot.ts";
import { tryCall } from "../../../iam/try-call.ts";
import type { RolloutCalls } from "../../../rollout/apply.ts";

/** Reads a user as it is now: the credential report may be four hours old. undefined if the user is gone. */
export async function connectReader(aws: Connection): Promise<(user: User) => Promise<User | undefined>> {
  const { listGroupsForUser, listAccessKeys, getAccessKeyLastUsed } = await import("../../../aws/iam-changes.ts");
  const { getLoginProfile } = await import("../../../aws/iam-account.ts");
  const { listMfaDevices } = await import("../../../aws/iam.ts");
  const calls = { listGroupsForUser, listAccessKeys, getAccessKeyLastUsed, getLoginProfile, listMfaDevices };
  return (user) => readUser(aws, user, calls);
}

/** What {@link connectReader} asks. */
export const readerPermissions = [
  ...["iam:GetAccessKeyLastUsed", "iam:GetLoginProfile", "iam:ListAccessKeys", "iam:ListGroupsForUser"],
  "iam:ListMFADevices",
];

export async function connectRollout(aws: Connection): Promise<RolloutCalls> {
  const iam = await import("../../../aws/iam-changes.ts");
  const { connectHistory } = await import("./key-history.ts");
  const readHistory = connectHistory(aws);
  const readNow = await connectReader(aws);
  return {
    createPolicy: ({ name, document }) => iam.createPolicy(aws, { name, document: JSON.stringify(document) }),
    createGroup: (group) => iam.createGroup(aws, group),
    attachGroupPolicy: (group, arn) => iam.attachGroupPolicy(aws, group, arn),
    addUserToGroup: (user, group) => iam.addUserToGroup(aws, user, group),
    removeUserFromGroup: (user, group) => iam.removeUserFromGroup(aws, user, group),
    listGroupsForUser: (user) => iam.listGroupsForUser(aws, user),
    readBreakGlass: readNow,
    readUser: async (user) => {
      const now = await readNow(user);
      return now && { ...now, keyHistory: await readHistory(now) };
    },
    async simulateWithoutMfa(arn, action) {
      const simulation = { arn, actions: [action], resource: "*", context: [] };
      const results = await tryCall(() => iam.simulatePrincipal(aws, simulation));
      return flatMapKnown(results, (found): Known<"allowed" | "explicitDeny" | "implicitDeny"> => {
        const [decision] = (found ?? []).map((result) => result.decision);
        if (decision === "allowed" || decision === "explicitDeny" || decision === "implicitDeny")
          return { value: decision };
        return { unknown: "AWS's simulator gave no answer" };
      });
    },
  };
}
