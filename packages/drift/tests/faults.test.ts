/** Faults of a history are told apart, and each comes with what mends it. */
import { expect, test } from "bun:test";
import type { HistoryRow } from "../src/database/migrations-table.ts";
import { faultsOf } from "../src/project/faults.ts";
import type { Migration } from "../src/project/files.ts";

const migration = (name: string): Migration => ({
  ...{ name, path: `prisma/migrations/${name}/migration.sql`, sql: "", checksums: ["lf", "crlf"] },
});
const row = (
  name: string,
  outcome: HistoryRow["outcome"] = "applied",
  checksum = "lf",
): HistoryRow => ({
  ...{ name, outcome, checksum, startedAt: new Date() },
});
const faults = (names: string[], history: HistoryRow[]) =>
  faultsOf(names.map(migration), history).map(({ migration, fault, mend }) => ({
    ...{ fault: `${migration}: ${fault}`, mend },
  }));

test("a history that is as it should be, or has not gone as far, has none", () => {
  expect(faults(["1_a", "2_b", "3_c"], [row("1_a"), row("2_b", "applied", "crlf")])).toEqual([]);
});

test("edited after it was applied: the file has another checksum", () => {
  const [found] = faults(["1_a"], [row("1_a", "applied", "other")]);
  expect(found?.fault).toBe("1_a: edited");
  expect(found?.mend).toStartWith("git log --oneline -- prisma/migrations/1_a/migration.sql");
});

test("failed half-way, and no longer once it was resolved or tried again", () => {
  const [found] = faults(["1_a"], [row("1_a", "failed")]);
  expect(found?.fault).toBe("1_a: failed");
  expect(found?.mend).toStartWith("npx prisma migrate resolve --rolled-back 1_a");
  expect(faults(["1_a"], [row("1_a", "failed"), row("1_a")])).toEqual([]);
});

test("a folder that is gone is told from a database that is ahead", () => {
  const found = faults(["1_a", "3_c"], [row("1_a"), row("2_b"), row("3_c"), row("4_d")]);
  expect(found.map(({ fault }) => fault)).toEqual(["2_b: missing", "4_d: unknown"]);
  expect(found[0]?.mend).toContain("git log --oneline --diff-filter=D -- '*/2_b/migration.sql'");
  expect(found[1]?.mend).toStartWith("git pull");
});

test("applied out of order", () => {
  const [found] = faults(["1_a", "2_b"], [row("2_b"), row("1_a")]);
  expect(found?.fault).toBe("1_a: out of order");
  expect(found?.mend).toStartWith("tenantry-drift parity");
});

test("about to be applied out of order: it gets a name that comes last", () => {
  const [found] = faults(["20250101000000_late", "20250102000000_b"], [row("20250102000000_b")]);
  expect(found?.fault).toBe("20250101000000_late: out of order");
  expect(found?.mend).toStartWith(
    "mv prisma/migrations/20250101000000_late prisma/migrations/20250102000001_late",
  );
});

test("rolled back, and waiting for the next deploy", () => {
  const [found] = faults(["1_a", "2_b"], [row("1_a", "rolled back"), row("2_b")]);
  expect(found?.fault).toBe("1_a: rolled back");
  expect(faults(["1_a"], [row("1_a", "rolled back"), row("1_a")])).toEqual([]);
  expect(faults([], [row("1_a", "rolled back")])).toEqual([]);
});
