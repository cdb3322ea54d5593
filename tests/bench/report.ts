/** What a run came to, for people and for programs. */
import { faultsOfMachine, type Noise } from "./arithmetic.ts";
import type { Fact, Ratio, RowResult, SideResult } from "./measure.ts";
import type { Options } from "./options.ts";

export type Report = {
  startedAt: string;
  /** What was run on: kernel, cores, versions. */
  machine: Record<string, string | number>;
  options: Options;
  noise: Noise;
  rows: RowResult[];
};

/** All ratios of a run, by key. */
export function ratiosOf(rows: readonly RowResult[]): Map<string, number> {
  return new Map(rows.flatMap(({ ratios }) => ratios.map(({ key, ratio }) => [key, ratio])));
}

/** As Markdown: a table of rates, one of ratios, one of single numbers. */
export function toMarkdown(report: Report): string {
  const { rows } = report;
  const ratios = rows.flatMap((row) => row.ratios.map(ratioLine));
  const facts = rows.flatMap(({ facts }) => facts.map(factLine));
  const sides = rows.flatMap((row) => row.sides.map((side, at) => sideLine(row, side, at)));
  return [
    trustLine(report.noise),
    ...table(
      ["request", "who", "requests/s", "p50 ms", "p99 ms", "server CPU µs", "database CPU µs"],
      sides,
    ),
    ...table(["row", "Tenantry to", "ratio", "goal"], ratios),
    ...table(["what", "measured", "goal"], facts),
    ...rows.flatMap(({ key, note }) => (note === undefined ? [] : ["", `${key}: ${note}`])),
  ].join("\n");
}

/** Whether the numbers of a run are to be believed. */
export function trustLine(noise: Noise): string {
  const faults = faultsOfMachine(noise);
  return faults.length === 0
    ? "The machine was quiet."
    : `The machine was too noisy to trust these numbers: ${faults.join("; ")}.`;
}

function table(head: string[], lines: string[][]): string[] {
  if (lines.length === 0) return [];
  return ["", head, head.map(() => "---"), ...lines].map((cells) =>
    typeof cells === "string" ? cells : `| ${cells.join(" | ")} |`,
  );
}

function sideLine({ title, key }: RowResult, side: SideResult, at: number): string[] {
  const { name, rate, p50Millis, p99Millis, serverMicros, databaseMicros } = side;
  const meanwhile = side.meanwhileP99Millis;
  const times = [decimals(p50Millis), decimals(p99Millis)];
  const called =
    meanwhile === undefined ? name : `${name} (p99 of others ${decimals(meanwhile)} ms)`;
  const cpu = [serverMicros, databaseMicros].map((micros) => String(Math.round(micros)));
  return [at === 0 ? `${title} (${key})` : "", called, whole(rate), ...times, ...cpu];
}

function ratioLine({ key, against, ratio, goal }: Ratio): string[] {
  return [key, against, ratio.toFixed(2), goal === undefined ? "" : `≥ ${goal}`];
}

function factLine({ what, value, unit, goal }: Fact): string[] {
  const shown = Number.isInteger(value) || value >= 100 ? whole(value) : decimals(value);
  return [what, `${shown} ${unit}`.trim(), goal ?? ""];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function decimals(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
