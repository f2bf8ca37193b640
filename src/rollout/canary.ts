// The canary: a test user that goes through everything that users under the enforcement policy will meet, with real calls,
// before any other user is put under it. Everything that it makes carries a tag or its name, and is removed afterwards.
import { AwsFailure } from "../aws/failures.ts";
import type { Credentials } from "../aws/types.ts";
import { CancelledError, FobError } from "../errors.ts";
import { type JournaledStep, type JournalLine, listDone } from "../steps/journal.ts";
import type { Check, Step } from "../steps/steps.ts";

/** The tag of everything that the canary makes. */
const canaryTag = { key: "fob-role", value: "canary" } as const;

/** Calls as the administrator. What is there or gone already is told as data, see aws/iam-changes.ts. */
export interface AdminCalls {
  readonly getUser: (user: string) => Promise<{ readonly tags: Readonly<Record<string, string>> } | undefined>;
  readonly createUser: (user: string, tags: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly putUserPolicy: (user: string, name: string, document: object) => Promise<unknown>;
  readonly createLoginProfile: (user: string, password: string) => Promise<unknown>;
  readonly createAccessKey: (user: string) => Promise<Credentials>;
  readonly addUserToGroup: (user: string, group: string) => Promise<unknown>;
  readonly listGroupsForUser: (user: string) => Promise<readonly string[] | undefined>;
  readonly removeUserFromGroup: (user: string, group: string) => Promise<unknown>;
  readonly listMfaDevices: (user: string) => Promise<readonly string[]>;
  readonly deactivateMfaDevice: (user: string, serialNumber: string) => Promise<unknown>;
  readonly deleteVirtualMfaDevice: (serialNumber: string) => Promise<unknown>;
  readonly listAccessKeys: (user: string) => Promise<readonly { readonly accessKeyId: string }[] | undefined>;
  readonly deleteAccessKey: (user: string, accessKeyId: string) => Promise<unknown>;
  readonly deleteLoginProfile: (user: string) => Promise<unknown>;
  readonly listUserPolicies: (user: string) => Promise<readonly string[] | undefined>;
  readonly deleteUserPolicy: (user: string, name: string) => Promise<unknown>;
  readonly deleteUser: (user: string) => Promise<unknown>;
}

/** Calls as the test user, with its access key or a session. */
export interface UserCalls {
  readonly listAccountAliases: () => Promise<unknown>;
  readonly getUser: () => Promise<unknown>;
  readonly listMfaDevices: () => Promise<unknown>;
  readonly listVirtualMfaDevices: () => Promise<unknown>;
  readonly getMfaDevice: (serialNumber: string) => Promise<unknown>;
  readonly getPasswordPolicy: () => Promise<unknown>;
  readonly resyncMfaDevice: (serialNumber: string, codes: readonly [string, string]) => Promise<unknown>;
  readonly changePassword: (before: string, after: string) => Promise<unknown>;
  readonly createVirtualMfaDevice: (
    name: string,
  ) => Promise<{ readonly serialNumber: string; readonly seed: string } | undefined>;
  readonly enableMfaDevice: (serialNumber: string, codes: readonly [string, string]) => Promise<unknown>;
}

export interface CanaryTools {
  readonly as: <T>(credentials: Credentials, work: (calls: UserCalls) => Promise<T>) => Promise<T>;
  /** Runs `fob login` with a code. @returns the session, as the profile has it that it wrote @throws FobError */
  readonly logIn: (key: Credentials, code: string) => Promise<Credentials>;
  /** The code of a seed (Base32) at a time. */
  readonly computeCode: (seed: string, at: number) => string;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  readonly now: () => number;
  /** Tells what was proved. */
  readonly report: (line: ProofLine) => void;
}

export interface ProofLine {
  readonly text: string;
  readonly holds: boolean;
  /** What AWS answered, if it does not hold. */
  readonly detail?: string;
}

export interface CanaryOptions {
  readonly user: string;
  readonly group: string;
  /** The ARN of the virtual device that the user makes. */
  readonly deviceArn: string;
  /** The actions that the group's enforcement policy exempts. */
  readonly exempt: readonly string[];
  /** The command lines that go on where a run before has left the user. */
  readonly ifLeft: readonly string[];
  /** The one for another user. */
  readonly forOther: string;
}

/** What this run knows of the test user. Its secrets are in memory only. */
export interface CanaryUser {
  readonly password: string;
  key: Credentials | undefined;
  /** Another run has made the user meanwhile, and will remove it. */
  isOfOther: boolean;
}

const policyName = "fob-canary-read";

/** The harmless read that the test user may do, which the enforcement policy does not exempt. */
const readPolicy = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iam:ListAccountAliases", Resource: "*" }],
};

