import { visible } from "../model/words.ts";
import type { Report } from "./report.ts";

/**
 * The report as JSON for programs. Within a version, fields are added and never changed:
 * { version, database, expected, drift, objects,
 *   findings: { change, severity, kind, schema, name, parent, expected, actual, declaredIn, line,
 *     repair: statements, destroys, unrepaired }[],
 *   repair: { proved, doubt } | null,
 *   allowed: { key, until, reason }[], staleExceptions: { at, key, problem }[],
 *   pending, faults: { migration, fault, explanation, mend }[], warnings, notes }
 */
export function formatJson(report: Report): string {
  const { database, expected, drift, objects, findings, ...rest } = report;
  const text = JSON.stringify(
    { version: 1, database, expected, drift, objects, findings, ...rest },
    null,
    2,
  );
  // Each character that a terminal would obey is written as JSON writes it, and so read as it is.
  return text.split("\n").map(visible).join("\n").concat("\n");
}
