// Who has a managed policy. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html
import type { Account } from "../account.ts";
import type { PolicyHolder } from "../policies.ts";
import { type QueryAction, takePage, validate } from "../query.ts";
import { writeElement, writeList } from "../xml.ts";
import { takePolicy } from "./managed-policies.ts";
import { filterByPath } from "./named.ts";

interface Entity {
  readonly kind: "Group" | "User" | "Role";
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly holder: PolicyHolder;
  readonly boundary?: string | undefined;
}

const kinds = ["Group", "User", "Role"] as const;

function listEntities(account: Account): readonly Entity[] {
  return [
    ...account.groups().map((group): Entity => ({ kind: "Group", id: group.groupId, ...group })),
    ...account.users().map(
      ({ name, userId: id, holder, user }): Entity => ({
        ...{ kind: "User", name, id, holder, path: user.path, boundary: user.boundary },
      }),
    ),
    ...account.roles().map((role): Entity => ({ kind: "Role", id: role.roleId, ...role })),
  ];
}

/** Without PolicyUsageFilter, as an attached policy or as a boundary. */
const listEntitiesForPolicy: QueryAction = {
  parameters: ["PolicyArn", "EntityFilter", "PathPrefix", "PolicyUsageFilter", "Marker", "MaxItems"],
  run: (call) => {
    const { account, parameters } = call;
    const [filter, usage] = [parameters.get("EntityFilter"), parameters.get("PolicyUsageFilter")];
    validate(
      {
        name: "entityFilter",
        value: filter,
        min: 0,
        max: 128,
        pattern: "User|Role|Group|LocalManagedPolicy|AWSManagedPolicy",
      },
      { name: "policyUsageFilter", value: usage, min: 0, max: 128, pattern: "PermissionsPolicy|PermissionsBoundary" },
    );
    const { arn } = takePolicy(call, "iam:ListEntitiesForPolicy");
    const has = ({ kind, holder, boundary }: Entity): boolean =>
      (filter === undefined || filter === kind) &&
      ((usage !== "PermissionsBoundary" && holder.attached.has(arn)) ||
        (usage !== "PermissionsPolicy" && boundary === arn));
    const found = filterByPath(parameters, listEntities(account).filter(has), ({ path }) => path);
    const { page, isTruncated, marker } = takePage(parameters, found);
    const lists = kinds.map((kind) =>
      writeList(
        `Policy${kind}s`,
        page.filter((entity) => entity.kind === kind),
        ({ name, id }) => writeElement(`${kind}Name`, name) + writeElement(`${kind}Id`, id),
      ),
    );
    return lists.join("") + isTruncated + marker;
  },
};

export const policyUseActions: Readonly<Record<string, QueryAction>> = {
  ListEntitiesForPolicy: listEntitiesForPolicy,
};
