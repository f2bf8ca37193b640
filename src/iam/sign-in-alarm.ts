// Whether a rule of EventBridge or a metric filter is about a user's sign-ins to the console.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
import type { Known, User } from "./snapshot.ts";

/** Undefined: fob cannot tell. */
export type IsMatch = boolean | undefined;

/** The event that EventBridge gets when the user signs in, as far as every sign-in of the user has the same. */
const makeEvent = ({ name, arn, id }: Pick<User, "name" | "arn" | "id">): object => {
  const [, , , , account = ""] = arn.split(":");
  return {
    ...{ source: "aws.signin", "detail-type": "AWS Console Sign In via CloudTrail", account },
    detail: {
      ...{ eventSource: "signin.amazonaws.com", eventName: "ConsoleLogin", eventType: "AwsConsoleSignIn" },
      userIdentity: { type: "IAMUser", arn, userName: name, accountId: account, principalId: id },
      responseElements: { ConsoleLogin: "Success" },
    },
  };
};

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
export function matchesPattern(pattern: string, user: Pick<User, "name" | "arn" | "id">): IsMatch {
  try {
    return matchesPart(JSON.parse(pattern), makeEvent(user));
  } catch {
    return undefined;
  }
}

function matchesPart(pattern: unknown, event: unknown): IsMatch {
  if (Array.isArray(pattern)) {
    if (pattern.some((value) => typeof event === "string" && value === event)) return true;
    // What is not a text is a comparison, or about a field that not every sign-in has.
    return event === undefined || pattern.some((value) => typeof value !== "string") ? undefined : false;
  }
  if (typeof pattern !== "object" || pattern === null) return undefined;
  const fields = new Map<string, unknown>(typeof event === "object" && event !== null ? Object.entries(event) : []);
  return joinAll(Object.entries(pattern).map(([name, part]) => matchesPart(part, fields.get(name))));
}

/** Terms as in `{ ($.eventName = ConsoleLogin) && ($.userIdentity.userName = "break-glass") }`; others fob cannot tell. */
export function matchesFilter(pattern: string, user: Pick<User, "name" | "arn" | "id">): IsMatch {
  const [, inner] = /^\s*\{(.*)\}\s*$/s.exec(pattern) ?? [];
  if (inner === undefined) return undefined;
  const event = (makeEvent(user) as { readonly detail: object }).detail;
  return joinAll(
    inner.split("&&").map((term) => {
      const [, path = "", quoted, plain] =
        /^[\s(]*\$\.([\w.]+)\s*=\s*(?:"([^"*]*)"|([^\s"*()=|&]+))[\s)]*$/.exec(term) ?? [];
      const wanted = quoted ?? plain;
      const found = path
        .split(".")
        .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], event);
      return wanted === undefined || found === undefined ? undefined : found === wanted;
    }),
  );
}

/** One that certainly does not match decides. */
const joinAll = (parts: readonly IsMatch[]): IsMatch =>
  parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;

/** What is told of sign-ins, and where: an alarm that was found counts, whatever is not known besides; null if nothing tells of them. */
export function joinAlarms(found: readonly Known<string | null>[]): Known<string | null> {
  const alarm = found.find((each) => "value" in each && each.value !== null);
  return alarm ?? found.find((each) => "unknown" in each) ?? { value: null };
}

/** A rule gets the sign-ins that AWS records in its region: where some have none, whether they tell of all depends on the browser. */
export function joinRules(
  found: readonly { readonly region: string; readonly alarm: Known<string | null> }[],
): Known<string | null> {
  const told = found.flatMap(({ region, alarm }) =>
    "value" in alarm && alarm.value !== null ? [{ region, what: alarm.value }] : [],
  );
  const [first, ...others] = told;
  if (first === undefined) return joinAlarms(found.map(({ alarm }) => alarm));
  if (told.length === found.length) {
    const more = others.length === 0 ? "" : `, and in ${others.map(({ region }) => region).join(", ")}`;
    return { value: `${first.what}${more}` };
  }
  const missing = found
    .filter(({ region }) => !told.some((each) => each.region === region))
    .map(({ region, alarm }) => ("unknown" in alarm ? `${region} (not known: ${alarm.unknown})` : region));
  return {
    unknown:
      `${first.what}; but no rule was found in ${missing.join(", ")}, ` +
      "where AWS records sign-ins of a browser that knows the account's alias",
  };
}
