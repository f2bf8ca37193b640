// Tests MFA devices in the local AWS: from CreateVirtualMFADevice to DeleteVirtualMFADevice.
import type { IAM } from "@aws-sdk/client-iam";
import readQrCode from "jsqr";
import { PNG } from "pngjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type CodeDevice, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import { totp } from "../../src/sandbox/totp.ts";
import { allow, iamAs, now, refusal, signIn, step } from "./iam-client.ts";

const wrongCode = "InvalidAuthenticationCode 403: Authentication code for device is not valid.";
const needsMfa =
  "AccessDenied 403: To complete this action, please ensure that you are authenticated with an MFA device that is " +
  "enabled for this user.";
const invalidForUser = "NoSuchEntity 404: MFA Device invalid for user.";
const serial = (name: string) => `arn:aws:iam::123456789012:mfa/${name}`;

let sandbox: Sandbox;
let root: IAM;
let alice: SandboxUser;
beforeEach(async () => {
  sandbox = await startSandbox();
  sandbox.setClock(now);
  root = iamAs(sandbox, sandbox.rootAccessKey);
  alice = sandbox.addUser({ name: "alice", path: "/eng/", policies: [allow("iam:*")] });
});
afterEach(() => sandbox.close());

test.each(["phone", "Ben+Cleo=2,@work.example-", "n".repeat(226)])(
  "the QR code of device %s is what an authenticator app scans",
  async (VirtualMFADeviceName) => {
    const scan = async (Path: string) => {
      const { VirtualMFADevice: device } = await root.createVirtualMFADevice({ VirtualMFADeviceName, Path });
      const { data, width, height } = PNG.sync.read(Buffer.from(device?.QRCodePNG ?? []));
      const seed = Buffer.from(device?.Base32StringSeed ?? []).toString();
      return { seed, text: readQrCode(new Uint8ClampedArray(data), width, height)?.data };
    };
    const { seed, text } = await scan("/");
    const name = encodeURIComponent(VirtualMFADeviceName);
    expect(text).toBe(`otpauth://totp/${name}@123456789012?secret=${seed}`);
    sandbox.setAccountAlias("example-team");
    const other = await scan("/eng/");
    expect(other.text).toBe(`otpauth://totp/${name}@example-team?secret=${other.seed}`);
  },
);

/** Creates a device and returns it with its codes, as an authenticator app has them. */
async function create(iam: IAM, name: string): Promise<CodeDevice> {
  const { VirtualMFADevice: device } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: name });
  const base32Secret = Buffer.from(device?.Base32StringSeed ?? []).toString();
  return {
    ...{ serialNumber: device?.SerialNumber ?? "", base32Secret },
    code: (atMs = now) => totp(base32Secret, atMs),
  };
}

/** Two consecutive codes; the second is that of `atMs`. */
const codes = ({ serialNumber, code }: CodeDevice, atMs = now) => ({
  ...{ SerialNumber: serialNumber, AuthenticationCode1: code(atMs - step), AuthenticationCode2: code(atMs) },
});

test("a user enrolls: creates a device, enables it with two codes, and signs in with it", async () => {
  const iam = iamAs(sandbox, alice.accessKey);
  const { VirtualMFADevice: created } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: "x", Path: "/a/" });
  expect(created?.SerialNumber).toBe(serial("a/x"));
  const phone = await create(iam, "phone");
  expect(phone.base32Secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(sandbox.secrets().map(([text]) => text)).toContain(phone.base32Secret);
  await iam.enableMFADevice({ UserName: "alice", ...codes(phone) });
  const EnableDate = new Date(now);
  expect((await iam.listMFADevices({})).MFADevices).toEqual([
    { UserName: "alice", SerialNumber: serial("phone"), EnableDate },
  ]);
  const { VirtualMFADevices: all } = await iam.listVirtualMFADevices({});
  expect(all).toMatchObject([
    { SerialNumber: serial("phone"), EnableDate, User: { UserName: "alice", Path: "/eng/", Arn: alice.arn } },
    { SerialNumber: serial("a/x") },
  ]);
  expect(all?.[1]).not.toHaveProperty("User");
  // Codes of the synchronization can be used for a session.
  const session = iamAs(sandbox, await signIn(sandbox, alice.accessKey, phone));
  expect((await session.listMFADevices({ UserName: "alice" })).MFADevices).toHaveLength(1);
});

