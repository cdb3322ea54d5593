/** Reading an import to its end, with nothing held meanwhile but the rows: its sender may be slow. */
import { setImmediate } from "node:timers/promises";
import { ApiError } from "../../errors.ts";
import { toFieldErrors } from "../../faults.ts";
import type { SourceRecord } from "../../fields.ts";
import { type NumberedRow, nothingWritten, type Report } from "./report.ts";
import { ImportRow, ImportTextRow } from "./schemas.ts";

/** Some 5 MB when every field is as long as it may be. */
export const MOST_ROWS = 10_000;
/** After so many rows, a millisecond or two of work, other requests have their turn at the only thread there is. */
const ROWS_AT_A_TIME = 50;

/**
 * The rows that are valid in themselves; the others are noted. What cannot be read to its end is no import: who sent it
 * would take a part of it for the whole.
 * @throws ApiError `body_too_large` for more rows than an import may have, `nothing_written` for a body that breaks off;
 * and what `records` throws.
 */
export async function readRows(
  records: AsyncIterable<SourceRecord>,
  { report, fail }: Report,
): Promise<NumberedRow[]> {
  /** Address → the line that it stood on first. */
  const seen = new Map<string, number>();
  const rows: NumberedRow[] = [];
  for await (const record of records) {
    if (report.rows === MOST_ROWS)
      throw new ApiError(
        "body_too_large",
        `An import has ${MOST_ROWS} rows at most, and line ${record.line} is one more: nothing was written.`,
      );
    report.rows += 1;
    if (report.rows % ROWS_AT_A_TIME === 0) await setImmediate();
    if ("fault" in record) {
      fail(record.line, "", record.fault);
      if (record.isEnd) throw nothingWritten(report, record);
      continue;
    }
    const row = parse(record, fail);
    if (!row) continue;
    const before = seen.get(row.email);
    if (before === undefined) {
      seen.set(row.email, record.line);
      rows.push({ line: record.line, row });
    } else fail(record.line, "email", `Stands on line ${before} already`);
  }
  return rows;
}

function parse(
  { line, value, isText }: Extract<SourceRecord, { value: unknown }>,
  fail: Report["fail"],
): ImportRow | null {
  const schema = isText ? ImportTextRow : ImportRow;
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [first] = toFieldErrors(error.issues);
  fail(line, first?.path ?? "", first?.message ?? "Is not valid");
  return null;
}
