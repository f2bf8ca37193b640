// Whose program is at the other end of a connection on this computer: other users can read the list of processes, and with
// it the address that a browser is given.
import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import { getSystemCode } from "../errors.ts";
import { runProgram } from "../subprocess.ts";

/** `own` is the user's or the system's own program, which can read the user's credentials anyway. */
export type Peer = "own" | "other" | "unknown";

/** A connection from 127.0.0.1 to 127.0.0.1. */
export interface PeerConnection {
  readonly clientPort: number;
  readonly serverPort: number;
}

/** @param signal ends the look-up */
export async function identifyPeer(
  connection: PeerConnection,
  signal: AbortSignal,
  platform: NodeJS.Platform = process.platform,
): Promise<Peer> {
  // Windows shows the arguments of a program to its own user and to administrators alone.
  if (platform === "win32") return "own";
  if (platform === "darwin") return await identifyByLsof(connection, signal);
  try {
    // A client with a socket for both kinds of addresses is in the second.
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(readTable);
    return identifyInTables(tables.join("\n"), connection, process.geteuid?.() ?? -1);
  } catch {
    return "unknown";
  }
}

/** A table of sockets; that for IPv6 is missing where that is off. */
function readTable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (getSystemCode(error) === "ENOENT") return "";
    throw error;
  }
}

/**
 * Looks the client's socket up in Linux's tables of sockets, which tell the user.
 * https://docs.kernel.org/networking/proc_net_tcp.html
 *
 * Both addresses count, not the ports alone: with other addresses of this computer another user can make a service of the
 * user's or the system's have a socket with the same two ports.
 */
export function identifyInTables(tables: string, { clientPort, serverPort }: PeerConnection, user: number): Peer {
  const users = tables.split("\n").flatMap((row) => {
    const [, local = "", remote = "", , , , , uid, , inode] = row.trim().split(/\s+/);
    const isClient = isLoopback(local, clientPort) && isLoopback(remote, serverPort);
    // Without an inode no program has it any more, and the user is no longer told.
    return isClient && inode !== "0" ? [Number(uid)] : [];
  });
  if (users.length === 0) return "unknown";
  return users.every((uid) => uid === user || uid === 0) ? "own" : "other";
}

/** 127.0.0.1 as the tables have it, and as the table for IPv6 has it. */
const loopback =
  endianness() === "LE"
    ? ["0100007F", "0000000000000000FFFF00000100007F"]
    : ["7F000001", "00000000000000000000FFFF7F000001"];

function isLoopback(end: string, port: number): boolean {
  const [address = "", digits = ""] = end.split(":");
  return loopback.includes(address) && Number.parseInt(digits, 16) === port;
}

/** lsof shows the files of the user's own programs only, unless root runs it: then it tells the user. */
async function identifyByLsof(connection: PeerConnection, signal: AbortSignal): Promise<Peer> {
  const user = process.geteuid?.() ?? -1;
  const ports = `TCP@127.0.0.1:${connection.clientPort}`;
  const args = ["-nP", "-a", "-u", String(user), "-i", ports, "-s", "TCP:ESTABLISHED", "-F", "n"];
  try {
    const { stdout } = await runProgram("/usr/sbin/lsof", args, { env: {}, title: "lsof", timeout: 5, signal });
    return identifyInLsof(stdout, connection);
  } catch {
    return "unknown";
  }
}

/** Looks for the client among the connections of the user's own programs, as `lsof -F n` lists them: a field to a line. */
export const identifyInLsof = (fields: string, { clientPort, serverPort }: PeerConnection): Peer =>
  fields.split("\n").includes(`n127.0.0.1:${clientPort}->127.0.0.1:${serverPort}`) ? "own" : "other";
