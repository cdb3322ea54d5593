/** Which changes of a type keep every value: those alone are no danger in a migration, and safe in a repair. */
import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { holdsAll } from "../src/repair/widening.ts";
import { createProject, execute } from "./project.ts";
import { datasource, emailCheck, users, usersProject, usersTable } from "./users-project.ts";

const database = await createDatabase({ template: false });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** As PostgreSQL prints it. */
async function printed(type: string): Promise<string> {
  await client.query(`DROP TABLE IF EXISTS t; CREATE TABLE t (c ${type})`);
  const { rows } = await client.query<{ type: string }>(
    "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'",
  );
  return rows[0]?.type ?? "";
}

describe("every value is kept, and the way back is a danger", () => {
  for (const [from, to, ...values] of [
    ["varchar(2)", "varchar(3)", "ab", "a "],
    ["varchar(2)", "text", "ab", "a "],
    ["varbit(3)", "varbit(4)", "101"],
    ["bit(3)", "varbit", "101"],
    ["cidr", "inet", "10.0.0.0/8"],
    ["smallint", "int", "-32768", "32767"],
    ["int", "bigint", "-2147483648", "2147483647"],
    ["bigint", "numeric", "-9223372036854775808", "9223372036854775807"],
    ["bigint", "numeric(19)", "-9223372036854775808", "9223372036854775807"],
    ["int", "numeric(12,2)", "-2147483648", "2147483647"],
    ["smallint", "real", "-32768", "32767"],
    ["int", "double precision", "-2147483648", "2147483647"],
    ["numeric(4,2)", "numeric(5,2)", "99.99", "-99.99"],
    ["numeric(4,2)", "numeric(6,3)", "99.99", "-99.99"],
    ["numeric(4,2)", "numeric", "99.99", "NaN"],
    ["timestamptz(3)", "timestamptz", "2020-01-01 00:00:00.123+00", "infinity"],
    ["time(0)", "time(3)", "23:59:59"],
    ["varchar(2)[]", "text[]", "{ab,NULL}"],
    ["int[]", "bigint[]", "{1,NULL}"],
  ] as const)
    test(`${from} → ${to}`, async () => {
      const [narrow, wide] = [await printed(from), await printed(to)];
      expect(holdsAll(narrow, wide)).toBe(true);
      expect(holdsAll(wide, narrow)).toBe(false);
      await client.query(`DROP TABLE t; CREATE TABLE t (c ${from}, was ${from})`);
      for (const value of values)
        await client.query(`INSERT INTO t VALUES ('${value}', '${value}')`);
      await client.query(`ALTER TABLE t ALTER c TYPE ${to}`);
      const { rows } = await client.query(
        `SELECT FROM t WHERE c::${from} IS DISTINCT FROM was OR c <> was::${to}`,
      );
      expect(rows).toEqual([]);
    });
});

describe("a danger in both directions", () => {
  for (const [one, other] of [
    ["timestamp", "date"],
    ["timestamp", "timestamptz"],
    ["text", "int"],
    ["text", "uuid"],
    ["char(3)", "char(5)"],
    ["char(3)", "text"],
    ["json", "jsonb"],
    ["real", "double precision"],
    ["int", "numeric(5,2)"],
    ["numeric(5,2)", "numeric(5,3)"],
    ["int", "int[]"],
    ["varchar(3)", "varchar(9)[]"],
    ["interval second(3)", "interval"],
    ["text", 'text COLLATE "C"'],
  ] as const)
    test(`${one} ↔ ${other}`, async () => {
      const [first, second] = [await printed(one), await printed(other)];
      const collated = [first, other.includes("COLLATE") ? `${second} COLLATE "C"` : second];
      const [from = "", to = ""] = collated;
      expect([holdsAll(from, to), holdsAll(to, from)]).toEqual([false, false]);
    });
});

describe("in a migration", () => {
  const { project, migrate } = usersProject();
  const change = (from: string, to: string) =>
    project.write({
      "prisma/schema.prisma": datasource + users(`  extra ${to}`),
      "prisma/migrations/20200101000000_create_users/migration.sql": `${usersTable}ALTER TABLE users ADD extra ${from} NOT NULL;\n${emailCheck}`,
    });

  test("a longer type is written without a word, and a shorter one is called out once", async () => {
    await change("varchar(9)", "String");
    expect(await migrate("widen_users_extra")).toMatchObject({ code: 0 });
    await change("text", "String @db.VarChar(9)");
    const { stderr, code } = await migrate("narrow_users_extra");
    expect(stderr).toContain(
      "danger: changes the type of public.users.extra from text to character varying(9)",
    );
    expect(stderr.match(/danger:/g)).toHaveLength(1);
    expect(code).toBe(1);
  });

  test("one that takes a rewrite says that alone", async () => {
    await change("int", "BigInt");
    const { stderr, code } = await migrate("widen_users_extra");
    expect(stderr).toContain("danger: writes every row of public.users anew");
    expect(stderr.match(/danger:/g)).toHaveLength(1);
    expect(code).toBe(1);
  });
});

test("a repair takes a longer type as safe, and says which table it writes anew", async () => {
  const live = await createDatabase({ template: false });
  const table = (types: string[]) => `CREATE TABLE t (${types.map((type, n) => `c${n} ${type}`)});`;
  const project = await createProject(live.url, {
    "prisma/schema.prisma": datasource,
    "migrations-sql/t.sql": table(["bigint", "varchar(5)"]),
  });
  try {
    await execute(live.url, `${table(["int", "varchar(5)"])} INSERT INTO t VALUES (7, 'seven')`);
    const { stdout, code } = await project.drift(["repair", "--apply"]);
    expect(stdout).toMatch(/-- writes every row of public\.t \(.*\) anew\nALTER TABLE public\.t /);
    expect(code).toBe(0);
    expect((await execute(live.url, "SELECT * FROM t")).rows).toEqual([{ c0: "7", c1: "seven" }]);

    await execute(live.url, "ALTER TABLE t ALTER c1 TYPE varchar(9)");
    const shorter = await project.drift(["repair", "--apply"]);
    expect(shorter.stdout).toContain("DESTRUCTIVE");
    expect(shorter.code).toBe(2);
  } finally {
    await project.remove();
    await live.drop();
  }
});
