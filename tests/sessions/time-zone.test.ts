import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createTestApp, logIn, registerOwner, type TestApp } from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let client: pg.Client;
let app: TestApp;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`ALTER DATABASE ${database.name} SET TimeZone = 'Asia/Tokyo'`);
  app = await createTestApp({ DATABASE_URL: database.appUrl });
});
afterAll(async () => {
  await app.close();
  await client.end();
  await database.drop();
});

test("times are right on a server that is set to another time zone: those that expire and revoke above all", async () => {
  const owner = await registerOwner(app);
  const { accessToken } = await logIn(app, owner.email);
  await app.call("POST /v1/auth/logout", { token: accessToken });
  const { rows } = await client.query(`
    SELECT max(abs(extract(epoch FROM now() - created_at))) < 60 AS created,
      max(abs(extract(epoch FROM now() - revoked_at))) < 60 AS revoked,
      max(abs(extract(epoch FROM now() + interval '30 days' - idle_expires_at))) < 60 AS idle
    FROM sessions`);
  expect(rows).toEqual([{ created: true, revoked: true, idle: true }]);
});
