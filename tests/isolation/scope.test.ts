/** The scope that statements carry, and the fence of the Prisma extension above row-level security. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Prisma } from "../../generated/prisma/client.ts";
import { parseConfig } from "../../src/config.ts";
import { createDatabase as connect, createPool } from "../../src/db/client.ts";
import { newId } from "../../src/db/id.ts";
import { acrossTenants, inTenant, withDeleted } from "../../src/db/scope.ts";
import type { ScopedPool } from "../../src/db/scoped-pool.ts";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";

let app: TestApp;
let pool: ScopedPool;
let db: ReturnType<typeof connect>;
let a: Awaited<ReturnType<typeof registerOwner>>;
let b: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  app = await createTestApp();
  [a, b] = [await registerOwner(app), await registerOwner(app)];
  const config = parseConfig({
    NODE_ENV: "test",
    DATABASE_URL: app.database.appUrl,
    DATABASE_POOL_SIZE: "4",
    SECRET_KEY: randomBytes(32).toString("base64"),
  });
  pool = createPool(config);
  db = connect(pool);
});
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await app.close();
});

const SCOPE = "SELECT current_setting('tenantry.scope', true) AS scope";

async function scopeOf(work: () => Promise<{ rows: { scope: string }[] }>): Promise<string> {
  return (await work()).rows[0]?.scope ?? "";
}

describe("R60: the scope", () => {
  test("goes with single statements, transactions, Prisma's queries and its raw ones", async () => {
    await inTenant(a.tenantId, async () => {
      expect(await scopeOf(() => pool.query(SCOPE))).toBe(a.tenantId);
      expect(await db.$queryRawUnsafe<object[]>(SCOPE)).toEqual([{ scope: a.tenantId }]);
      const inside = await db.$transaction((tx) => tx.$queryRawUnsafe<object[]>(SCOPE));
      expect(inside).toEqual([{ scope: a.tenantId }]);
      expect((await db.user.findMany()).map(({ tenantId }) => tenantId)).toEqual([a.tenantId]);
    });
    expect(await acrossTenants(() => scopeOf(() => pool.query(SCOPE)))).toBe("platform");
  });

  test("ends with its transaction: the next user of the connection has none", async () => {
    await inTenant(a.tenantId, () =>
      Promise.all(Array.from({ length: 8 }, () => pool.query(SCOPE))),
    );
    for (let n = 0; n < 8; n++) expect(await scopeOf(() => pool.query(SCOPE))).toBe("");
    await acrossTenants(() => pool.query("SELECT 1 / 0")).catch(() => {});
    for (let n = 0; n < 8; n++) expect(await scopeOf(() => pool.query(SCOPE))).toBe("");
  });

  test("of two hundred calls at once is each one's own", async () => {
    const calls = Array.from({ length: 200 }, async (_, n) => {
      const { tenantId } = n % 2 === 0 ? a : b;
      return inTenant(tenantId, async () => {
        await Bun.sleep(Math.random() * 5);
        const [user, raw, inner] = await Promise.all([
          db.user.findFirst({ select: { tenantId: true } }),
          pool.query(SCOPE),
          db.$transaction(async (tx) => {
            await Bun.sleep(Math.random() * 5);
            return tx.sessionUser.findMany({ select: { tenantId: true } });
          }),
        ]);
        return [user?.tenantId, raw.rows[0]?.scope, ...inner.map((row) => row.tenantId)].every(
          (id) => id === tenantId,
        );
      });
    });
    expect((await Promise.all(calls)).every(Boolean)).toBe(true);
  });

  test("names the account of the session beside it, or says that there is none", async () => {
    const account = async () =>
      (await pool.query("SELECT current_setting('tenantry.account', true) AS account")).rows[0]
        ?.account;
    expect(await inTenant(a.tenantId, account, a.id)).toBe(a.id);
    expect(await inTenant(a.tenantId, account)).toBe("none");
    // What is looked up for all tenants is nobody's own.
    expect(await inTenant(a.tenantId, () => acrossTenants(account), a.id)).toBe("none");
    expect(await account()).toBe("");
    const own = () => db.account.findMany({ select: { id: true } });
    expect(await inTenant(a.tenantId, own, a.id)).toEqual([{ id: a.id }]);
    expect(await inTenant(a.tenantId, own, b.id)).toEqual([{ id: b.id }]);
    expect(await inTenant(a.tenantId, own)).toEqual([]);
    expect(() => inTenant(a.tenantId, own, "x")).toThrow("named by UUIDs");
  });

  test("is a UUID: anything else is refused before it is sent", () => {
    for (const text of ["", "x", "'; DROP TABLE users; --", `${a.tenantId}'`])
      expect(() => inTenant(text, () => 1)).toThrow("named by UUIDs");
  });

  test("a statement that fails leaves no transaction open, and the next one works", async () => {
    for (let n = 0; n < 10; n++) {
      await expect(acrossTenants(() => pool.query("SELECT 1 / 0"))).rejects.toThrow(
        "division by zero",
      );
      expect((await acrossTenants(() => pool.query("SELECT 1 AS one"))).rows).toEqual([{ one: 1 }]);
    }
    const { rows } = await app.deps.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`,
    );
    expect(rows).toEqual([]);
  });
});

/** Prisma's promises are none of the language's own until somebody awaits them. */
async function failing(query: PromiseLike<unknown>): Promise<unknown> {
  return await query;
}

