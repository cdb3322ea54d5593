/** The report as a comment on a pull request. */

import type { Finding } from "../model/finding.ts";
import { qualifiedName } from "../model/object.ts";
import { proofOf } from "../repair/proposal.ts";
import type { Report } from "./report.ts";
import { comparison, escapeHtml, placeOf, repairOf, verdict } from "./wording.ts";

const MARK = { critical: "🔴", major: "🟠", minor: "🔵" } as const;

export function formatMarkdown(report: Report): string {
  const { result, counts } = verdict(report);
  return [
    `### ${report.drift ? "❌" : "✅"} Schema: ${result}`,
    `${counts === "" ? "" : `**${counts}** · `}${literal(comparison(report))}`,
    ...report.findings.map(describe),
    ...(report.repair ? [`Repair: ${literal(proofOf(report.repair))}.`] : []),
    ...section(
      "Stale exceptions",
      report.staleExceptions.map(
        ({ at, key, problem }) => `${code(key)} ${literal(problem)} (${code(at)})`,
      ),
    ),
    ...section(
      "History",
      report.faults.map(
        ({ migration, fault, explanation, mend }) =>
          `${code(migration)} (${fault}): ${literal(explanation)}<br>${code(mend)}`,
      ),
    ),
    ...section("Pending migrations", report.pending.map(code)),
    ...section("Warnings", report.warnings.map(literal)),
    ...section("Notes", report.notes.map(literal)),
  ]
    .map((block) => `${block}\n`)
    .join("\n");
}

function describe(finding: Finding): string {
  const { severity, change, kind } = finding;
  const place = placeOf(finding);
  const title = `${MARK[severity]} <b>${change}</b> ${kind} <code>${escapeHtml(qualifiedName(finding))}</code>`;
  const origin = place ? ` · ${escapeHtml(place)}` : "";
  return [
    `<details><summary>${title} · ${severity}${origin}</summary>`,
    "",
    fence("diff", difference(finding)),
    ...repairFence(finding),
    "</details>",
  ].join("\n");
}

function difference({ expected, actual }: Finding): string {
  const lines = (text: string | null, sign: string) =>
    text === null
      ? []
      : text
          .trimEnd()
          .split("\n")
          .map((line) => `${sign} ${line}`);
  return [...lines(expected, "-"), ...lines(actual, "+")].join("\n");
}

function repairFence(finding: Finding): string[] {
  const lines = repairOf(finding);
  return lines.length === 0 ? [] : [fence("sql", lines.join("\n"))];
}

function section(title: string, items: string[]): string[] {
  return items.length === 0
    ? []
    : [`**${title}**\n\n${items.map((item) => `- ${item}`).join("\n")}`];
}

/** A fence that no run of backticks within can close. */
function fence(language: "diff" | "sql", text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}\n`;
}

function code(text: string): string {
  return `<code>${literal(text)}</code>`;
}

/** Text that stays text: what markdown has a meaning for is an entity, nothing is a link, and nobody is mentioned. */
function literal(text: string): string {
  return escapeHtml(text)
    .replace(/[!$*[\\\]_`|~]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replaceAll("://", ":&#47;/")
    .replaceAll("www.", "www&#46;")
    .replaceAll("@", "&#64;&#8203;");
}
