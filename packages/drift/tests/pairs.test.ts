/** What has only another name is one finding, and is renamed; what might be something else is asked about. */
import { afterAll, describe, expect, test } from "bun:test";
import { schemaComparison } from "./compared.ts";

const { client, compared, close } = await schemaComparison();
afterAll(close);

describe("names that mean nothing to a row are given at once", () => {
  const guests = (more: string) => `CREATE TABLE guests (id int PRIMARY KEY, mail text${more})`;
  const cases: [string, string, string, string[], string[]][] = [
    [
      "an index",
      `${guests("")}; CREATE INDEX by_mail ON guests (lower(mail)) WHERE id > 0; COMMENT ON INDEX by_mail IS 'x'`,
      `${guests("")}; CREATE INDEX "By mail" ON guests (lower(mail)) WHERE id > 0; COMMENT ON INDEX "By mail" IS 'x'`,
      ["minor renamed index s.by_mail"],
      ['ALTER INDEX s."By mail" RENAME TO by_mail'],
    ],
    [
      "a key with what refers to it",
      `${guests("")}; CREATE TABLE stays (guest int, CONSTRAINT of_guest FOREIGN KEY (guest) REFERENCES guests)`,
      "CREATE TABLE guests (id int CONSTRAINT other PRIMARY KEY, mail text); CREATE TABLE stays (guest int, CONSTRAINT guest_fk FOREIGN KEY (guest) REFERENCES guests)",
      [
        "minor renamed constraint s.guests.guests_pkey",
        "minor renamed constraint s.stays.of_guest",
      ],
      [
        "ALTER TABLE s.guests RENAME CONSTRAINT other TO guests_pkey",
        "ALTER TABLE s.stays RENAME CONSTRAINT guest_fk TO of_guest",
      ],
    ],
    [
      "a sequence, and the default that takes numbers from it",
      "CREATE SEQUENCE tickets; CREATE TABLE t (id int DEFAULT nextval('tickets'))",
      "CREATE SEQUENCE numbers; CREATE TABLE t (id int DEFAULT nextval('numbers'))",
      ["minor renamed sequence s.tickets"],
      ["ALTER SEQUENCE s.numbers RENAME TO tickets"],
    ],
    [
      "a policy and a trigger",
      "CREATE TABLE t (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER new_one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE POLICY new_rule ON t USING (id > 0)",
      "CREATE TABLE t (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER old_one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE POLICY old_rule ON t USING (id > 0)",
      ["minor renamed policy s.t.new_rule", "minor renamed trigger s.t.new_one"],
      [
        "ALTER POLICY old_rule ON s.t RENAME TO new_rule",
        "ALTER TRIGGER old_one ON s.t RENAME TO new_one",
      ],
    ],
    [
      "a unique index where a constraint is declared",
      guests(", CONSTRAINT one_mail UNIQUE NULLS NOT DISTINCT (mail) INCLUDE (id)"),
      `${guests("")}; CREATE UNIQUE INDEX by_mail ON guests (mail) INCLUDE (id) NULLS NOT DISTINCT`,
      ["major changed constraint s.guests.one_mail"],
      ["ALTER TABLE s.guests ADD CONSTRAINT one_mail UNIQUE USING INDEX by_mail"],
    ],
  ];
  for (const [name, declared, live, findings, sql] of cases)
    test(name, async () => {
      expect(await compared(declared, live)).toEqual({
        findings,
        safe: sql.toSorted((one, other) => order(one) - order(other)),
        destructive: [],
        unresolved: [],
        doubt: null,
      });
    });
  const order = (sql: string) => (sql.startsWith("ALTER TRIGGER") ? 0 : 1);

  test("a constraint where an index is declared is one finding, and the rule holds meanwhile", async () => {
    const { findings, safe, doubt } = await compared(
      `${guests("")}; CREATE UNIQUE INDEX by_mail ON guests (mail, id)`,
      guests(", CONSTRAINT one_mail UNIQUE (mail, id)"),
    );
    expect(findings).toEqual(["minor changed index s.by_mail"]);
    expect(safe).toHaveLength(2);
    expect(doubt).toBeNull();
  });
});

