/** A statement with its scope in one packet: what is sent, what comes back, and what a failure within leaves behind. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { createDatabase as connect, createPool } from "../../src/db/client.ts";
import { isStatementTimeout, isUnavailable } from "../../src/db/failures.ts";
import { newId } from "../../src/db/id.ts";
import { acrossTenants, inTenant, withStatementLimit } from "../../src/db/scope.ts";
import type { ScopedPool } from "../../src/db/scoped-pool.ts";
import { named } from "../../src/db/statement-names.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const TENANT = newId();
const SCOPE = "SELECT current_setting('tenantry.scope', true) AS scope";
const ASK = { name: "any", text: "SELECT $1::int AS n", values: [7] };

let database: TestDatabase;
/** One connection: what one statement leaves behind, the next one finds. */
let pool: ScopedPool;
let db: ReturnType<typeof connect>;
const names = {
  inUse: true,
  lost: [] as string[],
  heard: (code = "") => void names.lost.push(code),
};

beforeAll(async () => {
  database = await createDatabase();
  await database.query(
    "CREATE TABLE things (n int UNIQUE DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON things TO tenantry_app",
  );
});
beforeEach(async () => {
  await db?.$disconnect();
  await pool?.end();
  const options = { databaseUrl: database.appUrl, databasePoolSize: 1, databaseTimeoutSeconds: 5 };
  names.inUse = true;
  names.lost = [];
  pool = createPool(options, names);
  db = connect(pool);
});
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.drop();
});

