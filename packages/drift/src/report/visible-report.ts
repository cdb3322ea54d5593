/** The same report for readers: no name, definition or address in it makes them do anything. */
import { visible, visibleLine } from "../model/words.ts";
import type { Report } from "./report.ts";

/** Texts that may have many lines; all others are one. */
const TEXTS = new Set(["expected", "actual", "repair", "destroys", "unrepaired", "doubt"]);

export function visibleReport(report: Report): Report {
  return shown(report, visibleLine) as Report;
}

function shown(value: unknown, show: (text: string) => string): unknown {
  if (typeof value === "string") return show(value);
  if (Array.isArray(value)) return value.map((item) => shown(item, show));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    shown(item, TEXTS.has(name) ? visible : show),
  ]);
  return Object.fromEntries(entries);
}
