// Risks that someone accepts, from a file: each with a person, a reason and an end date.
import { list, object, oneOf, optional, type Read, ShapeError, text, versionOne } from "../shape.ts";
import { type Audit, type CheckResult, checks } from "./audit.ts";
import type { Acceptance, Notes } from "./check.ts";
import { daysSince, isDay } from "./days.ts";
import { type Found, listFound, noteEach } from "./found.ts";

/** With an ARN, a name or both; without them it is about a check that fails for the account as a whole. */
export interface AcceptedRisk extends Omit<Acceptance, "expired"> {
  readonly check: string;
  readonly arn?: string | undefined;
  readonly name?: string | undefined;
  /** Twelve digits. */
  readonly account?: string | undefined;
  /** What is accepted: a failure only, unless it says that something may be unknown. */
  readonly result: Found["result"];
}

const isSaid = [/\S/, "said"] as const;
const isAccount = [/^\d{12}$/, "twelve digits"] as const;
const ids = checks.map(({ id }) => id);

const readDay: Read<string> = (value, at) => {
  const day = text([/^\d{4}-\d{2}-\d{2}$/, "a date such as 2027-01-31"])(value, at);
  if (isDay(day)) return day;
  throw new ShapeError(`${at} is a date that does not exist: ${day}`);
};

const readMembers = object<Omit<AcceptedRisk, "result"> & { readonly result: Found["result"] | undefined }>({
  ...{ check: oneOf(ids), arn: optional(text([/^arn:/, "an ARN"])), name: optional(text(isSaid)) },
  ...{ account: optional(text(isAccount)), result: optional(oneOf(["fail", "unknown"])) },
  ...{ person: text(isSaid), reason: text(isSaid), until: readDay },
});

const readRisk: Read<AcceptedRisk> = (value, at) => {
  const { result = "fail", ...risk } = readMembers(value, at);
  const { arn, name, account } = risk;
  if (arn === undefined && name === undefined && account === undefined)
    throw new ShapeError(`${at} has no arn and no name; one about a whole account has its number in account`);
  return { ...risk, result };
};

/** @param isMany whether it is for many accounts, in which a name alone says too little @throws ShapeError */
export function readAccepted(value: unknown, isMany: boolean): readonly AcceptedRisk[] {
  const { accepted } = object({ version: versionOne, accepted: list(readRisk) })(value, "");
  const seen = new Set<string>();
  for (const [index, { check, arn, name, account, result }] of accepted.entries()) {
    const at = `accepted[${index}]`;
    if (isMany && arn === undefined && account === undefined)
      throw new ShapeError(`${at} has a name, and needs an account beside it: there are many`);
    const key = JSON.stringify([check, arn, name, account, result]);
    if (seen.has(key)) throw new ShapeError(`${at} is there twice`);
    seen.add(key);
  }
  return accepted;
}

/** An audit with what is accepted of it, and what is wrong with entries of the file, in words. */
export interface Applied {
  readonly audit: Audit;
  readonly problems: readonly string[];
}

/** @param now milliseconds since 1970 */
export function applyAccepted(audit: Audit, risks: readonly AcceptedRisk[], now: number): Applied {
  const own = risks.filter((risk) => isAbout(risk, audit.account));
  const used = new Map(own.map((risk) => [risk, findMatches(risk, audit)]));
  const note = (id: string, found: Found): Notes => {
    const matching = own.filter(
      (risk) =>
        risk.check === id && risk.result === found.result && used.get(risk)?.length === 1 && matches(risk, found),
    );
    const acceptances = matching.map(({ person, reason, until }) => {
      return { person, reason, until, expired: daysSince(until, now) >= 1 };
    });
    const accepted = acceptances.find(({ expired }) => !expired) ?? acceptances[0];
    return accepted === undefined ? {} : { accepted };
  };
  const results = audit.checks.map((check) => noteEach(check, (found) => note(check.id, found)));
  const all = results.flatMap(listFound).flatMap(({ accepted }) => accepted ?? []);
  const expired = all.filter((each) => each.expired).length;
  return {
    audit: { ...audit, checks: results, accepted: { accepted: all.length - expired, expired } },
    problems: own.flatMap((risk) => explain(risk, used.get(risk) ?? [], audit.checks)),
  };
}

/** An entry with a name only is about the account that is looked at. AWS's own policies are in no account. */
function isAbout({ arn, account }: AcceptedRisk, looked: string): boolean {
  if (account !== undefined && account !== looked) return false;
  const owner = arn?.split(":")[4] ?? "";
  return !/^\d{12}$/.test(owner) || owner === looked;
}

const findMatches = (risk: AcceptedRisk, audit: Audit): readonly Found[] =>
  audit.checks
    .filter(({ id }) => id === risk.check)
    .flatMap(listFound)
    .filter((found) => found.result === risk.result && matches(risk, found));

/** An inline policy has the ARN of its user or group: it needs its name too, or another one would be accepted with it. */
function matches({ arn, name }: AcceptedRisk, found: Found): boolean {
  if (arn === undefined && name === undefined) return found.arn === "" && found.name === "";
  if (arn !== undefined && arn !== found.arn) return false;
  return name === undefined ? found.arn.endsWith(`/${found.name}`) : name === found.name;
}

function explain(risk: AcceptedRisk, found: readonly Found[], results: readonly CheckResult[]): readonly string[] {
  const { check, arn, name, result } = risk;
  const subject = [arn, name].filter((each) => each !== undefined).join(" ");
  const what = subject === "" ? check : `${check} of ${subject}`;
  if (found.length > 1) return [`${what} is accepted, but there are ${found.length} of that name: add the ARN`];
  if (found.length === 1) return [];
  const looked = results.find(({ id }) => id === check);
  const hasOthers =
    looked !== undefined && listFound(looked).some((each) => each.result === result && each.arn === arn);
  if (arn !== undefined && name === undefined && hasOthers)
    return [`${what} is accepted, but more than one thing can have this ARN: add the name`];
  // It is there or not: that is not known.
  if (looked?.result === "unknown" && result === "fail") return [];
  if (result === "fail" && looked?.unknownSubjects?.some((each) => matches(risk, { ...each, result: "unknown" })))
    return [];
  return [`${what} is accepted, but there is no such ${result === "fail" ? "failure" : "unknown result"}`];
}
