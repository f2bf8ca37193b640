// Editors know no lock. What they write at the worst moments, and what they have half written.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { expectNothingLost, meanwhile, moments, once } from "../helpers/meanwhile.ts";
import { makeWorld } from "../helpers/world.ts";

const theirs = "[theirs]\nregion = mars-1\n";
const inPlace = (file: string): string =>
  `text=$(cat ${file}); printf '${theirs.replaceAll("\n", "\\n")}%s\\n' "$text" > ${file}`;
const byRename = (file: string): string =>
  `{ printf '${theirs.replaceAll("\n", "\\n")}'; cat ${file}; } > new && mv new ${file}`;

test.each(moments)(
  "what an editor writes in place between fob's reading and its renaming stays: %s",
  async (moment) => {
    await expectNothingLost("credentials", moment, inPlace("credentials"), theirs);
  },
);

// Nothing tells whom a rename has replaced, so in front of that one nothing can be done.
test.each(moments.slice(0, 2))(
  "what an editor puts in place by a rename between fob's reading and its own stays: %s",
  async (moment) => {
    await expectNothingLost("credentials", moment, byRename("credentials"), theirs);
  },
);

test("what an editor has written before fob looks again is not missing from the file for a moment", async () => {
  const world = await makeWorld();
  const before = `if [ $CALL = 1 ]; then ${inPlace("credentials")}; else grep -L theirs .credentials.fob-*.tmp >> without; fi`;
  const env = meanwhile("^(openSync .*/[.]credentials[.]fob-\\w+[.]tmp wx|renameSync .*/credentials)$", before);
  expect((await world.fob(["login", "work", "--code", world.device.code()], { env })).status).toBe(0);
  expect(readFileSync(join(world.home, ".aws/without"), "utf8")).toBe("");
});

test("what an editor writes while fob logs out stays, and the session goes", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const env = meanwhile("^renameSync .*[.]tmp .*/credentials$", once(inPlace("credentials")));
  expect((await world.fob(["logout", "work"], { env })).status).toBe(0);
  expect(world.credentials()).toContain(theirs);
  expect(world.credentials()).toContain(world.user.accessKey.secretAccessKey);
  expect(world.credentials()).not.toContain("ASIA");
});

test("a file that another program creates while fob is about to create it stays, and fob adds to it", async () => {
  const world = await makeWorld();
  rmSync(world.configPath);
  const env = meanwhile("^linkSync .*[.]tmp .*/config$", once(inPlace("config")));
  const login = ["login", "work", "--to", "day", "--serial", world.device.serialNumber, "--code", world.device.code()];
  expect((await world.fob(login, { env: { ...env, AWS_REGION: "eu-central-1" } })).status).toBe(0);
  expect(world.config()).toContain(theirs);
  expect(world.config()).toContain("\n[profile day]\nfob_source_profile = work\n");
  expect(readdirSync(dirname(world.configPath)).sort()).toEqual(["config", "credentials", "fob"]);
});

// Emptied in front of one look of fob's, filled in front of the second after it. As an editor does it, through one
// descriptor: it has no second chance when the file is replaced meanwhile.
const halfWritten = (condition: string): string =>
  [
    `${condition} || exit 0`,
    "echo >> looks",
    "case $(wc -l < looks) in",
    "1) cp credentials whole; mkfifo go done; exec 3> credentials; (timeout 20 cat go; cat whole >&3; exec 3>&-; echo > done) & ;;",
    "2) touch credentials ;;",
    "3) echo > go; cat done ;;",
    "esac",
  ].join("\n");

test.each([
  ["is not taken for the profiles that there are", "true"],
  ["is not the base of what fob writes", "[ -e .credentials.fob.lock ]"],
])("a file that an editor has emptied and not filled yet %s", async (_, condition) => {
  const world = await makeWorld();
  mayHoldSecrets(join(dirname(world.credentialsPath), "whole"));
  const env = meanwhile("^readFileSync .*/credentials latin1$", halfWritten(condition));
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(stderr).toContain('"work-mfa" is valid until');
  expect(status).toBe(0);
  expect(world.credentials()).toContain(world.user.accessKey.secretAccessKey);
  expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
});
