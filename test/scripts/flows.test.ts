// The screens of a day, as files to read: test/scripts/screens/flow-*.txt. A shell types the commands on terminals of 40,
// 80 and 120 columns. After a change on purpose: npx vitest run test/scripts/flows.test.ts --update
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderScreen } from "../helpers/screen.ts";
import { withFob } from "../helpers/shells.ts";
import { keysOf, makeWorld, onTerminal, type World, withClock } from "../helpers/world.ts";

const widths = [40, 80, 120];
const statement = { Effect: "Allow", Action: "*", Resource: "*" };
const everything = { Version: "2012-10-17", Statement: [statement] };

/** Alice's home and her account. Her clock starts at 8:15. */
interface Day {
  readonly world: World;
  readonly env: Record<string, string>;
  /** The next code of her device; each is valid once. */
  readonly nextCode: () => string;
}

async function makeDay(config = ""): Promise<Day> {
  const world = await makeWorld({ config: "", credentials: "" });
  const alice = world.sandbox.addUser({ name: "alice", policies: [everything] });
  const device = world.sandbox.addVirtualDevice("alice");
  writeFileSync(world.credentialsPath, keysOf("work", alice.accessKey));
  writeFileSync(
    world.configPath,
    `[profile work]\nregion = eu-central-1\nmfa_serial = ${device.serialNumber}\n${config}`,
  );
  const clock = join(world.home, "clock");
  const start = (Date.UTC(2026, 10, 30, 8, 15, 2) - Date.now()) / 1000;
  writeFileSync(clock, `${start}`);
  const now = () => Date.now() + 1000 * Number(readFileSync(clock, "utf8") || start);
  world.sandbox.setClock(now);
  let codes = 0;
  return {
    world,
    env: { ...withFob(world.env), TZ: "UTC", CLOCK: clock, NODE_OPTIONS: withClock, SHELL: "/bin/sh", PS1: "$ " },
    nextCode: () => device.code(now() + 30_000 * codes++),
  };
}

interface Flow {
  /** Waits for what the screen shows, lines joined. */
  until(what: RegExp): Promise<void>;
  /** Waits and keeps the screen, under this heading. */
  keep(heading: string, what: RegExp): Promise<void>;
  type(text: string): void;
  /** All screens that were kept, and the last one. */
  ended(): Promise<string>;
}

