// One AWS account: its root user, its IAM users with their policies, MFA devices and access keys, its roles, and all
// sessions.

import { randomInt } from "node:crypto";
import {
  type AuthorizationRequest,
  type ContextValue,
  type Decision,
  type Evaluation,
  evaluate,
  type PolicyDocument,
  type RequestContext,
  type TrustStatement,
  UNKNOWN,
} from "../policy/engine/evaluate.ts";
import { isAwsManaged, makeAwsManagedPolicies } from "./aws-managed-policies.ts";
import { AwsError, accessDenied, notModeled } from "./errors.ts";
import { EventLog } from "./events.ts";
import {
  listUnmodeledKeys,
  type ManagedPolicy,
  type ModeledPolicy,
  makeHolder,
  type PolicyHolder,
  readModeledPolicy,
} from "./policies.ts";
import { takeRandomBytes } from "./random.ts";
import { makeRegion, type Region } from "./region.ts";
import { base32Encode, codeOfStep, timeStep, totp } from "./totp.ts";

/** The root user, an IAM user, an assumed role, or a federated user. */
export interface Principal {
  /** The IAM user's name; undefined for other principals. Changed by the account only. */
  name: string | undefined;
  /** For an assumed role, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. Changed by the account only. */
  arn: string;
  /** `AIDA…` for users, the account ID for the root user, `AROA…:SESSION` for assumed roles, `ACCOUNT:NAME` for others. */
  readonly userId: string;
  readonly holder: PolicyHolder;
  /** Changed by the account only. */
  devices: readonly MfaDevice[];
  /** The user, or for a federated user the one who federated; undefined for other principals. */
  readonly user?: User;
  /** The assumed role. */
  readonly role?: Role;
}

/** An IAM user: what is not needed for requests of the user. */
export interface User {
  path: string;
  readonly createdMs: number;
  groups: readonly Group[];
  /** The ARN of a managed policy. */
  boundary: string | undefined;
  tags: Tags;
  password: Password | undefined;
}

type Tags = Readonly<Record<string, string>>;

/** A principal that is an IAM user. */
export interface UserPrincipal extends Principal {
  name: string;
  readonly user: User;
}

/** Times are ms since 1970. */
export interface Password {
  readonly changedMs: number;
  readonly lastUsedMs: number | undefined;
  readonly resetRequired: boolean;
  readonly text: string;
}

/** A password whose text is generated if it is not given. */
export type NewPassword = Omit<Password, "text"> & Partial<Pick<Password, "text">>;

export interface Group {
  readonly name: string;
  readonly arn: string;
  /** `AGPA…` */
  readonly groupId: string;
  readonly path: string;
  readonly createdMs: number;
  readonly holder: PolicyHolder;
}

export interface Role {
  readonly name: string;
  readonly arn: string;
  /** `AROA…` */
  readonly roleId: string;
  readonly path: string;
  readonly createdMs: number;
  /** The JSON of the trust policy. */
  readonly trustText: string;
  readonly trust: readonly TrustStatement[];
  readonly holder: PolicyHolder;
  /** The ARN of a managed policy. */
  readonly boundary: string | undefined;
  tags: Tags;
  readonly maxSessionSeconds: number;
}

/** What an entity has from before; the default is new. */
export interface Origin {
  /** `AIDA…`, `AGPA…`, `AROA…` */
  readonly id?: string | undefined;
  /** ms since 1970. Default: now. */
  readonly createdMs?: number | undefined;
}

export interface UserOptions extends Origin {
  readonly name: string;
  /** Default: `/`. */
  readonly path?: string;
  /** Inline policies: documents, or their JSON. */
  readonly policies?: readonly unknown[];
  /** The ARNs of managed policies. */
  readonly attached?: readonly string[];
  readonly groups?: readonly string[];
  /** The ARN of a managed policy. */
  readonly boundary?: string | undefined;
  readonly tags?: Tags;
  readonly password?: NewPassword | undefined;
}

/** An access key's past. */
export interface AccessKeyOptions {
  /** Default: new ones. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** Default: true. */
  readonly active?: boolean;
  /** ms since 1970. Default: now. */
  readonly createdMs?: number;
  readonly lastUsed?: Credential["lastUsed"];
}

