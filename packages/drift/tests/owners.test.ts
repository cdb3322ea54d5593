/** Owners are compared on request. A trial's role can give nothing away, so that a change of owner is tried elsewhere or not made. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { createProject, dropRole, execute } from "./project.ts";

setDefaultTimeout(60_000);

test("another owner is found, told why it is not mended, and mended on a server that is named", async () => {
  const role = `drift_test_${randomBytes(4).toString("hex")}`;
  const sql = "CREATE FUNCTION f() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';\n";
  const database = await createDatabase({ template: false });
  const project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql": sql,
  });
  const owner = async () => {
    const { rows } = await execute(
      database.url,
      "SELECT proowner::regrole::text AS name FROM pg_proc WHERE proname = 'f'",
    );
    return rows[0].name;
  };
  try {
    await execute(database.url, `CREATE ROLE ${role}; ${sql} ALTER FUNCTION f() OWNER TO ${role}`);
    const refused = await project.drift(["repair", "--apply", "--owners"]);
    expect(refused.stderr).toContain("owner of function public.f() (The role of the trial may do ");
    expect(refused.stderr).toContain("--shadow-url names a server for it");
    expect(refused.code).toBe(1);
    expect(await owner()).toBe(role);
    const args = ["repair", "--apply", "--owners", "--shadow-url", database.url];
    expect(await project.drift(args)).toMatchObject({ code: 0 });
    expect(await owner()).not.toBe(role);
  } finally {
    await project.remove();
    await database.drop();
    await dropRole(database.url, role);
  }
});
