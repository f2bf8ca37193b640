// What a session file says, of three lines, so that a shell can decide on line 1, print line 2, and need not understand
// either (src/credential-process/launcher.ts, src/shell/). The store is the truth from which session profiles are written.
//
// Line 1: the format, the second since 1970 until which the file may be served as it is, the session profile.
// Line 2: exactly the JSON that credential_process prints.
// Line 3: what else is known, as JSON.
import { defaultMinTtl, getMargin } from "./freshness.ts";
import { getSpan, processJson, type Session, type WrittenPlace } from "./session.ts";

/** The format's name and version, with which every session file begins. */
export const FORMAT = "fob1";

/** What is wrong with a file that is not this version's to read or replace. */
export const otherVersion = "is from another version of fob";

/** Line 1; undefined for another format. */
export function parseHeader(line: string): { readonly servedUntil: number; readonly profile: string } | undefined {
  const [, until, profile] = /^fob1 (\d+) (.+)$/.exec(line) ?? [];
  return profile === undefined ? undefined : { servedUntil: Number(until), profile };
}

/** The text of a session's file. */
export function formatSession(session: Session): string {
  // What line 2 says already is not said again.
  const { credentials, ...rest } = session;
  const about = { ...rest, account: undefined };
  const fresh = credentials.expiration / 1000 - getMargin(getSpan(session), defaultMinTtl.use, undefined);
  const servedUntil = session.isEnvironmentIndependent ? Math.floor(fresh) : 0;
  return `${FORMAT} ${servedUntil} ${session.profile}\n${processJson(session)}\n${JSON.stringify(about)}\n`;
}

/** The session, or what is wrong with the text. */
export function parseSession(text: string): Session | string {
  const [first = "", second = "", third, rest] = text.split("\n");
  const header = parseHeader(first);
  if (!header) return /^fob\d+ /.test(first) ? otherVersion : "is not a session file";
  if (third === undefined || rest === undefined) return "is cut off";
  try {
    const answer = JSON.parse(second) as Record<string, unknown>;
    const about = JSON.parse(third) as Omit<Session, "credentials" | "account">;
    // What this version would make of the session then, a later one may have good reasons not to.
    if (typeof about.source.from === "string" && !isKnownOrigin(about.source.from)) return otherVersion;
    const expiration = Date.parse(String(answer.Expiration));
    const [accessKeyId, secretAccessKey, sessionToken] = [
      answer.AccessKeyId,
      answer.SecretAccessKey,
      answer.SessionToken,
    ];
    const isWhole =
      typeof accessKeyId === "string" &&
      typeof secretAccessKey === "string" &&
      typeof sessionToken === "string" &&
      Number.isFinite(expiration) &&
      Number.isFinite(about.issued) &&
      typeof about.serialNumber === "string" &&
      typeof about.partition === "string" &&
      typeof about.source.profile === "string" &&
      isKnownOrigin(about.source.from) &&
      (about.endpoint === undefined || URL.canParse(about.endpoint)) &&
      Array.isArray(about.writtenTo) &&
      (about.writtenTo as readonly (Partial<WrittenPlace> | null)[]).every(isPlace) &&
      (about.accountAlias === undefined || typeof about.accountAlias === "string") &&
      typeof about.installedFor === "string" &&
      Array.isArray(about.roles) &&
      Object.values(about.asked).every((value) => typeof value === "string") &&
      Object.values(about.copiedSettings ?? {}).every((value) => typeof value === "string") &&
      about.profile === header.profile;
    if (!isWhole) return "is incomplete";
    const account = typeof answer.AccountId === "string" ? answer.AccountId : undefined;
    return { ...about, account, credentials: { accessKeyId, secretAccessKey, sessionToken, expiration } };
  } catch {
    return "is damaged";
  }
}

const isKnownOrigin = (from: unknown): boolean => from === "profile" || from === "environment";

function isPlace(place: Partial<WrittenPlace> | null): boolean {
  return typeof place?.file === "string" && typeof place.profile === "string" && Array.isArray(place.keyIds);
}
