/** What stands in DATABASE_URL besides the address: as other systems on Prisma write it. */
import { expect, test } from "bun:test";
import { createPool } from "../../src/db/client.ts";
import { createTestApp, logIn, registerOwner, type TestApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";

async function appWith(query: string): Promise<TestApp> {
  const database = await createDatabase();
  return createTestApp({}, { ...database, appUrl: `${database.appUrl}?${query}` });
}

test.each([
  "schema=public",
  "connection_limit=10&pool_timeout=20",
  "schema=public&pgbouncer=true&connection_limit=10",
])("?%s does no harm", async (query) => {
  const app = await appWith(query);
  try {
    const { email } = await registerOwner(app);
    expect((await logIn(app, email)).accessToken).toBeString();
  } finally {
    await app.close();
  }
});

test("the size of the pool is DATABASE_POOL_SIZE, whatever connection_limit says", async () => {
  const database = await createDatabase();
  const pool = createPool({
    databaseUrl: `${database.url}?connection_limit=1`,
    databasePoolSize: 3,
    databaseTimeoutSeconds: 5,
  });
  await Promise.all(Array.from({ length: 12 }, () => pool.query("SELECT pg_sleep(0.05)")));
  expect(pool.totalCount).toBe(3);
  await pool.end();
  await database.drop();
});

test.each(["require", "verify-full"])(
  "with sslmode=%s nothing is sent to a server without TLS",
  async (mode) => {
    const database = await createDatabase();
    const pool = createPool({
      databaseUrl: `${database.url}?sslmode=${mode}`,
      databasePoolSize: 1,
      databaseTimeoutSeconds: 5,
    });
    await expect(pool.query("SELECT 1")).rejects.toThrow("does not support SSL");
    await pool.end();
    await database.drop();
  },
);
