// A real Secret Service: GNOME Keyring on a D-Bus of its own. And one that takes calls and never answers.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld, node, program } from "../helpers/world.ts";

const hasService = isThere("sh", "-c", "command -v dbus-run-session && command -v gnome-keyring-daemon");
if (!hasService) console.log("skipped: the real keychain, without gnome-keyring and dbus-run-session");

test.skipIf(!hasService)(
  "a real keychain keeps the key; once it is locked, fob says so, and sessions go on",
  async () => {
    const world = await makeWorld();
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const lock = [
      ...["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"],
      ...["org.freedesktop.Secret.Service.Lock", "array:objpath:/org/freedesktop/secrets/collection/login"],
    ].join(" ");
    const script = `
    fob() { "${node}" "${program}" "$@"; }
    printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 9
    fob keys import work || exit 8
    fob login work --code-stdin || exit 7
    ${lock} >/dev/null || exit 6
    fob exec work -- true || exit 5
    fob login work --force --code 000000 && exit 4
    fob doctor --json >"${world.home}/doctor.json"
    [ $? = 3 ] || exit 3
    exit 0`;
    const env = { ...world.env, FOB_KEYCHAIN: "fob-test", XDG_RUNTIME_DIR: world.home };
    const { status, stderr } = await execute("dbus-run-session", ["--", "sh", "-c", script], {
      env,
      input: world.device.code(),
    });
    expect(stderr).toContain("to the keychain\n");
    expect(stderr).toContain("fob: error: the keychain is locked");
    expect(status).toBe(0);
    expect(world.credentials()).not.toContain(secretAccessKey);
    expect(world.config()).toContain(`fob_access_key_id = ${accessKeyId}`);
    // What AWS says of the key is not known, and no pass.
    const { checks } = JSON.parse(readFileSync(join(world.home, "doctor.json"), "utf8")) as { checks: object[] };
    const unknown = [expect.stringMatching(/^"work": the keychain is locked; unlock it/) as string];
    expect(checks).toContainEqual(expect.objectContaining({ id: "access-key", result: "unknown", unknown }));
  },
);

test.skipIf(process.platform !== "linux")(
  "a keychain that hangs is given up after three seconds, and nothing is lost",
  async () => {
    const world = await makeWorld();
    const before = world.credentials();
    const path = join(world.home, "bus");
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(path, resolve));
    onTestFinished(() => void silent.close());
    const started = Date.now();
    const { status, stderr } = await world.fob(["keys", "import", "work"], {
      env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` },
    });
    expect(stderr).toContain("fob: error: the keychain did not finish within 3 s");
    expect(status).toBe(1);
    expect(Date.now() - started).toBeLessThan(6000);
    expect(world.credentials()).toBe(before);

    // On a terminal too: it does not answer what needs no password.
    const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` };
    const run = world.fobOnTerminal(["keys", "import", "work"], { env });
    await run.shows("Keep a backup");
    const typed = Date.now();
    run.type("\r");
    const ended = await run.ended;
    expect(ended.screen).toContain("the keychain did not answer within 3 s");
    expect([ended.status, Date.now() - typed < 6000]).toEqual([1, true]);
    expect(world.credentials()).toBe(before);
  },
);
