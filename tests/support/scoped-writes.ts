/** Writing rows as the server's login in a scope, whatever the code above would say of it. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { newId } from "../../src/db/id.ts";

export type Row = Record<string, unknown>;

/** @param of a superuser's pool, and a connection as the server's login: asked for anew by each call. */
export function scopedWrites(of: () => { pool: Pick<pg.Pool, "query">; client: pg.Client }) {
  async function superuser<T extends pg.QueryResultRow = Row>(
    sql: string,
    values: unknown[] = [],
  ): Promise<T[]> {
    return (await of().pool.query<T>(sql, values)).rows;
  }

  /** Tries it as the server's login in a scope, and takes it back. Answers the code of the refusal, else "accepted". */
  async function attempt(scope: string, sql: string, values: unknown[]): Promise<string> {
    await of().client.query("BEGIN");
    try {
      await of().client.query(`SET LOCAL tenantry.scope = '${scope}'`);
      const { rowCount } = await of().client.query(sql, values);
      // What waits for the commit.
      await of().client.query("SET CONSTRAINTS ALL IMMEDIATE");
      return rowCount === 0 ? "nothing to write" : "accepted";
    } catch (err) {
      return err instanceof pg.DatabaseError ? String(err.code) : String(err);
    } finally {
      await of().client.query("ROLLBACK");
    }
  }

  function insert(scope: string, table: string, row: Row): Promise<string> {
    return attempt(
      scope,
      `INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`,
      [row],
    );
  }

  /** Changes the very row, by everything in it that can be compared. */
  function update(scope: string, table: string, row: Row, change: Row): Promise<string> {
    const sets = Object.keys(change).map(
      (column) => `${column} = (jsonb_populate_record(NULL::${table}, $2)).${column}`,
    );
    return attempt(scope, `UPDATE ${table} SET ${sets} WHERE to_jsonb(${table}) = $1`, [
      row,
      change,
    ]);
  }

  /** A row of the table as JSON. */
  async function rowOf(table: string, tenantId: string | null): Promise<Row> {
    const [found] = await superuser<{ row: Row }>(
      `SELECT to_jsonb(${table}) AS row FROM ${table} WHERE tenant_id IS NOT DISTINCT FROM $1 LIMIT 1`,
      [tenantId],
    );
    if (!found) throw new Error(`no row of ${table}: tests/isolation/fill-tenant.ts must make one`);
    return found.row;
  }

  /** The same row with values of its own where they must be unique. */
  async function fresh(table: string, row: Row): Promise<Row> {
    const unique = await superuser<{ name: string; type: string }>(
      `SELECT DISTINCT attname AS name, format_type(atttypid, NULL) AS type
       FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
       WHERE indrelid = $1::regclass AND indisunique AND (attname NOT LIKE '%\\_id' OR atttypid = 'bytea'::regtype) AND attname <> 'permission_key'`,
      [table],
    );
    const values = unique.map(({ name, type }) => {
      if (name === "email") return [name, `${randomBytes(6).toString("hex")}@x.example`];
      if (type === "uuid") return [name, newId()];
      if (type === "bytea") return [name, `\\x${randomBytes(32).toString("hex")}`];
      return [name, `t${randomBytes(6).toString("hex")}`];
    });
    return { ...row, ...Object.fromEntries(values) };
  }

  async function bareAccount({ email }: Row, tenantId: string | null): Promise<string> {
    const id = newId();
    await superuser("INSERT INTO accounts (id, pool_id, email) VALUES ($1, $2, $3)", [
      id,
      tenantId,
      email,
    ]);
    return id;
  }

  /** A row that nothing points to yet, so that no unique index refuses what a key should. */
  async function bareParent(table: string, tenantId: string | null): Promise<string> {
    const row = await fresh(table, await rowOf(table, tenantId));
    if (table === "users") row.account_id = await bareAccount(row, tenantId);
    await superuser(
      `INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`,
      [row],
    );
    return String(row.id);
  }

  return { superuser, attempt, insert, update, rowOf, fresh, bareParent };
}
