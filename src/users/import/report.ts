/** What an import tells of itself. */
import { ApiError } from "../../errors.ts";
import type { ImportReport, ImportRow } from "./schemas.ts";

export type NumberedRow = { line: number; row: ImportRow };
export type Report = {
  report: ImportReport;
  fail(line: number, field: string, message: string): void;
};

const MOST_ERRORS = 100;

export function newReport(dryRun: boolean): Report {
  const report: ImportReport = { dryRun, rows: 0, created: 0, failed: 0, unproved: 0, errors: [] };
  return {
    report,
    fail(line, field, message) {
      report.failed += 1;
      if (report.errors.length < MOST_ERRORS) report.errors.push({ line, field, message });
    },
  };
}

/** The error of an import that is not done, with what is wrong with its rows. @param end where the reading ended early. */
export function nothingWritten(
  { failed, rows, errors }: ImportReport,
  end?: { line: number; fault: string },
): ApiError {
  const message = end
    ? `Line ${end.line}: ${end.fault}. What follows was not read, and nothing was written.`
    : `${failed} of ${rows} rows cannot be imported: see errors.`;
  return new ApiError("nothing_written", message, {
    errors: errors
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, field, message }) => ({
        path: field === "" ? `${line}` : `${line}.${field}`,
        message,
      })),
  });
}
