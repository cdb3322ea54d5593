/** The formats by name. */

import { formatGithub } from "./github.ts";
import { formatHtml } from "./html.ts";
import { formatJson } from "./json.ts";
import { formatMarkdown } from "./markdown.ts";
import type { Report } from "./report.ts";
import { formatSarif } from "./sarif.ts";
import { formatText } from "./text.ts";

export type Format = (report: Report, options?: { colour?: boolean }) => string;

export const formats = {
  text: formatText,
  json: formatJson,
  markdown: formatMarkdown,
  sarif: formatSarif,
  github: formatGithub,
  html: formatHtml,
} as const satisfies Record<string, Format>;

export const formatNames = Object.keys(formats) as (keyof typeof formats)[];
