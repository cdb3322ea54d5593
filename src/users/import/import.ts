/** Users of another system, by the thousand: read as they come, written by the hundred. */
import type { AuthedContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";
import { type SourceRecord, toFieldErrors } from "../../fields.ts";
import { targetTenant } from "../create.ts";
import { type ImportQuery, type ImportReport, ImportRow, ImportTextRow } from "./schemas.ts";
import { writeRows } from "./write.ts";

export type NumberedRow = { line: number; row: ImportRow };
export type Report = {
  report: ImportReport;
  fail(line: number, field: string, message: string): void;
};

const MOST_ROWS = 10_000;
const MOST_ERRORS = 100;
const BATCH = 250;
const TIMEOUT_MILLIS = 240_000;

/**
 * Reads the records to their end and writes what is valid, a batch a transaction; or, atomic, everything in one.
 * @throws PermissionError, NotFoundError (the tenant); ApiError `nothing_written` when it is atomic and a row fails.
 */
export async function importUsers(
  ctx: AuthedContext,
  records: AsyncIterable<SourceRecord>,
  { dryRun, atomic, tenantId: named }: ImportQuery,
): Promise<ImportReport> {
  const tenantId = targetTenant(ctx, named);
  const target = { tenantId, dryRun };
  const result = newReport(dryRun);
  const batches = batchesOf(records, result);
  if (atomic && !dryRun) {
    await ctx.db.$transaction(
      async (tx) => {
        for await (const batch of batches) await writeRows(tx, ctx, target, batch, result);
        assertWhole(result.report);
      },
      { timeout: TIMEOUT_MILLIS },
    );
    return result.report;
  }
  for await (const batch of batches)
    await ctx.db.$transaction((tx) => writeRows(tx, ctx, target, batch, result));
  return result.report;
}

/** The rows that are valid in themselves, some at a time; the others are noted. */
async function* batchesOf(
  records: AsyncIterable<SourceRecord>,
  { report, fail }: Report,
): AsyncGenerator<NumberedRow[]> {
  /** Address → the line that it stood on first. */
  const seen = new Map<string, number>();
  let batch: NumberedRow[] = [];
  for await (const record of records) {
    if (report.rows === MOST_ROWS) {
      fail(record.line, "", `An import has ${MOST_ROWS} rows at most: what follows was not read`);
      break;
    }
    report.rows += 1;
    const row = read(record, fail);
    if (!row) continue;
    const before = seen.get(row.email);
    if (before !== undefined) {
      fail(record.line, "email", `Stands on line ${before} already`);
      continue;
    }
    seen.set(row.email, record.line);
    batch.push({ line: record.line, row });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function read(record: SourceRecord, fail: Report["fail"]): ImportRow | null {
  if ("fault" in record) {
    fail(record.line, "", record.fault);
    return null;
  }
  const schema = record.isText ? ImportTextRow : ImportRow;
  const { success, data, error } = schema.safeParse(record.value);
  if (success) return data;
  const [first] = toFieldErrors(error.issues);
  fail(record.line, first?.path ?? "", first?.message ?? "Is not valid");
  return null;
}

function newReport(dryRun: boolean): Report {
  const report: ImportReport = { dryRun, rows: 0, created: 0, failed: 0, errors: [] };
  return {
    report,
    fail(line, field, message) {
      report.failed += 1;
      if (report.errors.length < MOST_ERRORS) report.errors.push({ line, field, message });
    },
  };
}

function assertWhole({ failed, rows, errors }: ImportReport): void {
  if (failed === 0) return;
  throw new ApiError(
    "nothing_written",
    `${failed} of ${rows} rows cannot be imported: see errors.`,
    {
      errors: errors.map(({ line, field, message }) => ({
        path: field === "" ? `${line}` : `${line}.${field}`,
        message,
      })),
    },
  );
}

export type Target = { tenantId: string | null; dryRun: boolean };
