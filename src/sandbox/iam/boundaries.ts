// Permissions boundaries of users. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
import type { Account } from "../account.ts";
import { isAwsManaged } from "../aws-managed-policies.ts";
import { AwsError, notModeled } from "../errors.ts";
import { type Checked, type QueryAction, validate } from "../query.ts";
import { takeUser } from "./named.ts";

/** The constraints of the parameter PermissionsBoundary. */
export const boundaryCheck = (value: string | undefined): Checked => ({
  ...{ name: "permissionsBoundary", value, min: 20, max: 2048 },
});

/** Throws NoSuchEntity unless the policy exists, or NotImplemented for an AWS managed policy that is not here. */
export function requireBoundary(account: Account, arn: string): void {
  if (account.findManagedPolicy(arn) !== undefined) return;
  if (isAwsManaged(arn)) throw notModeled(`the AWS managed policy ${arn}`);
  throw new AwsError("NoSuchEntity", 404, `Scope ARN: ${arn} does not exist or is not attachable.`);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html */
const putUserPermissionsBoundary: QueryAction = {
  parameters: ["UserName", "PermissionsBoundary"],
  run: (call) => {
    const arn = call.parameters.get("PermissionsBoundary");
    validate({ ...boundaryCheck(arn), isRequired: true });
    const { user } = takeUser(call, "iam:PutUserPermissionsBoundary", "required");
    requireBoundary(call.account, arn as string);
    user.boundary = arn;
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html */
const deleteUserPermissionsBoundary: QueryAction = {
  parameters: ["UserName"],
  run: (call) => {
    const { name, user } = takeUser(call, "iam:DeleteUserPermissionsBoundary", "required");
    if (user.boundary === undefined) {
      throw new AwsError("NoSuchEntity", 404, `The user with name ${name} does not have a permissions boundary.`);
    }
    user.boundary = undefined;
    return "";
  },
};

export const boundaryActions: Readonly<Record<string, QueryAction>> = {
  PutUserPermissionsBoundary: putUserPermissionsBoundary,
  DeleteUserPermissionsBoundary: deleteUserPermissionsBoundary,
};
