import type { Report } from "../report.ts";

/**
 * The report as JSON for programs. Within a version, fields are added and never changed:
 * { version, database, expected, drift, objects, pending, warnings,
 *   findings: { change, kind, schema, name, parent, expected, actual, declaredIn }[] }
 */
export function formatJson({
  database,
  expected,
  drift,
  objects,
  pending,
  warnings,
  findings,
}: Report): string {
  return `${JSON.stringify({ version: 1, database, expected, drift, objects, pending, warnings, findings }, null, 2)}\n`;
}
