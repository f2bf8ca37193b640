import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCredentialReport, ReportError } from "../../src/iam/credential-report.ts";

const keyColumns = (number: number): string[] =>
  ["active", "last_rotated", "last_used_date", "last_used_region", "last_used_service"].map(
    (name) => `access_key_${number}_${name}`,
  );
const header = [
  ...["user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed"],
  ...["password_next_rotation", "mfa_active", ...keyColumns(1), ...keyColumns(2)],
  ...["cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"],
];
const noKey = ["false", "N/A", "N/A", "N/A", "N/A"];
const noCertificates = ["false", "N/A", "false", "N/A"];
const arn = (name: string): string => `arn:aws:iam::123456789012:user/${name}`;
const root = [
  ...["<root_account>", "arn:aws:iam::123456789012:root", "2020-01-31T09:00:00Z", "not_supported", "no_information"],
  ...["not_supported", "not_supported", "true", ...noKey, ...noKey, ...noCertificates],
];
const ben = [
  ...["ben", arn("ben"), "2026-01-31T09:00:00Z", "true", "2026-11-01T08:00:00Z", "2026-10-01T08:00:00Z", "N/A", "true"],
  ...["true", "2026-01-31T09:00:00Z", "2026-11-02T08:00:00Z", "eu-central-1", "s3", ...noKey, ...noCertificates],
];
const write = (...rows: readonly string[][]): string =>
  rows.map((cells) => cells.map((cell) => (cell.includes(",") ? `"${cell}"` : cell)).join(",")).join("\n");

const expected = {
  ...{ user: "ben", arn: arn("ben"), created: "2026-01-31T09:00:00Z", hasPassword: true, hasMfa: true },
  ...{ passwordLastUsed: "2026-11-01T08:00:00Z", passwordLastChanged: "2026-10-01T08:00:00Z" },
  accessKeys: [
    {
      ...{ active: true, lastRotated: "2026-01-31T09:00:00Z" },
      ...{ lastUsed: "2026-11-02T08:00:00Z", lastUsedService: "s3", lastUsedRegion: "eu-central-1" },
    },
  ],
};

test("a report as AWS writes it is read", () => {
  const [first, second] = parseCredentialReport(write(header, root, ben));
  expect(first).toMatchObject({ user: "<root_account>", hasPassword: undefined, hasMfa: true, accessKeys: [] });
  expect(second).toEqual(expected);
});

test.for<[string, (text: string) => string]>([
  ["a byte order mark", (text) => `\ufeff${text}`],
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["a line end after the last row", (text) => `${text}\n`],
  ["upper-case booleans", (text) => text.replaceAll("true", "TRUE").replaceAll("false", "FALSE")],
  ["times with an offset", (text) => text.replaceAll(":00Z", ":00+00:00")],
  ["quotes around all cells", (text) => text.replace(/[^,\n]+/g, '"$&"')],
])("a report with %s is read alike", ([, change]) => {
  expect(parseCredentialReport(change(write(header, ben)))).toEqual([expected]);
});

test("columns are found by name: in another order, with others among them, without those that are not needed", () => {
  const order = [...header.keys()].reverse();
  const pick = (cells: readonly string[]): string[] => order.map((index) => cells[index] ?? "");
  const more = [...pick(header), "additional_credentials_info"];
  expect(parseCredentialReport(write(more, [...pick(ben), "a, b"]))).toEqual([expected]);
  const short = header.slice(0, 18);
  expect(parseCredentialReport(write(short, ben.slice(0, 18)))).toEqual([expected]);
  const needed = ["user", "arn", "user_creation_time", "password_enabled", "mfa_active"];
  for (const name of needed) {
    const index = header.indexOf(name);
    const without = (cells: readonly string[]): string[] => cells.filter((_, at) => at !== index);
    expect(() => parseCredentialReport(write(without(header), without(ben)))).toThrow(`it has no column ${name}`);
  }
});

test("an inactive key is a key, and a key that was not used has no date", () => {
  const keys = ["false", "2026-01-31T09:00:00Z", "N/A", "N/A", "N/A"];
  const cells = [...ben.slice(0, 8), ...keys, ...noKey, ...noCertificates];
  expect(parseCredentialReport(write(header, cells))[0]?.accessKeys).toEqual([
    { active: false, lastRotated: "2026-01-31T09:00:00Z", lastUsed: null, lastUsedService: null },
  ]);
});

test("a user name with a comma is one name", () => {
  const cells = ["ben, of eng", ...ben.slice(1)];
  expect(parseCredentialReport(write(header, cells))[0]?.user).toBe("ben, of eng");
});

test.for<[string, string, RegExp]>([
  ["nothing", "", /it is empty/],
  ["a boolean of another kind", write(header, [...ben.slice(0, 7), "maybe", ...ben.slice(8)]), /mfa_active: "maybe"/],
  ["a date of another kind", write(header, ["ben", arn("ben"), "yesterday", ...ben.slice(3)]), /user_creation_time/],
  ["a user twice", write(header, ben, ben), /repeats the user ben/],
  ["a column twice", write([...header, "user"], [...ben, "ben"]), /two columns/],
  ["an open quote", `${write(header)}\n"ben`, /not CSV/],
])("%s is an error", ([, text, message]) => {
  expect(() => parseCredentialReport(text)).toThrow(message);
});

test("a report that was cut off anywhere but between two rows is an error", () => {
  const text = write(header, root, ben, ["dan", arn("dan"), ...ben.slice(2)]);
  const [, ...lineEnds] = [...text.matchAll(/\n/g)].map(({ index }) => index);
  const ends = lineEnds.flatMap((index) => [index, index + 1]);
  for (let length = 0; length < text.length; length++) {
    const read = () => parseCredentialReport(text.slice(0, length));
    if (ends.includes(length)) expect(read(), text.slice(0, length)).toBeInstanceOf(Array);
    else expect(read, text.slice(0, length)).toThrow(ReportError);
  }
});

test("whatever a report is, it is read or refused with a reason", () => {
  const cell = fc.oneof(fc.constantFrom(...header, ...root, ...ben, "", '"', "\n", "\ufeff"), fc.string());
  fc.assert(
    fc.property(fc.array(fc.array(cell, { maxLength: 24 })), fc.boolean(), (rows, hasHeader) => {
      const text = [...(hasHeader ? [header] : []), ...rows].map((cells) => cells.join(",")).join("\n");
      try {
        for (const { user } of parseCredentialReport(text)) expect(user).not.toBe("");
      } catch (error) {
        expect(error).toBeInstanceOf(ReportError);
        expect((error as Error).message).not.toBe("");
      }
    }),
  );
});
