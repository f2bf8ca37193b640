// What happened in an account, as CloudTrail records it: calls of AWS's services and sign-ins to the console.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
import { randomUUID } from "node:crypto";
import { getDefaultRegion } from "../aws/partitions.ts";
import type { Credential, Principal, Session } from "./account.ts";

/** Who did something, as it was then: users and roles may be gone since. */
export interface EventIdentity {
  readonly type: "Root" | "IAMUser" | "AssumedRole" | "FederatedUser";
  readonly arn: string;
  /** Of an IAM user. */
  readonly name: string | undefined;
  readonly userId: string;
  /** The role that was assumed. */
  readonly role: { readonly id: string; readonly arn: string; readonly name: string } | undefined;
}

/** An event, without secrets, and without the parameters of a call: plain data. */
export interface AccountEvent {
  readonly id: string;
  /** ms since 1970 */
  readonly timeMs: number;
  readonly region: string;
  /** `iam.amazonaws.com`; for sign-ins `signin.amazonaws.com` */
  readonly source: string;
  /** The operation, or `ConsoleLogin`. */
  readonly name: string;
  readonly identity: EventIdentity;
  /** The access key of a call; undefined for sign-ins. */
  readonly accessKeyId: string | undefined;
  /** The session of a call made with temporary credentials. */
  readonly session: (Pick<Session, "mfaMs"> & { readonly createdMs: number }) | undefined;
  /** Undefined for calls. */
  readonly signIn: SignIn | undefined;
  /** Why a call was refused. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** Undefined for sign-ins. */
  readonly requestId: string | undefined;
}

/** Where a request came from, and when. */
export interface Origin {
  readonly timeMs: number;
  readonly region: string;
  readonly sourceIp: string;
  readonly userAgent: string;
}

export interface ApiCall extends Origin {
  /** As in the signature: `iam` */
  readonly service: string;
  readonly name: string;
  readonly caller: Credential;
  readonly requestId: string;
  readonly error: AccountEvent["error"];
}

export interface SignIn {
  /** Whether a code was checked. */
  readonly mfaUsed: boolean;
  /** What AWS says of a sign-in that failed; undefined for one that succeeded. */
  readonly failure: string | undefined;
}

const eventsKept = 10_000;

/**
 * The region of what AWS has once for all regions: IAM, and sign-ins at the console's global address, in a browser that
 * does not know the account's alias.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
 */
export const getGlobalRegion = (partition: string): string => getDefaultRegion(partition) ?? "us-east-1";

/** The latest events of an account, in the order of their times. */
export class EventLog {
  readonly #events: AccountEvent[] = [];

  /** Returns the events, oldest first. */
  list(): readonly AccountEvent[] {
    return this.#events;
  }

  /** Adds the events of a saved account. */
  restore(saved: readonly AccountEvent[]): void {
    for (const event of saved) this.#add(event);
  }

  recordCall({ service, caller, ...call }: ApiCall): void {
    const { principal, accessKeyId, session, createdMs } = caller;
    const identity = identify(principal);
    this.#add({
      ...{ id: randomUUID(), ...call, source: `${service}.amazonaws.com`, identity, accessKeyId, signIn: undefined },
      session: session && { mfaMs: session.mfaMs, createdMs },
    });
  }

  /** @param failure what AWS says of a sign-in that failed */
  recordSignIn({
    principal,
    mfaUsed,
    failure,
    ...origin
  }: Origin & { readonly principal: Principal; readonly mfaUsed: boolean; readonly failure?: string }): void {
    this.#add({
      ...{ id: randomUUID(), source: "signin.amazonaws.com", name: "ConsoleLogin", ...origin },
      ...{ identity: identify(principal), signIn: { mfaUsed, failure } },
      ...{ accessKeyId: undefined, session: undefined, requestId: undefined, error: undefined },
    });
  }

  #add(event: AccountEvent): void {
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1] as AccountEvent).timeMs > event.timeMs) index--;
    this.#events.splice(index, 0, event);
    if (this.#events.length > eventsKept) this.#events.shift();
  }
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html */
function identify({ name, arn, userId, role }: Principal): EventIdentity {
  const other = name === undefined ? "FederatedUser" : "IAMUser";
  const type = arn.endsWith(":root") ? "Root" : role ? "AssumedRole" : other;
  return { type, arn, name, userId, role: role && { id: role.roleId, arn: role.arn, name: role.name } };
}
