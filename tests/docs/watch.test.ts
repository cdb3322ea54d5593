/** docs/operations/watch.md, the dashboard and the alerts: what they name is there, with these labels and values. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QUEUES } from "../../src/jobs/jobs.ts";
import { FAMILIES } from "../../src/watch/metrics.ts";
import type { Family } from "../../src/watch/series.ts";
import { groupedBy, selectorsOf } from "../watch/expressions.ts";
import { page, ROOT, tableRows } from "./pages.ts";

const read = (file: string) => readFileSync(join(ROOT, "docs/operations", file), "utf8");
const families = Object.values<Family>(FAMILIES);
const doc = page("docs/operations/watch.md");

type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string };
};
const { groups } = Bun.YAML.parse(read("prometheus-rules.yaml")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

type Target = { expr: string; legendFormat: string };
type Dashboard = {
  panels: { id: number; type: string; title: string; targets?: Target[]; gridPos: object }[];
  templating: { list: { name: string; query: string }[] };
};
const dashboard: Dashboard = JSON.parse(read("grafana-dashboard.json"));
const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map((target) => ({ title, ...target })),
);

/** Labels that Prometheus gives to whatever it reads. */
const OF_PROMETHEUS = ["job", "instance"];
/** What each label may say, where there are few words for it. */
const WORDS = new Map<string, RegExp | readonly string[]>([
  ["status", /^[1-5](\d\d|\.\.)$/],
  ["queue", QUEUES],
  ["route", /^\/[\w/:.*-]*$/],
]);
const source = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT })]
  .map((file) => readFileSync(join(ROOT, file), "utf8"))
  .join("\n");

/** The family of a name as Prometheus has it: of a histogram there are three. */
function familyOf(metric: string): Family | undefined {
  const [, base = metric, part] = /^(.+)_(bucket|sum|count)$/.exec(metric) ?? [];
  const family = families.find(({ name }) => name === (part ? base : metric));
  return family && (family.type === "histogram") === (part !== undefined) ? family : undefined;
}

function faultsOf(expression: string, legend = ""): string[] {
  const selectors = selectorsOf(expression);
  if (selectors.length === 0) return ["asks for nothing"];
  const known = new Set([...OF_PROMETHEUS, "le"]);
  const faults = selectors.flatMap(({ metric, labels }) => {
    const family = familyOf(metric);
    if (metric !== "up" && !family) return [`there is no ${metric}`];
    const names = [...OF_PROMETHEUS, ...(family?.labels ?? [])];
    for (const name of names) known.add(name);
    return labels.flatMap(({ name, operator, value }) => [
      ...(names.includes(name) ? [] : [`${metric} has no label ${name}`]),
      ...wordsOf(operator, value)
        .filter((word) => !isSaid(name, word))
        .map((word) => `${name} is never ${word}`),
    ]);
  });
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = ""]) => name);
  const others = [...groupedBy(expression), ...shown].filter((name) => !known.has(name));
  return [...faults, ...others.map((name) => `nothing has a label ${name}`)];
}

function wordsOf(operator: string, value: string): string[] {
  if (value.startsWith("$")) return [];
  return operator.endsWith("~") ? value.split("|") : [value];
}

/** A word that the code has as a text. */
function isSaid(label: string, word: string): boolean {
  if (OF_PROMETHEUS.includes(label)) return true;
  const words = WORDS.get(label);
  if (words instanceof RegExp) return words.test(word);
  return words
    ? words.includes(word)
    : source.includes(`"${word}"`) || source.includes(` ${word},`);
}

describe("every alert", () => {
  for (const { alert, expr, labels, annotations } of rules)
    test(alert, () => {
      expect(faultsOf(expr)).toEqual([]);
      expect(alert).toStartWith("Tenantry");
      expect(["page", "ticket"]).toContain(labels.severity);
      expect(annotations.summary.length).toBeGreaterThan(10);
      for (const [, name = ""] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
        expect([name, isKept(expr, name)]).toEqual([name, true]);
    });

  test("stands in the page with what to do, and no other does", () => {
    const named = tableRows(doc).flatMap(
      ([cell = ""]) => /^`(Tenantry\w+)`$/.exec(cell)?.[1] ?? [],
    );
    expect(named.sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});

/** A sum keeps the labels that it is by, and what is no sum keeps all. */
function isKept(expression: string, label: string): boolean {
  const isSum = /\b(sum|max|min|histogram_quantile)\b/.test(expression);
  return isSum ? groupedBy(expression).includes(label) : true;
}

describe("every panel", () => {
  for (const { title, expr, legendFormat } of targets)
    test(`${title}: ${legendFormat}`, () => expect(faultsOf(expr, legendFormat)).toEqual([]));

  test("has an id of its own, and what the variables ask for is there", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { query } of dashboard.templating.list.filter(({ query }) => query.includes("(")))
      expect(faultsOf(query)).toEqual([]);
  });
});

test("no family is without a panel or an alert", () => {
  const asked = [...targets.map(({ expr }) => expr), ...rules.map(({ expr }) => expr)]
    .flatMap(selectorsOf)
    .map(({ metric }) => familyOf(metric)?.name);
  const unseen = families.map(({ name }) => name).filter((name) => !asked.includes(name));
  // When a process started is asked for by whoever looks into restarts.
  expect(unseen).toEqual(["process_start_time_seconds"]);
});

test("the page's table has every metric with its type, its labels and what it tells, and no other", () => {
  const rows = tableRows(doc).filter(([cell = ""]) => /^`(tenantry|process)_\w+`$/.test(cell));
  expect(rows.map(([name, type, labels, help]) => [name, type, labels, help])).toEqual(
    families.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(", ") || "–",
      help.replace(/\.$/, ""),
    ]),
  );
});

test("the comparison itself sees what is not there", () => {
  expect(faultsOf("rate(tenantry_nothing_total[5m])")).toEqual([
    "there is no tenantry_nothing_total",
  ]);
  expect(faultsOf('tenantry_logins_total{user="x"}')).toContain(
    "tenantry_logins_total has no label user",
  );
  expect(faultsOf('tenantry_logins_total{outcome="won"}')).toEqual(["outcome is never won"]);
  expect(faultsOf("tenantry_statement_seconds")).toEqual([
    "there is no tenantry_statement_seconds",
  ]);
  expect(faultsOf("sum by (tenant) (tenantry_pool_size)")).toEqual(["nothing has a label tenant"]);
});
