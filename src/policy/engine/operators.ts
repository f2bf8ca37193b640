// The condition operators: their meaning, and the values they compare.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
import type { BlockList } from "node:net";
import { matches, type Pattern, parsePattern } from "./wildcard.ts";

/** Compares a value of the request with a value of the policy; both are valid for the operator. */
type Matches = (value: string, wanted: Pattern) => boolean;

interface Kind {
  /** Whether the operator can compare a text of a policy. */
  readonly takes: (text: string) => boolean;
  /** Whether the operator can compare a value of a request. */
  readonly isGiven: (text: string) => boolean;
  /** Names such values in messages. */
  readonly values: string;
  /** Whether policy variables work in the policy's values. */
  readonly variables: boolean;
}

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const acceptAnything = (): boolean => true;
const checkBoth = (is: (text: string) => boolean) => ({ takes: is, isGiven: is });
const kinds = {
  string: { takes: acceptAnything, isGiven: acceptAnything, values: "text", variables: true },
  // Requests may have any text: what is not an ARN just matches none.
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
  /** Whether it is true if the values do not match: `StringNotEquals`. */
  readonly isNegated: boolean;
  /** Whether `*` and `?` in the policy's values are wildcards. */
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

/** Tests whether the key is absent, so it compares no values. */
const isNull = defineComparison("Null", "bool", isEqual);

export interface Operator extends Comparison {
  /** Whether it is true for a request without the key. */
  readonly ifExists: boolean;
  /** For keys with several values: how many of them must match. */
  readonly set: "ForAllValues" | "ForAnyValue" | undefined;
  /** Whether it is `Null`, which tests whether the key is absent. */
  readonly isNull: boolean;
  readonly kindOf: Kind;
}

/** Returns the operator with this name (case-sensitive), or undefined if AWS has none. */
export function findOperator(name: string): Operator | undefined {
  return byName.get(name);
}

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
  // Date.parse turns February 31 into a day in March.
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return Number.NaN;
  // A time without a zone is in UTC.
  return time === "" ? day : Date.parse(`${date}${time.toUpperCase()}${hours ? `${hours}:${minutes}` : "Z"}`);
}

/** Loaded on demand: loading takes longer than evaluating most policies, and few of them have addresses. */
const loadNet = (): typeof import("node:net") => process.getBuiltinModule("node:net");

function ipVersionOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = address.includes("%") ? 0 : loadNet().isIP(address);
  return version === 0 ? undefined : version === 4 ? "ipv4" : "ipv6";
}

interface Network {
  readonly version: "ipv4" | "ipv6";
  readonly addresses: BlockList;
}

/** A cache by text: a policy may have thousands of networks. */
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
  // BlockList would match an IPv4 address as an IPv6 one.
  return (
    network !== undefined && ipVersionOf(value) === network.version && network.addresses.check(value, network.version)
  );
}