export interface AccountPasswordPolicy {
  readonly allowUsersToChangePassword: boolean;
  readonly hardExpiry: boolean;
  readonly maxAgeDays: number | undefined;
  readonly minimumLength: number;
  /** The characters of which a password needs at least one each. Default: none. */
  readonly requires?: readonly CharacterClass[];
}

export type CharacterClass = "Symbols" | "Numbers" | "UppercaseCharacters" | "LowercaseCharacters";

export interface MfaDevice {
  readonly serialNumber: string;
  tags: Tags;
  /** The secret that generates the codes; undefined for a FIDO device. */
  readonly seed: Buffer | undefined;
  /** When it was enabled for its user; for an unassigned device, 0. */
  enabledMs: number;
  /** The time steps by which the device's clock is ahead of AWS's, as of the latest synchronization. */
  driftSteps: number;
  /** The time step of the second code of the latest synchronization. */
  synchronizedStep: number;
  /** Time steps whose code has been used: each code is accepted once. */
  readonly usedSteps: Set<number>;
  /** Verifications in the current three-minute window. */
  attempts: { window: number; count: number };
}

/** An access key or the temporary credentials of a session, with their principal. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly principal: Principal;
  readonly createdMs: number;
  active: boolean;
  /** The latest request made with these credentials. */
  lastUsed: ServiceUse | undefined;
  readonly session?: Session;
}

/** A request to a service. */
export interface ServiceUse {
  /** ms since 1970 */
  readonly ms: number;
  /** `iam`, `sts`, `s3`, … */
  readonly service: string;
  readonly region: string;
}

/** Where a session is from: GetSessionToken, AssumeRole, GetFederationToken, or a sign-in to the console. */
export type SessionKind = "user" | "role" | "federated" | "console";

export interface Session {
  readonly kind: SessionKind;
  readonly token: string;
  readonly expiresMs: number;
  /** Session policies: the session has only the permissions that these allow too. */
  readonly policies?: readonly PolicyDocument[] | undefined;
  /** Of a role session, or a federated user's. */
  readonly tags?: Tags;
  /** When the code was accepted; undefined for a session without MFA. */
  readonly mfaMs?: number | undefined;
  /** Whether it is a role session from role chaining. */
  readonly isChained?: boolean;
  /** Whether it has transitive tags or a source identity, which AWS passes on in role chaining. */
  readonly passesOn?: boolean;
}

/** Who makes a request, and how that was authenticated. */
export interface Caller {
  readonly principal: Principal;
  readonly session?: Pick<Session, "kind" | "mfaMs" | "policies" | "tags"> | undefined;
}

/** An MFA device with codes. */
export interface CodeDevice {
  readonly serialNumber: string;
  readonly base32Secret: string;
  /** Returns the code at a time (ms since 1970); the default is the sandbox's current time. */
  readonly code: (atMs?: number) => string;
}

type Decided = Exclude<Decision, "unknown">;

/** A decision, and the type of the policies that it is from in AWS's words. */
export interface Verdict {
  readonly decision: Decided;
  readonly policyType: "an identity-based policy" | "a permissions boundary" | "a session policy";
}

/** A secret and its kind. */
export type Secret = readonly [
  string,
  "secret access key" | "session token" | "device seed" | "password" | "sign-in token",
];

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const devicesPerUser = 8;

/**
 * How AWS was observed to verify codes (it is not documented): two steps in either direction, each code once but in any
 * order, and nine verifications per device in each three-minute window, successful or not.
 */
const stepsEitherWay = 2;
const attemptsPerWindow = 9;
const attemptWindowMs = 180_000;

