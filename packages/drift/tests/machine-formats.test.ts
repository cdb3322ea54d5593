/** The formats that programs read: what they demand is there, and no name or definition can break out of its place. */
import { expect, test } from "bun:test";
import type { Finding } from "../src/model/finding.ts";
import { formatNames, formats } from "../src/report/formats.ts";
import type { Report } from "../src/report/report.ts";

const finding: Finding = {
  change: "changed",
  severity: "critical",
  kind: "materialized view",
  schema: "public",
  name: "totals",
  parent: "schema public",
  expected: "SELECT 1\n100%",
  actual: "SELECT 2",
  declaredIn: "migrations-sql/a b.sql",
  line: 7,
  repair: [
    "DROP MATERIALIZED VIEW public.totals",
    "CREATE MATERIALIZED VIEW public.totals AS\nSELECT 1",
  ],
  destroys: null,
  unrepaired: null,
};
const hostile: Finding = {
  ...finding,
  change: "unexpected",
  severity: "minor",
  kind: "table",
  name: '"</code><script>alert(1)</script>,::error::%0A"',
  expected: null,
  actual: "````\n::error::injected",
  declaredIn: null,
  line: null,
  repair: ['DROP TABLE public."````</pre>"'],
  destroys: "drops the table with its rows",
};
const report: Report = {
  database: "shop",
  expected: "declared",
  findings: [finding, hostile],
  repair: { proved: false, doubt: "<b>&" },
  allowed: [{ key: "index public.a", until: "2999-01-01", reason: "why" }],
  staleExceptions: [
    { at: "migrations-sql/drift.allow:3", key: "index public.b", problem: "expired on 2020-01-01" },
  ],
  pending: ["2_more"],
  faults: [
    { migration: "1_a", fault: "edited", explanation: "It was edited.", mend: "git log -- 1_a" },
  ],
  objects: 12,
  warnings: ["Only the name is compared."],
  notes: [],
  drift: true,
};
const clean: Report = {
  ...report,
  ...{
    findings: [],
    allowed: [],
    staleExceptions: [],
    pending: [],
    faults: [],
    warnings: [],
    notes: [],
  },
  drift: false,
};

test.each(formatNames)("%s ends with one line end and says what was compared", (name) => {
  for (const one of [report, clean]) {
    const text = formats[name](one);
    expect(text).toEndWith("\n");
    expect(text).not.toEndWith("\n\n");
    if (name !== "sarif") expect(text).toContain("shop");
  }
});

test("SARIF 2.1.0: the structure that the standard demands", () => {
  const log = JSON.parse(formats.sarif(report));
  expect(log.version).toBe("2.1.0");
  expect(log.$schema).toContain("sarif-2.1.0");
  expect(log.runs).toHaveLength(1);
  const [{ tool, results, invocations }] = log.runs;
  expect(tool.driver.name).toBe("drift");
  const ids: string[] = tool.driver.rules.map((rule: { id: string }) => rule.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const rule of tool.driver.rules) expect(rule.shortDescription.text).toBeString();
  expect(invocations[0].executionSuccessful).toBe(true);

  expect(results).toHaveLength(3);
  for (const result of results) {
    expect(ids).toContain(result.ruleId);
    expect(["none", "note", "warning", "error"]).toContain(result.level);
    expect(result.message.text).not.toBe("");
    // Code scanning refuses the whole log for one result without a file, so what is declared nowhere has one too.
    expect(result.locations).toHaveLength(1);
    for (const { physicalLocation } of result.locations) {
      expect(physicalLocation.artifactLocation.uri).toMatch(/^[^\s\\]+$/);
      expect(physicalLocation.region.startLine).toBeGreaterThan(0);
    }
  }
  expect(results[0]).toMatchObject({
    ruleId: "changed-materialized-view",
    level: "error",
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "migrations-sql/a%20b.sql" },
          region: { startLine: 7 },
        },
        logicalLocations: [{ fullyQualifiedName: "public.totals", kind: "materialized view" }],
      },
    ],
    properties: { severity: "critical", repair: finding.repair, destroys: null },
  });
  expect(results[0].message.text).toContain("\nrepair: DROP MATERIALIZED VIEW public.totals;\n");
  expect(results[1].level).toBe("warning");
  expect(results[2].locations[0].physicalLocation).toEqual({
    artifactLocation: { uri: "migrations-sql/drift.allow" },
    region: { startLine: 3 },
  });
  expect(JSON.parse(formats.sarif(clean)).runs[0].results).toEqual([]);
});

