/** R36: suspending and deleting a tenant refuses its users at once, and holds against what is under way. */
import { beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let superAdmin: Account;
beforeAll(async () => {
  superAdmin = await createSuperAdmin(app);
});

const status = async (who: Account) => (await app.as(who, "GET /v1/auth/me")).status;
const login = async (email: string) =>
  (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).status;

test("a deleted tenant is gone for everybody, and its users are refused at once", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  expect((await app.as(superAdmin, `DELETE /v1/tenants/${owner.tenantId}`)).status).toBe(204);
  expect([await status(owner), await status(member), await login(member.email)]).toEqual([
    401, 401, 401,
  ]);
  for (const route of ["GET :id", "DELETE :id", "POST :id/suspend", "POST :id/activate"]) {
    expect(
      (await app.as(superAdmin, route.replace(":id", `/v1/tenants/${owner.tenantId}`))).status,
    ).toBe(404);
  }
  expect(
    (await app.as(superAdmin, `PATCH /v1/tenants/${owner.tenantId}`, { name: "A" })).status,
  ).toBe(404);
  const listed = await app.as(superAdmin, `GET /v1/tenants?search=${owner.slug}`);
  expect(listed.body.items).toEqual([]);
});

test("R36: suspension refuses the tenant's users at once, and only them; after activation they must log in again", async () => {
  const [owner, bystander] = [await registerOwner(app), await registerOwner(app)];
  const member = await createMember(app, owner);
  const path = `/v1/tenants/${owner.tenantId}`;
  expect((await app.as(superAdmin, `POST ${path}/suspend`)).body).toMatchObject({
    id: owner.tenantId,
    status: "suspended",
  });
  expect([
    await status(owner),
    await status(member),
    await status(bystander),
    await status(superAdmin),
  ]).toEqual([401, 401, 200, 200]);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: member.refreshToken } }))
      .status,
  ).toBe(401);
  expect(await login(member.email)).toBe(401);

  expect((await app.as(superAdmin, `POST ${path}/activate`)).body.status).toBe("active");
  expect([await status(owner), await status(member)]).toEqual([401, 401]);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: member.refreshToken } }))
      .status,
  ).toBe(401);
  expect(await status(await logIn(app, member.email))).toBe(200);
});

test("no user is made in a suspended tenant", async () => {
  const { tenantId } = await registerOwner(app);
  const create = () =>
    app.as(superAdmin, "POST /v1/users", { email: `${randomName()}@x.example`, tenantId });
  await app.as(superAdmin, `POST /v1/tenants/${tenantId}/suspend`);
  expect(await create()).toMatchObject({ status: 404, body: { code: "not_found" } });
  await app.as(superAdmin, `POST /v1/tenants/${tenantId}/activate`);
  expect((await create()).status).toBe(201);
});

test("a suspension waits for the creation of a user that has begun", async () => {
  const { tenantId } = await registerOwner(app);
  const email = `${randomName()}@x.example`;
  let suspended = false;
  const waiting = async (count: number) => {
    for (let waits = 0; waits < count && !suspended; ) {
      const { rows } = await app.deps.pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      waits = rows.length;
    }
  };

  // An address that somebody else is about to take holds the creation up in the midst of its transaction.
  const holder = await app.deps.pool.connect();
  await holder.query("BEGIN");
  let creation: ReturnType<typeof app.as>;
  let suspension: ReturnType<typeof app.as>;
  try {
    await holder.query(
      "INSERT INTO accounts (id, pool_id, email) VALUES ($1, NULL, $3), ($2, $4, $3)",
      [newId(), newId(), email, tenantId],
    );
    creation = app.as(superAdmin, "POST /v1/users", { email, tenantId });
    await waiting(1);
    suspension = app.as(superAdmin, `POST /v1/tenants/${tenantId}/suspend`).finally(() => {
      suspended = true;
    });
    await waiting(2);
    expect(suspended).toBe(false);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
  expect((await creation).status).toBe(201);
  expect((await suspension).status).toBe(200);
});
