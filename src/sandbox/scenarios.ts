// The accounts that `fob sandbox` starts with. Names are the stories of docs/sandbox.md, and tests rely on them.
import { enforceMfaPolicy, selfManagePolicy } from "../policy/enforcement.ts";
import { buildResources, type Resources } from "../policy/export/resources.ts";
import type { Account } from "./account.ts";
import { addCrowd } from "./crowd.ts";
import type { PolicyGaps } from "./load-account.ts";
import { addMonitoring } from "./monitoring/team.ts";
import { addPerson, createStories, day, hour, minute, type Person } from "./people.ts";
import type { SavedAccount } from "./saved-account.ts";

/** An account to start with. */
export interface Scenario {
  /** As messages show it. */
  readonly name: string;
  /** Twelve digits. Default: 123456789012. */
  readonly account?: string;
  /** Default: `aws`. */
  readonly partition?: string;
  /** What it was read from, if it is not a built-in one. */
  readonly saved?: SavedAccount;
  /** Adds all to an account that has only its root user. @returns what is not modeled in the policies, if that may be */
  readonly fill: (account: Account) => PolicyGaps | undefined;
}

export const scenarioNames = ["team", "team-enforced", "5000-users", "empty"] as const;

export type ScenarioName = (typeof scenarioNames)[number];

/** The scenario with this name; undefined for other names. */
export function findScenario(name: string): Scenario | undefined {
  const found = scenarioNames.find((known) => known === name);
  if (found === undefined) return undefined;
  const fill = (account: Account): undefined => {
    scenarios[found](account);
  };
  return { name: found, fill };
}

/** What each scenario adds to an account that has only its root user. */
export const scenarios: Readonly<Record<ScenarioName, (account: Account) => void>> = {
  team: (account) => addTeam(account, []),
  "team-enforced": (account) => {
    const group = addEnforcement(account);
    addTeam(
      account,
      ["ben", "cleo", "dan", "old-break-glass"].map((user) => ({ user, group })),
    );
  },
  "5000-users": (account) => {
    addTeam(account, []);
    addCrowd(account, 5000 - account.users().length);
  },
  // Only the root user can make a first user.
  empty: (account) => void account.addAccessKey(account.root),
};

/** What `fob policy export` describes for the account. */
const exportResources = ({ partition }: Account): Resources =>
  buildResources({
    enforce: enforceMfaPolicy(),
    selfManage: selfManagePolicy({ partition }),
    partition,
    withAllUsersRule: false,
    withRecorder: true,
  });

/** Adds the group `RequireMFA` as `fob policy export` describes it. @returns its name */
function addEnforcement(account: Account): string {
  const { group, policies } = exportResources(account);
  const attached = policies.map(({ name, document }) => account.addManagedPolicy(name, "/", document).arn);
  account.addGroup(group.name, "/", [], attached);
  return group.name;
}

function addTeam(account: Account, memberships: readonly { readonly user: string; readonly group: string }[]): void {
  account.createdMs = account.now() - 900 * day;
  account.rootPassword = { ...account.rootPassword, changedMs: account.createdMs };
  const administrator = account.addManagedPolicy("administrator", "/", allowing(["*"])).arn;
  account.addGroup("admins", "/", [], [administrator]);
  account.addGroup("developers", "/", [], [account.addManagedPolicy("everyday-work", "/", everydayWork(account)).arn]);
  for (const person of listTeam(account.now(), administrator)) {
    const more = memberships.filter(({ user }) => user === person.name).map(({ group }) => group);
    addPerson(account, { ...person, groups: [...(person.groups ?? []), ...more] });
  }
  addMonitoring(account, exportResources(account));
}

