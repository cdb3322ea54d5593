/** The report as one page that needs nothing else, and runs nothing: to be sent, kept and read anywhere. */

import type { Finding } from "../model/finding.ts";
import { qualifiedName } from "../model/object.ts";
import { severities } from "../model/severity.ts";
import { proofOf } from "../repair/proposal.ts";
import { filterRules, STYLE } from "./html-style.ts";
import { markLines, markWords, type Parts } from "./mark.ts";
import type { Report } from "./report.ts";
import { comparison, escapeHtml, placeOf, repairOf, verdict } from "./wording.ts";

type Box = { id: string; about: string; label: string; count: number };

export function formatHtml(report: Report): string {
  const { result, counts } = verdict(report);
  const kinds = [...new Set(report.findings.map(({ kind }) => kind))].sort();
  const boxes = { severity: severityBoxes(report), kind: kindBoxes(report, kinds) };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(`${result}: ${report.database}`)}</title>
<style>${STYLE}
${filterRules([...boxes.severity, ...boxes.kind])}</style>
</head>
<body>
<header>
<h1>${escapeHtml(counts === "" ? result : `${result}: ${counts}`)}</h1>
${THEMES}
</header>
<p>${escapeHtml(comparison(report))}</p>
${[
  ...(report.findings.length > 1 ? [filters(boxes)] : []),
  ...report.findings.map((finding) => describe(finding, kinds.indexOf(finding.kind))),
  ...(report.repair ? [`<p>Repair: ${escapeHtml(proofOf(report.repair))}.</p>`] : []),
  ...list(
    "Stale exceptions",
    report.staleExceptions.map(({ at, key, problem }) => `${key} ${problem} (${at})`),
  ),
  ...list(
    "History",
    report.faults.map(
      ({ migration, fault, explanation, mend }) =>
        `${migration} (${fault}): ${explanation} ${mend}`,
    ),
  ),
  ...list("Pending migrations", report.pending),
  ...list(
    "Allowed",
    report.allowed.map(({ key, until, reason }) => `${key} until ${until}: ${reason}`),
  ),
  ...list("Warnings", report.warnings),
  ...list("Notes", report.notes),
].join("\n")}
</body>
</html>
`;
}

const THEMES = `<fieldset><legend>Colours</legend>
${["auto", "light", "dark"]
  .map(
    (name, i) =>
      `<label><input type="radio" name="theme" id="${name}"${i === 0 ? " checked" : ""}> ${name}</label>`,
  )
  .join("\n")}
</fieldset>`;

function severityBoxes({ findings }: Report): Box[] {
  return severities
    .toReversed()
    .map((label) => ({
      ...{ id: label, about: `article.${label}`, label },
      count: findings.filter(({ severity }) => severity === label).length,
    }))
    .filter(({ count }) => count > 0);
}

function kindBoxes({ findings }: Report, kinds: string[]): Box[] {
  return kinds.map((label, i) => ({
    ...{ id: `kind-${i}`, about: `section[data-kind="${i}"]`, label },
    count: findings.filter(({ kind }) => kind === label).length,
  }));
}

function filters({ severity, kind }: Record<"severity" | "kind", Box[]>): string {
  const boxes = (title: string, all: Box[]) =>
    `<fieldset><legend>${title}</legend>\n${all
      .map(
        ({ id, label, count }) =>
          `<label><input type="checkbox" id="${id}" checked> ${escapeHtml(label)} <small>${count}</small></label>`,
      )
      .join("\n")}\n</fieldset>`;
  return `<form>\n${boxes("Severity", severity)}\n${boxes("Kind", kind)}\n</form>`;
}

function describe(finding: Finding, kindNumber: number): string {
  const { severity, change, kind } = finding;
  const place = placeOf(finding);
  return `<section data-kind="${kindNumber}"><article class="${severity}">
<h2>${change} ${escapeHtml(kind)} <code>${escapeHtml(qualifiedName(finding))}</code></h2>
<p><b class="${severity}">${severity}</b>${place ? ` · ${escapeHtml(place)}` : ""}</p>
${[definitions(finding), ...repairBlock(finding)].join("\n")}
</article></section>`;
}

/** Side by side where both are there. */
function definitions({ expected, actual }: Finding): string {
  if (expected === null || actual === null)
    return expected === null
      ? figure("actual", escapeHtml(actual ?? ""))
      : figure("expected", escapeHtml(expected));
  const byLines = expected.includes("\n") || actual.includes("\n");
  const [want, have] = byLines ? markLines(expected, actual) : markWords(expected, actual);
  const lines = Math.max(height(want), height(have));
  const side = (parts: Parts, tag: "ins" | "del") =>
    byLines ? marked(padded(parts, lines), tag, "\n") : marked(parts, tag, "");
  return `<div class="sides${byLines ? " lines" : ""}">
${figure("expected", side(want, "ins"))}
${figure("actual", side(have, "del"))}
</div>`;
}

function height({ differing }: Parts): number {
  return differing === "" ? 0 : differing.split("\n").length;
}

/** Empty lines behind what differs, so that what follows stands beside its like. */
function padded(parts: Parts, lines: number): Parts {
  const missing = lines - height(parts);
  const blank = height(parts) === 0 ? Math.max(0, missing - 1) : missing;
  return { ...parts, differing: parts.differing + "\n".repeat(blank) || (missing > 0 ? " " : "") };
}

function repairBlock(finding: Finding): string[] {
  const lines = repairOf(finding);
  return lines.length === 0 ? [] : [figure("repair", escapeHtml(lines.join("\n")))];
}

function figure(title: string, content: string): string {
  return `<figure><figcaption>${title}</figcaption><pre>${content}</pre></figure>`;
}

function marked({ before, differing, after }: Parts, tag: "ins" | "del", glue: string): string {
  const middle = differing === "" ? "" : `<${tag}>${escapeHtml(differing)}</${tag}>`;
  return [escapeHtml(before), middle, escapeHtml(after)].filter((part) => part !== "").join(glue);
}

function list(title: string, items: string[]): string[] {
  if (items.length === 0) return [];
  return [
    `<h2>${title}</h2>\n<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`,
  ];
}