export class Account {
  readonly id: string;
  readonly partition: string;
  alias: string | undefined;
  /** ms since 1970 */
  now: () => number;
  readonly root: Principal;
  readonly #users = new Map<string, UserPrincipal>();
  readonly #groups = new Map<string, Group>();
  readonly #roles = new Map<string, Role>();
  readonly #managedPolicies = new Map<string, ManagedPolicy>();
  /** Read when the first one is needed. */
  #awsManagedPolicies: Map<string, ManagedPolicy> | undefined;
  /** Virtual devices that no user has, by serial number. */
  readonly unassignedDevices = new Map<string, MfaDevice>();
  /** ms since 1970 */
  createdMs: number;
  /** The latest credential report. */
  report: { readonly text: string; readonly generatedMs: number } | undefined;
  passwordPolicy: AccountPasswordPolicy | undefined;
  /** What happened, for CloudTrail. */
  readonly events = new EventLog();
  readonly #regions = new Map<string, Region>();
  rootPassword: Password;
  readonly #credentials = new Map<string, Credential>();
  /** Those that are no sessions. */
  readonly #accessKeys = new WeakMap<Principal, Set<Credential>>();
  /** Who has a device, by its serial number. */
  readonly #deviceOwners = new Map<string, Principal>();
  /** By service; also of credentials that are gone. */
  readonly #uses = new WeakMap<User | Role, Map<string, ServiceUse>>();
  readonly #secrets: Secret[] = [];

  constructor(id: string, partition: string, now: () => number) {
    if (!/^\d{12}$/.test(id)) throw new Error(`an account ID has 12 digits: ${JSON.stringify(id)}`);
    this.id = id;
    this.partition = partition;
    this.now = now;
    this.createdMs = now();
    this.root = { name: undefined, arn: this.arn("root"), userId: id, holder: makeHolder(), devices: [] };
    this.rootPassword = this.#toPassword({ changedMs: this.createdMs, lastUsedMs: undefined, resetRequired: false });
  }

  /** Returns an IAM ARN of this account. */
  arn(resource: string): string {
    return `arn:${this.partition}:iam::${this.id}:${resource}`;
  }

  /** Returns what the account has in a region. */
  inRegion(name: string): Region {
    const region = this.#regions.get(name) ?? makeRegion(name);
    this.#regions.set(name, region);
    return region;
  }

