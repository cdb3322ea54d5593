/** The tenants that somebody belongs to, which nobody else learns. */
import { beforeEach, describe, expect, test } from "bun:test";
import { createKey } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { addMembership, enter, inTwoTenants, type Owner } from "./login/memberships.ts";

const app = testApp();
let person: Owner;
let other: Owner;
let memberId: string;

beforeEach(async () => {
  ({ person, other, memberId } = await inTwoTenants(app));
});

const list = ({ accessToken: token }: Pick<Account, "accessToken">) =>
  app.call("GET /v1/auth/me/tenants", { token });

const named = (body: { items: { tenant: { slug: string } }[] }) =>
  body.items.map(({ tenant }) => tenant.slug);

test("are listed alike from each of them, with what they are there", async () => {
  const here = await list(person);
  expect(here.status).toBe(200);
  expect(here.body).toEqual({
    items: [
      {
        tenant: { id: person.tenantId, slug: person.slug, name: person.slug, status: "active" },
        userId: person.id,
        roles: ["owner"],
        status: "active",
      },
      {
        tenant: { id: other.tenantId, slug: other.slug, name: other.slug, status: "active" },
        userId: memberId,
        roles: ["member"],
        status: "active",
      },
    ],
  });
  await enter(app, person.email, person.slug);
  const { body } = await enter(app, person.email, other.slug);
  const there = await list(body);
  // Where they were last is first.
  expect(there.body.items).toEqual(here.body.items.toReversed());
});

test("is the one of whoever belongs to one, and none of a platform account", async () => {
  expect(named((await list(other)).body)).toEqual([other.slug]);
  expect((await list(await createSuperAdmin(app))).body).toEqual({ items: [] });
});

test("are not those of a namesake: another account with the address in a tenant's own pool", async () => {
  const third = await registerOwner(app);
  const json = { email: person.email, roles: ["member"] };
  expect((await app.as(third, "POST /v1/users", json)).status).toBe(201);
  expect(named((await list(person)).body).sort()).toEqual([person.slug, other.slug].sort());
});

describe("where the person cannot work", () => {
  test("it says so: disabled there, or the tenant suspended", async () => {
    const root = await createSuperAdmin(app);
    const third = await registerOwner(app);
    await addMembership(app, person, third.tenantId);
    await app.as(other, `PATCH /v1/users/${memberId}`, { status: "disabled" });
    await app.as(root, `POST /v1/tenants/${third.tenantId}/suspend`);
    const { items } = (await list(person)).body;
    const standing = items.map((item: { tenant: Owner & { status: string }; status: string }) => [
      item.tenant.slug,
      item.tenant.status,
      item.status,
    ]);
    expect(standing.sort()).toEqual(
      [
        [person.slug, "active", "active"],
        [other.slug, "active", "disabled"],
        [third.slug, "suspended", "active"],
      ].sort(),
    );
  });

  test("it is not listed once user or tenant is deleted", async () => {
    const third = await registerOwner(app);
    await addMembership(app, person, third.tenantId);
    const gone = { isDeleted: true, deletedAt: new Date() };
    await app.deps.db.tenant.update({ where: { id: third.tenantId }, data: gone });
    expect((await app.as(other, `DELETE /v1/users/${memberId}`)).status).toBe(204);
    expect(named((await list(person)).body)).toEqual([person.slug]);
  });
});

describe("who gets them", () => {
  test("a session that has yet to set up a second factor", async () => {
    const settings = { mfaRequired: true };
    await app.deps.db.tenant.update({ where: { id: other.tenantId }, data: { settings } });
    const { body } = await enter(app, person.email, other.slug);
    expect((await app.as(body, "GET /v1/users")).body.code).toBe("mfa_enrollment_required");
    expect((await list(body)).status).toBe(200);
  });

  test("no API key, though the person made it", async () => {
    const { key } = await createKey(app, person);
    const { status, body } = await list({ accessToken: key });
    expect([status, body.code]).toEqual([403, "session_required"]);
  });

  test("nobody who acts as the person in one of them", async () => {
    const root = await createSuperAdmin(app);
    const { body } = await app.as(root, `POST /v1/users/${memberId}/impersonate`, {
      reason: "A question of support",
    });
    expect((await list(body)).status).toBe(403);
  });

  test("and no administrator sees in a user of theirs where else that person is", async () => {
    const member = await createMember(app, other);
    const { body } = await app.as(other, `GET /v1/users/${memberId}`);
    expect(Object.keys(body).sort()).toEqual(
      Object.keys((await app.as(other, `GET /v1/users/${member.id}`)).body).sort(),
    );
    expect(JSON.stringify(body)).not.toContain(person.tenantId);
  });
});
