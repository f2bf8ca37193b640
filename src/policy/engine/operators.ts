// The condition operators: what their names mean, and which values they can compare.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
import type { BlockList } from "node:net";
import { matches, type Pattern, parsePattern } from "./wildcard.ts";

/** One value of the request against one of the policy's, both known to be what the operator compares. */
type Matches = (value: string, wanted: Pattern) => boolean;

interface Kind {
  /** What values of policies must be; text that is not is nothing the operator can compare. */
  readonly takes: (text: string) => boolean;
  /** What values of requests must be. */
  readonly isGiven: (text: string) => boolean;
  /** What that is, in words. */
  readonly values: string;
  /** Policy variables mean something in the policy's values. */
  readonly variables: boolean;
}

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const acceptAnything = (): boolean => true;
const checkBoth = (is: (text: string) => boolean) => ({ takes: is, isGiven: is });
const kinds = {
  string: { takes: acceptAnything, isGiven: acceptAnything, values: "text", variables: true },
  // What is no ARN matches none, so a request may have anything.
  arn: {
    takes: (text) => /^(\*|arn(:.*){5})$/s.test(text) || text.includes("${"),
    isGiven: acceptAnything,
    values: "an ARN",
    variables: true,
  },
  numeric: { ...checkBoth((text) => number.test(text)), values: "a number", variables: false },
  date: {
    ...checkBoth((text) => !Number.isNaN(parseTime(text))),
    values: "a date (2026-01-31T09:00:00Z)",
    variables: false,
  },
  bool: { ...checkBoth((text) => /^(true|false)$/i.test(text)), values: '"true" or "false"', variables: false },
  binary: { ...checkBoth((text) => /^[\w+/-]*={0,2}$/.test(text)), values: "base64", variables: false },
  ip: {
    takes: (text) => networkOf(text) !== undefined,
    isGiven: (text) => ipVersionOf(text) !== undefined,
    values: "an IP address",
    variables: false,
  },
} as const satisfies Record<string, Kind>;

export interface Comparison {
  /** As AWS spells it. */
  readonly name: string;
  readonly kind: keyof typeof kinds;
  /** The opposite of its matching: `StringNotEquals`. */
  readonly isNegated: boolean;
  /** `*` and `?` in the policy's values are wildcards. */
  readonly wildcards: boolean;
  readonly matches: Matches;
}

const isEqual: Matches = (value, wanted) => value === wanted;
const isEqualIgnoringCase: Matches = (value, wanted) => value.toLowerCase() === wanted.toLowerCase();
const isLike: Matches = (value, wanted) => matches(wanted, value);
/** "Each of the six colon-delimited components of the ARN is checked separately"; ArnEquals and ArnLike are the same. */
const isLikeArn: Matches = (value, wanted) => {
  if (wanted === parsePattern("*")) return value.split(":").length >= 6;
  const [parts, patterns] = [value, wanted].map((arn) => arn.match(/^(.*?):(.*?):(.*?):(.*?):(.*?):(.*)$/s)?.slice(1));
  return (
    patterns?.every((pattern, index) => parts !== undefined && isLike(parts[index] ?? "", pattern as Pattern)) ?? false
  );
};
const compareWith =
  (read: (text: string) => number, holds: (a: number, b: number) => boolean): Matches =>
  (value, wanted) =>
    holds(read(value), read(wanted));

const relations = {
  Equals: (a: number, b: number) => a === b,
  NotEquals: (a: number, b: number) => a === b,
  LessThan: (a: number, b: number) => a < b,
  LessThanEquals: (a: number, b: number) => a <= b,
  GreaterThan: (a: number, b: number) => a > b,
  GreaterThanEquals: (a: number, b: number) => a >= b,
};

function defineComparison(name: string, kind: keyof typeof kinds, test: Matches, wildcards = false): Comparison {
  return { name, kind, isNegated: name.includes("Not"), wildcards, matches: test };
}