  /** Returns the regions that were used. */
  regions(): readonly Region[] {
    return [...this.#regions.values()];
  }

  addUser(options: UserOptions): UserPrincipal {
    const { name, path = "/", policies, attached = [], groups = [], boundary, tags = {}, password } = options;
    const { id = makeId("AIDA"), createdMs = this.now() } = options;
    assertName("IAM user", name, path);
    // IAM user names ignore case.
    if (this.#users.has(name.toLowerCase())) throw new Error(`user ${JSON.stringify(name)} already exists`);
    const holder = makeHolder(policies);
    for (const arn of attached) holder.attached.add(this.managedPolicy(arn).arn);
    if (boundary !== undefined) this.managedPolicy(boundary);
    const user = {
      path,
      createdMs,
      groups: groups.map((each) => this.group(each)),
      boundary,
      tags,
      password: password && this.#toPassword(password),
    };
    const arn = this.arn(`user${path}${name}`);
    const principal = { name, arn, userId: id, holder, devices: [], user };
    this.#users.set(name.toLowerCase(), principal);
    return principal;
  }

  /** Gives a user another name and path, and with these another ARN; everything else stays. */
  renameUser(principal: UserPrincipal, name: string, path: string): void {
    assertName("IAM user", name, path);
    this.#users.delete(principal.name.toLowerCase());
    Object.assign(principal, { name, arn: this.arn(`user${path}${name}`) });
    principal.user.path = path;
    this.#users.set(name.toLowerCase(), principal);
  }

  /** Deletes a user and all of the user's credentials. */
  deleteUser(principal: UserPrincipal): void {
    this.#users.delete(principal.name.toLowerCase());
    for (const device of principal.devices) this.takeDevice(principal, device);
    for (const credential of this.#credentials.values()) {
      if (credential.principal === principal) this.#credentials.delete(credential.accessKeyId);
    }
    this.#accessKeys.delete(principal);
  }

  setPassword({ user }: UserPrincipal, text: string, resetRequired: boolean): void {
    const [changedMs, lastUsedMs] = [this.now(), user.password?.lastUsedMs];
    user.password = this.#toPassword({ changedMs, lastUsedMs, resetRequired, text });
  }

  #toPassword({ text = makePassword(), ...rest }: NewPassword): Password {
    this.#secrets.push([text, "password"]);
    return { ...rest, text };
  }

  addGroup(
    name: string,
    path: string,
    policies: readonly unknown[],
    attached: readonly string[],
    { id = makeId("AGPA"), createdMs = this.now() }: Origin = {},
  ): Group {
    assertName("group", name, path);
    if (this.#groups.has(name.toLowerCase())) throw new Error(`group ${JSON.stringify(name)} already exists`);
    const holder = makeHolder(policies);
    for (const arn of attached) holder.attached.add(this.managedPolicy(arn).arn);
    const arn = this.arn(`group${path}${name}`);
    const group = { name, arn, groupId: id, path, createdMs, holder };
    this.#groups.set(name.toLowerCase(), group);
    return group;
  }

  /** Adds a customer managed policy. Throws an Error if the evaluator or this account does not model something in it. */
  addManagedPolicy(name: string, path: string, policy: unknown): ManagedPolicy {
    const arn = this.arn(`policy${path}${name}`);
    const createdMs = this.now();
    const versions = new Map([["v1", { policy: readModeledPolicy(policy), createdMs }]]);
    return this.restoreManagedPolicy({
      ...{ name, arn, id: makeId("ANPA"), path, createdMs, tags: {} },
      ...{ versions, defaultVersion: "v1", latestVersion: 1, updatedMs: createdMs },
    });
  }

  /** Adds a managed policy as it was, with all versions; also one of AWS's. */
  restoreManagedPolicy(policy: ManagedPolicy): ManagedPolicy {
    const { name, arn, path } = policy;
    assertName("policy", name, path);
    if (this.#managedPolicies.has(arn)) throw new Error(`policy ${JSON.stringify(name)} already exists`);
    const policies = isAwsManaged(arn) ? this.#listAwsManaged() : this.#managedPolicies;
    policies.set(arn, policy);
    return policy;
  }

  users(): readonly UserPrincipal[] {
    return [...this.#users.values()];
  }

  groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  roles(): readonly Role[] {
    return [...this.#roles.values()];
  }

  /** Returns the customer managed policies. */
  managedPolicies(): readonly ManagedPolicy[] {
    return [...this.#managedPolicies.values()];
  }

  /** Finds a group by its name, which ignores case. */
  findGroup(name: string): Group | undefined {
    return this.#groups.get(name.toLowerCase());
  }

  deleteGroup({ name }: Group): void {
    this.#groups.delete(name.toLowerCase());
  }

  /** Finds a customer managed policy, or an AWS managed policy that is here. */
  findManagedPolicy(arn: string): ManagedPolicy | undefined {
    return this.#managedPolicies.get(arn) ?? (isAwsManaged(arn) ? this.awsManagedPolicies().get(arn) : undefined);
  }

  /** Returns the AWS managed policies that are here, by ARN. */
  awsManagedPolicies(): ReadonlyMap<string, ManagedPolicy> {
    return this.#listAwsManaged();
  }

  #listAwsManaged(): Map<string, ManagedPolicy> {
    const make = () => makeAwsManagedPolicies(this.partition, () => makeId("ANPA"));
    this.#awsManagedPolicies ??= new Map(make().map((policy) => [policy.arn, policy]));
    return this.#awsManagedPolicies;
  }

  deleteManagedPolicy({ arn }: ManagedPolicy): void {
    this.#managedPolicies.delete(arn);
  }

  /** Returns the group with this name; throws an Error if it does not exist. */
  group(name: string): Group {
    const group = this.findGroup(name);
    if (group === undefined) throw new Error(`group ${JSON.stringify(name)} not found`);
    return group;
  }

  /** Returns the managed policy with this ARN; throws an Error if it does not exist. */
  managedPolicy(arn: string): ManagedPolicy {
    const policy = this.findManagedPolicy(arn);
    if (policy === undefined) throw new Error(`policy ${arn} not found`);
    return policy;
  }

  /** Returns the policies that decide what a principal may do. */
  policiesOf({ holder, user, role }: Principal): { policies: PolicyDocument[]; boundary: PolicyDocument | undefined } {
    const holders = [holder, ...(user?.groups ?? []).map((group) => group.holder)];
    const policies = holders.flatMap(({ inline, attached }) => [
      ...[...inline.values()].map(({ document }) => document),
      ...[...attached].map((arn) => this.defaultPolicy(arn).document),
    ]);
    const boundary = user?.boundary ?? role?.boundary;
    return { policies, boundary: boundary === undefined ? undefined : this.defaultPolicy(boundary).document };
  }

  /** Returns the default version of a managed policy; throws an Error if it does not exist. */
  defaultPolicy(arn: string): ModeledPolicy {
    const { versions, defaultVersion } = this.managedPolicy(arn);
    const version = versions.get(defaultVersion);
    if (version === undefined) throw new Error(`policy ${arn} has no version ${defaultVersion}`);
    return version.policy;
  }

  findUser(name: string): UserPrincipal | undefined {
    return this.#users.get(name.toLowerCase());
  }

  /** Returns the user with this name; throws NoSuchEntity like IAM. */
  user(name: string): UserPrincipal {
    const user = this.findUser(name);
    if (user === undefined) throw new AwsError("NoSuchEntity", 404, `The user with name ${name} cannot be found.`);
    return user;
  }

  /** Attaches a policy to a user. Throws an Error if the evaluator or this account does not model something in it. */
  attachPolicy(userName: string, policy: unknown): void {
    const { inline } = this.user(userName).holder;
    inline.set(`policy-${inline.size + 1}`, readModeledPolicy(policy));
  }

  addRole(role: Role): Role {
    if (this.findRoleByName(role.name) !== undefined)
      throw new Error(`role ${JSON.stringify(role.name)} already exists`);
    this.#roles.set(role.arn, role);
    return role;
  }

  findRole(arn: string): Role | undefined {
    return this.#roles.get(arn);
  }

  /** Finds a role by its name, which ignores case. */
  findRoleByName(name: string): Role | undefined {
    return this.roles().find((role) => role.name.toLowerCase() === name.toLowerCase());
  }

  /** Whether an ARN is that of a user, a role or the root user of this account. */
  hasPrincipal(arn: string): boolean {
    const users = [this.root, ...this.#users.values()];
    return this.#roles.has(arn) || users.some((user) => user.arn === arn);
  }

  addAccessKey(principal: Principal, options: AccessKeyOptions = {}): Credential {
    const { createdMs = this.now(), active = true, lastUsed } = options;
    const made = makeKey("AKIA", this.id);
    const { accessKeyId = made.accessKeyId, secretAccessKey = made.secretAccessKey } = options;
    return this.#addCredential({ accessKeyId, secretAccessKey, principal, createdMs, active, lastUsed });
  }

  deleteAccessKey(key: Credential): void {
    this.#credentials.delete(key.accessKeyId);
    this.#accessKeys.get(key.principal)?.delete(key);
  }

  /** Returns the access keys of a principal. */
  accessKeysOf(principal: Principal): readonly Credential[] {
    return [...(this.#accessKeys.get(principal) ?? [])];
  }

  /** Notes a request with these credentials. It counts for the user or role, also for the user who federated. */
  recordUse(caller: Credential, service: string, region: string): void {
    const use = { ms: this.now(), service, region };
    caller.lastUsed = use;
    const owner = caller.principal.role ?? caller.principal.user;
    if (owner === undefined) return;
    const uses = this.#uses.get(owner) ?? new Map<string, ServiceUse>();
    this.#uses.set(owner, uses.set(service, use));
  }

  /** Notes the latest use of each service from before. */
  restoreUses(owner: UserPrincipal | Role, uses: readonly ServiceUse[]): void {
    this.#uses.set("user" in owner ? owner.user : owner, new Map(uses.map((use) => [use.service, use])));
  }

  /** Returns the latest use of each service, also uses of access keys before the account was here. */
  usesOf(owner: UserPrincipal | Role): readonly ServiceUse[] {
    const recorded = this.#uses.get("user" in owner ? owner.user : owner)?.values() ?? [];
    const earlier = "user" in owner ? this.accessKeysOf(owner).flatMap(({ lastUsed = [] }) => lastUsed) : [];
    const uses = new Map<string, ServiceUse>();
    for (const use of [...recorded, ...earlier]) {
      if (use.ms >= (uses.get(use.service)?.ms ?? 0)) uses.set(use.service, use);
    }
    return [...uses.values()];
  }

  credential(accessKeyId: string): Credential | undefined {
    return this.#credentials.get(accessKeyId);
  }

  /** Lists every secret that this account has created, also of what was deleted since. */
  secrets(): readonly Secret[] {
    return this.#secrets;
  }

  /**
   * Adds an MFA device. Throws an Error if the user has eight devices or the serial number exists.
   *
   * @param userName undefined for the root user
   */
  addDevice(
    userName: string | undefined,
    serialNumber: string,
    seed: Buffer | undefined,
    enabledMs = this.now(),
  ): void {
    const owner = userName === undefined ? this.root : this.user(userName);
    if (owner.devices.length >= devicesPerUser)
      throw new Error(`a user can have at most ${devicesPerUser} MFA devices`);
    if (this.findDevice(serialNumber) !== undefined) throw new Error(`${serialNumber} already exists`);
    this.giveDevice(owner, { ...this.makeDevice(serialNumber, seed), enabledMs });
  }

  giveDevice(owner: Principal, device: MfaDevice): void {
    owner.devices = [...owner.devices, device];
    this.#deviceOwners.set(device.serialNumber, owner);
    this.unassignedDevices.delete(device.serialNumber);
  }

  takeDevice(owner: Principal, device: MfaDevice): void {
    owner.devices = owner.devices.filter((each) => each !== device);
    this.#deviceOwners.delete(device.serialNumber);
  }

  /** Creates a device that no user has. */
  makeDevice(serialNumber: string, seed: Buffer | undefined): MfaDevice {
    if (seed) this.#secrets.push([base32Encode(seed), "device seed"], [seed.toString("hex"), "device seed"]);
    const attempts = { window: 0, count: 0 };
    return {
      serialNumber,
      tags: {},
      seed,
      enabledMs: 0,
      driftSteps: 0,
      synchronizedStep: 0,
      usedSteps: new Set(),
      attempts,
    };
  }

  /** Finds a device and the principal that has it, if any. */
  findDevice(serialNumber: string): { device: MfaDevice; owner: Principal | undefined } | undefined {
    const owner = this.#deviceOwners.get(serialNumber);
    const own = owner?.devices.find((each) => each.serialNumber === serialNumber);
    if (own !== undefined) return { device: own, owner };
    const device = this.unassignedDevices.get(serialNumber);
    return device && { device, owner: undefined };
  }

  addCodeDevice(userName: string | undefined, serialNumber: string, enabledMs?: number): CodeDevice {
    const seed = takeRandomBytes(20);
    this.addDevice(userName, serialNumber, seed, enabledMs);
    return { serialNumber, base32Secret: base32Encode(seed), code: (atMs = this.now()) => totp(seed, atMs) };
  }

  /** Creates temporary credentials with the permissions of the principal. */
  addSession(
    principal: Principal,
    durationSeconds: number,
    details: Omit<Session, "token" | "expiresMs">,
  ): Credential & { session: Session } {
    const nowMs = this.now();
    // 3n + 1 bytes, so the token ends in "==", which some readers and writers of the credentials file cut off.
    const token = takeRandomBytes(268).toString("base64");
    // Whole seconds, as in the response: the session must not end later than the client expects.
    const expiresMs = Math.floor(nowMs / 1000 + durationSeconds) * 1000;
    const session = { token, expiresMs, ...details };
    const key = { ...makeKey("ASIA", this.id), principal, createdMs: nowMs, active: true, lastUsed: undefined };
    const credential = { ...key, session };
    this.#addCredential(credential);
    return credential;
  }

  /**
   * Throws AccessDenied unless the caller's policies allow the action; the root user is allowed everything.
   *
   * @param shown the resource in the error message; S3 does not name `*`
   * @param requestContext condition keys of this request alone
   */
  authorize(
    caller: Caller,
    action: string,
    resource: string,
    shown?: string,
    requestContext: RequestContext = {},
  ): void {
    const context = { ...this.context(caller), ...this.resourceContext(resource), ...requestContext };
    const { decision, policyType } = this.decide(caller, { action, resource, context });
    if (decision === "allowed") return;
    const reason =
      decision === "explicitDeny"
        ? `with an explicit deny in ${policyType}`
        : `because no ${policyType.replace(/^an? /, "")} allows the ${action} action`;
    const on = shown === undefined ? "" : ` on resource: ${shown}`;
    throw accessDenied(`User: ${caller.principal.arn} is not authorized to perform: ${action}${on} ${reason}`);
  }

  /**
   * Decides by the caller's policies and permissions boundary, and by the session's policies if it has any: "the resulting
   * session's permissions are the intersection". The root user is allowed everything, without a session policy.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
   */
  decide({ principal, session }: Caller, request: AuthorizationRequest): Verdict {
    const { policies, boundary } = this.policiesOf(principal);
    const mayChangePassword = this.passwordPolicy?.allowUsersToChangePassword ? principal.arn : undefined;
    const isRoot = principal.holder === this.root.holder;
    const documents = boundary === undefined ? policies : [...policies, boundary];
    const known = { ...request, context: { ...findUnknownKeys(documents, request), ...request.context } };
    const own = isRoot ? allowed : evaluate(policies, known, { boundary, mayChangePassword });
    const limit = session?.policies ? evaluate(session.policies, request) : allowed;
    const [ownDecision, limitDecision] = [toDecided(own), toDecided(limit)];
    if (ownDecision !== "explicitDeny" && limitDecision !== "allowed") {
      return { decision: limitDecision, policyType: "a session policy" };
    }
    const isOfBoundary =
      ownDecision === "explicitDeny"
        ? own.matchedStatements.every(({ policy }) => policy === "boundary")
        : own.isOutsideBoundary === true;
    return { decision: ownDecision, policyType: isOfBoundary ? "a permissions boundary" : "an identity-based policy" };
  }

  /**
   * `aws:MultiFactorAuthPresent` is absent with an access key, "false" for a session or a sign-in without MFA:
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
   *
   * A role session never has MFA, however the role was assumed: "The temporary credentials returned by AssumeRole
   * do not include MFA information in the context, so you cannot check individual API operations for MFA."
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
   * Users report that AWS sets "true" if the role was assumed in a session with MFA, but AWS does not document it.
   *
   * Federated users have no such key (inferred): "MFA-protected API access is available only with temporary security
   * credentials obtained with AssumeRole or GetSessionToken" (the same page).
   */
  context({ session, principal }: Caller): RequestContext {
    const direct = {
      "aws:ViaAWSService": "false",
      "aws:PrincipalArn": principal.role?.arn ?? principal.arn,
      "aws:PrincipalAccount": this.id,
      "aws:userid": principal.userId,
      ...(principal.name === undefined ? {} : { "aws:username": principal.name }),
      ...prefixKeys("aws:PrincipalTag", this.#principalTags(principal, session)),
    };
    if (session === undefined || session.kind === "federated") return direct;
    if (session.mfaMs === undefined) return { ...direct, "aws:MultiFactorAuthPresent": "false" };
    const age = Math.max(0, Math.floor((this.now() - session.mfaMs) / 1000));
    return { ...direct, "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": String(age) };
  }

  /**
   * A session's own tags come before those of its role, or of the user who federated: "session tags override a user tag with
   * the same key".
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
   * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
   */
  #principalTags({ user, role }: Principal, session: Caller["session"]): Tags {
    const own = new Set(Object.keys(session?.tags ?? {}).map((key) => key.toLowerCase()));
    const others = Object.entries((role ?? user)?.tags ?? {}).filter(([key]) => !own.has(key.toLowerCase()));
    return { ...Object.fromEntries(others), ...session?.tags };
  }

  /**
   * Returns the condition keys that follow from the tags of what an ARN names here. The older keys are for users and roles.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
   */
  resourceContext(arn: string): RequestContext {
    const [, kind, name = ""] = /^arn:[^:]*:iam::[^:]*:(user|role|policy|mfa)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
    if (kind === "user" || kind === "role") {
      const user = this.findUser(name);
      const tags = kind === "role" ? this.findRole(arn)?.tags : user?.arn === arn ? user.user.tags : undefined;
      return { ...prefixKeys("aws:ResourceTag", tags), ...prefixKeys("iam:ResourceTag", tags) };
    }
    const tagged = kind === "policy" ? this.findManagedPolicy(arn) : kind === "mfa" && this.findDevice(arn)?.device;
    return tagged ? prefixKeys("aws:ResourceTag", tagged.tags) : {};
  }

  #addCredential(credential: Credential): Credential {
    this.#secrets.push([credential.secretAccessKey, "secret access key"]);
    if (credential.session) this.#secrets.push([credential.session.token, "session token"]);
    else this.#accessKeys.set(credential.principal, new Set([...this.accessKeysOf(credential.principal), credential]));
    this.#credentials.set(credential.accessKeyId, credential);
    return credential;
  }
}

const allowed: Evaluation = { decision: "allowed", matchedStatements: [], missingContextKeys: [] };

/** Returns the condition keys in policies of real accounts that are not modeled here, as unknown. */
function findUnknownKeys(documents: readonly PolicyDocument[], { context }: AuthorizationRequest): RequestContext {
  const keys = new Map<string, ContextValue>();
  for (const key of documents.flatMap(listUnmodeledKeys)) keys.set(key.toLowerCase(), UNKNOWN);
  if (keys.size > 0) for (const key of Object.keys(context)) keys.delete(key.toLowerCase());
  return Object.fromEntries(keys);
}

function toDecided({ decision, missingContextKeys }: Evaluation): Decided {
  if (decision !== "unknown") return decision;
  throw notModeled(`the condition keys ${missingContextKeys.join(", ")}`);
}

const prefixKeys = (prefix: string, tags: Tags = {}): RequestContext =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]));

function assertName(kind: string, name: string, path: string): void {
  if (!/^[\w+=,.@-]{1,128}$/.test(name) || (kind === "IAM user" && name.length > 64))
    throw new Error(`invalid ${kind} name: ${JSON.stringify(name)}`);
  if (!/^\/([!-~]+\/)?$/.test(path)) throw new Error(`invalid IAM path: ${JSON.stringify(path)}`);
}

/** Checks a code and uses it up. Returns "unavailable" after too many verifications, or for a device without codes. */
export function verifyCode(device: MfaDevice, code: string, nowMs: number): "right" | "wrong" | "unavailable" {
  const { seed, usedSteps } = device;
  const window = Math.floor(nowMs / attemptWindowMs);
  if (device.attempts.window !== window) device.attempts = { window, count: 0 };
  if (seed === undefined || device.attempts.count >= attemptsPerWindow) return "unavailable";
  device.attempts.count++;
  const present = timeStep(nowMs) + device.driftSteps;
  for (let step = present - stepsEitherWay; step <= present + stepsEitherWay; step++) {
    if (codeOfStep(seed, step) === code && !usedSteps.has(step)) {
      usedSteps.add(step);
      return "right";
    }
  }
  return "wrong";
}

/** Creates an ID like AWS's: a prefix of four letters, then seventeen characters of `A-Z2-7`. */
export function makeId(prefix: string): string {
  return prefix + base32Encode(takeRandomBytes(11)).slice(0, 17);
}

/** Creates a password with all classes of characters. */
function makePassword(): string {
  return `${takeRandomBytes(12).toString("base64url")}-Aa1`;
}

/** Creates the serial number of a hardware token. */
export function makeTokenNumber(): string {
  return `GAHT${String(randomInt(10 ** 8)).padStart(8, "0")}`;
}

/** Creates an access key whose ID tells the account, as AWS's do: src/keys/account-of-key.ts. */
function makeKey(prefix: "AKIA" | "ASIA", account: string): { accessKeyId: string; secretAccessKey: string } {
  const random = BigInt(`0x${takeRandomBytes(10).toString("hex")}`) % 2n ** 39n;
  const bits = 2n ** 79n + BigInt(account) * 2n ** 39n + random;
  const accessKeyId = prefix + base32Encode(Buffer.from(bits.toString(16), "hex"));
  return { accessKeyId, secretAccessKey: takeRandomBytes(30).toString("base64") };
}
