// The session file of a world's profile "work-mfa", and how to make it older.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

export const sessionFile = (world: World): string => join(world.home, ".aws/fob/sessions/work-mfa");

/** Lets a session of 12 hours end so many seconds from now. @returns its JSON */
export function endsIn(world: World, seconds: number): string {
  const end = Math.floor(Date.now() / 1000 + seconds) * 1000;
  const expiration = new Date(end).toISOString().replace(".000Z", "Z");
  const [, answer = "", about = ""] = readFileSync(sessionFile(world), "utf8").split("\n");
  const aged = answer.replace(/"Expiration":"[^"]*"/, `"Expiration":"${expiration}"`);
  const issued = end - 43_200_000;
  const line3 = JSON.stringify({ ...(JSON.parse(about) as object), issued });
  writeFileSync(sessionFile(world), `fob1 ${Math.floor(end / 1000) - 900} work-mfa\n${aged}\n${line3}\n`);
  return aged;
}
