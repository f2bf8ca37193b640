import { once } from "node:events";
import * as files from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { identifyInLsof, identifyInTables, identifyPeer } from "../../src/console/peer.ts";

vi.mock("node:fs", { spy: true });
afterEach(() => vi.resetAllMocks());

const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const row = (local: string, remote: string, state: string, uid: number): string =>
  `   1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 48265 1 0000000000000000 20 4 30 10 -1`;
const connection = { clientPort: 0xd431, serverPort: 0x1f90 };
const client = (uid: number, state = "01") => row("0100007F:D431", "0100007F:1F90", state, uid);
const server = row("0100007F:1F90", "0100007F:D431", "01", 1000);

test.each([
  ["the user's own", [client(1000)], "own"],
  ["the system's", [client(0)], "own"],
  ["another user's", [client(1001)], "other"],
  [
    "in the table for IPv6",
    [row("0000000000000000FFFF00000100007F:D431", "0000000000000000FFFF00000100007F:1F90", "01", 1000)],
    "own",
  ],
  ["another user's, which has closed it for writing", [client(1001, "05")], "other"],
  [
    "closed, when nothing tells whose it was",
    [row("0100007F:D431", "0100007F:1F90", "06", 0).replace("48265", "0")],
    "unknown",
  ],
  ["not there, but one of a service on the same ports is", [row("0100007F:D431", "0200007F:1F90", "01", 0)], "unknown"],
  ["not there", [], "unknown"],
  ["the user's own and another's, which may be made to look alike", [client(1000), client(1001)], "other"],
])("a client's socket is %s", (_, rows, peer) => {
  const tables = [heading, server, ...rows, row("0100007F:D432", "0100007F:1F90", "01", 1001)].join("\n");
  expect(identifyInTables(tables, connection, 1000)).toBe(peer);
});

test("lsof of macOS: the user's own client is in its list, and the other end of the connection is not it", () => {
  const fields = (...names: readonly string[]): string => `p501\n${names.map((name) => `f12\nn${name}\n`).join("")}`;
  const [client, server] = ["127.0.0.1:54321->127.0.0.1:8080", "127.0.0.1:8080->127.0.0.1:54321"];
  const ports = { clientPort: 54_321, serverPort: 8080 };
  expect(identifyInLsof(fields(server, client), ports)).toBe("own");
  for (const others of ["", fields(server), fields(`${client}0`), fields(`${client} (ESTABLISHED)`)]) {
    expect(identifyInLsof(others, ports)).toBe("other");
  }
});

test.skipIf(process.platform !== "linux")(
  "where IPv6 is off, the table for it is missing, and the other is enough",
  async () => {
    const { readFileSync } = await vi.importActual<typeof files>("node:fs");
    vi.mocked(files.readFileSync).mockImplementation(((path: string, ...rest: ["utf8"]) =>
      readFileSync(path === "/proc/net/tcp6" ? "/proc/net/missing" : path, ...rest)) as typeof readFileSync);
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: serverPort } = server.address() as AddressInfo;
    const client = connect(serverPort, "127.0.0.1");
    await once(client, "connect");
    const { signal } = new AbortController();
    expect(await identifyPeer({ clientPort: client.localPort ?? 0, serverPort }, signal)).toBe("own");
    client.destroy();
    server.close();
  },
);
