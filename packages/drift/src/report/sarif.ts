/** SARIF 2.1.0, which code scanning reads. */
import { createHash } from "node:crypto";
import type { Finding } from "../model/finding.ts";
import { keyOf, qualifiedName } from "../model/object.ts";
import type { Report } from "./report.ts";
import { repairOf, titleOf } from "./wording.ts";

const LEVEL = { critical: "error", major: "error", minor: "warning" } as const;
/** How code scanning sorts; its scale is that of CVSS. */
const SECURITY_SEVERITY = { critical: "9.0", major: "6.0", minor: "3.0" } as const;

/**
 * @param options.schemaFile where results are shown that no file declares. GitHub refuses a whole log for one result without a
 * file, so that there is one in any case.
 */
export function formatSarif(
  report: Report,
  { schemaFile = "prisma/schema.prisma" }: { schemaFile?: string } = {},
): string {
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "drift", rules: rulesOf(report.findings) } },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: [
              ...report.warnings.map((text) => ({ level: "warning", message: plain(text) })),
              ...report.notes.map((text) => ({ level: "note", message: plain(text) })),
            ],
          },
        ],
        results: [
          ...report.findings.map((finding) => result(finding, schemaFile)),
          ...report.staleExceptions.map(({ at, key, problem }) => ({
            ruleId: STALE,
            level: "error",
            message: plain(`The exception for ${key} ${problem}.`),
            locations: [location(...splitPlace(at))],
          })),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const STALE = "stale-exception";

function rulesOf(findings: Finding[]) {
  const rules = new Map(
    findings.map((finding) => [
      ruleOf(finding),
      {
        id: ruleOf(finding),
        shortDescription: { text: shortDescription(finding) },
        properties: { tags: ["schema"], "security-severity": SECURITY_SEVERITY[finding.severity] },
      },
    ]),
  );
  const stale = {
    id: STALE,
    shortDescription: { text: "An exception is past its time or needless" },
  };
  return [...rules.values(), stale];
}

function shortDescription({ kind, change }: Finding): string {
  return `${/^[aeio]/.test(kind) ? "An" : "A"} ${kind} is ${change} in the database`;
}

function result(finding: Finding, schemaFile: string) {
  const { kind, severity, expected, actual, declaredIn, line, repair, destroys } = finding;
  return {
    ruleId: ruleOf(finding),
    level: LEVEL[severity],
    message: plain(message(finding)),
    locations: [
      {
        ...location(declaredIn ?? schemaFile, line),
        logicalLocations: [{ fullyQualifiedName: qualifiedName(finding), kind }],
      },
    ],
    partialFingerprints: { "drift/v1": hash(`${keyOf(finding)}\n${expected}\n${actual}`) },
    properties: { severity, expected, actual, repair, destroys },
  };
}

function location(path: string, line: number | null) {
  return {
    physicalLocation: {
      artifactLocation: { uri: path.split(/[\\/]/).map(encodeURIComponent).join("/") },
      region: { startLine: line ?? 1 },
    },
  };
}

function ruleOf({ change, kind }: Finding): string {
  return `${change}-${kind.replaceAll(" ", "-")}`;
}

function message(finding: Finding): string {
  const { expected, actual } = finding;
  return [
    `${titleOf(finding)}`,
    ...(expected === null ? [] : [`expected: ${expected}`]),
    ...(actual === null ? [] : [`actual: ${actual}`]),
    ...repairOf(finding).map((line) => `repair: ${line}`),
  ].join("\n");
}

/** In the text of a message `[text](target)` is a link. */
function plain(text: string): { text: string } {
  return { text: text.replaceAll("](", "]\\u0028") };
}

function splitPlace(at: string): [string, number | null] {
  const [, path = at, line] = /^(.*):(\d+)$/.exec(at) ?? [];
  return [path, line === undefined ? null : Number(line)];
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
