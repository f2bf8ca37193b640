// A model of an account in memory, for random sequences of changes: who can still work, and who can still enroll.

import { buildEnforcement } from "../../src/iam/enforcement.ts";
import { isAdministrator, isMember } from "../../src/iam/parts.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import type {
  AccessKey,
  AccountSnapshot,
  Device,
  Group,
  KeyHistory,
  ManagedPolicy,
  User,
} from "../../src/iam/snapshot.ts";
import { listNeededToEnroll } from "../../src/policy/locked-out.ts";
import { chooseBatch, listApplySteps, type RolloutCalls, undoOf, withoutOverridden } from "../../src/rollout/apply.ts";
import { checkBatch, checkUser, type Situation } from "../../src/rollout/guards.ts";
import { decideFor, makePlan, type Plan } from "../../src/rollout/plan.ts";
import { type JournalEntry, type JournalLine, listDone } from "../../src/steps/journal.ts";
import { runSteps, undoSteps } from "../../src/steps/steps.ts";

export type Random = () => number;

/** https://en.wikipedia.org/wiki/Xorshift, which is enough for tests. */
export function makeRandom(seed: number): Random {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Uses that CloudTrail knows of are the harm of guards.test.ts; here they would lock no one out. */
const keyHistory: KeyHistory = { regions: ["us-east-1"], use: { value: null }, federation: { value: null } };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const day = 86_400_000;
const arnOf = (resource: string): string => `arn:aws:iam::123456789012:${resource}`;
const statement = (Effect: "Allow" | "Deny", ...Action: string[]) => ({ Effect, Action, Resource: "*" });
const policy = (name: string, ...Statement: object[]) => ({
  name,
  document: JSON.stringify({ Version: "2012-10-17", Statement }),
});

const ownPolicies = [
  policy("work", statement("Allow", "s3:*", "iam:GetUser", "iam:ListMFADevices")),
  policy("administrator", statement("Allow", "*")),
  policy("iam", statement("Allow", "iam:*", "s3:ListAllMyBuckets")),
  policy("no-enrollment", statement("Allow", "s3:*"), statement("Deny", "iam:EnableMFADevice")),
  policy("no-password", statement("Allow", "s3:*"), statement("Deny", "iam:ChangePassword")),
  policy("nothing", statement("Allow", "ec2:Describe*")),
];

export class Model {
  readonly now = Date.UTC(2026, 10, 27);
  readonly users: Mutable<User>[] = [];
  readonly groups: Mutable<Group>[] = [];
  readonly managedPolicies: ManagedPolicy[] = [];
  readonly lines: JournalLine[] = [];
  readonly #random: Random;
  #plan: Plan | undefined;
  #made = 0;

  constructor(random: Random) {
    this.#random = random;
    const size = 2 + Math.floor(random() * 8);
    for (let count = 0; count < size; count++) this.addUser();
  }

  #chance(part: number): boolean {
    return this.#random() < part;
  }

  #choose<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #ago(days: number): string {
    return `${new Date(this.now - days * day).toISOString().slice(0, 19)}Z`;
  }

  addUser(): void {
    const name = `user-${++this.#made}`;
    const isBreakGlassUser = this.#chance(0.2);
    const kinds: readonly Device["kind"][] = ["virtual", "virtual", "hardware", "security key"];
    const keys: AccessKey[] = this.#chance(0.6)
      ? [
          {
            ...{ active: this.#chance(0.8), lastRotated: this.#ago(100) },
            ...{
              lastUsed: this.#ago(this.#chance(0.7) ? 1 : 120),
              lastUsedService: this.#choose(["sts", "iam", "s3"]) ?? null,
            },
          },
        ]
      : [];
    this.users.push({
      ...{ name, arn: arnOf(`user/${name}`), id: `AIDA${this.#made}`, path: "/", created: this.#ago(300) },
      inlinePolicies: [isBreakGlassUser ? ownPolicies[1] : this.#choose(ownPolicies)].filter(
        (each) => each !== undefined,
      ),
      ...{ attachedPolicies: [], groups: [], boundary: null },
      tags: isBreakGlassUser ? { "fob-role": "break-glass" } : this.#chance(0.1) ? { "fob-role": "automation" } : {},
      devices: {
        value: this.#chance(0.6)
          ? [{ serialNumber: arnOf(`mfa/${name}`), kind: this.#choose(kinds) ?? "virtual" }]
          : [],
      },
      accessKeys: { value: isBreakGlassUser ? [] : keys },
      keyHistory: {
        regions: ["us-east-1"],
        use: this.#chance(0.8) ? { value: null } : { value: "s3:GetObject 2 days ago" },
        federation: { value: null },
      },
      password: {
        value:
          isBreakGlassUser || this.#chance(0.8)
            ? {
                ...{ lastUsed: { value: this.#ago(2) }, lastChanged: { value: this.#ago(30) } },
                resetRequired: { value: !isBreakGlassUser && this.#chance(0.2) },
              }
            : null,
      },
    });
  }

  snapshot(): AccountSnapshot {
    return {
      ...{ version: 1, account: "123456789012", partition: "aws", made: this.#ago(0), alias: { value: null } },
      ...{ summary: { value: {} }, passwordPolicy: { value: null }, reportGenerated: { value: this.#ago(0) } },
      root: { value: { hasMfa: true, hasPassword: true, passwordLastUsed: null, activeAccessKeys: 0 } },
      ...{ unassignedVirtualDevices: { value: [] }, roles: [], managedPolicies: this.managedPolicies },
      users: this.users.map((user) => ({ ...user })),
      groups: this.groups.map((group) => ({ ...group })),
    };
  }

  /** Whether a user can list buckets in one of the ways that the user has. */
  canWork(user: User): boolean {
    return this.#can(user, { action: "s3:ListAllMyBuckets", resource: "*" });
  }

  #can(user: User, request: { action: string; resource: string }): boolean {
    const decisions = decideFor(user, indexPolicies(this.snapshot()));
    if (!("value" in decisions)) return false;
    const is = (method: "key" | "sign-in" | "MFA"): boolean => decisions.value.decide(request, method) === "allowed";
    const { keys, devices, canSignIn } = this.#waysOf(user);
    const hasCodes = devices.some(({ kind }) => kind !== "security key");
    return (
      (keys && is("key")) ||
      (keys && hasCodes && is("MFA")) ||
      (canSignIn && (devices.length > 0 ? is("MFA") : is("sign-in")))
    );
  }

  #waysOf(user: User) {
    const keys = "value" in user.accessKeys && user.accessKeys.value.some(({ active }) => active);
    const devices = "value" in user.devices ? user.devices.value : [];
    const password = "value" in user.password ? user.password.value : null;
    const mustChange = password !== null && "value" in password.resetRequired && password.resetRequired.value;
    const decisions = decideFor(user, indexPolicies(this.snapshot()));
    const method = devices.length > 0 ? "MFA" : "sign-in";
    const canChange =
      "value" in decisions &&
      decisions.value.decide({ action: "iam:ChangePassword", resource: user.arn }, method) === "allowed";
    return { keys, devices, canSignIn: password !== null && (!mustChange || canChange) };
  }

  canEnroll(user: User): boolean {
    const decisions = decideFor(user, indexPolicies(this.snapshot()));
    const { keys, devices, canSignIn } = this.#waysOf(user);
    if (!("value" in decisions) || devices.length > 0) return false;
    const all = (method: "key" | "sign-in", actions: readonly string[]): boolean =>
      actions.every((action) => {
        const resource =
          action === "iam:CreateVirtualMFADevice"
            ? arnOf("mfa/phone")
            : action === "iam:ListVirtualMFADevices"
              ? "*"
              : user.arn;
        return decisions.value.decide({ action, resource }, method) === "allowed";
      });
    return (
      (canSignIn && all("sign-in", listNeededToEnroll("console"))) || (keys && all("key", listNeededToEnroll("key")))
    );
  }

  /** Administrators who can take others out of the group in a way that they have. */
  listAbleAdministrators(): readonly string[] {
    const request = { action: "iam:RemoveUserFromGroup", resource: arnOf("group/RequireMFA") };
    return this.users
      .filter(
        (user) =>
          isAdministrator(decideFor(user, indexPolicies(this.snapshot())), request.resource) &&
          this.#can(user, request),
      )
      .map(({ name }) => name);
  }

  /** One random change. @returns what it was */
  async step(): Promise<string> {
    const kind = this.#choose([
      "plan",
      "plan",
      "apply",
      "apply",
      "apply",
      "apply",
      "enroll",
      "lose",
      "reset",
      "key",
      "add",
      "remove",
      "undo",
    ]);
    const user = this.#choose(this.users);
    const isOutside = user !== undefined && !isMember(user, "RequireMFA");
    switch (kind) {
      case "plan":
        this.#makePlan();
        break;
      case "apply":
        return `apply ${await this.#apply()}`;
      case "undo":
        await this.#undo();
        break;
      case "enroll":
        if (user && this.canEnroll(user))
          user.devices = { value: [{ serialNumber: arnOf(`mfa/${user.name}`), kind: "virtual" }] };
        break;
      // What an administrator does to users who are in the group already is not the rollout's.
      case "lose":
        if (isOutside) user.devices = { value: [] };
        break;
      case "reset":
        if (isOutside && "value" in user.password && user.password.value !== null) {
          user.password = { value: { ...user.password.value, resetRequired: { value: this.#chance(0.5) } } };
        }
        break;
      case "key":
        if (isOutside) user.accessKeys = { value: [] };
        break;
      case "add":
        if (this.users.length < 12) this.addUser();
        break;
      case "remove":
        if (isOutside && this.users.length > 2) this.users.splice(this.users.indexOf(user), 1);
        break;
      default:
    }
    return `${kind} ${user?.name}`;
  }

  #makePlan(): void {
    const include = this.users.filter(() => this.#chance(0.3)).map(({ name }) => name);
    const exclude = this.users.filter(() => this.#chance(0.1)).map(({ name }) => name);
    this.#plan = makePlan(this.snapshot(), {
      ...{
        group: "RequireMFA",
        policy: { passwordChange: this.#chance(0.5), maxAgeSeconds: null, viaAwsService: false },
      },
      ...{ batchSize: 2 + Math.floor(this.#random() * 4), exclude, include, breakGlass: [], now: this.now },
    });
  }

  async #apply(): Promise<string> {
    const plan = this.#plan;
    if (plan === undefined) return "without a plan";
    const read = this.snapshot();
    const account = { ...read, users: read.users.map((user) => ({ ...user, keyHistory })) };
    const number = this.#choose(plan.batches)?.number;
    const batch = chooseBatch(plan, account.users, number);
    if (batch === undefined || !batch.users.every((name) => account.users.some((user) => user.name === name)))
      return "nothing";
    const policiesOf = indexPolicies(account);
    const situation: Situation = {
      ...{ account, batch, breakGlass: plan.breakGlass, now: this.now },
      enforcement: buildEnforcement(account, plan.group, plan.policy),
      decisionsOf: (user) => decideFor(user, policiesOf),
      planned: (name) => plan.users.find(({ user }) => user === name),
      caller: { arn: this.#choose(account.users)?.arn ?? "", hasMfa: this.#chance(0.5) },
    };
    const users = account.users.filter(
      ({ name, groups }) => batch.users.includes(name) && !groups.includes("RequireMFA"),
    );
    const refusals = withoutOverridden(
      [...checkBatch(situation), ...users.flatMap((user) => checkUser(user, situation))],
      [],
    );
    if (refusals.length > 0) return `refused: ${refusals.map(({ rule }) => rule).join()}`;
    try {
      await runSteps(listApplySteps(situation, policiesOf, [], this.#calls()), this.#tools());
      return `done: ${batch.users.join()}`;
    } catch (error) {
      return `stopped: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async #undo(): Promise<void> {
    const steps = listDone(this.lines).filter(() => this.#chance(0.5));
    await undoSteps(steps, (step) => undoOf(step, this.#calls()), this.#tools());
  }

  #tools() {
    const journal = {
      lines: this.lines,
      append: (entry: JournalEntry) => void this.lines.push({ ...entry, version: 1, time: this.#ago(0), run: "x" }),
    };
    return { journal, signal: new AbortController().signal, note: () => undefined, sleep: () => Promise.resolve() };
  }

  #calls(): RolloutCalls {
    const find = (name: string) => this.users.find((user) => user.name === name);
    const done = Promise.resolve(undefined);
    return {
      createPolicy: ({ name, arn, document }) => {
        this.managedPolicies.push({
          name,
          arn,
          id: arn,
          path: "/",
          defaultVersion: "v1",
          document: JSON.stringify(document),
        });
        return Promise.resolve(arn);
      },
      createGroup: (name) => {
        this.groups.push({
          name,
          arn: arnOf(`group/${name}`),
          id: "AGPA",
          path: "/",
          inlinePolicies: [],
          attachedPolicies: [],
        });
        return Promise.resolve(true);
      },
      attachGroupPolicy: (name, arn) => {
        for (const group of this.groups.filter((each) => each.name === name))
          group.attachedPolicies = [...group.attachedPolicies, arn];
        return Promise.resolve();
      },
      addUserToGroup: (name, group) => {
        const user = find(name);
        if (user) user.groups = [...user.groups, group];
        return Promise.resolve();
      },
      removeUserFromGroup: (name, group) => {
        const user = find(name);
        if (user) user.groups = user.groups.filter((each) => each !== group);
        return done;
      },
      readUser: ({ name }) => {
        const user = find(name);
        return Promise.resolve(user && { ...user, keyHistory });
      },
      readBreakGlass: ({ name }) => Promise.resolve(find(name)),
      listGroupsForUser: (name) => Promise.resolve(find(name)?.groups),
      simulateWithoutMfa: () => Promise.resolve({ unknown: "the model has no simulator" }),
    };
  }
}
