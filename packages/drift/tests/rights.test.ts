/** Whose rights the code of a compared schema has while the check runs, and what of a project's files reaches the server. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const schema = 'datasource db {\n  provider = "postgresql"\n}\nmodel Note {\n  id Int @id\n}\n';
const table =
  'CREATE TABLE "Note" ("id" INTEGER NOT NULL, CONSTRAINT "Note_pkey" PRIMARY KEY ("id"));';

let database: TestDatabase;
let project: Project;
let role: string;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, { "prisma/schema.prisma": schema });
  role = `drift_test_${randomBytes(4).toString("hex")}`;
  await execute(database.url, `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ${table}`);
});

afterEach(async () => {
  await project.remove();
  const server = await execute(database.url, "SELECT current_database() AS name");
  await execute(database.url, `DROP OWNED BY ${role} CASCADE`);
  await database.drop();
  const other = database.url.replace(`/${server.rows[0].name}`, "/postgres");
  await execute(other, `DROP ROLE ${role}`);
});

function asRole(): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = "x";
  return url.href;
}

async function isSuper(): Promise<boolean> {
  const sql = `SELECT rolsuper FROM pg_roles WHERE rolname = '${role}'`;
  return (await execute(database.url, sql)).rows[0].rolsuper;
}

async function leftRoles(): Promise<string[]> {
  const { rows } = await execute(
    database.url,
    "SELECT rolname FROM pg_roles WHERE rolname ~ '^drift_scratch_' AND NOT EXISTS (SELECT FROM pg_database WHERE datname = rolname)",
  );
  return rows.map(({ rolname }) => rolname);
}

describe("code of somebody who may create tables", () => {
  beforeEach(async () => {
    await execute(database.url, `GRANT CREATE ON SCHEMA public TO ${role}`);
    const escalate = `
      CREATE FUNCTION public.escalate() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
      BEGIN
        BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE 'ALTER ROLE ${role} SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
      END $$;
      CREATE FUNCTION public.trap(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN
        PERFORM public.escalate();
        RETURN n;
      END $$;
      CREATE TABLE public.bait (id int CHECK (public.trap(1) = id));
      CREATE INDEX bait_trap ON public.bait (id) WHERE public.trap(2) = 2;
      CREATE VIEW public.lure AS SELECT public.trap(3) AS n;`;
    await execute(asRole(), escalate);
    await execute(database.url, `ALTER ROLE ${role} NOSUPERUSER`);
  });

  for (const args of [
    [],
    ["repair"],
    ["parity"],
    ["allow", "table public.bait", "--until", "2999-01-01", "--reason", "x"],
  ])
    test(`does not run with the rights of whoever runs drift ${args[0] ?? ""}`, async () => {
      await project.write({ "prisma/migrations/1_init/migration.sql": table });
      const { code, stdout } = await project.drift(args);
      expect(code).not.toBe(1);
      if (args[0] === "repair") expect(stdout).toStartWith("-- Proved");
      expect(await isSuper()).toBe(false);
      expect(await leftRoles()).toEqual([]);
    });

  test("is not taken for PostgreSQL's own, whatever it is called", async () => {
    const calls = (name: string, parameters: string, type: string, value: string) =>
      `CREATE FUNCTION public.${name}(${parameters}) RETURNS ${type} LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN PERFORM public.escalate(); RETURN ${value}; END $$;`;
    const operator = (name: string) =>
      `CREATE OPERATOR public.${name} (FUNCTION = public.alike, LEFTARG = name, RIGHTARG = name);`;
    await execute(
      asRole(),
      [
        calls("alike", "name, name", "bool", "true"),
        calls("quote_ident", "name", "text", "$1::text"),
        calls("count", "name", "int", "1"),
        ...["~", "!~", "~~"].map(operator),
      ].join("\n"),
    );
    for (const args of [[], ["repair"], ["--snapshot"], ["snapshot", "--check"]])
      await project.drift(args);
    expect(await isSuper()).toBe(false);
  });

  test("does not run as part of any kind of object", async () => {
    await execute(
      asRole(),
      `CREATE FUNCTION public.passes(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT public.trap(n) = n';
      CREATE FUNCTION public.adds(n int, m int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.trap(n) + m';
      CREATE FUNCTION public.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.escalate(); RETURN NEW; END $$;
      CREATE AGGREGATE public.total(int) (SFUNC = public.adds, STYPE = int, INITCOND = '0');
      CREATE OPERATOR public.=== (FUNCTION = public.passes, RIGHTARG = int);
      CREATE DOMAIN public.trapped AS int DEFAULT public.trap(1) CHECK (public.passes(VALUE));
      CREATE TYPE public.pair AS (a int, b public.trapped);
      CREATE FUNCTION public.told(public.pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT public.trap(1)::text $$;
      CREATE CAST (public.pair AS text) WITH FUNCTION public.told(public.pair) AS IMPLICIT;
      CREATE TABLE public.kinds (id int DEFAULT public.trap(2), made int GENERATED ALWAYS AS (public.trap(3)) STORED,
        size public.trapped, twin public.pair DEFAULT ROW(1, public.trap(2)), CHECK (OPERATOR(public.===) id),
        EXCLUDE USING btree ((public.trap(id)) WITH =));
      CREATE INDEX ON public.kinds ((public.trap(id)));
      CREATE STATISTICS public.guess ON (public.trap(id)), made FROM public.kinds;
      CREATE TRIGGER fires BEFORE INSERT OR UPDATE ON public.kinds FOR EACH ROW WHEN (public.passes(NEW.id)) EXECUTE FUNCTION public.fires();
      CREATE RULE also AS ON INSERT TO public.kinds DO ALSO SELECT public.trap(4);
      ALTER TABLE public.kinds ENABLE ROW LEVEL SECURITY;
      ALTER TABLE public.kinds FORCE ROW LEVEL SECURITY;
      CREATE POLICY seen ON public.kinds USING (public.passes(id)) WITH CHECK (public.passes(id));
      CREATE MATERIALIZED VIEW public.sums AS SELECT public.total(id) FROM public.kinds;
      CREATE TABLE public.parts (id int) PARTITION BY LIST ((public.trap(id)));
      CREATE TABLE public.part PARTITION OF public.parts FOR VALUES IN (1);
      CREATE COLLATION public.odd (provider = icu, locale = 'und');
      CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.simple);
      CREATE VIEW public._prisma_migrations AS SELECT public.trap(5)::text AS id, 'x'::text AS migration_name, ''::text AS checksum,
        now() AS started_at, now() AS finished_at, NULL::timestamptz AS rolled_back_at;`,
    );
    await execute(database.url, `ALTER ROLE ${role} NOSUPERUSER`);
    expect((await project.drift()).code).toBe(2);
    for (const args of [
      ["--snapshot"],
      ["--no-repair"],
      ["repair"],
      ["parity"],
      ["repair", "--apply", "--allow-destructive"],
    ]) {
      await project.drift(args);
      expect(await isSuper()).toBe(false);
    }
  });

  test("is not run by a repair that is applied", async () => {
    await execute(
      database.url,
      `ALTER TABLE "Note" ALTER COLUMN id TYPE smallint; ALTER TABLE "Note" OWNER TO ${role}`,
    );
    await execute(asRole(), 'ALTER TABLE "Note" ADD CHECK (public.trap(id) = id)');
    await execute(database.url, `ALTER ROLE ${role} NOSUPERUSER`);
    const { code, stderr } = await project.drift(["repair", "--apply"]);
    expect(await isSuper()).toBe(false);
    expect(stderr).toContain(`function public.trap(integer) of ${role}`);
    expect(code).toBe(1);
  });

  test("is not tried where the login can make no role for it", async () => {
    const login = `${role}_login`;
    await execute(
      database.url,
      `CREATE ROLE ${login} LOGIN CREATEDB PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${login}`,
    );
    const url = new URL(database.url);
    url.username = login;
    url.password = "x";
    try {
      const { stdout } = await project.drift(["--database-url", url.href]);
      expect(stdout).toContain("unexpected table public.bait");
      expect(stdout).toContain("objects of other roles, whose code would run with the rights");
      const repair = await project.drift(["repair", "--database-url", url.href]);
      expect(repair.stderr).toContain("No repair could be tried");
      expect(repair.code).toBe(1);
    } finally {
      await execute(database.url, `DROP OWNED BY ${login}; DROP ROLE ${login}`);
    }
  });
});

test("a login that owns all of it needs no other role", async () => {
  await execute(
    database.url,
    `ALTER ROLE ${role} CREATEDB; ALTER TABLE "Note" OWNER TO ${role}; CREATE INDEX z ON "Note" (id)`,
  );
  const { stdout } = await project.drift(["--database-url", asRole()]);
  expect(stdout).toContain("repair: proved");
});

describe("what files do to the whole server", () => {
  const setting =
    "SELECT count(*)::int AS count FROM pg_db_role_setting WHERE 'work_mem=7MB' = ANY (setconfig)";
  const roles = (name: string) =>
    `SELECT count(*)::int AS count FROM pg_roles WHERE rolname = '${name}'`;
  const count = async (sql: string) => (await execute(database.url, sql)).rows[0].count;

  for (const [title, where] of [
    ["of a migration", "prisma/migrations/1_init/migration.sql"],
    ["of hand-written SQL", "migrations-sql/a.sql"],
  ] as const) {
    test(`${title} is seen by the check and does not reach the live server`, async () => {
      const made = `${role}_made`;
      const { rows } = await execute(database.url, "SELECT current_database() AS name");
      const sql = `DO $$ BEGIN CREATE ROLE ${made}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        ALTER DATABASE "${rows[0].name}" SET work_mem = '7MB'; GRANT SELECT ON "Note" TO ${made};`;
      const isMigration = where.startsWith("prisma");
      await project.write({
        [where]: isMigration ? table + sql : sql,
        "migrations-sql/b.sql": "SELECT 1;",
      });
      const { code, stdout, stderr } = await project.drift(isMigration ? ["parity"] : []);
      expect(stderr).not.toContain("error");
      expect(stdout).toContain(`grant on table public."Note" to ${made}`);
      expect(code).toBe(2);
      expect(await count(roles(made))).toBe(0);
      expect(await count(setting)).toBe(0);
    });
  }

  for (const [title, sql] of [
    ["ends its transaction", `BEGIN; CREATE ROLE x_made; COMMIT;`],
    ["ends it and begins another", `COMMIT; ALTER DATABASE postgres SET work_mem = '7MB'; BEGIN;`],
    ["runs a program", "COPY (SELECT 1) TO PROGRAM 'touch /tmp/drift-was-here'"],
    ["writes a file", "COPY (SELECT 1)\n  TO '/tmp/drift-was-here'"],
    ["cannot be in one", "ALTER SYSTEM SET work_mem = '7MB'"],
  ] as const)
    test(`a file that ${title} is refused, unless a server is named`, async () => {
      await project.write({ "migrations-sql/a.sql": sql });
      const { code, stderr } = await project.drift();
      expect(stderr).toContain("migrations-sql/a.sql");
      expect(stderr).toContain("--shadow-url");
      expect(code).toBe(1);
      expect(await count(roles("x_made"))).toBe(0);
      expect(await count(setting)).toBe(0);
    });

  test("a comment may speak of all that", async () => {
    const comments =
      "-- Copy data from 'name' to 'key', with no rollback\n/* CREATE ROLE x_made */";
    await project.write({
      "migrations-sql/a.sql": `${comments}\nCREATE INDEX a ON "Note" (id);`,
    });
    expect((await project.drift(["--no-repair"])).stdout).toContain("drift: 1 missing;");
  });

  test("settings of the database itself, and what must be alone, are as they were", async () => {
    await project.write({
      "migrations-sql/a.sql": `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$;`,
      "migrations-sql/b.sql": 'CREATE INDEX CONCURRENTLY b ON "Note" (id);',
      "migrations-sql/c.sql": 'BEGIN; CREATE INDEX c ON "Note" (id); COMMIT;',
    });
    const { stdout } = await project.drift();
    expect(stdout).toContain("drift: 3 missing;");
    const migrate = await project.drift(["migrate", "--name", "init", "--allow-dangerous"]);
    expect(migrate).toMatchObject({ code: 0 });
  });
});