/** The steps that make the test user and put it into the group. */
export function listCanarySteps(options: CanaryOptions, known: CanaryUser, admin: AdminCalls): readonly Step[] {
  const { user, group } = options;
  const facts = { user };
  const toDo = (): Promise<Check> => Promise.resolve({ state: "to do" });
  const step = (id: string, text: string, work: () => Promise<unknown>): Step => ({
    ...{ id: `${id}/${user}`, text, facts, check: toDo },
    do: async () => {
      await work();
      return {};
    },
  });
  return [
    {
      ...step("create-user", `create the user ${user}`, async () => {
        known.isOfOther = (await admin.createUser(user, { [canaryTag.key]: canaryTag.value })) === undefined;
        if (known.isOfOther) throw new FobError(`another run has made the user ${user} just now`, options.ifLeft);
      }),
      check: async () => {
        const found = await admin.getUser(user);
        return found === undefined ? { state: "to do" } : blockOn(options, isCanary(found));
      },
    },
    step("put-policy", `let ${user} read the account's aliases`, () =>
      admin.putUserPolicy(user, policyName, readPolicy),
    ),
    step("create-password", `give ${user} a console password`, () => admin.createLoginProfile(user, known.password)),
    {
      ...{ id: `create-key/${user}`, text: `give ${user} an access key`, facts, check: toDo },
      do: async () => {
        known.key = await admin.createAccessKey(user);
        return { accessKeyId: known.key.accessKeyId };
      },
    },
    step("add-canary", `add ${user} to group ${group}`, () => admin.addUserToGroup(user, group)),
  ];
}

const isCanary = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean =>
  tags[canaryTag.key] === canaryTag.value;

function blockOn({ user, ifLeft, forOther }: CanaryOptions, isOurs: boolean): Check {
  return {
    state: "blocked",
    reason: isOurs
      ? `${user} is left from a run before`
      : `there is a user ${user} that fob did not make: it has no tag ${canaryTag.key}=${canaryTag.value}`,
    hints: isOurs ? ifLeft : [`choose another name: ${forOther}`],
  };
}

/** Removes all that the canary has made, whatever of it is there. @throws FobError if the user is not the canary's */
export async function removeCanary(
  { user, deviceArn, forOther }: CanaryOptions,
  admin: AdminCalls,
): Promise<"removed" | "not there"> {
  const found = await admin.getUser(user);
  // The user goes last: without it, a device of that name is another one's.
  if (found === undefined) return "not there";
  if (!isCanary(found)) {
    throw new FobError(
      `${user} is not removed: it has no tag ${canaryTag.key}=${canaryTag.value}`,
      `choose the user: ${forOther}`,
    );
  }
  for (const serialNumber of await admin.listMfaDevices(user)) await admin.deactivateMfaDevice(user, serialNumber);
  for (const { accessKeyId } of (await admin.listAccessKeys(user)) ?? [])
    await admin.deleteAccessKey(user, accessKeyId);
  await admin.deleteLoginProfile(user);
  for (const name of (await admin.listUserPolicies(user)) ?? []) await admin.deleteUserPolicy(user, name);
  for (const group of (await admin.listGroupsForUser(user)) ?? []) await admin.removeUserFromGroup(user, group);
  await admin.deleteVirtualMfaDevice(deviceArn);
  await admin.deleteUser(user);
  return "removed";
}

/** What the journal has as made for the test user, and not as removed. */
export const listMade = ({ user }: CanaryOptions, lines: readonly JournalLine[]): readonly JournaledStep[] =>
  listDone(lines).filter(({ facts }) => facts.user === user);

/** IAM's changes are everywhere after some seconds, seldom a minute. */
const patience = 60_000;

/**
 * Proves with real calls of the test user what the enforcement policy denies, and what it leaves open.
 *
 * @returns whether everything holds
 */
