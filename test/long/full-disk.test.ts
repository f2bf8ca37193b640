// A disk that is really full: a small one is mounted over the folder of the AWS files, where no other process sees it.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { ownMounts } from "../files/children.ts";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { execute, makeWorld, node, program, type World } from "../helpers/world.ts";

const cannotMount = ownMounts === undefined && "unshare (util-linux) is not permitted to mount here";

/**
 * Runs shell commands where the AWS files are on a disk of 512 kB. `fill N` leaves N bytes of it, `clear` all that there
 * were; `fob` is the built program.
 *
 * @returns of each `fob` its exit code and what it has said, stderr first; and the credentials file in the end
 */
async function onSmallDisk(world: World, commands: string, env: Record<string, string> = {}) {
  const script = `
    mkdir "$HOME/kept"; cp -a "$HOME/.aws/." "$HOME/kept"
    mount -t tmpfs -o size=512k,mode=700 none "$HOME/.aws"; cp -a "$HOME/kept/." "$HOME/.aws"; rm -r "$HOME/kept"
    clear() { rm -f "$HOME/.aws/filler"; }
    fill() { clear; cat /dev/zero 2>/dev/null >"$HOME/.aws/filler" || truncate -s "-$1" "$HOME/.aws/filler"; }
    fob() { status=0; said=$("$NODE" "$FOB" "$@" 2>&1) || status=$?; printf "%s\\n%s\\n\\f" "$status" "$said"; }
    ${commands}
    cat "$HOME/.aws/credentials"`;
  const { stdout, stderr } = await execute("unshare", [...(ownMounts ?? []), "sh", "-ec", script], {
    env: { ...world.env, ...env, NODE: node, FOB: program },
    shows: ["secret access key", "session token"],
  });
  expect(stderr).toBe("");
  const runs = stdout.split("\f");
  const credentials = runs.pop() ?? "";
  return { runs, credentials };
}

async function worldWithCode(): Promise<World> {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}mfa_process = ${world.commandThatPrints(world.device.code())}\n`);
  return world;
}

test("a full disk is found before the code of a program is spent, and with space again the same command answers", async ({
  skip,
}) => {
  skip(cannotMount !== false, String(cannotMount));
  const world = await worldWithCode();
  const CLOCK = join(world.home, "clock");
  writeFileSync(CLOCK, "0");
  const preload = resolve(import.meta.dirname, "../helpers/clock.cjs");
  // With no byte left even the lock cannot be made. A failure counts for ten seconds.
  const serve = "fob credential-process work-mfa";
  const commands = `fill 0; ${serve}; fill 8192; ${serve}; clear; echo 11 >"$CLOCK"; ${serve}`;
  const env = { CLOCK, NODE_OPTIONS: `--require ${preload}` };
  const { runs, credentials } = await onSmallDisk(world, commands, env);
  const full = (folder: string, name: string): string =>
    `1\nfob: error: no space left to write "${folder}/${name}"\nfob: hint: check the free space: df -h ${folder}\n`;
  const store = join(world.home, ".aws/fob");
  expect(runs.slice(0, 2)).toEqual([
    full(join(store, "locks"), "session-work-mfa"),
    full(join(store, "sessions"), "work-mfa"),
  ]);
  expect(runs[2]).toMatch(/^0\n(fob: warning: the code goes to .*\n)?\{"Version":1,.*\}\n$/);
  expect(credentials).toContain("\n[work-mfa]\naws_access_key_id = ASIA");
  expect(world.calls("GetSessionToken")).toBe(1);
});

test.skipIf(!ownMounts)(
  "on a full disk a session is answered for as long as it lasts, and old with a warning",
  async () => {
    const world = await worldWithCode();
    await world.fob(["login", "work"]);
    const fresh = readFileSync(sessionFile(world), "utf8").split("\n")[1] ?? "";
    expect((await onSmallDisk(world, "fill 0; fob credential-process work-mfa")).runs).toEqual([`0\n${fresh}\n`]);
    const old = endsIn(world, 600);
    const [renewing = ""] = (await onSmallDisk(world, "fill 0; fob credential-process work-mfa")).runs;
    expect(renewing).toMatch(/^0\nfob: warning: no space left to write .* expire in \d+ min\n/);
    expect(renewing).toContain(`\n${old}\n`);
    expect(world.calls("GetSessionToken")).toBe(1);
  },
);

test.for([
  ["a program is answered", "credential-process work-mfa", /^0\n(fob: warning: .*\n)+\{"Version":1,.*\}\n$/],
  [
    "a login says that its session is saved",
    "login work",
    /^1\n(fob: .*\n)+fob: hint: .* \(no code needed\): fob login work\n$/,
  ],
] as const)(
  "when AWS has answered and only the AWS files' disk is full, %s, and the next login needs no code",
  async ([, command, said], { skip }) => {
    skip(cannotMount !== false, String(cannotMount));
    const world = await worldWithCode();
    const commands = `fill 0; fob ${command}; cat "$HOME/.aws/credentials"; printf "\\f"; clear; fob login work`;
    const { runs, credentials } = await onSmallDisk(world, commands, { FOB_HOME: join(world.home, "store") });
    expect(runs[0]).toMatch(said);
    expect(runs[0]).toContain(`no space left to write "${world.home}/.aws/.credentials.fob.lock"`);
    expect(runs[0]).not.toContain("old credentials");
    expect(runs[1]).toBe(world.credentials());
    expect(runs[2]).toMatch(/^0\nfob: "work-mfa" is valid until .*, no code needed\nwork-mfa\n$/);
    expect(credentials).toContain("\n[work-mfa]\naws_access_key_id = ASIA");
    expect(world.calls("GetSessionToken")).toBe(1);
  },
);
