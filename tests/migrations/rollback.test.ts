import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { inReadTransaction, readCatalog } from "../../packages/drift/src/catalog/catalog.ts";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const FOLDER = join(import.meta.dir, "..", "..", "prisma", "migrations");

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

test("every migration goes up, down to where it was, and up again to the same schema", async () => {
  for (const migration of shippedMigrations(FOLDER)) {
    const before = await fingerprint();
    await apply(migration, "migration.sql");
    const after = await fingerprint();
    expect(after, `${migration} changes something`).not.toBe(before);
    await apply(migration, "rollback.sql");
    expect(await fingerprint(), `rollback.sql of ${migration}`).toBe(before);
    await apply(migration, "migration.sql");
    expect(await fingerprint(), `${migration} after its rollback`).toBe(after);
  }
});

async function apply(migration: string, file: string): Promise<void> {
  await client.query(readFileSync(join(FOLDER, migration, file), "utf8"));
}

/** Everything that the drift check sees, and who may do what, which it does not see, as text. */
function fingerprint(): Promise<string> {
  return inReadTransaction(client, async () => {
    const objects = await readCatalog(client, ["public", "pgboss", "audit"]);
    const isThere = objects.some(({ kind, name }) => kind === "table" && name === "permissions");
    return [...objects, ...(isThere ? await grants() : [])]
      .map((object) => JSON.stringify(object))
      .sort()
      .join("\n");
  });
}

async function grants(): Promise<object[]> {
  const { rows } = await client.query(`
    SELECT permissions.key, permissions.description, roles.name FROM public.permissions
    LEFT JOIN public.role_permissions ON permission_key = key LEFT JOIN public.roles ON roles.id = role_id`);
  return rows;
}
