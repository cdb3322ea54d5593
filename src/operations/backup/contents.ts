/** What is in a database, so that a backup and what was restored from it can be compared. */
import type pg from "pg";
import type { Head } from "../../audit/seal.ts";

/** All but those of PostgreSQL itself, of extensions and of this connection. A partitioned table is counted by its parts. */
const TABLES = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
  ORDER BY 1`;

/** @param onTable is told which one is being counted. */
export async function countRows(
  client: pg.Client,
  onTable: (name: string) => void,
): Promise<Record<string, number>> {
  // Who owns the tables sees the rows of a tenant in its scope alone; who dumps sees them all.
  await client.query("SELECT set_config('tenantry.scope', 'platform', false)");
  const { rows: tables } = await client.query<{ name: string }>(TABLES);
  const counts: [string, number][] = [];
  for (const { name } of tables) {
    onTable(name);
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::float8 AS count FROM ${name}`,
    );
    counts.push([name, rows[0]?.count ?? 0]);
  }
  return Object.fromEntries(counts);
}

/** Who owns what is there, and who may do something with it. */
const ROLES = `
  WITH objects AS (
    SELECT relowner AS owner, relacl AS acl FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL SELECT nspowner, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT proowner, proacl FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL SELECT defaclrole, defaclacl FROM pg_default_acl)
  SELECT DISTINCT r.rolname::text AS name FROM (
    SELECT owner AS role FROM objects UNION SELECT (aclexplode(acl)).grantee FROM objects
    UNION SELECT unnest(polroles) FROM pg_policy) AS used
    JOIN pg_roles AS r ON r.oid = used.role
  WHERE r.rolname !~ '^pg_' ORDER BY 1`;

export async function rolesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(ROLES);
  return rows.map(({ name }) => name);
}

export async function migrationsOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations
     WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** The last seal of the audit log. */
export async function headOf(client: pg.Client): Promise<Head | null> {
  const { rows } = await client.query<Head>(
    "SELECT seq::float8 AS seq, encode(hash, 'hex') AS hash FROM audit_seals ORDER BY audit_seals.seq DESC LIMIT 1",
  );
  return rows[0] ?? null;
}

/** What of a user is there: of tables, types, functions and schemas one name each, or none in an empty database. */
const FIRST_OBJECT = `
  SELECT name FROM (
    SELECT format('%s %I.%I', CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, nspname, relname) AS name,
      'pg_class'::regclass AS class, c.oid
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('function %I.%I', nspname, proname), 'pg_proc'::regclass, p.oid
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('type %I.%I', nspname, typname), 'pg_type'::regclass, t.oid
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
      WHERE typtype IN ('e', 'd', 'r') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('schema %I', nspname), 'pg_namespace'::regclass, oid FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')) AS objects
  WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = oid AND deptype = 'e')
  ORDER BY 1 LIMIT 1`;

/** Something that is in the database already; null where it is empty, but for extensions. */
export async function firstObject(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ name: string }>(FIRST_OBJECT);
  return rows[0]?.name ?? null;
}