function play(columns: number, commands: readonly string[], env: Record<string, string>): Flow {
  const script = commands.map((command) => `printf '%s\n' '$ ${command}'\n${command}\n`).join("");
  const run = onTerminal("bash", ["--norc", "-c", `${script}printf '=end'\nread -r _`], {
    env,
    columns,
    shows: ["code"],
  });
  // The local AWS is not AWS, and fob says so.
  const notAws = /(fob: \S*warning:\S* the code\s+goes|[^\n]* {2}from 127)[\s\S]*?not\s+AWS\S*\r\n/g;
  const screen = () =>
    renderScreen(run.raw().replace(notAws, ""), columns)
      // The prompt of root.
      .replaceAll(/^# /gm, "$ ")
      .replaceAll(/(AKIA|ASIA)\w{16}/g, "$1IOSFODNN7EXAMPLE")
      .replaceAll(/(AKIA|ASIA|…|\*)\w{4}\b/g, "$1MPLE");
  const kept: string[] = [];
  const until = async (what: RegExp): Promise<void> => {
    const isShown = () => screen().replaceAll("\n", "");
    await expect.poll(isShown, { timeout: 20_000, interval: 20 }).toMatch(what);
  };
  return {
    until,
    async keep(heading, what) {
      await until(what);
      kept.push(`=== ${heading}\n${screen()}`);
    },
    type: (text) => run.type(text),
    async ended() {
      // All output is there before the terminal closes.
      await until(/=end$/);
      const last = screen().slice(0, -"=end".length).trimEnd();
      run.type("\r");
      await run.ended;
      return `${[...kept, `=== at the end\n${last}`].join("\n\n")}\n`;
    },
  };
}

/** Plays a flow at each width, and compares it with its files. */
async function expectFlow(name: string, flow: (columns: number) => Promise<string>): Promise<void> {
  await Promise.all(
    widths.map(async (columns) => {
      const path = join(import.meta.dirname, `screens/flow-${name}-${columns}.txt`);
      await expect(await flow(columns)).toMatchFileSnapshot(path);
    }),
  );
}

test("a login: a wrong code, again, a fresh session, logout", async () => {
  await expectFlow("login", async (columns) => {
    const { env, nextCode } = await makeDay();
    const flow = play(columns, ["fob login work", "fob login work", "fob status", "fob logout work"], env);
    await flow.keep("the code is asked for", /\(work\):$/);
    flow.type("12345\r");
    await flow.keep("a digit is missing", /you typed 5$/);
    flow.type("\u0015000000\r");
    await flow.keep("a wrong code", /(rejected|wrong).*\(work\):$/);
    flow.type(`${nextCode()}\r`);
    return await flow.ended();
  });
});

test("a login without a name: the profile and the device are chosen", async () => {
  await expectFlow("choose", async (columns) => {
    const { world, env } = await makeDay();
    const bob = world.sandbox.addUser({ name: "bob", policies: [everything] });
    const device = world.sandbox.addVirtualDevice("bob", "phone");
    world.sandbox.addVirtualDevice("bob", "tablet");
    writeFileSync(world.credentialsPath, `${world.credentials()}${keysOf("staging", bob.accessKey)}`);
    const flow = play(columns, ["fob login"], env);
    await flow.keep("several profiles", /❯.*Enter to ?select$/);
    flow.type("st");
    await flow.keep("the list is filtered", /st *❯ staging.*select$/);
    flow.type("\r");
    await flow.keep("several devices", /device.*❯.*Enter to ?select$/);
    flow.type("\r");
    await flow.until(/Code for phone .*:$/);
    const now = Date.now() + 1000 * Number(readFileSync(env.CLOCK ?? "", "utf8"));
    flow.type(`${device.code(now)}\r`);
    return await flow.ended();
  });
});

test("roles: login, a shell, credentials that expire soon, the console, refresh", async () => {
  await expectFlow("roles", async (columns) => {
    const { world, env, nextCode } = await makeDay();
    const trust = [{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::123456789012:root" }, Action: "sts:AssumeRole" }];
    const role = world.sandbox.addRole({
      name: "deploy",
      trust: { Version: "2012-10-17", Statement: trust },
      policies: [everything],
    });
    writeFileSync(
      world.configPath,
      `${world.config()}\n[profile prod]\nrole_arn = ${role.arn}\nsource_profile = work-mfa\n`,
    );
    const commands = [
      "fob login prod",
      "fob exec prod",
      "fob console work",
      "fob env work",
      "echo $(($(cut -d. -f1 $CLOCK) + 42030)) >$CLOCK",
      "fob status",
      "fob refresh",
    ];
    const flow = play(columns, commands, env);
    await flow.until(/:$/);
    flow.type(`${nextCode()}\r`);
    await flow.until(/opening.*[#$]$/);
    flow.type("exit\r");
    await flow.keep("in the shell", /refresh.*:$/);
    flow.type(`${nextCode()}\r`);
    return await flow.ended();
  });
});

test("errors that people meet first", async () => {
  await expectFlow("errors", async (columns) => {
    const { world, env } = await makeDay();
    const bob = world.sandbox.addUser({ name: "bob", policies: [everything] });
    const carol = world.sandbox.addUser({ name: "carol" });
    const dan = world.sandbox.addUser({ name: "dan", policies: [everything] });
    world.sandbox.setAccessKeyStatus(dan.accessKey.accessKeyId, "Inactive");
    const swapped = { accessKeyId: bob.accessKey.secretAccessKey, secretAccessKey: bob.accessKey.accessKeyId };
    const keys = [keysOf("no-device", bob.accessKey), keysOf("may-not-list", carol.accessKey)];
    keys.push(keysOf("swapped", swapped), keysOf("inactive", dan.accessKey));
    writeFileSync(world.credentialsPath, [world.credentials(), ...keys].join("\n"));
    const commands = [
      "HOME=/nonexistent fob login",
      "fob login wrok",
      "AWS_PROFILE=wrok fob login",
      "fob login swapped",
      "fob login no-device",
      "fob login may-not-list",
      "fob login inactive",
      "fob login work --code 000000",
      "fob exec work --no-input -- terraform plan",
      "fob exec work aws s3 ls",
      "fob lgin",
    ];
    return await play(columns, commands, env).ended();
  });
});

test("policies: simulate and lint", async () => {
  await expectFlow("policies", async (columns) => {
    const { world, env } = await makeDay();
    const document = (...more: object[]) =>
      JSON.stringify({ Version: "2012-10-17", Statement: [statement, ...more] }, null, 2);
    const deny = {
      Sid: "DenyWithoutMFA",
      Effect: "Deny",
      NotAction: ["iam:*", "sts:GetSessionToken"],
      Resource: "*",
      Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
    };
    writeFileSync(join(world.home, "enforce.json"), document(deny));
    writeFileSync(
      join(world.home, "slip.json"),
      document({ Effect: "Allow", Action: "iam:ListMFADevice", Resource: "arn:aws:s3:::invoices" }),
    );
    const commands = [
      "cd",
      "fob policy lint slip.json",
      "fob policy lint enforce.json",
      "fob policy show --max-age 12h --explain",
      "fob policy simulate --policy enforce.json",
      "fob policy simulate --policy enforce.json --action s3:GetObject",
    ];
    return await play(columns, commands, env).ended();
  });
});
