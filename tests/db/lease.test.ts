/** A transaction that is given up while it is at work: nothing of it comes after its end. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import type { PrismaClient } from "../../generated/prisma/client.ts";
import { createPool, createDatabase as prismaOn } from "../../src/db/client.ts";
import { isUnavailable } from "../../src/db/failures.ts";
import { newId } from "../../src/db/id.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let db: PrismaClient;
let admin: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({
    databaseUrl: database.appUrl,
    databasePoolSize: 1,
    databaseTimeoutSeconds: 5,
  });
  db = prismaOn(pool);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION slow()`);
});
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await admin.end();
  await database.drop();
});

async function makeTenant(slug: string): Promise<string> {
  const id = newId();
  await admin.query("INSERT INTO tenants (id, name, slug) VALUES ($1, $2, $2)", [id, slug]);
  return id;
}

test("an operation that goes on after its transaction was rolled back fails as unavailable, and is not told half", async () => {
  const id = await makeTenant("given-up");
  let told: unknown = "nothing";
  const work = acrossTenants(() =>
    db.$transaction(
      // Several statements: the second reads what belongs to what the first has changed.
      async (tx) => {
        told = await tx.tenant.update({
          where: { id },
          data: { name: "changed" },
          include: { users: true },
        });
      },
      { timeout: 200 },
    ),
  );
  const err = await work.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
  expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
  expect(told).toBe("nothing");
  const { rows } = await admin.query("SELECT name FROM tenants WHERE id = $1", [id]);
  expect(rows).toEqual([{ name: "given-up" }]);
});

test("what is sent after the end, or after the connection was given back, does not reach whoever has it next", async () => {
  const first = await pool.connect();
  await acrossTenants(() => first.query("BEGIN"));
  await first.query("SELECT 1");
  await first.query("ROLLBACK");
  expect(await first.query("SELECT 1").catch(isUnavailable)).toBe(true);
  first.release();
  const next = await pool.connect();
  await acrossTenants(() => next.query("BEGIN"));
  await next.query("SELECT 1");
  expect(await first.query("INSERT INTO tenants DEFAULT VALUES").catch(isUnavailable)).toBe(true);
  // Untouched: an error would have ended it.
  expect((await next.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await next.query("COMMIT");
  next.release();
});
