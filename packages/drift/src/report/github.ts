/** Workflow commands of GitHub Actions: each finding becomes an annotation at the line that declares the object. */
import type { Finding } from "../model/finding.ts";
import type { Report } from "./report.ts";
import { summaryLine } from "./text.ts";
import { titleOf } from "./wording.ts";

export function formatGithub(report: Report): string {
  const findings = report.findings.map((finding) =>
    command(
      finding.severity === "minor" ? "warning" : "error",
      properties(finding),
      message(finding),
    ),
  );
  const stale = report.staleExceptions.map(({ at, key, problem }) => {
    const [, file = at, line = "1"] = /^(.*):(\d+)$/.exec(at) ?? [];
    return command("error", { file, line, title: "stale exception" }, `${key} ${problem}`);
  });
  const faults = report.faults.map(({ migration, fault, explanation, mend }) =>
    command("warning", { title: `${migration} (${fault})` }, `${explanation}\n${mend}`),
  );
  return [...findings, ...stale, ...faults, summaryLine(report)]
    .map((line) => `${line}\n`)
    .join("");
}

function properties(finding: Finding): Record<string, string> {
  const title = titleOf(finding);
  if (finding.declaredIn === null) return { title };
  return {
    file: finding.declaredIn,
    ...(finding.line !== null && { line: String(finding.line) }),
    title,
  };
}

function message({ severity, expected, actual }: Finding): string {
  return [
    severity,
    ...(expected === null ? [] : [`expected ${expected}`]),
    ...(actual === null ? [] : [`actual   ${actual}`]),
  ].join("\n");
}

/** Escaped as the runner unescapes: a message by line ends, a property also by what ends a property. */
function command(name: string, properties: Record<string, string>, message: string): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `${key}=${escapeData(value).replaceAll(":", "%3A").replaceAll(",", "%2C")}`,
  );
  return `::${name} ${list.join(",")}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
