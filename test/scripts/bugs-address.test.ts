// Users are told where to report bugs, at an address that exists before anything is published.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bugs, homepage, repository, scripts } from "../../package.json";
import { execute, node } from "../helpers/world.ts";

const script = resolve(import.meta.dirname, "../../scripts/check-address.mjs");

/** @returns the address of a server that answers everything with this status */
async function serve(status: number): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, { location: "/" }).end());
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/issues`;
}

const check = (address: string) => execute(node, [script, address], { env: {} });

test("publishing stops unless the address for bug reports answers 200", async () => {
  expect(scripts.prepublishOnly).toBe("node scripts/check-address.mjs");
  expect(await check(await serve(200))).toMatchObject({ status: 0, stderr: "" });
  for (const status of [301, 404, 500]) {
    const address = await serve(status);
    const result = await check(address);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`${address} answers ${status} instead of 200\n`);
  }
  const nowhere = await check("http://127.0.0.1:1/issues");
  expect(nowhere.status).toBe(1);
  expect(nowhere.stderr).toContain("http://127.0.0.1:1/issues does not answer: ");
});

test("the addresses in package.json are of one repository", () => {
  const project = bugs.url.replace(/\/issues$/, "");
  expect(repository.url).toBe(`git+${project}.git`);
  expect(homepage).toBe(`${project}#readme`);
});
