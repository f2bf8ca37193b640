// The session files of a world, and how to make them older.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./world.ts";

export const sessionFile = (world: Pick<World, "home">, profile = "work-mfa"): string =>
  join(world.home, ".aws/fob/sessions", profile);

/** The id of the session's access key. */
export const keyIdOf = (world: Pick<World, "home">): string =>
  /"AccessKeyId":"(\w+)"/.exec(readFileSync(sessionFile(world), "utf8"))?.[1] ?? "no session";

/** Lets a session of 12 hours end so many seconds from now. @returns its JSON */
export function endsIn(world: Pick<World, "home">, seconds: number, profile = "work-mfa"): string {
  const end = Math.floor(Date.now() / 1000 + seconds) * 1000;
  const expiration = new Date(end).toISOString().replace(".000Z", "Z");
  const [, answer = "", about = ""] = readFileSync(sessionFile(world, profile), "utf8").split("\n");
  const aged = answer.replace(/"Expiration":"[^"]*"/, `"Expiration":"${expiration}"`);
  const issued = end - 43_200_000;
  const line3 = JSON.stringify({ ...(JSON.parse(about) as object), issued });
  writeFileSync(sessionFile(world, profile), `fob1 ${Math.floor(end / 1000) - 900} ${profile}\n${aged}\n${line3}\n`);
  return aged;
}

/** The lines of its section in the credentials file, for what `credential-process` answers; with keys, unless fob serves it. */
export function sessionLines(answer: string, isServed = false): string[] {
  const session = JSON.parse(answer) as Record<string, string>;
  const keys = [
    `aws_access_key_id = ${session.AccessKeyId}`,
    `aws_secret_access_key = ${session.SecretAccessKey}`,
    `aws_session_token = ${session.SessionToken}`,
  ];
  const expiry = [`expiration = ${session.Expiration}`, `x_security_token_expires = ${session.Expiration}`];
  return ["[work-mfa]", ...(isServed ? [] : keys), ...expiry];
}
