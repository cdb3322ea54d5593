/** The report as one page that needs nothing else. */

import type { Finding } from "../model/finding.ts";
import { qualifiedName } from "../model/object.ts";
import { proofOf } from "../repair/proposal.ts";
import { markLines, markWords, type Parts } from "./mark.ts";
import type { Report } from "./report.ts";
import { comparison, escapeHtml, placeOf, repairOf, verdict } from "./wording.ts";

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#666, #aaa); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: .75rem 1rem; }
article.critical { border-left: 5px solid #d22; } article.major { border-left: 5px solid #e90; } article.minor { border-left: 5px solid #49c; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 0; } p { margin: .25rem 0; color: var(--soft); }
pre { overflow-x: auto; white-space: pre-wrap; margin: .5rem 0 0; font-size: .875rem; }
ins { background: light-dark(#cfc, #254a25); text-decoration: none; } del { background: light-dark(#fcc, #5a2525); text-decoration: none; }`;

export function formatHtml(report: Report): string {
  const { result, counts } = verdict(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(`${result}: ${report.database}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(counts === "" ? result : `${result}: ${counts}`)}</h1>
<p>${escapeHtml(comparison(report))}</p>
${[
  ...report.findings.map(describe),
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
  ...list("Warnings", report.warnings),
].join("\n")}
</body>
</html>
`;
}

function describe(finding: Finding): string {
  const { severity, change, kind } = finding;
  const place = placeOf(finding);
  return `<article class="${severity}">
<h2>${change} ${escapeHtml(kind)} <code>${escapeHtml(qualifiedName(finding))}</code></h2>
<p>${severity}${place ? ` · ${escapeHtml(place)}` : ""}</p>
${[definitions(finding), ...repairBlock(finding)].join("\n")}
</article>`;
}

function definitions({ expected, actual }: Finding): string {
  if (expected === null) return `<pre>actual    ${escapeHtml(actual ?? "")}</pre>`;
  if (actual === null) return `<pre>expected  ${escapeHtml(expected)}</pre>`;
  const byLines = expected.includes("\n") || actual.includes("\n");
  const [want, have] = byLines ? markLines(expected, actual) : markWords(expected, actual);
  const glue = byLines ? "\n" : "";
  return `<pre>expected  ${marked(want, "ins", glue)}</pre>\n<pre>actual    ${marked(have, "del", glue)}</pre>`;
}

function repairBlock(finding: Finding): string[] {
  const lines = repairOf(finding);
  return lines.length === 0 ? [] : [`<pre>${escapeHtml(lines.join("\n"))}</pre>`];
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
