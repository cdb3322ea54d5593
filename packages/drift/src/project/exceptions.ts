/**
 * Differences that a team has decided to live with for a while. Each is bound to one object and to the definition that
 * it has now, so that what changes afterwards is found again, and each ends on a day.
 */
import { createHash } from "node:crypto";
import { DriftError } from "../model/errors.ts";
import type { Finding } from "../model/finding.ts";
import { keyOf } from "../model/object.ts";
import { readText } from "./files.ts";

export type Exception = {
  /** File and line, for messages. */
  at: string;
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

const LINE = /^(\S+ \S.*?) @ (missing|[0-9a-f]{16}) until (\d{4}-\d{2}-\d{2}): (\S.*)$/;
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
    exceptions.find(({ key, hash }) => key === keyOf(finding) && hash === hashOf(finding));
  const used = new Set(findings.map(exceptionFor));
  const isValid = (exception: Exception | undefined) =>
    exception !== undefined && exception.until >= today;
  const found = new Set(findings.map(keyOf));

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
    allowed: [...used].flatMap((exception) =>
      exception && isValid(exception)
        ? [{ key: exception.key, until: exception.until, reason: exception.reason }]
        : [],
    ),
    stale,
  };
}

/** The line that allows a finding. */
export function exceptionLine(finding: Finding, until: string, reason: string): string {
  return `${keyOf(finding)} @ ${hashOf(finding)} until ${until}: ${reason}`;
}

export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function hashOf({ actual }: Finding): string {
  if (actual === null) return "missing";
  return createHash("sha256").update(actual).digest("hex").slice(0, 16);
}
