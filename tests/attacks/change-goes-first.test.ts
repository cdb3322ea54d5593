/** R71: whoever suspends a tenant, or takes power away in it, does not wait for what the tenant does. */
import { beforeAll, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";
import { timed, until } from "./slow.ts";

const PROMPT_MILLIS = 4000;
const FLOOD = 8;

const app = testApp({ DATABASE_POOL_SIZE: "12" });
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const fresh = () => ({ email: `${randomName()}@x.example` });

/** Keeps so many requests going, each followed by the next, and ends once one is refused for good. */
async function flood(count: number, send: (n: number) => Promise<{ status: number }>) {
  let stopped = false;
  let sent = 0;
  const loops = Array.from({ length: count }, async () => {
    while (!stopped && (await send(sent++)).status !== 401);
  });
  await until(() => sent > count * 2);
  return {
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  };
}

async function expectPrompt(work: Promise<{ status: number }>): Promise<void> {
  const { millis, result } = await timed(work);
  expect([200, 204]).toContain(result.status);
  expect(millis).toBeLessThan(PROMPT_MILLIS);
}

const FLOODS: Record<
  string,
  (owner: Account & { tenantId: string }) => Promise<() => Promise<{ status: number }>>
> = {
  "creations of users": async (owner) => () => app.as(owner, "POST /v1/users", fresh()),
  "creations of users, who wait for a seat": async (owner) => {
    await app.deps.pool.query("UPDATE tenants SET seat_limit = 5 WHERE id = $1", [owner.tenantId]);
    return () => app.as(owner, "POST /v1/users", fresh());
  },
  "restorations of users": async (owner) => {
    const { body } = await app.as(owner, "POST /v1/users", fresh());
    await app.as(owner, `DELETE /v1/users/${body.id}`);
    return () => app.as(owner, `POST /v1/users/${body.id}/restore`);
  },
  "creations of roles": async (owner) => () =>
    app.as(owner, "POST /v1/roles", { name: randomName(), permissions: ["user:read"] }),
  "bulk requests": async (owner) => () =>
    app.as(owner, "POST /v1/users/bulk", {
      operation: "create",
      items: Array.from({ length: 20 }, fresh),
      atomic: true,
    }),
  invitations: async (owner) => () =>
    app.as(owner, "POST /v1/invitations", { ...fresh(), roles: ["member"] }),
};

for (const [name, begin] of Object.entries(FLOODS)) {
  test(`R71: a stream of ${name} holds off neither a demotion, nor a suspension, nor a deletion`, async () => {
    const owner = await registerOwner(app);
    const admin = await createMember(app, owner, ["admin"]);
    const { stop } = await flood(FLOOD, await begin(owner));
    await expectPrompt(app.as(owner, `PUT /v1/users/${admin.id}/roles`, { roles: ["member"] }));
    await expectPrompt(app.as(owner, `PATCH /v1/users/${admin.id}`, { status: "disabled" }));
    await expectPrompt(app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`));
    await stop();
    await app.as(root, `POST /v1/tenants/${owner.tenantId}/activate`);
    await expectPrompt(app.as(root, `DELETE /v1/tenants/${owner.tenantId}`));
  });
}

test("R71: a row that many share is not how a tenant is held: log-ins without end, and the tenant is suspended", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  // The end of a log-in, as often as the pool lets it, without the cost of the password.
  const { lockActiveTenant } = await import("../../src/tenants/lock.ts");
  let stopped = false;
  const loops = Array.from({ length: FLOOD }, async () => {
    while (!stopped)
      await commit(app.deps, async (tx) => {
        await lockActiveTenant(tx, owner.tenantId);
        await Bun.sleep(30 + Math.random() * 60);
      });
  });
  await Bun.sleep(300);
  await expectPrompt(app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`));
  stopped = true;
  await Promise.all(loops);
  expect((await app.as(member, "GET /v1/auth/me")).status).toBe(401);
});

/** Waits until a long transaction (db/tenant-locks.ts) is under way. The view shows the locks of all databases. */
function begunLong(): Promise<void> {
  return until(async () => {
    const { rows } = await app.deps.pool.query(
      `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE d.datname = current_database()
       AND locktype = 'advisory' AND classid = 730207 AND granted`,
    );
    return rows.length > 0;
  });
}

const CHANGES: Record<
  string,
  (owner: Account & { tenantId: string }, admin: Account) => Promise<{ status: number }>
> = {
  "the suspension of the tenant": ({ tenantId }) =>
    app.as(root, `POST /v1/tenants/${tenantId}/suspend`),
  "the deletion of the tenant": ({ tenantId }) => app.as(root, `DELETE /v1/tenants/${tenantId}`),
  "the demotion of who sent it": (owner, admin) =>
    app.as(owner, `PUT /v1/users/${admin.id}/roles`, { roles: ["member"] }),
  "the disabling of who sent it": (owner, admin) =>
    app.as(owner, `PATCH /v1/users/${admin.id}`, { status: "disabled" }),
  "the platform's disabling of who sent it": (_, admin) =>
    app.as(root, `PATCH /v1/users/${admin.id}`, { status: "disabled" }),
  "the deletion of who sent it": (owner, admin) => app.as(owner, `DELETE /v1/users/${admin.id}`),
};

for (const [name, change] of Object.entries(CHANGES)) {
  test(`R71: an atomic import and atomic bulk requests under way end for ${name}, and write nothing`, async () => {
    const owner = await registerOwner(app);
    const admin = await createMember(app, owner, ["admin"]);
    const before = await app.deps.db.user.count({ where: { tenantId: owner.tenantId } });
    const rows = Array.from({ length: 10_000 }, fresh);
    const importing = sendImport(app, admin, lines(...rows), {
      type: NDJSON,
      query: "?atomic=true",
    });
    await begunLong();
    const bulk = app.as(admin, "POST /v1/users/bulk", {
      operation: "update",
      atomic: true,
      // Whom it cannot change it locks all the same.
      items: [admin, owner].map(({ id }) => ({ id, firstName: "Ada" })),
    });
    await expectPrompt(change(owner, admin));
    for (const { status } of await Promise.all([importing, bulk]))
      expect([401, 403, 404, 422, 503]).toContain(status);
    expect(
      await app.deps.db.user.count({ where: { tenantId: owner.tenantId } }),
    ).toBeLessThanOrEqual(before);
  });
}

test("R71: an atomic bulk request of five hundred ends for a suspension; without one it is done", async () => {
  const owner = await registerOwner(app);
  const items = Array.from({ length: 500 }, fresh);
  const bulk = () =>
    app.as(owner, "POST /v1/users/bulk", { operation: "create", items, atomic: true });
  const cut = bulk();
  await begunLong();
  await expectPrompt(app.as(root, `PATCH /v1/tenants/${owner.tenantId}`, { name: "Another name" }));
  expect(await cut).toMatchObject({ status: 503, body: { code: "overloaded" } });
  expect((await bulk()).body.succeeded).toBe(500);
});
