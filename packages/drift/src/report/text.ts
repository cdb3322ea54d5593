/** The report for people, in the manner of a compiler: what, where it is declared, and the place that differs. */

import type { Finding } from "../model/finding.ts";
import { qualifiedName } from "../model/object.ts";
import { count } from "../model/words.ts";
import { proofOf } from "../repair/proposal.ts";
import { markLines, markWords, type Parts } from "./mark.ts";
import type { Report } from "./report.ts";
import { comparison, placeOf, repairOf, verdict } from "./wording.ts";

type Paint = (code: number, text: string) => string;

const BOLD = 1;
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const CYAN = 36;

const SEVERITY_COLOUR = { critical: RED, major: YELLOW, minor: CYAN } as const;
const CONTEXT_LINES = 2;
/** More than 60 characters around what differs: cut between words. */
const LONG_BEFORE = /^(?=.{61}).+?\s(\S.{0,60})$/;
const LONG_AFTER = /^(?=.{61})(.{0,60}\S)\s.+$/;
const DEFINITION_LINES = 12;
const REPAIR_LINES = 4;

/** The report as text. Colours are for terminals. */
export function formatText(report: Report, { colour = false } = {}): string {
  const paint: Paint = (code, text) => (colour && text ? `\u001b[${code}m${text}\u001b[0m` : text);
  return [
    ...report.findings.map((finding) => describe(finding, paint)),
    ...(report.repair ? [`repair: ${proofOf(report.repair)}`] : []),
    ...staleLines(report, paint),
    ...faultLines(report),
    ...pendingLines(report),
    summaryLine(report, colour),
    ...report.notes.map((note) => `note: ${note}`),
  ]
    .map((block) => `${block}\n`)
    .join("\n");
}

/** The last line, which says it all to who is in a hurry. */
export function summaryLine(report: Report, colour = false): string {
  const { result, counts } = verdict(report);
  const code = report.drift ? RED : GREEN;
  const painted = colour ? `\u001b[${code}m${result}\u001b[0m` : result;
  return `${painted}: ${counts === "" ? "" : `${counts}; `}${comparison(report)}`;
}

function describe(finding: Finding, paint: Paint): string {
  const { severity, change, kind } = finding;
  const title = `${paint(SEVERITY_COLOUR[severity], severity)}: ${change} ${kind} ${paint(BOLD, qualifiedName(finding))}`;
  const place = placeOf(finding);
  return [
    title,
    ...(place ? [`  --> ${place}`] : []),
    ...body(finding, paint),
    ...repairLines(finding),
  ].join("\n");
}

/** Enough to know what would be done; all of it is for `drift repair` and the other formats. */
function repairLines(finding: Finding): string[] {
  const all = repairOf(finding).map((sql) => sql.replace(/\n.*/s, " …"));
  const rest = all.length - REPAIR_LINES;
  const shown = [...all.slice(0, REPAIR_LINES), ...(rest > 0 ? [`… ${rest} more`] : [])];
  return shown.map((line, place) => `  ${place === 0 ? "repair  " : "        "}  ${line}`);
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

function staleLines({ staleExceptions }: Report, paint: Paint): string[] {
  return staleExceptions.map(
    ({ at, key, problem }) => `${paint(YELLOW, "stale exception")}: ${key} ${problem}\n  --> ${at}`,
  );
}

function faultLines({ faults }: Report): string[] {
  return faults.map(
    ({ migration, fault, explanation, mend }) =>
      `history: ${migration} (${fault}): ${explanation}\n  ${mend}`,
  );
}

function pendingLines({ pending, expected }: Report): string[] {
  if (pending.length === 0) return [];
  const note =
    expected === "applied migrations" ? ", so the database was compared with the applied ones" : "";
  return [
    [
      `pending: ${count(pending.length, "migration")} not applied yet${note}`,
      ...pending.map((name) => `  ${name}`),
    ].join("\n"),
  ];
}
