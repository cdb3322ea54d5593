/**
 * Differences that a team has decided to live with for a while. Each is bound to one object and to the definition that
 * it has now, so that what changes afterwards is found again, and each ends on a day.
 */
import { createHash } from "node:crypto";
import { DriftError } from "../model/errors.ts";
import type { Finding } from "../model/finding.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { visibleLine } from "../model/words.ts";
import { readText } from "./files.ts";

export type Exception = {
  /** File and line, for messages. */
  at: string;
  /** As `lineKeyOf` gives it. */
  key: string;
  /** Of the live definition, or "missing". */
  hash: string;
  /** The last day on which it holds. */
  until: string;
  reason: string;
};

export type Allowed = { key: string; until: string; reason: string };

/** An exception that fails the check, and why. */
export type StaleException = { at: string; key: string; problem: string };

/** A name may have the rest in it: the last one counts. */
const LINE = /^(\S+ \S.*) @ (missing|[0-9a-f]{16}) until (\d{4}-\d{2}-\d{2}): (\S.*)$/;
const SHAPE = "KIND NAME @ HASH until YYYY-MM-DD: reason";

export async function readExceptions(path: string | null): Promise<Exception[]> {
  if (path === null) return [];
  const text = await readText(path);
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const at = `${path}:${index + 1}`;
    const [, key = "", hash = "", until = "", reason = ""] = LINE.exec(line.trim()) ?? [];
    if (key === "") throw new DriftError(`${at}: not an exception. A line reads: ${SHAPE}`);
    if (!isDay(until)) throw new DriftError(`${at}: ${until} is no day of the calendar.`);
    return [{ at, key, hash, until, reason }];
  });
}

/** Takes out what is allowed, and tells which exceptions are past their time or allow nothing. */
export function applyExceptions(
  findings: Finding[],
  exceptions: Exception[],
  today = new Date().toISOString().slice(0, 10),
): { findings: Finding[]; allowed: Allowed[]; stale: StaleException[] } {
  const exceptionFor = (finding: Finding) =>
    exceptions.find(({ key, hash }) => key === lineKeyOf(finding) && hash === hashOf(finding));
  const used = new Set(findings.map(exceptionFor));
  const isValid = (exception: Exception | undefined): exception is Exception =>
    exception !== undefined && exception.until >= today;
  const found = new Set(findings.map(lineKeyOf));

  const stale = exceptions.flatMap((exception) => {
    const { at, key, until } = exception;
    if (until < today) return [{ at, key, problem: `expired on ${until}` }];
    if (used.has(exception)) return [];
    const problem = found.has(key)
      ? "allows another definition than the live one, or the line stands twice"
      : "is not needed: there is no such difference";
    return [{ at, key, problem }];
  });
  return {
    findings: findings.filter((finding) => !isValid(exceptionFor(finding))),
    allowed: findings.flatMap((finding) => {
      const exception = exceptionFor(finding);
      if (!isValid(exception)) return [];
      return [{ key: keyOf(finding), until: exception.until, reason: exception.reason }];
    }),
    stale,
  };
}

/** The line that allows a finding. */
export function exceptionLine(finding: Finding, until: string, reason: string): string {
  return `${lineKeyOf(finding)} @ ${hashOf(finding)} until ${until}: ${reason}`;
}

/** As reports show it: a name may have line ends, and what follows them would be another exception. */
export function lineKeyOf(object: Pick<CatalogObject, "kind" | "schema" | "name">): string {
  return visibleLine(keyOf(object));
}

export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function hashOf({ actual }: Finding): string {
  if (actual === null) return "missing";
  return createHash("sha256").update(actual).digest("hex").slice(0, 16);
}
