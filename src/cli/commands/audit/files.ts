// The files that an audit is held against: an earlier audit, and the risks that someone accepts.
import { type AcceptedRisk, applyAccepted, readAccepted } from "../../../audit/accepted.ts";
import type { AccountsReport } from "../../../audit/accounts.ts";
import type { Audit } from "../../../audit/audit.ts";
import { type Baseline, compareWithBaseline, readBaseline } from "../../../audit/baseline.ts";
import { withRemaining } from "../../../audit/found.ts";
import { UsageError } from "../../../errors.ts";
import { mapKnown } from "../../../iam/snapshot.ts";
import { ShapeError } from "../../../shape.ts";
import { quote } from "../../../text.ts";
import type { Context } from "../../context.ts";
import { readJsonFile } from "../policy/files.ts";

/** Far more than audits of many large accounts have. */
const limit = { bytes: 200_000_000, size: "200 MB", hint: "name a file that fob audit --json has written" };

export interface AuditFiles {
  readonly baseline?: { readonly path: string; readonly accounts: ReadonlyMap<string, Baseline> };
  readonly accepted?: readonly AcceptedRisk[];
}

/** @param isMany whether it is for many accounts @throws UsageError for a file that cannot be read, or is not what it is given as */
export async function readFiles(
  { baseline, accepted }: { readonly baseline?: string | undefined; readonly accepted?: string | undefined },
  isMany: boolean,
  context: Context,
): Promise<AuditFiles> {
  return {
    ...(baseline === undefined
      ? {}
      : { baseline: { path: baseline, accounts: await read(baseline, "a baseline", readBaseline, context) } }),
    ...(accepted === undefined
      ? {}
      : {
          accepted: await read(accepted, "a list of accepted risks", (value) => readAccepted(value, isMany), context),
        }),
  };
}

async function read<T>(path: string, what: string, parse: (value: unknown) => T, context: Context): Promise<T> {
  const { value } = await readJsonFile(path, context, limit);
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new UsageError(`${quote(path)} is not ${what}: ${error.message}`, advice);
  }
}

const advice = "docs/audit.md has the form of the file";

/** Holds an audit against the files, and says what is wrong with them. @throws UsageError for a baseline of other accounts */
export function applyFiles(audit: Audit, files: AuditFiles, context: Context): Audit {
  if (files.baseline !== undefined) assertHasOne(files.baseline, [audit.account]);
  return apply(audit, files, context);
}

/** The same for many accounts: in one that the baseline does not have, all is new. @throws UsageError */
export function applyToAll(report: AccountsReport, files: AuditFiles, context: Context): AccountsReport {
  const { accounts } = report;
  const read = accounts.flatMap(({ audit }) => ("value" in audit ? audit.value.account : []));
  const { baseline } = files;
  if (baseline !== undefined && read.length > 0) {
    assertHasOne(baseline, read);
    for (const account of read.filter((each) => !baseline.accounts.has(each)))
      context.say.note(`the baseline does not have the account ${account}: all is new there`);
  }
  return {
    ...report,
    accounts: accounts.map((each) => ({
      ...each,
      audit: mapKnown(each.audit, (audit) => apply(audit, files, context)),
    })),
  };
}

function apply(audit: Audit, { baseline, accepted }: AuditFiles, { now, say }: Context): Audit {
  if (baseline === undefined && accepted === undefined) return audit;
  const compared = baseline === undefined ? audit : compareWithBaseline(audit, baseline.accounts.get(audit.account));
  if (accepted === undefined) return withRemaining(compared);
  const { audit: applied, problems } = applyAccepted(compared, accepted, now());
  for (const problem of problems) say.warning(problem);
  return withRemaining(applied);
}

function assertHasOne({ path, accounts }: NonNullable<AuditFiles["baseline"]>, read: readonly string[]): void {
  if (read.some((account) => accounts.has(account))) return;
  const others = [...accounts.keys()].join(", ") || "none";
  throw new UsageError(
    `${quote(path)} has no audit of the account ${read.join(", ")}; it has: ${others}`,
    "fob audit --json > baseline.json",
  );
}
