// A profile that is there twice is an error for those who use it, and for no other user.
import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

const role =
  "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = work-mfa\nmfa_serial = arn:aws:iam::123456789012:mfa/x\n";
const bodies: Readonly<Record<string, string>> = {
  "an mfa_serial": role,
  "an access key": "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
  "a credential_process": "credential_process = fob credential-process other-mfa\n",
  "an expiry": "expiration = 2099-01-01T00:00:00Z\n",
  "a source": "fob_source_profile = work\n",
};

test.each(Object.entries(bodies))(
  "another profile with %s that is there twice is no matter of a login or a status",
  async (_, body) => {
    const world = await makeWorld();
    appendFileSync(world.configPath, `[profile other]\n${body}[profile other]\n${body}[profile a-role]\n${role}`);
    expect((await world.fob(["status"])).status).toBe(0);
    const { status, stdout, stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
    expect(stderr).toContain('programs that use the role profile "a-role" will ask for another code');
    for (const command of ["status", "refresh"]) expect((await world.fob([command])).status).toBe(0);
  },
);

test("a session whose own profile is there twice is shown all the same", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  appendFileSync(world.configPath, "[profile work-mfa]\ncredential_process = x\n");
  const { status, stdout } = await world.fob(["status"]);
  expect(status).toBe(0);
  expect(stdout).toContain("work-mfa\twork\tvalid");
});
