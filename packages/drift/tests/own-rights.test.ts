/** Grants to the owner of an object, which are listed nowhere, and to the login of the check, which is there for that. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { readFingerprints } from "../src/commands/fingerprint.ts";
import { createProject, dropRole, execute } from "./project.ts";

setDefaultTimeout(60_000);

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

describe("grants to the login of the check", () => {
  const declared = "CREATE TABLE t (id serial, word text); CREATE VIEW v AS SELECT 1 AS id;";
  const reading = (role: string) =>
    `GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}; GRANT SELECT (word) ON t TO ${role};
     GRANT SELECT ON SEQUENCE t_id_seq TO ${role}; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${role};
     DO $do$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO ${role}', current_database()); END $do$;`;

  /** What the check says when the login makes it, and names of what it finds. */
  async function checked({
    grants,
    more = "",
  }: {
    grants: (role: string) => string;
    more?: string;
  }) {
    const role = `drift "test" to ${randomBytes(4).toString("hex")}`;
    const quoted = `"${role.replaceAll('"', '""')}"`;
    const database = await createDatabase({ template: false });
    const project = await createProject(database.url, {
      "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
      "migrations-sql/a.sql": declared + more.replaceAll("reader", quoted),
    });
    try {
      await execute(database.url, `CREATE ROLE ${quoted} LOGIN PASSWORD 'x'`);
      await execute(database.url, declared + grants(quoted));
      const shadow = ["--shadow-url", database.url];
      const own = new URL(database.url);
      own.username = encodeURIComponent(role);
      own.password = "x";
      expect(await project.drift(["snapshot", ...shadow])).toMatchObject({ code: 0 });
      const args = ["--snapshot", "--format", "json", "--database-url", own.href];
      const { stdout, code } = await project.drift(args);
      const file = `${project.folder}/migrations-sql/drift.snapshot.json`;
      const { live, expected } = await readFingerprints(own.href, file);
      const { findings, notes } = JSON.parse(stdout);
      const names = findings.map(({ name }: { name: string }) => name.replace(quoted, "reader"));
      return { code, names, notes, isSame: live === expected };
    } finally {
      await project.remove();
      await database.drop();
      await dropRole(database.url, quoted);
    }
  }

  test("that let it read are left out, and counted", async () => {
    expect(await checked({ grants: reading })).toEqual({
      ...{ code: 0, names: [], isSame: true },
      notes: ["Left out, since no file speaks of this login: what lets it read, in 7 grants."],
    });
  });

  test("that let it do more, or pass them on, are found", async () => {
    const grants = (role: string) =>
      `GRANT SELECT, INSERT ON t TO ${role}; GRANT SELECT ON v TO ${role} WITH GRANT OPTION; GRANT USAGE ON SEQUENCE t_id_seq TO ${role};`;
    const { code, names } = await checked({ grants });
    expect(names.sort()).toEqual([
      "on sequence public.t_id_seq to reader",
      "on table public.t to reader",
      "on view public.v to reader",
    ]);
    expect(code).toBe(2);
  });

  test("are held to what is declared where a file gives it anything", async () => {
    const { names } = await checked({
      grants: (role) => `GRANT SELECT ON t, v TO ${role};`,
      more: "GRANT SELECT ON t TO reader;",
    });
    expect(names).toEqual(["on view public.v to reader"]);
  });
});