describe("names that mean something are asked about, and keep their rows", () => {
  const shape = (table: string, column: string) => `
    CREATE TABLE ${table} (id serial PRIMARY KEY, ${column} text NOT NULL CHECK (${column} <> ''), parent int REFERENCES ${table});
    CREATE INDEX ON ${table} (${column}); ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON ${table} USING (${column} = CURRENT_USER); COMMENT ON COLUMN ${table}.${column} IS 'c'; GRANT SELECT ON ${table} TO pg_monitor;
    CREATE TABLE notes (id int, target int, FOREIGN KEY (target) REFERENCES ${table}(id))`;

  test("a column with all that names it", async () => {
    const { findings, safe, destructive, doubt } = await compared(
      `${shape("people", "name")}`,
      shape("people", '"fullName"'),
    );
    expect(findings).toEqual([
      "critical renamed column s.people.name",
      "minor renamed constraint s.people.people_name_check",
      "minor renamed index s.people_name_idx",
    ]);
    expect(safe).toHaveLength(2);
    expect(destructive).toEqual(['ALTER TABLE s.people RENAME COLUMN "fullName" TO name']);
    expect(doubt).toBeNull();
  });

  test("a table with its columns, keys, sequence, policies, comments and grants", async () => {
    const { findings, destructive, doubt } = await compared(
      shape("people", "name"),
      shape('"Users"', "name"),
    );
    expect(findings[0]).toMatch(/constraint s\.people\.people_name_check$/);
    expect(findings).toContain("critical renamed table s.people");
    expect(findings).toContain("minor renamed sequence s.people_id_seq");
    expect(findings.filter((finding) => !finding.includes(" renamed "))).toEqual([]);
    expect(destructive).toContain('ALTER TABLE s."Users" RENAME TO people');
    expect(destructive.join("\n")).not.toMatch(/DROP|CREATE/);
    expect(doubt).toBeNull();
  });

  const followers: [string, string, string][] = [
    [
      "the key of partitions",
      "CREATE TABLE t ({c} int, b text) PARTITION BY RANGE ({c}); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2)",
      "s.t1.a",
    ],
    [
      "a statistics object",
      "CREATE TABLE t ({c} int, b text); CREATE STATISTICS st ON {c}, b FROM t",
      "",
    ],
    [
      "a view that has called it so",
      "CREATE TABLE t ({c} int, b text); CREATE VIEW v AS SELECT t.{c} AS a, b FROM t",
      "",
    ],
    [
      "a publication",
      "CREATE TABLE t ({c} int PRIMARY KEY, b text); CREATE PUBLICATION sent FOR TABLE t ({c}, b)",
      "",
    ],
  ];
  for (const [what, sql, inherited] of followers)
    test(`a column takes ${what} with it`, async () => {
      const { findings, safe, destructive, doubt } = await compared(
        sql.replaceAll("{c}", "a"),
        sql.replaceAll("{c}", "z"),
      );
      const renamed = ["s.t.a", ...(inherited ? [inherited] : [])];
      expect(findings).toEqual(renamed.map((name) => `critical renamed column ${name}`));
      expect(safe).toEqual([]);
      expect(destructive).toEqual(["ALTER TABLE s.t RENAME COLUMN z TO a"]);
      expect(doubt).toBeNull();
    });

  test("two that might be it: none is", async () => {
    const { findings } = await compared(
      "CREATE TABLE t (id int, a text)",
      "CREATE TABLE t (id int, b text, c text)",
    );
    expect(findings).toEqual([
      "critical missing column s.t.a",
      "major unexpected column s.t.b",
      "major unexpected column s.t.c",
    ]);
  });

  test("one of another type is another column", async () => {
    const { findings } = await compared("CREATE TABLE t (a text)", "CREATE TABLE t (b int)");
    expect(findings).toEqual(["critical missing column s.t.a", "major unexpected column s.t.b"]);
  });
});

test("a name that cannot be given is none: the one is dropped, and the other made", async () => {
  const { destructive, safe, unresolved, doubt } = await compared(
    "CREATE TABLE t (id int, a text); CREATE TABLE u (b text) ",
    "CREATE TABLE t (id int, z text); CREATE TABLE u (b text); CREATE VIEW v AS SELECT z FROM t",
  );
  expect(unresolved).toEqual([]);
  expect([...safe, ...destructive]).toContain("DROP VIEW s.v");
  expect(doubt).toBeNull();
});

test("a column that is a table's own besides its parent's is another than one that is not", async () => {
  const own =
    "CREATE TABLE base (id int, note text); CREATE TABLE special (note text DEFAULT 'x', more int) INHERITS (base)";
  const inherited =
    "CREATE TABLE base (id int, note text); CREATE TABLE special (more int) INHERITS (base); ALTER TABLE special ALTER note SET DEFAULT 'x'";
  const { findings, safe, doubt } = await compared(own, inherited);
  expect(findings).toEqual(["major missing own column s.special.note"]);
  expect(safe).toEqual([
    "ALTER TABLE s.special NO INHERIT s.base",
    "ALTER TABLE s.special INHERIT s.base",
  ]);
  expect(doubt).toBeNull();
  for (const sql of [own, inherited])
    expect(await compared(sql, sql)).toMatchObject({ findings: [], unresolved: [], doubt: null });
});

test("the name of a NOT NULL counts where one is declared, and nowhere else", async () => {
  const { rows } = await client.query(
    "SELECT current_setting('server_version_num')::int >= 180000 AS new",
  );
  if (!rows[0].new) return; // Before PostgreSQL 18 it had none.
  const own =
    'CREATE TABLE t (id int CONSTRAINT "must be" NOT NULL, "B" int CONSTRAINT has_b NOT NULL)';
  const plain = 'CREATE TABLE t (id int NOT NULL, "B" int CONSTRAINT another NOT NULL)';
  const { findings, safe, doubt } = await compared(own, plain);
  expect(findings).toEqual([
    'minor missing not null s.t."must be"',
    "minor missing not null s.t.has_b",
  ]);
  expect(safe).toHaveLength(2);
  expect(doubt).toBeNull();
  expect((await compared(plain.replace("CONSTRAINT another", ""), own)).findings).toEqual([]);
});