/** UserProfile → user_profiles, but for what has no plural. */
function tableOf(model: string): string {
  const name = model.replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
  return name === "audit_log" ? name : `${name}s`;
}

describe("R60: the fence of the Prisma client", () => {
  test("adds the tenant to a query that forgot it, reading and writing", async () => {
    await inTenant(a.tenantId, async () => {
      expect(await db.user.count({ where: { id: b.id } })).toBe(0);
      expect(
        await db.user.findFirst({ where: { OR: [{ id: b.id }, { email: b.email }] } }),
      ).toBeNull();
      expect(await db.tenant.findMany({ select: { id: true } })).toEqual([{ id: a.tenantId }]);
      const data = { firstName: "Mallory" };
      expect((await db.user.updateMany({ where: { id: b.id }, data })).count).toBe(0);
      await expect(failing(db.user.update({ where: { id: b.id }, data }))).rejects.toMatchObject({
        code: "P2025",
      });
      expect((await db.session.deleteMany({ where: { accountId: b.id } })).count).toBe(0);
      const roles = await db.role.findMany({ where: { name: "owner" } });
      expect(roles.map(({ tenantId }) => tenantId)).toEqual([null]);
    });
  });

  test("makes no row of another tenant", async () => {
    const data = { id: newId(), tenantId: b.tenantId, email: "x@x.example" };
    await inTenant(a.tenantId, async () => {
      await expect(failing(db.user.create({ data }))).rejects.toThrow("another tenant");
      await expect(failing(db.user.createMany({ data: [data] }))).rejects.toThrow("another tenant");
    });
  });

  test("leaves deleted rows out, unless the query speaks of them or is told that they count", async () => {
    const id = newId();
    await app.deps.pool.query(
      "INSERT INTO users (id, tenant_id, email, is_deleted, deleted_at) VALUES ($1, $2, 'gone@x.example', true, now())",
      [id, a.tenantId],
    );
    await inTenant(a.tenantId, async () => {
      expect(await db.user.findFirst({ where: { id } })).toBeNull();
      expect(await db.user.findFirst({ where: { id, isDeleted: true } })).toMatchObject({ id });
      expect(await withDeleted(() => db.user.findFirst({ where: { id } }))).toMatchObject({ id });
    });
  });

  test("refuses findUnique, which Prisma gathers across requests into one query", async () => {
    await expect(
      inTenant(a.tenantId, () => db.user.findUnique({ where: { id: a.id } })),
    ).rejects.toThrow("use findFirst");
  });

  test("knows every model that has a tenant: each has the column in the database too", async () => {
    const models = Object.keys(Prisma.ModelName) as Prisma.ModelName[];
    // The client has no model of user_search, which the server may not read.
    const fenced = models.filter((model) => "tenantId" in Prisma[`${model}ScalarFieldEnum`]);
    const { rows } = await app.deps.pool.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name = 'tenant_id' AND table_name <> 'user_search' ORDER BY name`,
    );
    expect(rows.map(({ name }) => name)).toEqual(fenced.map(tableOf).sort());
  });
});
