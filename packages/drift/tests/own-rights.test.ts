/** What an owner may do is listed nowhere: a declared grant to the role that owns the object live is there. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { createProject, dropRole, execute } from "./project.ts";

test("a grant to the owner is no drift, one to the owner of something else is", async () => {
  const role = `drift_test_${randomBytes(4).toString("hex")}`;
  const objects = `
    CREATE TABLE t (id integer, word text);
    CREATE VIEW v AS SELECT id FROM t;
    CREATE SEQUENCE s;
    CREATE TYPE mood AS ENUM ('happy');
    CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE other (id integer);`;
  const grants = [
    "TABLE t",
    "TABLE v",
    "SEQUENCE s",
    "TYPE mood",
    "FUNCTION f()",
    "TABLE other",
  ].map((name) => `GRANT ALL ON ${name} TO ${role};`);
  const columns = `GRANT SELECT (word) ON t TO ${role}; GRANT SELECT (id) ON v TO ${role};`;
  const database = await createDatabase({ template: false });
  const project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql": [objects, ...grants, columns].join("\n"),
  });
  const owned = ["TABLE t", "VIEW v", "SEQUENCE s", "TYPE mood", "FUNCTION f()"].map(
    (name) => `ALTER ${name} OWNER TO ${role};`,
  );
  try {
    await execute(database.url, `CREATE ROLE ${role}; ${objects} ${owned.join(" ")}`);
    const { stdout } = await project.drift(["--format", "json"]);
    const names = JSON.parse(stdout).findings.map(({ name }: { name: string }) => name);
    expect(names).toEqual([`on table public.other to ${role}`]);
    const repaired = await project.drift(["repair", "--apply"]);
    expect(repaired).toMatchObject({ code: 0 });
    expect(await project.drift([])).toMatchObject({ code: 0 });
  } finally {
    await project.remove();
    await database.drop();
    await dropRole(database.url, role);
  }
});
