// The calls of the rollout, made as the administrator.
import type { Connection } from "../../../aws/connection.ts";
import { readUser } from "../../../iam/read-user.ts";
import { flatMapKnown, type Known } from "../../../iam/snapshot.ts";
import { tryCall } from "../../../iam/try-call.ts";
import type { RolloutCalls } from "../../../rollout/apply.ts";

export async function connectRollout(aws: Connection): Promise<RolloutCalls> {
  const iam = await import("../../../aws/iam-changes.ts");
  const { getLoginProfile } = await import("../../../aws/iam-account.ts");
  const { listMfaDevices } = await import("../../../aws/iam.ts");
  const { connectHistory } = await import("./key-history.ts");
  const readHistory = connectHistory(aws);
  return {
    createPolicy: ({ name, document }) => iam.createPolicy(aws, { name, document: JSON.stringify(document) }),
    createGroup: (group) => iam.createGroup(aws, group),
    attachGroupPolicy: (group, arn) => iam.attachGroupPolicy(aws, group, arn),
    addUserToGroup: (user, group) => iam.addUserToGroup(aws, user, group),
    removeUserFromGroup: (user, group) => iam.removeUserFromGroup(aws, user, group),
    listGroupsForUser: (user) => iam.listGroupsForUser(aws, user),
    readUser: async (user) => {
      const now = await readUser(aws, user, {
        listGroupsForUser: iam.listGroupsForUser,
        listAccessKeys: iam.listAccessKeys,
        getAccessKeyLastUsed: iam.getAccessKeyLastUsed,
        getLoginProfile,
        listMfaDevices,
      });
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