/** @param now ms since 1970 */
function listTeam(now: number, administrator: string): readonly Person[] {
  const { ago, password, key, device, joined } = createStories(now);
  const developers = ["developers"];
  return [
    {
      ...{ name: "ada", groups: ["admins"], ...joined(880), password: password(200, 3 * hour) },
      ...{ keys: [key(60, "iam", 2 * hour)], devices: [device("virtual", 879)] },
    },
    {
      ...{ name: "grace", attached: [administrator], ...joined(870), password: password(150, 2 * day) },
      ...{ keys: [key(80, "iam", 2 * day)], devices: [device("virtual", 869)] },
    },
    {
      ...{ name: "ben", groups: developers, ...joined(500), password: password(90, day) },
      ...{ keys: [key(75, "sts", 5 * hour)], devices: [device("virtual", 499)] },
    },
    {
      ...{ name: "cleo", groups: developers, ...joined(450), password: password(120, 4 * day) },
      ...{ keys: [key(40, "sts", 20 * hour)], devices: [device("virtual", 400), device("hardware", 300)] },
    },
    {
      ...{ name: "dan", groups: developers, ...joined(320), password: password(60, 6 * day) },
      keys: [key(30, "sts", 3 * day)],
    },
    {
      ...{ name: "erin", groups: developers, policies: [ownPassword], ...joined(2) },
      password: { changedMs: ago(2 * day), lastUsedMs: undefined, resetRequired: true },
    },
    {
      ...{ name: "finn", groups: developers, ...joined(260), password: password(100, day) },
      ...{ keys: [key(55, "sts", 2 * day)], devices: [device("fido", 259)] },
    },
    {
      ...{ name: "gus", groups: developers, ...joined(600), password: password(70, 8 * hour) },
      ...{ keys: [key(85, "s3", hour)], devices: [device("virtual", 599)] },
    },
    {
      ...{ name: "hal", groups: developers, ...joined(700), password: password(690, 200 * day) },
      keys: [key(690, "s3", 200 * day), key(400, "ec2", 210 * day)],
    },
    {
      ...{ name: "ivy", path: "/eng/", groups: developers, ...joined(180), password: password(45, 9 * hour) },
      ...{ keys: [key(45, "sts", 9 * hour)], devices: [device("virtual", 179, "ivy-phone")] },
    },
    { name: "ci-deploy", policies: [deployment], ...joined(400), keys: [key(50, "s3", 5 * minute)] },
    {
      ...{ name: "break-glass", attached: [administrator], ...joined(860) },
      // Its last sign-in was the test.
      tags: { ...breakGlassTag, "fob-last-test": new Date(ago(30 * day)).toISOString().slice(0, 10) },
      ...{ password: password(30, 30 * day), devices: [device("hardware", 859), device("virtual", 858)] },
    },
    {
      ...{ name: "old-break-glass", attached: [administrator], tags: breakGlassTag, ...joined(890) },
      ...{ password: password(400, 120 * day), keys: [key(889, "iam", 150 * day)], devices: [device("virtual", 889)] },
    },
  ];
}

const breakGlassTag = { "fob-role": "break-glass" };

const allowing = (actions: readonly string[], resource: string | readonly string[] = "*") => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: actions, Resource: resource }],
});

const deployment = allowing(["s3:ListAllMyBuckets", "s3:PutObject"]);

/**
 * What the console gives a user who must change the first password:
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMUserChangePassword.html
 */
const ownPassword = {
  Version: "2012-10-17",
  Statement: [
    ...allowing(["iam:ChangePassword"], [`arn:*:iam::*:user/\${aws:username}`]).Statement,
    ...allowing(["iam:GetAccountPasswordPolicy"]).Statement,
  ],
};

/** The second statement is how `fob login` finds the user's device. */
function everydayWork(account: Account): object {
  const own = [account.arn(`user/\${aws:username}`), account.arn(`user/*/\${aws:username}`)];
  const files = ["s3:GetObject", "s3:ListAllMyBuckets", "s3:ListBucket", "s3:PutObject"];
  const { Version, Statement } = allowing([...files, "ec2:Describe*", "ec2:StartInstances", "ec2:StopInstances"]);
  return { Version, Statement: [...Statement, ...allowing(["iam:GetUser", "iam:ListMFADevices"], own).Statement] };
}
