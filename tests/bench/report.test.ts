/** What the bench writes, and what it is asked. */
import { describe, expect, test } from "bun:test";
import { toChart } from "./chart.ts";
import { growthTables } from "./growth.ts";
import { summarise } from "./measure.ts";
import { readOptions } from "./options.ts";
import { type Report, ratiosOf, toMarkdown } from "./report.ts";
import { chooseRows } from "./rows/all.ts";

const load = (rate: number) => ({
  ...{ requests: rate, rate, p50Millis: 1, p99Millis: 9 },
  ...{ cpuMicros: { server: 50, database: 5 }, foreignShare: 0 },
});
const report: Report = {
  startedAt: "2026-01-01T00:00:00.000Z",
  machine: { cores: 2 },
  options: readOptions([]),
  noise: { loadAtStart: 0, bareSpread: 0, foreignShare: 0 },
  rows: [
    {
      ...{ key: "me", title: "`GET /v1/auth/me`", note: "a note" },
      sides: [
        { ...summarise("Tenantry", [load(80), load(4000), load(90)]), meanwhileP99Millis: 12.34 },
        summarise("bare pg", [load(100)]),
      ],
      ratios: [{ key: "me", against: "bare pg", goal: 0.85, ratio: 0.8 }],
      facts: [{ what: "memory", value: 119.51, unit: "MB", goal: "< 120" }],
    },
  ],
};

describe("the table", () => {
  const markdown = toMarkdown(report);

  test("has the medians of each side, its ratio beside the goal, and the single numbers", () => {
    expect(markdown).toContain(
      "| `GET /v1/auth/me` (me) | Tenantry (p99 of others 12.3 ms) | 90 | 1.00 | 9.00 | 50 | 5 |",
    );
    expect(markdown).toContain("|  | bare pg | 100 |");
    expect(markdown).toContain("| me | bare pg | 0.80 | ≥ 0.85 |");
    expect(markdown).toContain("| memory | 120 MB | < 120 |");
    expect(markdown).toContain("me: a note");
  });

  test("says first whether it can be trusted", () => {
    expect(markdown).toStartWith("The machine was quiet.");
    const noise = { ...report.noise, foreignShare: 0.5 };
    expect(toMarkdown({ ...report, noise })).toStartWith("The machine was too noisy");
  });

  test("every line of a table has as many cells as its head", () => {
    for (const table of markdown.split("\n\n").filter((part) => part.startsWith("|"))) {
      const cells = table.split("\n").map((line) => line.split("|").length);
      expect(new Set(cells).size).toBe(1);
    }
  });

  test("ratios are found by their keys", () => {
    expect(ratiosOf(report.rows)).toEqual(new Map([["me", 0.8]]));
  });
});

test("the table of growth has a line a request, and says how much dearer it becomes", () => {
  const rows = (database: number) =>
    new Map([
      ["me", summarise("Tenantry", [{ ...load(9000), cpuMicros: { server: 50, database } }])],
    ]);
  const grown = [
    { users: 1000, tenants: 100, rows: rows(50) },
    { users: 10_000, tenants: 100, rows: rows(100) },
    { users: 100_000, tenants: 10, rows: rows(50) },
    { users: 100_000, tenants: 100, rows: rows(250) },
  ];
  const [users, tenants, ...more] = growthTables(grown).split("\n\n");
  expect(users).toStartWith(
    "| request | 1,000 users | 10,000 users | 100,000 users | last to first |",
  );
  expect(users).toContain(
    "| me | 9,000/s, 50 + 50 µs | 9,000/s, 50 + 100 µs | 9,000/s, 50 + 250 µs | 3.0 |",
  );
  expect(tenants).toContain("| me | 9,000/s, 50 + 50 µs | 9,000/s, 50 + 250 µs | 3.0 |");
  expect(more).toEqual([]);
});

describe("the chart", () => {
  const ratio = (value: number) => ({ key: "me", against: "a < b", goal: 1, ratio: value });
  const widthOf = (svg: string) => Number(/<rect[^>]* width="(\d+)"/.exec(svg)?.[1]);

  test("has a bar for each ratio, as long as it is", () => {
    const [half, whole] = [toChart([ratio(0.5)]), toChart([ratio(1)])];
    expect(widthOf(whole)).toBe(2 * widthOf(half));
    expect(toChart([ratio(1), ratio(2)]).match(/<rect/g)).toHaveLength(2);
  });

  test("a bar is as long as its share of the goal, which is at one place for all", () => {
    expect(widthOf(toChart([{ ...ratio(5), goal: 10 }]))).toBe(widthOf(toChart([ratio(0.5)])));
    const { goal: _, ...without } = ratio(0.5);
    expect(widthOf(toChart([without]))).toBe(widthOf(toChart([ratio(0.5)])));
  });

  test("a bar far beyond its goal ends within the picture, and its number says the whole", () => {
    const svg = toChart([ratio(12)]);
    expect(widthOf(svg)).toBe(widthOf(toChart([ratio(2)])));
    expect(svg).toContain(">12.00 of 1</text>");
  });

  test("a ratio below its goal looks different", () => {
    expect(toChart([ratio(0.99)])).toContain('class="short"');
    expect(toChart([ratio(1)])).not.toContain('class="short"');
  });

  test("names are escaped, and there are colours for a dark page", () => {
    expect(toChart([ratio(1)])).toContain("a &lt; b");
    expect(toChart([ratio(1)])).toContain("prefers-color-scheme: dark");
  });
});

describe("the command line", () => {
  test("a form has its numbers, and an option goes before them", () => {
    expect(readOptions([]).users).toBe(100_000);
    expect(readOptions(["--quick", "--audit-rows", "7"])).toMatchObject({
      users: 10_000,
      auditRows: 7,
      check: false,
    });
    expect(readOptions(["--check"]).users).toBe(10_000);
  });

  test("what is no number, and what is no option, is refused", () => {
    expect(() => readOptions(["--users", "many"])).toThrow("--users");
    expect(() => readOptions(["--user", "1"])).toThrow();
  });

  test("rows are chosen by their keys, and an unknown one is refused with those that there are", () => {
    expect(chooseRows(["me", "check"]).map(({ key }) => key)).toEqual(["check", "me"]);
    expect(() => chooseRows(["mee"])).toThrow("check, me");
  });
});