export async function proveCanary(
  { deviceArn, exempt }: CanaryOptions,
  key: Credentials,
  passwords: readonly [before: string, after: string],
  tools: CanaryTools,
): Promise<boolean> {
  const proof = new Proof(tools);
  const device = await tools.as(key, async (calls) => {
    await proof.denies("without MFA, a read that the user is allowed is denied, explicitly", calls.listAccountAliases);
    await proof.allows("without MFA, the user sees itself (iam:GetUser)", calls.getUser);
    await proof.allows("without MFA, the user lists its devices (iam:ListMFADevices)", calls.listMfaDevices);
    await proof.allows("without MFA, the user lists virtual devices", calls.listVirtualMfaDevices);
    /** What only some variants of the policy exempt. */
    const decides = async (text: string, action: string, call: () => Promise<unknown>): Promise<void> => {
      if (exempt.includes(action)) await proof.lets(`without MFA, the user may ${text} (${action})`, call);
      else await proof.denies(`without MFA, the user may not ${text} (${action})`, call);
    };
    await decides("read the password policy", "iam:GetAccountPasswordPolicy", calls.getPasswordPolicy);
    if (exempt.includes("iam:ChangePassword")) {
      await proof.allows("without MFA, the user changes its password", () => calls.changePassword(...passwords));
    } else {
      await decides("change its password", "iam:ChangePassword", () => calls.changePassword(...passwords));
    }
    const made = await proof.allows("without MFA, the user creates a virtual device", () =>
      calls.createVirtualMfaDevice(deviceArn.slice(deviceArn.indexOf("/") + 1)),
    );
    if (made === undefined) return undefined;
    const { serialNumber, seed } = made;
    let codes: readonly [string, string] = ["", ""];
    await proof.allows("without MFA, the user enables the device with two codes", () => {
      const now = tools.now();
      codes = [tools.computeCode(seed, now - 30_000), tools.computeCode(seed, now)];
      return calls.enableMfaDevice(serialNumber, codes);
    });
    await decides("look at the device", "iam:GetMFADevice", () => calls.getMfaDevice(serialNumber));
    // The codes are used up: that AWS looks at them shows that no policy denies the call.
    await proof.lets("without MFA, the user may resynchronize the device (iam:ResyncMFADevice)", () =>
      calls.resyncMfaDevice(serialNumber, codes),
    );
    return made;
  });
  if (device === undefined) return false;
  const session = await proof.allows("fob login takes a code of the device, and writes a session to a profile", () =>
    // AWS takes a code once only, and knows a new device after some seconds.
    repeatUntil(tools, 60_000, async () => {
      await tools.sleep(30_000 - (tools.now() % 30_000) + 500);
      return await tools.logIn(key, tools.computeCode(device.seed, tools.now()));
    }),
  );
  if (session === undefined) return false;
  await tools.as(session, async (calls) => {
    await proof.allows("with MFA, the read works", calls.listAccountAliases);
  });
  return proof.holds;
}

async function repeatUntil<T>({ now }: CanaryTools, limit: number, work: () => Promise<T>): Promise<T> {
  const end = now() + limit;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAnswer(error) || now() > end) throw error;
    }
  }
}

/** Whether an error is what the test user met, and not the administrator's wish to end. */
const isAnswer = (error: unknown): error is FobError => error instanceof FobError && !(error instanceof CancelledError);

class Proof {
  holds = true;
  readonly #tools: CanaryTools;

  constructor(tools: CanaryTools) {
    this.#tools = tools;
  }

  /** Repeats a call until it is allowed: what it needs may not be everywhere yet. */
  async allows<T>(text: string, call: () => Promise<T>): Promise<T | undefined> {
    return await this.#await(text, async () => ({ holds: true, value: await call() }));
  }

  /** Repeats a call until AWS does it, or refuses it for what it is about: policies are looked at before that. */
  async lets(text: string, call: () => Promise<unknown>): Promise<void> {
    await this.#await(text, async () => {
      try {
        await call();
      } catch (error) {
        if (!(error instanceof AwsFailure) || !isPastPolicies(error)) throw error;
      }
      return { holds: true, value: undefined };
    });
  }

  /** Repeats a call until it is denied by a Deny. */
  async denies(text: string, call: () => Promise<unknown>): Promise<void> {
    await this.#await(text, async () => {
      try {
        await call();
      } catch (error) {
        if (error instanceof AwsFailure && isExplicit(error)) return { holds: true, value: undefined };
        throw error;
      }
      return { holds: false, value: undefined };
    });
  }

  async #await<T>(text: string, attempt: () => Promise<{ holds: boolean; value: T }>): Promise<T | undefined> {
    const { now, sleep, report } = this.#tools;
    const end = now() + patience;
    for (let pause = 500; ; pause = Math.min(8000, pause * 2)) {
      let detail: string;
      try {
        const { holds, value } = await attempt();
        if (holds) {
          report({ text, holds });
          return value;
        }
        detail = "AWS allowed it";
      } catch (error) {
        if (!isAnswer(error)) throw error;
        detail = error.message;
      }
      if (now() + pause > end) {
        this.holds = false;
        report({ text, holds: false, detail });
        return undefined;
      }
      await sleep(pause);
    }
  }
}

/** AWS says "with an explicit deny in an identity-based policy". */
const isExplicit = (error: AwsFailure): boolean =>
  /explicit deny|explicitly/i.test(`${error.message} ${describeCause(error)}`);

const isPastPolicies = ({ consequence, cause }: AwsFailure): boolean =>
  consequence === "wrong code" ||
  (consequence === "refused" && cause instanceof Error && !cause.name.startsWith("AccessDenied"));

const describeCause = ({ cause }: Error): string => (cause instanceof Error ? cause.message : "");
