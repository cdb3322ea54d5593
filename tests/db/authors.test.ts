/** created_by, updated_by and updated_at: who made a row and who changed it last, a soft delete included. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let admin: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  admin = await createMember(app, owner, ["admin"]);
});

const AUTHORS = { createdBy: true, updatedBy: true, updatedAt: true, deletedAt: true } as const;

test("a user names who made them, who changed them last, who deleted and who restored them", async () => {
  const authors = () => app.deps.db.user.findUniqueOrThrow({ where: { id }, select: AUTHORS });
  const made = await app.call("POST /v1/users", {
    token: owner.accessToken,
    json: { email: "authored@members.example" },
  });
  const { id } = made.body;
  const first = await authors();
  expect(first).toMatchObject({ createdBy: owner.id, updatedBy: null, deletedAt: null });
  await app.call(`PATCH /v1/users/${id}`, { token: admin.accessToken, json: { firstName: "Ada" } });
  const changed = await authors();
  expect(changed).toMatchObject({ createdBy: owner.id, updatedBy: admin.id });
  expect(changed.updatedAt.getTime()).toBeGreaterThan(first.updatedAt.getTime());
  await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
  expect(await authors()).toMatchObject({ updatedBy: owner.id, deletedAt: expect.any(Date) });
  await app.call(`POST /v1/users/${id}/restore`, { token: admin.accessToken });
  expect(await authors()).toMatchObject({ updatedBy: admin.id, deletedAt: null });
});

test("a tenant names its founder, who changed it last, and who deleted it", async () => {
  const authors = () =>
    app.deps.db.tenant.findUniqueOrThrow({ where: { id: owner.tenantId }, select: AUTHORS });
  expect(await authors()).toMatchObject({ createdBy: owner.id, updatedBy: null });
  const route = `/v1/tenants/${owner.tenantId}`;
  await app.call(`PATCH ${route}`, { token: admin.accessToken, json: { name: "Renamed" } });
  expect(await authors()).toMatchObject({ createdBy: owner.id, updatedBy: admin.id });
  const root = await createSuperAdmin(app);
  await app.call(`DELETE ${route}`, { token: root.accessToken });
  expect(await authors()).toMatchObject({ updatedBy: root.id, deletedAt: expect.any(Date) });
});

test("a log-in is no change: it moves last_login_at alone", async () => {
  const { id, email } = await registerOwner(app);
  const read = () => app.deps.db.user.findUniqueOrThrow({ where: { id } });
  const before = await read();
  const { status } = await app.call("POST /v1/auth/login", {
    json: { email, password: "correct horse battery staple" },
  });
  expect(status).toBe(200);
  const after = await read();
  expect(after.lastLoginAt?.getTime()).toBeGreaterThan(before.lastLoginAt?.getTime() ?? 0);
  expect({ ...after, lastLoginAt: null }).toEqual({ ...before, lastLoginAt: null });
});
