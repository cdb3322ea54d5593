/** The report for people, in the manner of a compiler: what, where it is declared, and the place that differs. */
import { qualifiedName } from "../object.ts";
import type { Finding, Report } from "../report.ts";
import { markLines, markWords, type Parts } from "./mark.ts";

type Paint = (code: number, text: string) => string;

const BOLD = 1;
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const CYAN = 36;

const CHANGE_COLOUR = { missing: RED, unexpected: YELLOW, changed: CYAN } as const;
const CONTEXT_LINES = 2;
/** More than 60 characters around what differs: cut between words. */
const LONG_BEFORE = /^(?=.{61}).+?\s(\S.{0,60})$/;
const LONG_AFTER = /^(?=.{61})(.{0,60}\S)\s.+$/;
const DEFINITION_LINES = 12;

/** The report as text. Colours are for terminals. */
export function formatText(report: Report, { colour = false } = {}): string {
  const paint: Paint = (code, text) => (colour && text ? `\u001b[${code}m${text}\u001b[0m` : text);
  return [
    ...report.findings.map((finding) => describe(finding, paint)),
    ...pendingLines(report),
    summary(report, paint),
  ]
    .map((block) => `${block}\n`)
    .join("\n");
}

function describe(finding: Finding, paint: Paint): string {
  const title = `${paint(CHANGE_COLOUR[finding.change], finding.change)} ${finding.kind} ${paint(BOLD, qualifiedName(finding))}`;
  const origin = finding.declaredIn ? [`  --> ${finding.declaredIn}`] : [];
  return [title, ...origin, ...body(finding, paint)].join("\n");
}

function body({ expected, actual }: Finding, paint: Paint): string[] {
  if (expected === null || actual === null) {
    return expected === null
      ? definition("actual  ", actual ?? "")
      : definition("expected", expected);
  }
  if (expected.includes("\n") || actual.includes("\n"))
    return lineDifference(markLines(expected, actual), paint);
  const [want, have] = markWords(expected, actual);
  return [...marked("expected", want, GREEN, paint), ...marked("actual  ", have, RED, paint)];
}

function definition(label: string, text: string): string[] {
  const lines = text.trimEnd().split("\n");
  if (lines.length === 1) return [`  ${label}  ${text}`];
  const rest = lines.length - DEFINITION_LINES;
  const shown = lines.slice(0, DEFINITION_LINES).map((line) => `    ${line}`);
  return [`  ${label}`, ...shown, ...(rest > 0 ? [`    … ${rest} more lines`] : [])];
}

/** One line with carets under what differs; where something is absent, one caret shows the place. */
function marked(label: string, parts: Parts, colour: number, paint: Paint): string[] {
  const before = parts.before.replace(LONG_BEFORE, "… $1");
  const after = parts.after.replace(LONG_AFTER, "$1 …");
  const indent = `  ${label}  `;
  return [
    indent + before + paint(colour, parts.differing) + after,
    " ".repeat(indent.length + before.length) +
      paint(colour, "^".repeat(Math.max(1, parts.differing.length))),
  ];
}

function lineDifference([want, have]: [Parts, Parts], paint: Paint): string[] {
  const lines = (text: string) => (text === "" ? [] : text.split("\n"));
  return [
    "  - expected, + actual",
    ...lines(want.before)
      .slice(-CONTEXT_LINES)
      .map((line) => `    ${line}`),
    ...lines(want.differing).map((line) => paint(GREEN, `  - ${line}`)),
    ...lines(have.differing).map((line) => paint(RED, `  + ${line}`)),
    ...lines(want.after)
      .slice(0, CONTEXT_LINES)
      .map((line) => `    ${line}`),
  ];
}

function pendingLines({ pending, expected }: Report): string[] {
  if (pending.length === 0) return [];
  const note =
    expected === "declared" ? "" : ", so the database was compared with the applied ones";
  return [
    [
      `pending: ${count(pending.length, "migration")} not applied yet${note}`,
      ...pending.map((name) => `  ${name}`),
    ].join("\n"),
  ];
}

function summary(
  { database, findings, pending, drift, objects, expected }: Report,
  paint: Paint,
): string {
  const compared = `${count(objects, "object")} of ${expected === "declared" ? "the declared schema" : "the applied migrations"} compared with ${database}`;
  if (!drift) return `${paint(GREEN, "no drift")}: ${compared}`;
  const changes = (["missing", "unexpected", "changed"] as const)
    .map(
      (change) => [findings.filter((finding) => finding.change === change).length, change] as const,
    )
    .filter(([number]) => number > 0)
    .map(([number, change]) => `${number} ${change}`);
  const counts = pending.length > 0 ? [...changes, `${pending.length} pending`] : changes;
  return `${paint(RED, "drift")}: ${counts.join(", ")}; ${compared}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