test("SARIF: a finding keeps its fingerprint while it stays as it is, wherever it is declared", () => {
  const print = (one: Finding) =>
    JSON.parse(formats.sarif({ ...report, findings: [one] })).runs[0].results[0]
      .partialFingerprints;
  expect(print({ ...finding, line: 9, declaredIn: "b.sql" })).toEqual(print(finding));
  expect(print({ ...finding, actual: "SELECT 3" })).not.toEqual(print(finding));
});

test("GitHub: an annotation for each, at file and line, and nothing in a name can begin another", () => {
  const lines = formats.github(report).trimEnd().split("\n");
  expect(lines[0]).toBe(
    "::error file=migrations-sql/a b.sql,line=7,title=changed materialized view public.totals::critical%0Aexpected SELECT 1%0A100%25%0Aactual   SELECT 2",
  );
  expect(lines[1]).toBe(
    '::warning title=unexpected table public."</code><script>alert(1)</script>%2C%3A%3Aerror%3A%3A%250A"::minor%0Aactual   ````%0A\\u003a:error::injected',
  );
  expect(lines[2]).toBe(
    "::error file=migrations-sql/drift.allow,line=3,title=stale exception::index public.b expired on 2020-01-01",
  );
  expect(lines[3]).toStartWith("::warning title=1_a (edited)::It was edited.%0Agit log");
  expect(lines).toHaveLength(5);
});

test("Markdown: a comment that folds, with differences in colour, and nothing in a name is markup", () => {
  const text = formats.markdown(report);
  expect(text).toStartWith("### ❌ Schema: drift\n\n**1 unexpected, 1 changed, 1 stale exception");
  expect(text).toContain("```diff\n- SELECT 1\n- 100%\n+ SELECT 2\n```");
  expect(text).toContain("· critical · migrations-sql/a b.sql:7</summary>");
  expect(text).not.toContain("<script>");
  expect(text).toContain("```sql\nDROP MATERIALIZED VIEW public.totals;\nCREATE MATERIALIZED VIEW");
  expect(text).toContain("`````sql\n-- DESTRUCTIVE: drops the table with its rows\nDROP TABLE");
  expect(text).toContain("Repair: not proved: &lt;b&gt;&amp;.");
  // A fence within the definition cannot end that of the comment.
  expect(text).toContain("`````diff\n+ ````\n+ \\u003a:error::injected\n`````");
  expect(formats.markdown(clean)).toStartWith("### ✅ Schema: no drift\n");
});

test("HTML: one page that loads nothing, and nothing in a name is markup", () => {
  const text = formats.html(report);
  expect(text).toStartWith("<!doctype html>");
  expect(text).not.toContain("<script");
  expect(text).not.toMatch(/(src|href)=/);
  expect(text).toContain("&lt;script&gt;");
  expect(text).toContain('<article class="critical">');
  expect(text).toContain("<pre>DROP MATERIALIZED VIEW public.totals;\nCREATE MATERIALIZED VIEW");
  expect(text).toContain("Repair: not proved: &lt;b&gt;&amp;.");
  // Filters of severity and kind, and colours, without a script.
  expect(text).toContain('<input type="checkbox" id="critical" checked> critical <small>1</small>');
  expect(text).toContain('<input type="checkbox" id="kind-0" checked> materialized view <small>1');
  expect(text).toContain("body:has(#critical:not(:checked)) article.critical { display: none; }");
  expect(text).toContain('<section data-kind="0"><article class="critical">');
  expect(text).toContain('section[data-kind="1"] { display: none; }');
  expect(text).toContain('<input type="radio" name="theme" id="dark">');
  // What differs side by side, line beside line.
  expect(text).toMatch(
    /<div class="sides lines">\n<figure><figcaption>expected[\s\S]*<figcaption>actual/,
  );
  for (const tag of ["article", "section", "figure", "pre", "code", "ul", "form", "body", "html"])
    expect(text.split(`<${tag}`).length).toBe(text.split(`</${tag}>`).length);
});

test("JSON: every part of the report is there, under version 1", () => {
  expect(JSON.parse(formats.json(report))).toEqual({ version: 1, ...report });
});
