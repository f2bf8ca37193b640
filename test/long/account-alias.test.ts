// Prompts name the account by its alias, which IAM tells once after a login.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const ASKED = "ListAccountAliases";

interface AliasWorld extends World {
  /** A code that AWS has not seen: it takes each once. */
  nextCode(): string;
}

async function makeWorldWithAlias(alias: string, policies?: readonly object[]): Promise<AliasWorld> {
  const world = await makeWorld(policies ? { policies } : {});
  world.sandbox.setAccountAlias(alias);
  let ahead = 0;
  return {
    ...world,
    nextCode() {
      ahead += 30_000;
      world.sandbox.setClock(() => Date.now() + ahead);
      return world.device.code(Date.now() + ahead);
    },
  };
}

/** Logs in on a terminal. @returns the screen */
async function login(world: AliasWorld, env: Record<string, string> = {}): Promise<string> {
  const run = world.fobOnTerminal(["login", "work", "--force"], { env });
  await run.shows("Code for");
  run.type(`${world.nextCode()}\r`);
  const { status, screen } = await run.ended;
  expect(status, screen).toBe(0);
  return screen;
}

/** @returns the server's URL */
async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The local AWS behind a server that never answers one action. */
async function forwardAllBut(action: string, world: World): Promise<{ url: string; held: () => number }> {
  let held = 0;
  const server = createServer((incoming, answer) => {
    void text(incoming).then((body) => {
      if (body.includes(`Action=${action}`)) {
        held += 1;
        return;
      }
      const { method, headers } = incoming;
      request(world.sandbox.url, { method, headers }, (response) => {
        answer.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(answer);
      }).end(body);
    });
  });
  return { url: await listen(server), held: () => held };
}

const aliasIn = (world: World): unknown =>
  (JSON.parse(readFileSync(sessionFile(world), "utf8").split("\n")[2] ?? "") as { accountAlias?: unknown })
    .accountAlias;

test("the alias is asked for once, and named from the next prompt on", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  expect(await login(world)).toContain(`Code for ${world.user.name} @ 123456789012 (work):`);
  expect(await login(world)).toContain(`Code for ${world.user.name} @ acme-prod (123456789012, work):`);
  expect(await login(world)).toContain("@ acme-prod (");
  expect(world.calls(ASKED)).toBe(1);
  // With the session: the policy that enforces MFA denies it to the access key.
  expect(world.sandbox.requests.find(({ action }) => action === ASKED)?.accessKeyId).toMatch(/^ASIA/);
  const { screen } = await world.fobOnTerminal(["status", "--long"]).ended;
  expect(screen).toContain("  account alias acme-prod\n");
  expect(JSON.parse((await world.fob(["status", "--json"])).stdout)).toMatchObject([{ accountAlias: "acme-prod" }]);
});

test("the session file is not newer than the credentials file: it has not been compared with that", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  await login(world);
  expect(aliasIn(world)).toBe("acme-prod");
  expect(statSync(sessionFile(world)).mtimeMs).toBeLessThanOrEqual(statSync(world.credentialsPath).mtimeMs);
});

test("a long alias is cut, and the number stays", async () => {
  const world = await makeWorldWithAlias("acme-production-eu-central-1-payments");
  await login(world);
  expect(await login(world)).toContain("@ acme-production-eu-cen.. (123456789012, work):");
});

test("a narrow terminal breaks the prompt between words", async () => {
  const world = await makeWorldWithAlias("acme-production-eu-central-1-payments");
  await login(world);
  const run = world.fobOnTerminal(["login", "work", "--force"], { columns: 40 });
  await run.shows("work):");
  expect(run.screen()).toContain(`fob: Code for ${world.user.name} @\nacme-production-eu-cen..\n(123456789012, work):`);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("what no alias looks like is not shown", async () => {
  const world = await makeWorldWithAlias("acme (111122223333, work): \u001b[2Jx\nCode for root");
  await login(world);
  expect(aliasIn(world)).toBe("");
  expect(await login(world)).toContain(`Code for ${world.user.name} @ 123456789012 (work):`);
});

test("in a session file that was changed, control characters of the alias are made visible", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  await login(world);
  const file = readFileSync(sessionFile(world), "utf8").replace('"acme-prod"', '"acme\\u001b[2J"');
  writeFileSync(sessionFile(world), file);
  expect(await login(world)).toContain("@ acme\\x1b[2J (123456789012, work):");
});

test("where it is denied, the login says nothing of it, and does not ask again", async () => {
  const statements = [
    { Effect: "Allow", Action: "*", Resource: "*" },
    { Effect: "Deny", Action: "iam:ListAccountAliases", Resource: "*" },
  ];
  const world = await makeWorldWithAlias("acme-prod", [{ Version: "2012-10-17", Statement: statements }]);
  const screen = await login(world);
  expect(screen).toMatch(/: \d{6}✓ Signed in as .*\nUse it: export AWS_PROFILE=work-mfa\n$/);
  expect(aliasIn(world)).toBe("");
  await login(world);
  expect(world.calls(ASKED)).toBe(1);
});

test("an IAM that does not answer does not fail the login", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  const behind = await forwardAllBut(ASKED, world);
  const screen = await login(world, { AWS_ENDPOINT_URL: behind.url });
  expect(screen).toMatch(/✓ Signed in as .*\nUse it: export AWS_PROFILE=work-mfa\n$/);
  expect(screen).not.toContain("Asking AWS");
  expect(behind.held()).toBe(1);
  expect(aliasIn(world)).toBe("");
  await login(world, { AWS_ENDPOINT_URL: behind.url });
  expect(behind.held()).toBe(1);
});

test("where STS is not AWS's, only an IAM at the same place is asked: it gets what STS gave", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  let visits = 0;
  const elsewhere = await listen(createServer().on("connection", () => (visits += 1)));
  // AWS's own IAM would be asked through the proxy.
  const sts = { AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_STS: world.sandbox.url, HTTPS_PROXY: elsewhere };
  await login(world, sts);
  await login(world, { ...sts, AWS_ENDPOINT_URL_IAM: elsewhere });
  expect(visits).toBe(0);
  expect(aliasIn(world)).toBeUndefined();
  await login(world, { ...sts, AWS_ENDPOINT_URL_IAM: world.sandbox.url });
  expect(aliasIn(world)).toBe("acme-prod");
});

test("scripts and programs do not ask for it", async () => {
  const world = await makeWorldWithAlias("acme-prod");
  await world.fob(["login", "work", "--code", world.nextCode()]);
  endsIn(world, -60);
  const run = world.fobOnTerminal(["exec", "work", "--", "true"]);
  await run.shows("Code for");
  run.type(`${world.nextCode()}\r`);
  expect((await run.ended).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(2);
  expect(world.calls(ASKED)).toBe(0);
});
