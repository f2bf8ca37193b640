// The condition operators: what their names mean, and which values they can compare.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
import type { BlockList } from "node:net";
import { matches, type Pattern, patternOf } from "./wildcard.ts";

/** One value of the request against one of the policy's, both known to be what the operator compares. */
type Matches = (value: string, wanted: Pattern) => boolean;

interface Kind {
  /** What both values must be; text that is not is nothing the operator can compare. */
  readonly takes: (text: string) => boolean;
  /** What that is, in words. */
  readonly values: string;
  /** Policy variables mean something in the policy's values. */
  readonly variables: boolean;
}

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const kinds = {
  string: { takes: () => true, values: "text", variables: true },
  // What is no ARN matches none, so a request may have anything.
  arn: { takes: () => true, values: "an ARN", variables: true },
  numeric: { takes: (text) => number.test(text), values: "a number", variables: false },
  date: { takes: (text) => !Number.isNaN(timeOf(text)), values: "a date (2026-01-31T09:00:00Z)", variables: false },
  bool: { takes: (text) => /^(true|false)$/i.test(text), values: '"true" or "false"', variables: false },
  binary: { takes: (text) => /^[\w+/-]*={0,2}$/.test(text), values: "base64", variables: false },
  ip: { takes: (text) => networkOf(text) !== undefined, values: "an IP address or a CIDR range", variables: false },
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
  if (wanted === patternOf("*")) return value.split(":").length >= 6;
  const [parts, patterns] = [value, wanted].map((arn) => arn.match(/^(.*?):(.*?):(.*?):(.*?):(.*?):(.*)$/s)?.slice(1));
  return (
    patterns?.every((pattern, index) => parts !== undefined && isLike(parts[index] ?? "", pattern as Pattern)) ?? false
  );
};
const compare =
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

function comparison(name: string, kind: keyof typeof kinds, test: Matches, wildcards = false): Comparison {
  return { name, kind, isNegated: name.includes("Not"), wildcards, matches: test };
}

const comparisons: readonly Comparison[] = [
  comparison("StringEquals", "string", isEqual),
  comparison("StringNotEquals", "string", isEqual),
  comparison("StringEqualsIgnoreCase", "string", isEqualIgnoringCase),
  comparison("StringNotEqualsIgnoreCase", "string", isEqualIgnoringCase),
  comparison("StringLike", "string", isLike, true),
  comparison("StringNotLike", "string", isLike, true),
  ...Object.entries(relations).flatMap(([name, holds]) => [
    comparison(`Numeric${name}`, "numeric", compare(Number, holds)),
    comparison(`Date${name}`, "date", compare(timeOf, holds)),
  ]),
  comparison("Bool", "bool", isEqualIgnoringCase),
  comparison("BinaryEquals", "binary", (value, wanted) =>
    Buffer.from(value, "base64").equals(Buffer.from(wanted, "base64")),
  ),
  comparison("IpAddress", "ip", isInNetwork),
  comparison("NotIpAddress", "ip", isInNetwork),
  ...["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"].map((name) => comparison(name, "arn", isLikeArn, true)),
];

/** Whether the key is absent: it has no values to compare. */
const isNull = comparison("Null", "bool", isEqual);

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
export function operatorNamed(name: string): Operator | undefined {
  return byName.get(name);
}

/** All operators that AWS has. */
export function operatorNames(): string[] {
  return [...byName.keys()];
}

const sets = [undefined, "ForAllValues", "ForAnyValue"] as const;

const byName: ReadonlyMap<string, Operator> = new Map(
  [
    ...sets.map((set) => operator(isNull, set, false)),
    ...comparisons.flatMap((each) => sets.flatMap((set) => [operator(each, set, false), operator(each, set, true)])),
  ].map((each) => [each.name, each]),
);

function operator(of: Comparison, set: Operator["set"], ifExists: boolean): Operator {
  const name = `${set === undefined ? "" : `${set}:`}${of.name}${ifExists ? "IfExists" : ""}`;
  return { ...of, name, ifExists, set, isNull: of === isNull, kindOf: kinds[of.kind] };
}

/** Milliseconds since 1970 from ISO 8601 or from seconds since 1970; NaN for anything else. */
function timeOf(text: string): number {
  if (/^\d+$/.test(text) && text.length !== 4) return Number(text) * 1000;
  const iso = /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i;
  const [, date, time = "", , hours, minutes] = iso.exec(text) ?? [];
  if (date === undefined || (time !== "" && date.length !== 10)) return Number.NaN;
  // A time without a zone is in UTC.
  return Date.parse(time === "" ? date : `${date}${time.toUpperCase()}${hours ? `${hours}:${minutes}` : "Z"}`);
}

/** It takes longer to load than most policies to decide on, and few of them name addresses. */
const net = (): typeof import("node:net") => process.getBuiltinModule("node:net");

function networkOf(text: string): BlockList | undefined {
  const { BlockList, isIP } = net();
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  if (version === 0 || Number(bits ?? most) > most) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(bits ?? most), version === 6 ? "ipv6" : "ipv4");
  return network;
}

function isInNetwork(value: string, wanted: Pattern): boolean {
  const version = net().isIP(value);
  return version !== 0 && (networkOf(wanted)?.check(value, version === 6 ? "ipv6" : "ipv4") ?? false);
}
