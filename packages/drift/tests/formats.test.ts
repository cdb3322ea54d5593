/** How a report reads. */
import { expect, test } from "bun:test";
import type { Finding } from "../src/model/finding.ts";
import { markLines, markWords } from "../src/report/mark.ts";
import type { Report } from "../src/report/report.ts";
import { formatText } from "../src/report/text.ts";

function report(...findings: Partial<Finding>[]): Report {
  const finding: Finding = {
    change: "changed",
    severity: "major",
    kind: "column",
    schema: "public",
    name: "users.email",
    parent: "table public.users",
    expected: null,
    actual: null,
    declaredIn: null,
    line: null,
    repair: [],
    destroys: null,
    unrepaired: null,
  };
  return {
    database: "shop",
    expected: "declared",
    findings: findings.map((given) => ({ ...finding, ...given })),
    repair: null,
    allowed: [],
    staleExceptions: [],
    pending: [],
    faults: [],
    objects: 7,
    warnings: [],
    notes: [],
    drift: findings.length > 0,
  };
}

test("whole words are marked, and not the space before them", () => {
  expect(markWords("text DEFAULT 'a'", "text NOT NULL DEFAULT 'a'")).toEqual([
    { before: "text ", differing: "", after: "DEFAULT 'a'" },
    { before: "text ", differing: "NOT NULL ", after: "DEFAULT 'a'" },
  ]);
  expect(markWords("TABLE", "TABLE FORCED")[1]).toEqual({
    before: "TABLE ",
    differing: "FORCED",
    after: "",
  });
});

test("whole lines are marked in texts of many lines", () => {
  expect(markLines("a\nb\nc\n", "a\nx\ny\nc")).toEqual([
    { before: "a", differing: "b", after: "c" },
    { before: "a", differing: "x\ny", after: "c" },
  ]);
});

test("a long definition is cut to the neighbourhood of what differs", () => {
  const long = "word ".repeat(40);
  const text = formatText(report({ expected: `${long}one ${long}`, actual: `${long}two ${long}` }));
  for (const line of text.split("\n").slice(1, 5)) expect(line.length).toBeLessThan(150);
  expect(text).toContain("word one word");
  expect(text).toContain("word two word");
});

test("a changed body is shown by lines, with a little around them", () => {
  const body = (middle: string) => `FUNCTION f\n1\n2\n3\n${middle}\n4\n5\n6`;
  expect(
    formatText(
      report({ kind: "function", name: "f()", expected: body("old"), actual: body("new") }),
    ),
  ).toContain(
    [
      "major: changed function public.f()",
      "  - expected, + actual",
      "    2",
      "    3",
      "  - old",
      "  + new",
      "    4",
      "    5",
      "",
    ].join("\n"),
  );
});

test("of a long missing definition the first lines are shown", () => {
  const text = formatText(
    report({
      change: "missing",
      expected: Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\n"),
    }),
  );
  expect(text).toContain("line 11\n    … 18 more lines");
});

test("of a repair so much is shown as tells what would be done, and what destroys is said first", () => {
  const repair = [
    "DROP FUNCTION f()",
    "CREATE FUNCTION f()\n  AS 'body'",
    ...["SELECT 1", "SELECT 2", "SELECT 3"],
  ];
  const text = formatText(report({ expected: "a", actual: "b", repair, destroys: "all of it" }));
  expect(text).toContain(
    [
      "  repair    -- DESTRUCTIVE: all of it",
      "            DROP FUNCTION f();",
      "            CREATE FUNCTION f() …",
      "            SELECT 1;",
      "            … 2 more",
      "",
    ].join("\n"),
  );
});

test("colour is only there when asked for", () => {
  const changed = report({ expected: "a", actual: "b" });
  expect(formatText(changed)).not.toContain("\u001b");
  expect(formatText(changed, { colour: true })).toContain(
    "\u001b[33mmajor\u001b[0m: changed column",
  );
});
