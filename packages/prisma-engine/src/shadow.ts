import pg from "pg";
import { type Datasource, openPool, parseUrl, withDatabase } from "./connection.ts";
import { EngineError } from "./errors.ts";

type Shadow = { pool: pg.Pool; url: URL; close: () => Promise<void> };

/** An empty database to replay migrations in: the one configured, or else one made for the moment. */
export function openShadow({ url, shadowDatabaseUrl }: Datasource): Promise<Shadow> {
  if (!shadowDatabaseUrl) return createShadow(parseUrl(url));
  if (url && isSameDatabase(parseUrl(url), parseUrl(shadowDatabaseUrl))) {
    throw new EngineError(
      "P3014",
      "The shadow database is the main database, which would be emptied. Set SHADOW_DATABASE_URL to another one.",
    );
  }

  return emptyShadow(parseUrl(shadowDatabaseUrl));
}

async function createShadow(main: URL): Promise<Shadow> {
  const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
  const admin = await openPool(main);
  const dropAndClose = async () => {
    await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await admin.end();
  };

  try {
    await admin.query(`CREATE DATABASE "${name}"`);
    const url = withDatabase(main, name);
    const pool = await openPool(url);
    return { pool, url, close: () => pool.end().then(dropAndClose) };
  } catch (err) {
    await dropAndClose();
    throw shadowError(err);
  }
}

async function emptyShadow(url: URL): Promise<Shadow> {
  const pool = await openPool(url);
  await pool.query(EMPTY_DATABASE);
  return { pool, url, close: () => pool.end() };
}

function isSameDatabase(one: URL, other: URL): boolean {
  const [a, b] = [one, other].map((url) => new pg.Client({ connectionString: url.href }));
  return a?.host === b?.host && a?.port === b?.port && a?.database === b?.database;
}

function shadowError(err: unknown): unknown {
  if (!(err instanceof pg.DatabaseError) || err.code !== "42501") return err;
  return new EngineError(
    "P3014",
    `Prisma Migrate could not create the shadow database: ${err.message}. Let the database user create databases, or set SHADOW_DATABASE_URL. Read more at https://pris.ly/d/migrate-shadow`,
  );
}

const EMPTY_DATABASE = `
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  CREATE SCHEMA public;
END $$`;