const scoped = <T>(work: () => PromiseLike<T>) => inTenant(TENANT, work);
const codeOf = (err: { code?: string }) => err.code ?? String(err);
const pidOf = async () => (await pool.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;

/** No scope, no transaction, no limit is left, and it is the same connection still where `pid` says so. */
async function expectClean(pid?: number): Promise<void> {
  const { rows } = await pool.query(
    `${SCOPE}, current_setting('tenantry.account', true) AS account, current_setting('statement_timeout') AS "limit", pg_backend_pid() AS pid`,
  );
  expect(rows[0]).toMatchObject({ limit: "5s" });
  expect([rows[0].scope || "", rows[0].account || ""]).toEqual(["", ""]);
  if (pid !== undefined) expect(rows[0].pid).toBe(pid);
  expect((await scoped(() => pool.query(SCOPE))).rows).toEqual([{ scope: TENANT }]);
}

/** How often something is written to the socket of the only connection. */
async function writesOf(work: () => Promise<unknown>): Promise<number> {
  const client = (await pool.connect()) as pg.PoolClient;
  const { stream } = client.connection;
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  client.release();
  let writes = 0;
  const counted = (...args: unknown[]) => {
    writes += 1;
    return write(...args);
  };
  Object.assign(stream, { write: counted });
  await work().finally(() => Object.assign(stream, { write }));
  return writes;
}

for (const inUse of [true, false])
  test(`one write for a statement and its scope, and three for a transaction of two, ${inUse ? "with" : "without"} names`, async () => {
    names.inUse = inUse;
    const one = () => scoped(() => pool.query(ASK));
    const plain = () => pool.plain(ASK);
    const prisma = () => scoped(() => db.user.findFirst({ select: { id: true } }));
    const two = () =>
      scoped(() =>
        db.$transaction(async (tx) => {
          await tx.user.findFirst({ select: { id: true } });
          await tx.user.findFirst({ select: { email: true } });
        }),
      );
    for (const warm of [one, plain, prisma, two]) await warm();
    expect(await writesOf(one)).toBe(1);
    expect(await writesOf(plain)).toBe(1);
    expect(await writesOf(prisma)).toBe(1);
    expect(await writesOf(two)).toBe(3);
  });

test("the answer is that of the statement alone: rows, counts, none, an empty text", async () => {
  await scoped(async () => {
    expect((await pool.query(ASK)).rows).toEqual([{ n: 7 }]);
    expect(await pool.query("VALUES (1, 'a'), (2, 'b')")).toMatchObject({
      rowCount: 2,
      command: "SELECT",
    });
    expect(await pool.query({ ...ASK, rowMode: "array" } as pg.QueryConfig)).toMatchObject({
      rows: [[7]],
    });
    expect((await pool.query("SELECT 1 AS one WHERE false")).rows).toEqual([]);
    expect(await pool.query("INSERT INTO things VALUES ($1), ($2)", [101, 102])).toMatchObject({
      rowCount: 2,
      rows: [],
    });
    expect((await pool.query("")).rows).toEqual([]);
    expect(await pool.query("BEGIN").then(() => "begun")).toBe("begun");
  });
  await expectClean();
});

for (const inUse of [true, false])
  test(`a statement behind another one sees what that did, in one write and one transaction, ${inUse ? "with" : "without"} names`, async () => {
    names.inUse = inUse;
    const pid = await pidOf();
    const text = "SELECT set_config('tenantry.held', ($1::int[])[2]::text, true)";
    const first = { ...named(text), values: [[1, 9]] };
    const held = { ...named("SELECT current_setting('tenantry.held', true) AS held"), values: [] };
    const behind = () => scoped(() => pool.behind(first, held));
    expect((await behind()).rows).toEqual([{ held: "9" }]);
    let rows: unknown;
    expect(await writesOf(async () => ({ rows } = await behind()))).toBe(1);
    expect(rows).toEqual([{ held: "9" }]);
    // Of the connection nothing is left; of two statements that fail neither is done.
    expect((await scoped(() => pool.query(held))).rows).toEqual([{ held: "" }]);
    for (const [one, other] of [
      ["INSERT INTO things VALUES (601)", "SELECT 1 / 0"],
      ["SELECT 2 / 0", "INSERT INTO things VALUES (602)"],
    ] as const) {
      const failing = () =>
        pool.behind({ ...named(one), values: [] }, { ...named(other), values: [] });
      for (let time = 0; time < 2; time += 1)
        expect(await scoped(failing).catch(codeOf)).toBe("22012");
    }
    expect((await pool.query("SELECT FROM things WHERE n > 600")).rowCount).toBe(0);
    await expectClean(pid);
  });

test("a statement that cannot be parsed fails so each time, and works once it can; its name is not taken for known", async () => {
  const text = "SELECT n FROM later";
  const ask = () => scoped(() => pool.query({ name: "later", text }));
  for (let time = 0; time < 3; time += 1) expect(await ask().catch(codeOf)).toBe("42P01");
  await database.query("CREATE TABLE later AS SELECT 1 AS n; GRANT ALL ON later TO tenantry_app");
  expect((await ask()).rows).toEqual([{ n: 1 }]);
  const inside = () =>
    scoped(() => db.$transaction((tx) => tx.$queryRawUnsafe("SELECT n, n FROM never")));
  for (let time = 0; time < 3; time += 1) await expect(inside()).rejects.toThrow("never");
  expect(names.lost).not.toContain("26000");
  expect(names.lost).not.toContain("42P05");
  await expectClean();
});

test("a scope that PostgreSQL refuses fails the statement, which is not done", async () => {
  const pid = await pidOf();
  const insert = () => pool.query("INSERT INTO things VALUES (201)");
  const refused = () => scoped(() => withStatementLimit(-5, insert));
  for (let time = 0; time < 2; time += 1) expect(await refused().catch(codeOf)).toBe("22023");
  const begun = scoped(() =>
    withStatementLimit(-5, () =>
      db.$transaction((tx) => tx.$executeRaw`INSERT INTO things VALUES (201)`),
    ),
  );
  await expect(begun).rejects.toThrow("-5");
  expect((await pool.query("SELECT FROM things WHERE n = 201")).rowCount).toBe(0);
  await expectClean(pid);
});

test("what fails as the packet commits fails the statement", async () => {
  const pid = await pidOf();
  const insert = () => scoped(() => pool.query("INSERT INTO things VALUES (301), (301)"));
  expect(await insert().catch(codeOf)).toBe("23505");
  await expectClean(pid);
});

test("the limit of a statement holds for it and for no other", async () => {
  const pid = await pidOf();
  const sleep = () => withStatementLimit(50, () => pool.query("SELECT pg_sleep(3)"));
  const err = await scoped(sleep).catch((err) => err);
  expect(isStatementTimeout(err)).toBe(true);
  const begun = () =>
    withStatementLimit(50, () =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT 1`;
        await tx.$executeRaw`SELECT pg_sleep(3)`;
      }),
    );
  expect(isStatementTimeout(await scoped(begun).catch((err) => err))).toBe(true);
  await scoped(() => withStatementLimit(50, () => pool.query("SELECT")));
  await scoped(() => pool.query("SELECT pg_sleep(0.1)"));
  await expectClean(pid);
});

test("after a change of a table below a prepared statement it fails once, and the connection is replaced", async () => {
  await database.query(
    "CREATE TABLE changing AS SELECT 1 AS n; GRANT ALL ON changing TO tenantry_app",
  );
  const ask = () => scoped(() => pool.query({ name: "all", text: "SELECT * FROM changing" }));
  await ask();
  await database.query("ALTER TABLE changing ADD COLUMN m int");
  expect(await ask().catch(codeOf)).toBe("0A000");
  expect((await ask()).rows).toEqual([{ n: 1, m: null }]);
  await expectClean();
});

test("a connection that is ended in between is an outage for the one who uses it, and replaced", async () => {
  const ended = [
    () => pool.query("SELECT pg_terminate_backend(pg_backend_pid())"),
    () => db.$transaction((tx) => tx.$executeRaw`SELECT pg_terminate_backend(pg_backend_pid())`),
  ];
  for (const work of ended) {
    const err = await acrossTenants(work as () => Promise<unknown>).catch((err) => err);
    expect([String(err), isUnavailable(err)]).toEqual([String(err), true]);
    await expectClean();
  }
});

test("who gives a connection back within a transaction takes its scope along", async () => {
  for (const first of [[], [SCOPE]]) {
    await scoped(async () => {
      const client = await pool.connect();
      await client.query("BEGIN");
      for (const text of first) await client.query(text);
      client.release();
    });
    await expectClean();
  }
});

test("a transaction of nothing ends as it begins, and one that is rolled back leaves nothing", async () => {
  const pid = await pidOf();
  await scoped(() => db.$transaction(async () => {}));
  const undone = scoped(() =>
    db.$transaction(async (tx) => {
      await tx.$executeRaw`INSERT INTO things VALUES (401)`;
      throw new Error("not after all");
    }),
  );
  await expect(undone).rejects.toThrow("not after all");
  expect((await pool.query("SELECT FROM things WHERE n = 401")).rowCount).toBe(0);
  await expectClean(pid);
});

test("names that come and go change nothing but names", async () => {
  for (const inUse of [true, false, true, false, true]) {
    names.inUse = inUse;
    for (let time = 0; time < 2; time += 1) {
      expect((await scoped(() => pool.query(ASK))).rows).toEqual([{ n: 7 }]);
      const inside = await scoped(() => db.$transaction((tx) => tx.$queryRawUnsafe(SCOPE)));
      expect(inside).toEqual([{ scope: TENANT }]);
    }
  }
  expect(names.lost).toEqual([]);
  await expectClean();
});
