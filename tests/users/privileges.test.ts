/** Who may change whom, who may give what, and that somebody is always left to rule. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "./routes.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let admin: Account;
let superAdmin: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  admin = await createMember(app, owner, ["admin"]);
  superAdmin = await createSuperAdmin(app);
});

const fresh = (json: Record<string, unknown> = {}) => ({
  email: `${randomName()}@x.example`,
  ...json,
});
const DENIED = { status: 403, body: { code: "permission_denied" } };

test("R62: nobody gives a role that may do more than they may", async () => {
  const member = await createMember(app, owner);
  expect(await app.as(admin, "POST /v1/users", fresh({ roles: ["owner"] }))).toMatchObject(DENIED);
  expect(
    await app.as(admin, "POST /v1/users", fresh({ roles: ["member", "owner"] })),
  ).toMatchObject(DENIED);
  expect(await app.as(admin, `PATCH /v1/users/${member.id}`, { roles: ["owner"] })).toMatchObject(
    DENIED,
  );
  expect(
    await app.as(admin, `PATCH /v1/users/${admin.id}`, { roles: ["admin", "owner"] }),
  ).toMatchObject(DENIED);
  expect((await app.as(owner, `GET /v1/users/${member.id}`)).body.roles).toEqual(["member"]);
  expect(
    await app.as(admin, "POST /v1/users", fresh({ roles: ["admin", "auditor"] })),
  ).toMatchObject({
    status: 201,
    body: { roles: ["admin", "auditor"] },
  });
});

test("R62: nobody changes, deletes or restores somebody who may do more than they may", async () => {
  const second = await createMember(app, owner, ["owner"]);
  for (const json of [
    { email: fresh().email },
    { firstName: "A" },
    { status: "disabled" },
    { roles: ["member"] },
  ]) {
    expect(await app.as(admin, `PATCH /v1/users/${second.id}`, json)).toMatchObject(DENIED);
  }
  expect(
    await app.as(admin, `PATCH /v1/users/${second.id}/profile`, { language: "de" }),
  ).toMatchObject(DENIED);
  expect(await app.as(admin, `DELETE /v1/users/${second.id}`)).toMatchObject(DENIED);
  expect((await app.as(owner, `DELETE /v1/users/${second.id}`)).status).toBe(204);
  expect(await app.as(admin, `POST /v1/users/${second.id}/restore`)).toMatchObject(DENIED);
  expect((await app.as(owner, `POST /v1/users/${second.id}/restore`)).body).toMatchObject({
    roles: ["owner"],
    version: 3,
  });
  await app.as(owner, `DELETE /v1/users/${second.id}`);
});

test("giving roles needs role:assign, when a user is made and when one is changed", async () => {
  const recruiter = await createMemberWith(app, owner, [
    "tenant:read",
    "user:read",
    "user:create",
    "user:update",
  ]);
  expect(await app.as(recruiter, "POST /v1/users", fresh())).toMatchObject({
    status: 201,
    body: { roles: ["member"] },
  });
  expect(await app.as(recruiter, "POST /v1/users", fresh({ roles: ["member"] }))).toMatchObject(
    DENIED,
  );
  const member = await createMember(app, owner, []);
  expect(
    await app.as(recruiter, `PATCH /v1/users/${member.id}`, { roles: ["member"] }),
  ).toMatchObject(DENIED);
  expect((await app.as(recruiter, `PATCH /v1/users/${member.id}`, { firstName: "A" })).status).toBe(
    200,
  );
});

test("super_admin is never for users of a tenant, and a tenant's roles are never for platform accounts", async () => {
  const { tenantId } = owner;
  for (const who of [owner, superAdmin]) {
    const answer = await app.as(who, `PATCH /v1/users/${admin.id}`, { roles: ["super_admin"] });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "roles" }] } });
  }
  expect(
    (await app.as(superAdmin, "POST /v1/users", fresh({ tenantId, roles: ["super_admin"] })))
      .status,
  ).toBe(422);
  expect((await app.as(superAdmin, "POST /v1/users", fresh({ roles: ["owner"] }))).status).toBe(
    422,
  );
  const platform = await app.as(superAdmin, "POST /v1/users", fresh({ roles: ["super_admin"] }));
  expect(platform).toMatchObject({ status: 201, body: { tenantId: null, roles: ["super_admin"] } });
  await app.as(superAdmin, `DELETE /v1/users/${platform.body.id}`);
});

test("another tenant's custom role is unknown here", async () => {
  const stranger = await registerOwner(app);
  const holder = await createMemberWith(app, stranger, ["user:read"]);
  const [role] = (await app.as(stranger, `GET /v1/users/${holder.id}`)).body.roles;
  expect((await app.as(owner, "POST /v1/users", fresh({ roles: [role] }))).status).toBe(422);
  expect((await app.as(stranger, "POST /v1/users", fresh({ roles: [role] }))).status).toBe(201);
});

test("users are made in one's own tenant: another tenantId is 403, one's own is fine in any spelling", async () => {
  const stranger = await registerOwner(app);
  expect(
    await app.as(owner, "POST /v1/users", fresh({ tenantId: stranger.tenantId })),
  ).toMatchObject(DENIED);
  expect(
    await app.as(owner, "POST /v1/users", fresh({ tenantId: crypto.randomUUID() })),
  ).toMatchObject(DENIED);
  const own = await app.as(
    owner,
    "POST /v1/users",
    fresh({ tenantId: owner.tenantId.toUpperCase() }),
  );
  expect(own).toMatchObject({ status: 201, body: { tenantId: owner.tenantId } });
});

test("a super admin makes users of a tenant, with roles of that tenant; an absent tenant is 404", async () => {
  const made = await app.as(
    superAdmin,
    "POST /v1/users",
    fresh({ tenantId: owner.tenantId, roles: ["owner"] }),
  );
  expect(made).toMatchObject({ status: 201, body: { tenantId: owner.tenantId, roles: ["owner"] } });
  expect((await app.as(superAdmin, `DELETE /v1/users/${made.body.id}`)).status).toBe(204);
  expect(
    (await app.as(superAdmin, "POST /v1/users", fresh({ tenantId: crypto.randomUUID() }))).status,
  ).toBe(404);
});

test("a role taken away takes its permissions away at once", async () => {
  const auditor = await createMember(app, owner, ["auditor"]);
  expect((await app.as(auditor, "GET /v1/audit-logs")).status).toBe(200);
  await app.as(owner, `PATCH /v1/users/${auditor.id.toUpperCase()}`, { roles: ["member"] });
  expect((await app.as(auditor, "GET /v1/audit-logs")).status).toBe(403);
});
