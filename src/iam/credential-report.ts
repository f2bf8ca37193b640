// IAM's credential report: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
//
// Columns are found by their names, because AWS has added some over time and says that more may come.
import { parse } from "csv-parse/sync";
import { formatUtcTime } from "../duration.ts";

/** One row: a user, or the root user. Times are as in `2026-01-31T09:00:00Z`. */
export interface ReportRow {
  /** The user name, or `<root_account>`. */
  readonly user: string;
  readonly arn: string;
  readonly created: string;
  /** undefined where the report does not say it. */
  readonly hasPassword: boolean | undefined;
  readonly passwordLastUsed: string | null;
  readonly passwordLastChanged: string | null;
  readonly hasMfa: boolean;
  readonly accessKeys: readonly ReportedKey[];
}

export interface ReportedKey {
  readonly active: boolean;
  readonly lastRotated: string | null;
  readonly lastUsed: string | null;
  readonly lastUsedService: string | null;
  readonly lastUsedRegion?: string | undefined;
}

/** The text is not a complete credential report. */
export class ReportError extends Error {
  override readonly name = "ReportError";
}

export const rootRow = "<root_account>";

const required = ["user", "arn", "user_creation_time", "password_enabled", "mfa_active"] as const;

/** Values that mean "none": no password, no key, not used, or nothing recorded. */
const none = new Set(["", "N/A", "no_information", "not_supported"]);

/** Reads a credential report. @throws ReportError for anything else, and for a report that was cut off */
export function parseCredentialReport(text: string): ReportRow[] {
  const rows = new Map<string, ReportRow>();
  let columns: ReadonlyMap<string, number> | undefined;
  // A row at a time: the cells of thousands of users would stay in memory until the last one is read.
  forEachRecord(text, (cells) => {
    if (columns === undefined) {
      columns = readHeader(cells);
      return;
    }
    const row = readCells(cells, columns, rows.size + 2);
    if (rows.has(row.user)) throw new ReportError(`row ${rows.size + 2} repeats the user ${row.user}`);
    rows.set(row.user, row);
  });
  if (columns === undefined) throw new ReportError("it is empty");
  // AWS's has the root user at least.
  if (rows.size === 0) throw new ReportError("it has no rows, so it may be cut off");
  return [...rows.values()];
}

function forEachRecord(text: string, read: (cells: readonly string[]) => void): void {
  const on_record = (cells: string[]): null => {
    read(cells);
    return null;
  };
  try {
    parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true, on_record });
  } catch (error) {
    if (error instanceof ReportError) throw error;
    throw new ReportError(`it is not CSV: ${(error as Error).message}`);
  }
}

/** Returns the places of the columns, by name. */
function readHeader(header: readonly string[]): ReadonlyMap<string, number> {
  const columns = new Map(header.map((name, index) => [name.trim().toLowerCase(), index]));
  if (columns.size !== header.length) throw new ReportError("two columns have the same name");
  const missing = required.find((name) => !columns.has(name));
  if (missing !== undefined) throw new ReportError(`it has no column ${missing}`);
  return columns;
}

function readCells(cells: readonly string[], columns: ReadonlyMap<string, number>, line: number): ReportRow {
  if (cells.length !== columns.size) {
    throw new ReportError(`row ${line} has ${cells.length} of ${columns.size} columns, so the report may be cut off`);
  }
  // AWS writes a word into every cell.
  if (cells.at(-1) === "") throw new ReportError(`row ${line} has an empty last column, so the report may be cut off`);
  return readRow((name) => cells[columns.get(name) ?? -1]?.trim(), line);
}

function readRow(cell: (name: string) => string | undefined, line: number): ReportRow {
  const fail = (name: string): never => {
    throw new ReportError(`row ${line} has an unexpected ${name}: ${JSON.stringify(cell(name))}`);
  };
  const flag = (name: string): boolean | undefined => {
    const value = cell(name)?.toLowerCase();
    if (value === "true" || value === "false") return value === "true";
    return value === undefined || none.has(value) || none.has(value.toUpperCase()) ? undefined : fail(name);
  };
  const time = (name: string): string | null => {
    const value = cell(name);
    if (value === undefined || none.has(value)) return null;
    return readTime(value) ?? fail(name);
  };
  const text = (name: string): string | null => {
    const value = cell(name);
    return value === undefined || none.has(value) ? null : value;
  };
  const key = (number: 1 | 2): ReportedKey[] => {
    const active = flag(`access_key_${number}_active`) ?? false;
    const lastRotated = time(`access_key_${number}_last_rotated`);
    // A slot without a key is inactive and has no date; an inactive key keeps its date.
    if (!active && lastRotated === null) return [];
    const lastUsed = time(`access_key_${number}_last_used_date`);
    return [
      {
        ...{ active, lastRotated, lastUsed, lastUsedService: text(`access_key_${number}_last_used_service`) },
        lastUsedRegion: text(`access_key_${number}_last_used_region`) ?? undefined,
      },
    ];
  };
  // Of no interest, but usually the last column: a report that was cut off there is not to pass for a whole one.
  time("cert_2_last_rotated");
  return {
    user: cell("user") || fail("user"),
    arn: cell("arn") || fail("arn"),
    created: time("user_creation_time") ?? fail("user_creation_time"),
    hasPassword: flag("password_enabled"),
    passwordLastUsed: time("password_last_used"),
    passwordLastChanged: time("password_last_changed"),
    hasMfa: flag("mfa_active") ?? fail("mfa_active"),
    accessKeys: [...key(1), ...key(2)],
  };
}

/** Reads both forms that AWS has used: `2026-01-31T09:00:00Z` and `2026-01-31T09:00:00+00:00`. */
function readTime(text: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  if (text.length === 20 && !Number.isNaN(ms)) return text;
  return Number.isNaN(ms) ? undefined : formatUtcTime(ms);
}
