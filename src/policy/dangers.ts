// What an attacker with a stolen password or access key could do without MFA: lint and simulate must agree on it.
import { findActions } from "./lint/known.ts";

const dangers: readonly { readonly actions: RegExp; readonly danger: string }[] = [
  { actions: /^iam:deactivatemfadevice$/, danger: "deactivates a user's device, which removes MFA" },
  {
    actions: /^iam:(create|update)accesskey$/,
    danger: "creates or reactivates an access key, which an attacker can keep",
  },
  { actions: /^iam:(create|update)loginprofile$/, danger: "sets the console password of a user" },
  { actions: /^iam:deleteloginprofile$/, danger: "removes the console password of a user" },
  {
    actions: /^iam:(add|remove)user(to|from)group$/,
    danger: "gives a user the permissions of a group, or removes a user from the group that enforces MFA",
  },
  {
    actions:
      /^iam:(attach|detach|put|delete|create|setdefault)(user|group|role)?(policy|policyversion|permissionsboundary)$/,
    danger: "changes permissions, including this policy",
  },
  {
    actions: /^iam:(createrole|acquirerole|updateassumerolepolicy)$/,
    danger: "creates a role, or changes who can assume one",
  },
  {
    actions:
      /^iam:((create|update)samlprovider|createopenidconnectprovider|updateopenidconnectproviderthumbprint|addclientidtoopenidconnectprovider)$/,
    danger: "changes which identity providers the account trusts; their sign-ins need no MFA of the account",
  },
  {
    actions: /^iam:(update|delete)accountpasswordpolicy$/,
    danger: "weakens the password policy for all users",
  },
  { actions: /^iam:(create|update|delete)(user|group)$/, danger: "creates, renames or deletes users or groups" },
  {
    actions: /^iam:(create|reset|update)servicespecificcredential$/,
    danger: "creates credentials that do not support MFA",
  },
  {
    actions: /^iam:(upload|update)(sshpublickey|signingcertificate|cloudfrontpublickey)$/,
    danger: "creates credentials that do not support MFA",
  },
  {
    actions: /^iam:(acceptdelegationrequest|associatedelegationrequest|senddelegationtoken)$/,
    danger: "gives another account temporary access in the user's name",
  },
  {
    actions: /^iam:updateaccountemailaddress$/,
    danger: "changes the email address of the account, which resets the root user's password",
  },
  {
    actions: /^iam:(enable|disable)organizationsroot(sessions|credentialsmanagement)$/,
    danger: "changes who can act as the root user of member accounts",
  },
  {
    actions: /^signin:(put|delete)(resourcepermissionstatement|consoleauthorizationconfiguration)$/,
    danger: "changes who can sign in to the console",
  },
  { actions: /^iam:addroletoinstanceprofile$/, danger: "gives a role to instances, which then act without MFA" },
  { actions: /^iam:passrole$/, danger: "passes roles to services, which then act without MFA" },
  {
    actions: /^sts:assumerole(with\w+)?$/,
    danger: "assumes a role without MFA, and this policy does not apply to roles",
  },
  {
    actions: /^sts:(assumeroot|getfederationtoken|getdelegatedaccesstoken|getscopedcredentials)$/,
    danger: "starts sessions without MFA",
  },
  { actions: /^sts:getservicebearertoken$/, danger: "gets a token for services without MFA" },
  { actions: /^sts:getwebidentitytoken$/, danger: "signs in to external services as the user, without MFA" },
];

const ranks = new Map<string, number>();

/** The place of an action in the list above, the worst first; -1 if it is not dangerous. */
function findRank(name: string): number {
  let rank = ranks.get(name);
  if (rank === undefined) {
    const lower = name.toLowerCase();
    rank = dangers.findIndex(({ actions }) => actions.test(lower));
    ranks.set(name, rank);
  }
  return rank;
}

const dangersByText = new Map<string, readonly { readonly name: string; readonly danger: string }[]>();

/** Lists the dangerous actions that an action or a pattern names, the worst first. */
export function listDangers(text: string): readonly { readonly name: string; readonly danger: string }[] {
  let found = dangersByText.get(text);
  if (found === undefined) {
    const known = findActions(text).map(({ name }) => name);
    found = known
      .sort((a, b) => findRank(a) - findRank(b))
      .flatMap((name) => {
        const danger = findDanger(name);
        return danger === undefined ? [] : { name, danger };
      });
    dangersByText.set(text, found);
  }
  return found;
}

/** Describes why a known action is dangerous without MFA; undefined if it is not. */
export function findDanger(action: string): string | undefined {
  return dangers[findRank(action)]?.danger;
}

/** Whether an action changes the permissions of a user: on their own user, users could give themselves any. */
export function changesPermissions(name: string): boolean {
  return /^iam:(attach|detach|put|delete)user(policy|permissionsboundary)$/i.test(name);
}