test("ListVirtualMFADevices and ListMFADevices filter and page", async () => {
  for (const name of ["one", "two", "three"]) await create(root, name);
  sandbox.addVirtualDevice("alice", "own");
  sandbox.addHardwareDevice("alice");
  const names = async (AssignmentStatus?: "Any" | "Assigned" | "Unassigned") =>
    (await root.listVirtualMFADevices(AssignmentStatus ? { AssignmentStatus } : {})).VirtualMFADevices?.map(
      ({ SerialNumber }) => SerialNumber?.replace(/.*\//, ""),
    );
  expect(await names()).toEqual(["own", "one", "two", "three"]);
  expect(await names("Any")).toEqual(["own", "one", "two", "three"]);
  expect(await names("Assigned")).toEqual(["own"]);
  expect(await names("Unassigned")).toEqual(["one", "two", "three"]);
  const first = await root.listVirtualMFADevices({ MaxItems: 3 });
  expect([first.IsTruncated, first.VirtualMFADevices?.length]).toEqual([true, 3]);
  const rest = await root.listVirtualMFADevices({ Marker: first.Marker });
  expect([rest.IsTruncated, rest.VirtualMFADevices?.length]).toEqual([false, 1]);
  const own = await root.listMFADevices({ UserName: "alice", MaxItems: 1 });
  expect([own.IsTruncated, own.MFADevices?.length]).toEqual([true, 1]);
});

test("a name is taken until its device is deleted", async () => {
  const phone = await create(root, "phone");
  const again = () => refusal(root.createVirtualMFADevice({ VirtualMFADeviceName: "phone" }));
  expect(await again()).toBe("EntityAlreadyExists 409: MFA device already exists.");
  await root.enableMFADevice({ UserName: "alice", ...codes(phone) });
  expect(await again()).toMatch(/^EntityAlreadyExists/);
  const remove = () => refusal(root.deleteVirtualMFADevice({ SerialNumber: phone.serialNumber }));
  expect(await remove()).toBe("DeleteConflict 409: MFA VirtualDevice in use. Must deactivate first.");
  await root.deactivateMFADevice({ UserName: "alice", SerialNumber: phone.serialNumber });
  expect(await again()).toMatch(/^EntityAlreadyExists/);
  expect(await remove()).toBe("accepted");
  expect(await remove()).toMatch(/^NoSuchEntity 404/);
  expect(await again()).toBe("accepted");
  expect(await refusal(root.createVirtualMFADevice({ VirtualMFADeviceName: "a b" }))).toMatch(/^ValidationError 400/);
  expect(await refusal(root.createVirtualMFADevice({ VirtualMFADeviceName: "a", Path: "x" }))).toMatch(
    /^ValidationError 400: 1 validation error detected: Value 'x' at 'path'/,
  );
});

describe("codes", () => {
  let phone: CodeDevice;
  const enable = (first: number, second: number) =>
    refusal(
      root.enableMFADevice({
        ...{ UserName: "alice", SerialNumber: phone.serialNumber },
        ...{ AuthenticationCode1: phone.code(first), AuthenticationCode2: phone.code(second) },
      }),
    );
  beforeEach(async () => {
    phone = await create(root, "phone");
  });

  test("have to be two consecutive ones, in order", async () => {
    expect(await enable(now, now)).toBe(wrongCode);
    expect(await enable(now, now - step)).toBe(wrongCode);
    expect(await enable(now - 2 * step, now)).toBe(wrongCode);
    const letters = { AuthenticationCode1: "abcdef", AuthenticationCode2: "1" };
    expect(
      await refusal(root.enableMFADevice({ UserName: "alice", SerialNumber: phone.serialNumber, ...letters })),
    ).toMatch(/^ValidationError 400: 2 validation errors detected/);
    expect((await root.listMFADevices({ UserName: "alice" })).MFADevices).toEqual([]);
    expect(await enable(now - step, now)).toBe("accepted");
  });

  test.each([
    [-999, wrongCode],
    [-998, "accepted"],
    [1000, "accepted"],
    [1001, wrongCode],
  ])("of a clock that is off by %i steps: %s", async (steps, outcome) => {
    expect(await enable(now + (steps - 1) * step, now + steps * step)).toBe(outcome);
  });

  test("of a synchronization cannot synchronize again, and the device's clock is set by them", async () => {
    expect(await enable(now - step, now)).toBe("accepted");
    const resync = (atMs: number) => refusal(root.resyncMFADevice({ UserName: "alice", ...codes(phone, atMs) }));
    expect(await resync(now)).toBe(wrongCode);
    expect(await resync(now + step)).toBe(wrongCode);
    await signIn(sandbox, alice.accessKey, phone);
    expect(await resync(now + 20 * step)).toBe("accepted");
    expect(await refusal(signIn(sandbox, alice.accessKey, phone, now + step))).toMatch(
      /invalid MFA one time pass code/,
    );
    await signIn(sandbox, alice.accessKey, phone, now + 18 * step);
    // Also if it was deactivated since.
    await root.deactivateMFADevice({ UserName: "alice", SerialNumber: phone.serialNumber });
    expect(await enable(now + 19 * step, now + 20 * step)).toBe(wrongCode);
    expect(await enable(now + 21 * step, now + 22 * step)).toBe("accepted");
  });
});

test("a device belongs to one user, who can have eight", async () => {
  sandbox.addUser({ name: "bob" });
  const phone = await create(root, "phone");
  await root.enableMFADevice({ UserName: "alice", ...codes(phone) });
  const enable = (UserName: string, device: CodeDevice) =>
    refusal(root.enableMFADevice({ UserName, ...codes(device) }));
  expect(await enable("alice", phone)).toBe("EntityAlreadyExists 409: MFA Device for user alice already exists.");
  expect(await enable("bob", phone)).toBe("EntityAlreadyExists 409: MFA Device is already in use.");
  expect(await enable("carol", phone)).toBe("NoSuchEntity 404: The user with name carol cannot be found.");
  const ofBob = { UserName: "bob", SerialNumber: phone.serialNumber };
  expect(await refusal(root.deactivateMFADevice(ofBob))).toBe(invalidForUser);
  expect(await refusal(root.resyncMFADevice({ ...ofBob, ...codes(phone, now + 5 * step) }))).toBe(invalidForUser);
  const missing = { ...phone, serialNumber: serial("missing") };
  expect(await enable("bob", missing)).toMatch(/^NoSuchEntity 404/);
  expect(await enable("bob", { ...phone, serialNumber: "GAHT12345678" })).toMatch(/^NotImplemented 501/);
  for (let number = 2; number <= 8; number++) sandbox.addVirtualDevice("alice", `device-${number}`);
  const ninth = await create(root, "ninth");
  expect(await enable("alice", ninth)).toBe("LimitExceeded 409: Cannot exceed quota for MFADevicesPerUser: 8");
  expect(await enable("bob", ninth)).toBe("accepted");
});

test("GetMFADevice describes FIDO devices only", async () => {
  const { serialNumber } = sandbox.addFidoDevice("alice");
  const virtual = sandbox.addVirtualDevice("alice").serialNumber;
  const get = (SerialNumber: string) => root.getMFADevice({ UserName: "alice", SerialNumber });
  expect(await get(serialNumber)).toMatchObject({
    ...{ UserName: "alice", SerialNumber: serialNumber, EnableDate: new Date(now) },
  });
  expect(await refusal(get(virtual))).toMatch(/^ValidationError 400: The MFA device serial number sent/);
  expect(await refusal(get(serial("other")))).toBe(invalidForUser);
  await root.deactivateMFADevice({ UserName: "alice", SerialNumber: serialNumber });
  expect(await refusal(get(serialNumber))).toBe(invalidForUser);
});

// The steps of a capture of AWS: https://aws.amazon.com/security/security-bulletins/AWS-2023-001/
test("with a device, users add and remove their own devices only in a session with MFA", async () => {
  sandbox.addUser({ name: "bob" });
  const key = iamAs(sandbox, alice.accessKey);
  const [first, second, other] = [await create(key, "first"), await create(key, "second"), await create(key, "other")];
  const own = (SerialNumber: string) => ({ UserName: "alice", SerialNumber });
  await key.enableMFADevice({ UserName: "alice", ...codes(first) });
  expect(await refusal(key.enableMFADevice({ UserName: "alice", ...codes(second) }))).toBe(needsMfa);
  expect(await refusal(key.enableMFADevice({ UserName: "ALICE", ...codes(first) }))).toBe(needsMfa);
  expect(await refusal(key.deactivateMFADevice(own(first.serialNumber)))).toBe(needsMfa);
  expect(await refusal(key.deactivateMFADevice({ SerialNumber: first.serialNumber }))).toBe(needsMfa);
  expect(await refusal(key.deactivateMFADevice(own(serial("missing"))))).toBe(needsMfa);
  await key.resyncMFADevice({ UserName: "alice", ...codes(first, now + 2 * step) });
  await key.enableMFADevice({ UserName: "bob", ...codes(other) });

  const session = iamAs(sandbox, await signIn(sandbox, alice.accessKey, first, now + 2 * step));
  await session.enableMFADevice({ UserName: "alice", ...codes(second) });
  await session.deactivateMFADevice(own(first.serialNumber));
  await session.deactivateMFADevice({ SerialNumber: second.serialNumber });
  await key.enableMFADevice({ UserName: "alice", ...codes(first, now + 4 * step) });
});

test("policies decide: on the device for Create and Delete, on the user for the others", async () => {
  const policies = [JSON.stringify(selfManagePolicy()), JSON.stringify(enforceMfaPolicy())];
  const bob = sandbox.addUser({ name: "bob", policies });
  const iam = iamAs(sandbox, bob.accessKey);
  const phone = await create(iam, "bob");
  expect(await refusal(iam.deleteVirtualMFADevice({ SerialNumber: phone.serialNumber }))).toBe(
    "AccessDenied 403: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: " +
      `iam:DeleteVirtualMFADevice on resource: ${serial("bob")} with an explicit deny in an identity-based policy`,
  );
  expect(await refusal(iam.enableMFADevice({ UserName: "alice", ...codes(phone) }))).toMatch(
    /^AccessDenied 403: .* iam:EnableMFADevice on resource: user alice because no identity-based policy allows/,
  );
  await iam.enableMFADevice({ UserName: "bob", ...codes(phone) });
  const strong = iamAs(sandbox, await signIn(sandbox, bob.accessKey, phone));
  await strong.deactivateMFADevice({ UserName: "bob", SerialNumber: phone.serialNumber });

  const carol = sandbox.addUser({
    ...{ name: "carol" },
    policies: [allow("iam:*VirtualMFADevice*", serial("carol*")), allow("iam:GetMFADevice", alice.arn)],
  });
  const limited = iamAs(sandbox, carol.accessKey);
  await create(limited, "carol-1");
  expect(await refusal(create(limited, "dave"))).toMatch(/^AccessDenied 403: .* on resource: .*:mfa\/dave because/);
  await limited.deleteVirtualMFADevice({ SerialNumber: serial("carol-1") });
  expect(await refusal(limited.listVirtualMFADevices({}))).toMatch(/^AccessDenied 403/);
  const { serialNumber } = sandbox.addFidoDevice("alice");
  await limited.getMFADevice({ UserName: "alice", SerialNumber: serialNumber });
  expect(await refusal(limited.resyncMFADevice({ UserName: "alice", ...codes(phone) }))).toMatch(/^AccessDenied 403/);
});
