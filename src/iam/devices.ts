// Who has which MFA devices, from the bulk calls as far as these say it.
import type { ReportRow } from "./credential-report.ts";
import { type Device, type DeviceKind, type Known, mapKnown, type User } from "./snapshot.ts";

/** What the bulk calls have returned. */
interface Bulk {
  /** All virtual devices, live. */
  readonly virtual: Known<readonly VirtualDevice[]>;
  /** The rows of the credential report, by user: it may be four hours old. */
  readonly rows: ReadonlyMap<string, Known<ReportRow>>;
  readonly root: Known<ReportRow>;
  /** The account summary's count, live. */
  readonly devicesInUse: Known<number | undefined>;
}

interface VirtualDevice {
  readonly SerialNumber?: string | undefined;
  readonly User?: { readonly UserName?: string | undefined; readonly Arn?: string | undefined } | undefined;
}

type SerialNumbers = Known<readonly string[]>;

/** Asks AWS about each of some users. */
type AskAbout = (users: readonly string[]) => Promise<ReadonlyMap<string, SerialNumbers>>;

/** A user whose devices are read. */
interface DeviceHolder {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What is known of a user's devices, as a part of a user in a snapshot. */
type FoundDevices = Pick<User, "devices" | "mayHaveMoreDevices">;

/** To ask about more users because of one device would take minutes. */
const mostSecondLooks = 300;

/**
 * Returns the devices of each user. Asks about those whom the report shows with a device that is not virtual, and those who
 * are not in it. If the devices found are fewer than the summary counts, others may have a second device, or a new one: in
 * a small account it asks about them too; in a larger one about those for whom none was found, unless they are many, and
 * those whom a tag gives a part in the rollout. For the others, the report decides that there is no device. AWS does not
 * say whether the count includes the root user's devices; those of a root user with MFA are taken to be in it.
 */
export async function readDevices(
  users: readonly DeviceHolder[],
  { virtual, rows, root, devicesInUse }: Bulk,
  askAbout: AskAbout,
): Promise<ReadonlyMap<string, FoundDevices>> {
  const listed = "value" in virtual ? groupByUser(virtual.value) : undefined;
  const hasNone = (row: Known<ReportRow> | undefined): boolean =>
    row !== undefined && "value" in row && !row.value.hasMfa;
  const isOpen = ({ name }: DeviceHolder): boolean =>
    listed === undefined || (!listed.has(name) && !hasNone(rows.get(name)));
  const settled = users.filter((user) => !isOpen(user));
  const found = new Map<string, SerialNumbers>([
    ...settled.map(({ name }) => [name, { value: listed?.get(name) ?? [] }] as const),
    ...(await askAbout(listNames(users.filter(isOpen)))),
  ]);

  const hasRootMfa = "value" in root && root.value.hasMfa;
  const ofRoot = "value" in virtual ? virtual.value.filter(({ User }) => User?.Arn?.endsWith(":root")).length : 0;
  const total = "value" in devicesInUse ? devicesInUse.value : undefined;
  const isExplained = (): boolean =>
    total !== undefined && total <= countDevices(found) + (hasRootMfa ? Math.max(1, ofRoot) : 0);
  const without = settled.filter(({ name }) => listed?.has(name) !== true);
  const doubted = [settled, without].find(({ length }) => length <= mostSecondLooks) ?? [];
  const again = isExplained()
    ? []
    : settled.filter((user) => user.tags["fob-role"] !== undefined || doubted.includes(user));
  const asked = [...(await askAbout(listNames(again)))].filter(([, serialNumbers]) => "value" in serialNumbers);
  for (const [name, serialNumbers] of asked) found.set(name, serialNumbers);
  const known = new Set(asked.map(([name]) => name));
  const doubtful = new Set(
    isExplained()
      ? []
      : listNames(
          settled.filter((user) => !known.has(user.name) && (listed?.has(user.name) === true || again.includes(user))),
        ),
  );
  return new Map(
    [...found].map(([name, serialNumbers]) => [
      name,
      {
        devices: mapKnown(serialNumbers, (all) => all.map(toDevice)),
        ...(doubtful.has(name) ? { mayHaveMoreDevices: true } : {}),
      },
    ]),
  );
}

const listNames = (users: readonly DeviceHolder[]): readonly string[] => users.map(({ name }) => name);

const countDevices = (found: ReadonlyMap<string, SerialNumbers>): number =>
  [...found.values()].reduce((sum, known) => sum + ("value" in known ? known.value.length : 0), 0);

/** Devices that were created and never assigned are left out. */
function groupByUser(devices: readonly VirtualDevice[]): ReadonlyMap<string, readonly string[]> {
  const byUser = new Map<string, string[]>();
  for (const { SerialNumber, User } of devices) {
    if (SerialNumber === undefined || User?.UserName === undefined) continue;
    byUser.set(User.UserName, [...(byUser.get(User.UserName) ?? []), SerialNumber]);
  }
  return byUser;
}

export const toDevice = (serialNumber: string): Device => ({ serialNumber, kind: deviceKindOf(serialNumber) });

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_MFADevice.html */
export function deviceKindOf(serialNumber: string): DeviceKind {
  if (/^arn:[\w-]+:iam::\d*:(?:mfa|sms-mfa)\//.test(serialNumber)) return "virtual";
  if (/^arn:[\w-]+:iam::\d*:u2f\//.test(serialNumber)) return "security key";
  return serialNumber.startsWith("arn:") ? "unknown" : "hardware";
}
