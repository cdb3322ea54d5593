/** Telling "not now" (503, try again) from a fault of ours (500), with errors that PostgreSQL and the drivers really give. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase as connect, createPool } from "../../src/db/client.ts";
import { isUnavailable, violatesUnique } from "../../src/db/failures.ts";
import { newId } from "../../src/db/id.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let pool: pg.Pool;
let db: ReturnType<typeof connect>;
let admin: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({ databaseUrl: database.url, databasePoolSize: 2, databaseTimeoutSeconds: 1 });
  db = connect(pool);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await admin.end();
  await database.drop();
});

/** What the work fails with. */
async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no failure",
    (err: unknown) => err,
  );
}

/** Ends every other connection as soon as one is at work, or idle in a transaction. */
async function killBusy(state: "active" | "idle in transaction"): Promise<void> {
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = $1 AND query NOT LIKE 'SET %'`;
  while ((await admin.query(sql, [state])).rowCount === 0);
}

const SLEEP = "SELECT pg_sleep(5)";

test("a connection that an administrator ends is unavailability, through pg and through Prisma", async () => {
  for (const work of [() => pool.query(SLEEP), () => db.$executeRawUnsafe(SLEEP)]) {
    const [err] = await Promise.all([failureOf(work()), killBusy("active")]);
    expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
  }
});

test("so is a database that takes no writes, as a standby before it is promoted", async () => {
  const client = await pool.connect();
  await client.query("SET default_transaction_read_only = on");
  const raw = await failureOf(client.query("DELETE FROM tenants"));
  client.release(true);
  const standby = new URL(database.url);
  standby.searchParams.set("options", "-c default_transaction_read_only=on");
  const away = createPool({
    databaseUrl: standby.href,
    databasePoolSize: 1,
    databaseTimeoutSeconds: 1,
  });
  const prisma = connect(away);
  const model = await failureOf(prisma.tenant.deleteMany());
  const statement = await failureOf(prisma.$executeRaw`DELETE FROM tenants`);
  await prisma.$disconnect();
  await away.end();
  for (const err of [raw, model, statement])
    expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
});

test("so is a server that does not answer, whatever was asked of it", async () => {
  const away = createPool({
    databaseUrl: "postgresql://x:y@127.0.0.1:1/z",
    databasePoolSize: 1,
    databaseTimeoutSeconds: 1,
  });
  const client = connect(away);
  const asks = {
    pg: () => away.query("SELECT 1"),
    model: () => client.user.count(),
    raw: () => client.$queryRaw`SELECT 1`,
    write: () => client.$executeRaw`SELECT 1`,
    transaction: () => client.$transaction((tx) => tx.$queryRaw`SELECT 1`),
  };
  for (const [name, ask] of Object.entries(asks)) {
    const err = await failureOf(ask());
    expect([name, String(err), isUnavailable(err)]).toEqual([name, String(err), true]);
  }
  await client.$disconnect();
  await away.end();
});

test("so is a connection that is lost within a transaction", async () => {
  const err = await failureOf(
    db.$transaction(async (tx) => {
      await tx.user.count();
      await killBusy("idle in transaction");
      await tx.user.count();
    }),
  );
  expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
});

test("so are a statement that takes too long and a pool that has no connection free", async () => {
  const sleeps = [
    db.$executeRawUnsafe(SLEEP),
    ...Array.from({ length: 3 }, () => pool.query(SLEEP)),
  ];
  for (const err of await Promise.all(sleeps.map(failureOf))) {
    expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
  }
});

test("so is a transaction that waits too long for its connection, or lasts too long", async () => {
  const hold = (options: object) =>
    failureOf(
      db.$transaction(async (tx) => {
        await tx.$executeRawUnsafe("SELECT pg_sleep(0.3)");
        await tx.user.count();
      }, options),
    );
  const waiting = await Promise.all([hold({}), hold({}), hold({ maxWait: 50 })]);
  expect(waiting.map((err) => (err === "no failure" ? err : isUnavailable(err)))).toEqual([
    "no failure",
    "no failure",
    true,
  ]);
  expect(isUnavailable(await hold({ timeout: 100 }))).toBe(true);
});

test("so is a deadlock, for the one that PostgreSQL chose", async () => {
  const [one, two] = [newId(), newId()];
  await db.tenant.createMany({ data: [one, two].map((id) => ({ id, slug: `t${id}`, name: "A" })) });
  let met = () => {};
  const both = new Promise<void>((resolve) => {
    let arrived = 0;
    met = () => ++arrived === 2 && resolve();
  });
  const cross = (first: string, second: string) =>
    failureOf(
      db.$transaction(async (tx) => {
        await tx.$executeRawUnsafe("SET LOCAL deadlock_timeout = '50ms'");
        await tx.tenant.update({ where: { id: first }, data: { name: "B" } });
        met();
        await both;
        await tx.tenant.update({ where: { id: second }, data: { name: "B" } });
      }),
    );
  const errors = await Promise.all([cross(one, two), cross(two, one)]);
  expect(errors.filter((err) => err !== "no failure").map(isUnavailable)).toEqual([true]);
});

test("so is a server that does not answer", async () => {
  const nobody = createPool({
    databaseUrl: "postgresql://a:b@127.0.0.1:1/c",
    databasePoolSize: 1,
    databaseTimeoutSeconds: 1,
  });
  const prisma = connect(nobody);
  const attempts = [
    nobody.query("SELECT 1"),
    prisma.user.count(),
    prisma.$transaction((tx) => tx.user.count()),
  ].map(failureOf);
  for (const work of attempts) {
    expect(isUnavailable(await work)).toBe(true);
  }
  await nobody.end();
});

test("a row that breaks a rule, a table that is not there and what is no error at all are not unavailability", async () => {
  const id = newId();
  const slug = "connection-terminated";
  await db.tenant.create({ data: { id, slug, name: "A" } });
  const faults = [
    db.tenant.create({ data: { id: newId(), slug: "Connection terminated", name: "A" } }),
    db.tenant.create({ data: { id: newId(), slug, name: "A" } }),
    db.user.create({ data: { id: newId(), email: "a@b.example", tenantId: newId() } }),
    db.$queryRawUnsafe("SELECT * FROM nowhere"),
    pool.query("SELECT 1 / 0"),
  ];
  for (const err of await Promise.all(faults.map(failureOf))) {
    expect([String(err), isUnavailable(err)]).toEqual([String(err), false]);
  }
  expect(
    [new Error("x"), "timeout", null, undefined, { code: "57014" }].map(isUnavailable),
  ).toEqual([false, false, false, false, false]);
});

test("a unique index is told from the others by its name", async () => {
  const id = newId();
  await db.tenant.create({ data: { id, slug: "unique", name: "A" } });
  const slugTaken = await failureOf(
    db.tenant.create({ data: { id: newId(), slug: "unique", name: "A" } }),
  );
  const idTaken = await failureOf(
    db.tenant.create({ data: { id, slug: "slug-of-its-own", name: "A" } }),
  );
  expect([slugTaken, idTaken].map((err) => violatesUnique(err, "tenants_slug_key"))).toEqual([
    true,
    false,
  ]);
  expect([slugTaken, idTaken].map((err) => violatesUnique(err, "tenants_pkey"))).toEqual([
    false,
    true,
  ]);
  expect(violatesUnique(slugTaken, "slug")).toBe(false);
  expect(violatesUnique(new Error("tenants_slug_key"), "tenants_slug_key")).toBe(false);
});
