// IAM's calls. Heavy: import() it, and only when AWS is really called.
import {
  type ContextEntry,
  type EvaluationResult,
  IAMClient,
  ListAccessKeysCommand,
  ListAccountAliasesCommand,
  ListMFADevicesCommand,
  ListVirtualMFADevicesCommand,
  SimulateCustomPolicyCommand,
} from "@aws-sdk/client-iam";
import type { CallKind, Connection } from "./connection.ts";
import { withoutNotice } from "./notice.ts";
import { readPages } from "./pages.ts";
import { clientConfiguration } from "./sdk.ts";
import type { OwnAccessKey, SimulatedKey, Simulation, SimulationPage, SimulationResult } from "./types.ts";

const service = "iam";

export const iamClient = (aws: Connection, kind: CallKind): IAMClient =>
  aws.shared(`${service} ${kind}`, () => withoutNotice(() => new IAMClient(clientConfiguration(aws, service, kind))));

/** A user's MFA device. `enabled` is milliseconds since 1970. */
export interface EnabledDevice {
  readonly serialNumber: string;
  readonly enabled: number | undefined;
}

/**
 * A user's MFA devices.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html
 *
 * @param UserName undefined for the caller
 */
export async function listEnabledDevices(aws: Connection, UserName?: string): Promise<EnabledDevice[]> {
  const kind = UserName === undefined ? "read" : "bulk read";
  const devices = await readPages(async (Marker) => {
    const answer = await aws.call({ service, name: "iam:ListMFADevices", kind }, (abortSignal) =>
      iamClient(aws, kind).send(new ListMFADevicesCommand({ UserName, Marker }), { abortSignal }),
    );
    return { items: answer.MFADevices ?? [], marker: markerOf(answer) };
  });
  return devices.flatMap(({ SerialNumber, EnableDate }) =>
    SerialNumber === undefined ? [] : { serialNumber: SerialNumber, enabled: EnableDate?.getTime() },
  );
}

/** Their serial numbers. */
export async function listMfaDevices(aws: Connection, UserName?: string): Promise<string[]> {
  return (await listEnabledDevices(aws, UserName)).map(({ serialNumber }) => serialNumber);
}

/**
 * The serial numbers of virtual devices that no user has: created and not enabled yet, or deactivated.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html
 */
export async function listUnassignedDevices(aws: Connection): Promise<string[]> {
  const devices = await readPages(async (Marker) => {
    const command = new ListVirtualMFADevicesCommand({ AssignmentStatus: "Unassigned", Marker });
    const answer = await aws.call({ service, name: "iam:ListVirtualMFADevices", kind: "read" }, (abortSignal) =>
      iamClient(aws, "read").send(command, { abortSignal }),
    );
    return { items: answer.VirtualMFADevices ?? [], marker: markerOf(answer) };
  });
  return devices.flatMap(({ SerialNumber }) => SerialNumber ?? []);
}

/**
 * The caller's access keys.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
 */
export async function listOwnAccessKeys(aws: Connection): Promise<OwnAccessKey[]> {
  const keys = await readPages(async (Marker) => {
    const answer = await aws.call({ service, name: "iam:ListAccessKeys", kind: "read" }, (abortSignal) =>
      iamClient(aws, "read").send(new ListAccessKeysCommand({ Marker }), { abortSignal }),
    );
    return { items: answer.AccessKeyMetadata ?? [], marker: markerOf(answer) };
  });
  return keys.map(({ AccessKeyId = "", CreateDate }) => ({ id: AccessKeyId, created: CreateDate?.getTime() }));
}

/**
 * The alias of the caller's account; an account has one at most. Undefined too for what no alias looks like.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html
 */
export async function getAccountAlias(aws: Connection): Promise<string | undefined> {
  const { AccountAliases } = await aws.call({ service, name: "iam:ListAccountAliases", kind: "read" }, (abortSignal) =>
    iamClient(aws, "read").send(new ListAccountAliasesCommand({}), { abortSignal }),
  );
  // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html
  return AccountAliases?.find((alias) => /^[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]$/.test(alias) && !/^\d{12}$/.test(alias));
}

/**
 * Whether policies allow actions, says AWS's own policy simulator; one page of its answers, and where the next begins.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
 */
export async function simulate(aws: Connection, simulation: Simulation): Promise<SimulationPage> {
  const { policies, boundary, caller, actions, resource, context, marker } = simulation;
  const command = new SimulateCustomPolicyCommand({
    PolicyInputList: [...policies],
    ActionNames: [...actions],
    ResourceArns: [resource],
    ContextEntries: formatContext(context),
    ...(boundary === undefined ? {} : { PermissionsBoundaryPolicyInputList: [boundary] }),
    ...(caller === undefined ? {} : { CallerArn: caller }),
    ...(marker === undefined ? {} : { Marker: marker }),
  });
  const answer = await aws.call({ service, name: "iam:SimulateCustomPolicy", kind: "read" }, (abortSignal) =>
    iamClient(aws, "read").send(command, { abortSignal }),
  );
  return { results: (answer.EvaluationResults ?? []).map(readResult), marker: markerOf(answer) };
}

export const formatContext = (context: readonly SimulatedKey[]): ContextEntry[] =>
  context.map(({ name, type, values }) => ({
    ...{ ContextKeyName: name, ContextKeyType: type, ContextKeyValues: [...values] },
  }));

export const markerOf = (answer: {
  IsTruncated?: boolean | undefined;
  Marker?: string | undefined;
}): string | undefined => (answer.IsTruncated ? answer.Marker || undefined : undefined);

/** Where one ARN was asked for, not `*`, AWS says some of it only of that resource. */
export function readResult(result: EvaluationResult): SimulationResult {
  const [specific] = result.ResourceSpecificResults ?? [];
  return {
    action: result.EvalActionName ?? "",
    decision: specific?.EvalResourceDecision ?? result.EvalDecision ?? "",
  };
}
