/** Tables that leave the parent that they inherit from, and types that columns have: rows stay what they are. */
import { afterAll, describe, expect, test } from "bun:test";
import { schemaComparison } from "./compared.ts";

const { compared, close } = await schemaComparison();
afterAll(close);

describe("a table that has left its parent comes back with its rows", () => {
  const parent =
    "CREATE TABLE base (id int NOT NULL, note text, CONSTRAINT positive CHECK (id > 0))";
  const gone: [string, string, string][] = [
    [
      "by inheritance",
      `${parent}; CREATE TABLE special (more int) INHERITS (base)`,
      "ALTER TABLE special NO INHERIT base",
    ],
    [
      "as a partition",
      `${parent} PARTITION BY RANGE (id); CREATE TABLE special PARTITION OF base FOR VALUES FROM (1) TO (2000)`,
      "ALTER TABLE base DETACH PARTITION special",
    ],
  ];
  for (const [how, declared, leave] of gone)
    test(how, async () => {
      const { safe, destructive, unresolved, doubt } = await compared(
        declared,
        `${declared}; ${leave}`,
      );
      expect(safe.at(-1)).toMatch(/ (INHERIT s\.base|ATTACH PARTITION s\.special .*)$/);
      expect({ destructive, unresolved, doubt }).toEqual({
        ...{ destructive: [], unresolved: [], doubt: null },
      });
    });

  test("and a CHECK that both have is the table's own only where that is declared", async () => {
    const own = `${parent}; CREATE TABLE special (more int, CONSTRAINT positive CHECK (id > 0)) INHERITS (base)`;
    const inherited = `${parent}; CREATE TABLE special (more int) INHERITS (base)`;
    const { findings, safe, doubt } = await compared(own, inherited);
    expect(findings).toEqual(["major missing own constraint s.special.positive"]);
    expect(safe).toEqual([
      "ALTER TABLE s.special NO INHERIT s.base",
      "ALTER TABLE s.special INHERIT s.base",
    ]);
    expect(doubt).toBeNull();
    expect(await compared(inherited, own)).toMatchObject({ findings: [], doubt: null });
  });

  test("a column that it has of its parent alone goes with the parent's", async () => {
    const { destructive, doubt } = await compared(
      `${parent}; CREATE TABLE special () INHERITS (base)`,
      `${parent}; CREATE TABLE special () INHERITS (base); ALTER TABLE base ADD extra int`,
    );
    expect(destructive).toEqual(["ALTER TABLE s.base DROP COLUMN extra"]);
    expect(doubt).toBeNull();
  });
});

test("an attribute with another name keeps what columns have of it", async () => {
  const type = (name: string) =>
    `CREATE TYPE place AS (x int, "${name}" text); CREATE TABLE t (id int, at place)`;
  const { safe, destructive, doubt } = await compared(type("label"), type("Name"));
  expect(safe).toEqual([]);
  expect(destructive).toEqual(['ALTER TYPE s.place RENAME ATTRIBUTE "Name" TO label']);
  expect(doubt).toBeNull();
});
