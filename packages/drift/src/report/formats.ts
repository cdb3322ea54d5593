/** The formats by name. */

import { formatGithub } from "./github.ts";
import { formatHtml } from "./html.ts";
import { formatJson } from "./json.ts";
import { formatMarkdown } from "./markdown.ts";
import type { Report } from "./report.ts";
import { formatSarif } from "./sarif.ts";
import { formatText } from "./text.ts";
import { visibleReport } from "./visible-report.ts";

export type Format = (
  report: Report,
  options?: { colour?: boolean; schemaFile?: string },
) => string;

/** JSON is for programs, which get names as they are; all else is read by people or obeyed by machines. */
export const formats = {
  text: ofVisible(formatText),
  json: formatJson,
  markdown: ofVisible(formatMarkdown),
  sarif: ofVisible(formatSarif),
  github: ofVisible(formatGithub),
  html: ofVisible(formatHtml),
} as const satisfies Record<string, Format>;

export const formatNames = Object.keys(formats) as (keyof typeof formats)[];

function ofVisible(format: Format): Format {
  return (report, options) => format(visibleReport(report), options);
}