const comparisons: readonly Comparison[] = [
  defineComparison("StringEquals", "string", isEqual),
  defineComparison("StringNotEquals", "string", isEqual),
  defineComparison("StringEqualsIgnoreCase", "string", isEqualIgnoringCase),
  defineComparison("StringNotEqualsIgnoreCase", "string", isEqualIgnoringCase),
  defineComparison("StringLike", "string", isLike, true),
  defineComparison("StringNotLike", "string", isLike, true),
  ...Object.entries(relations).flatMap(([name, holds]) => [
    defineComparison(`Numeric${name}`, "numeric", compareWith(Number, holds)),
    defineComparison(`Date${name}`, "date", compareWith(parseTime, holds)),
  ]),
  defineComparison("Bool", "bool", isEqualIgnoringCase),
  defineComparison("BinaryEquals", "binary", (value, wanted) =>
    Buffer.from(value, "base64").equals(Buffer.from(wanted, "base64")),
  ),
  defineComparison("IpAddress", "ip", isInNetwork),
  defineComparison("NotIpAddress", "ip", isInNetwork),
  ...["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"].map((name) =>
    defineComparison(name, "arn", isLikeArn, true),
  ),
];

/** Whether the key is absent: it has no values to compare. */
const isNull = defineComparison("Null", "bool", isEqual);

export interface Operator extends Comparison {
  /** Whether a request without the key meets it, whatever the comparison. */
  readonly ifExists: boolean;
  /** Where the key may have several values: how many of them must match. */
  readonly set: "ForAllValues" | "ForAnyValue" | undefined;
  /** `Null`: asks whether the key is absent. */
  readonly isNull: boolean;
  readonly kindOf: Kind;
}

/** What a name means; undefined for one that AWS does not have. Names are told apart with regard to case. */
export function findOperator(name: string): Operator | undefined {
  return byName.get(name);
}

/** All operators that AWS has. */
export function listOperatorNames(): string[] {
  return [...byName.keys()];
}

const sets = [undefined, "ForAllValues", "ForAnyValue"] as const;

const byName: ReadonlyMap<string, Operator> = new Map(
  [
    ...sets.map((set) => defineOperator(isNull, set, false)),
    ...comparisons.flatMap((each) =>
      sets.flatMap((set) => [defineOperator(each, set, false), defineOperator(each, set, true)]),
    ),
  ].map((each) => [each.name, each]),
);

function defineOperator(of: Comparison, set: Operator["set"], ifExists: boolean): Operator {
  const name = `${set === undefined ? "" : `${set}:`}${of.name}${ifExists ? "IfExists" : ""}`;
  return { ...of, name, ifExists, set, isNull: of === isNull, kindOf: kinds[of.kind] };
}

/** Milliseconds since 1970 from ISO 8601 or from seconds since 1970; NaN for anything else. */
function parseTime(text: string): number {
  if (/^\d+$/.test(text) && text.length !== 4) return Number(text) * 1000;
  const iso = /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i;
  const [, date, time = "", , hours, minutes] = iso.exec(text) ?? [];
  if (date === undefined || (time !== "" && date.length !== 10)) return Number.NaN;
  const day = Date.parse(date);
  // Date.parse takes the 31st of February for a day of March.
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return Number.NaN;
  // A time without a zone is in UTC.
  return time === "" ? day : Date.parse(`${date}${time.toUpperCase()}${hours ? `${hours}:${minutes}` : "Z"}`);
}

/** It takes longer to load than most policies to decide on, and few of them name addresses. */
const loadNet = (): typeof import("node:net") => process.getBuiltinModule("node:net");

function ipVersionOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = address.includes("%") ? 0 : loadNet().isIP(address);
  return version === 0 ? undefined : version === 4 ? "ipv4" : "ipv6";
}

interface Network {
  readonly version: "ipv4" | "ipv6";
  readonly addresses: BlockList;
}

/** By their text: a policy may have thousands. */
const networks = new Map<string, Network | undefined>();

function networkOf(text: string): Network | undefined {
  if (!networks.has(text)) networks.set(text, parseNetwork(text));
  return networks.get(text);
}

function parseNetwork(text: string): Network | undefined {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = ipVersionOf(address);
  const most = version === "ipv6" ? 128 : 32;
  if (version === undefined || Number(bits ?? most) > most) return undefined;
  const addresses = new (loadNet().BlockList)();
  addresses.addSubnet(address, Number(bits ?? most), version);
  return { version, addresses };
}

function isInNetwork(value: string, wanted: Pattern): boolean {
  const network = networkOf(wanted);
  // BlockList takes an IPv4 address for an IPv6 one.
  return (
    network !== undefined && ipVersionOf(value) === network.version && network.addresses.check(value, network.version)
  );
}
