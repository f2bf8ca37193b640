// fob keys import and add are killed, or find a full disk, at calls that write their files. At no moment the key is lost: it is
// in the AWS files, or the config names it and the keychain has its secret. The same command finishes it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isComplete } from "../helpers/broad.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, type RunOptions, type World } from "../helpers/world.ts";

const faults = `--require ${resolve(import.meta.dirname, "../helpers/faults.cjs")}`;

async function newPlace(): Promise<World & { readonly keychain: string; readonly log: string }> {
  const world = await makeWorld();
  const keychain = join(world.home, "keychain");
  mayHoldSecrets(keychain);
  world.env.FOB_KEYCHAIN = keychain;
  return { ...world, keychain, log: join(world.home, "log") };
}

type Place = Awaited<ReturnType<typeof newPlace>>;

function isInFiles(place: Place): boolean {
  const { accessKeyId, secretAccessKey } = place.user.accessKey;
  return place.credentials().includes(accessKeyId) && place.credentials().includes(secretAccessKey);
}

function isInKeychain(place: Place): boolean {
  const { accessKeyId, secretAccessKey } = place.user.accessKey;
  if (!existsSync(place.keychain)) return false;
  const secrets = JSON.parse(readFileSync(place.keychain, "utf8")) as Record<string, string>;
  return place.config().includes(`fob_access_key_id = ${accessKeyId}\n`) && secrets[accessKeyId] === secretAccessKey;
}

interface Command {
  readonly args: readonly string[];
  readonly input: (place: Place) => RunOptions;
  /** The user has the key elsewhere, not in the AWS files. */
  readonly isNew: boolean;
}

const commands: readonly Command[] = [
  { args: ["keys", "import", "work"], input: () => ({}), isNew: false },
  {
    args: ["keys", "add", "work", "--stdin"],
    input: ({ user: { accessKey } }) => ({ input: `${accessKey.accessKeyId}\n${accessKey.secretAccessKey}\n` }),
    isNew: true,
  },
];

test.each(commands)(
  "$args, killed or failing at a call that writes, loses no key",
  async ({ args, input, isNew }) => {
    let isOver = false;
    let [cases, moved] = [0, 0];
    const kinds = ["kill", "ENOSPC"] as const;
    for (let at = 1; !isOver; at += isComplete ? 1 : 13) {
      for (const FAULT of isComplete ? kinds : [kinds[cases % 2] ?? "kill"]) {
        const place = await newPlace();
        if (isNew) writeFileSync(place.credentialsPath, "", { mode: 0o600 });
        const env = {
          ...{ NODE_OPTIONS: faults, FAULT, FAULT_AT: String(at), FAULT_HOME: place.home, FAULT_LOG: place.log },
          ...{
            FAULT_WRITES: "1",
            FAULT_CALLS: "(chmod|fsync|ftruncate|link|mkdir|open|rename|unlink|utimes|write)Sync$",
          },
        };
        const { stderr, status } = await place.fob(args, { ...input(place), env });
        const first = readFileSync(place.log, "utf8").trim().split("\n")[0] ?? "";
        const where = `${FAULT} at ${first}: ${stderr}`;
        if (first.startsWith("calls")) {
          isOver = true;
          continue;
        }
        cases += 1;
        expect(stderr, where).not.toContain("internal error");
        if (status === 1) expect(stderr, where).toMatch(/^fob: error: .*\nfob: hint: /m);
        if (!isNew) expect(isInFiles(place) || isInKeychain(place), where).toBe(true);
        // It is in both for a moment, and never in neither.
        if (isInKeychain(place)) moved += 1;
        const again = await place.fob(args, input(place));
        const isDone = again.status === 0 || again.stderr.includes("is in the keychain already");
        expect(isDone, where + again.stderr).toBe(true);
        expect(isInKeychain(place) && !isInFiles(place), where).toBe(true);
        const login = await place.fob(["login", "work", "--code", place.device.code()]);
        expect(login.status, where + login.stderr).toBe(0);
        // What a killed process leaves beside the keychain file goes with the next change of it, and holds no more than that.
        const left = readdirSync(place.home).filter((name) => /^\.keychain\.fob-\w+\.tmp$/.test(name));
        for (const name of left) mayHoldSecrets(join(place.home, name));
      }
    }
    expect(cases).toBeGreaterThan(1);
    // Adding ends with it.
    if (!isNew) expect(moved).toBeGreaterThan(0);
  },
  300_000,
);
