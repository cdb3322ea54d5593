/** Tenants from creation to deletion: slugs, suspension, and who reaches which. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
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

test("201 says where the tenant is, and the answer is what GET answers", async () => {
  const slug = randomName();
  const made = await app.as(superAdmin, "POST /v1/tenants", {
    name: " Acme Ltd ",
    slug,
    settings: { custom: { theme: "dark" } },
  });
  expect(made.headers.get("location")).toBe(`/v1/tenants/${made.body.id}`);
  const { id, createdAt, updatedAt } = made.body;
  expect(made.body).toEqual({
    id,
    slug,
    name: "Acme Ltd",
    status: "active",
    settings: { custom: { theme: "dark" } },
    seatLimit: null,
    deletedAt: null,
    createdAt,
    updatedAt,
    version: 1,
  });
  expect((await app.as(superAdmin, `GET /v1/tenants/${id}`)).body).toEqual(made.body);
});

test("of many creations of one slug at once exactly one succeeds", async () => {
  const slug = randomName();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => app.as(superAdmin, "POST /v1/tenants", { name: "One", slug })),
  );
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
  expect(answers.filter(({ body }) => body.code === "slug_taken")).toHaveLength(9);
});

test("a slug that is taken is 409 when a tenant changes its own, and the change is not made", async () => {
  const [owner, other] = [await registerOwner(app), await registerOwner(app)];
  const answer = await app.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, {
    name: "New",
    slug: other.slug,
  });
  expect(answer).toMatchObject({ status: 409, body: { code: "slug_taken" } });
  expect((await app.as(owner, "GET /v1/tenants/current")).body).toMatchObject({
    slug: owner.slug,
    name: owner.slug,
    version: 1,
  });
  const slug = randomName();
  expect((await app.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, { slug })).body).toMatchObject(
    {
      slug,
      version: 2,
    },
  );
});

test("the slug of a deleted tenant stays reserved, for new tenants and for registration", async () => {
  const owner = await registerOwner(app);
  expect((await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`)).status).toBe(204);
  expect(
    (await app.as(superAdmin, "POST /v1/tenants", { name: "Heir", slug: owner.slug })).body.code,
  ).toBe("slug_taken");
  const json = {
    email: `${randomName()}@x.example`,
    password: PASSWORD,
    tenant: { name: "Heir", slug: owner.slug },
  };
  expect((await app.call("POST /v1/auth/register", { json })).body.code).toBe("slug_taken");
});

test("GET /v1/tenants/current is the caller's own tenant, and 404 for a platform account", async () => {
  const owner = await registerOwner(app);
  expect((await app.as(owner, "GET /v1/tenants/current")).body).toMatchObject({
    id: owner.tenantId,
    slug: owner.slug,
  });
  expect(await app.as(superAdmin, "GET /v1/tenants/current")).toMatchObject({
    status: 404,
    body: { code: "not_found" },
  });
});

test("owners and admins run their tenant, not the platform", async () => {
  const owner = await registerOwner(app);
  const admin = await createMember(app, owner, ["admin"]);
  const path = `/v1/tenants/${owner.tenantId}`;
  for (const who of [owner, admin]) {
    const asked = [
      app.as(who, "GET /v1/tenants"),
      app.as(who, "POST /v1/tenants", { name: "A", slug: randomName() }),
      app.as(who, `POST ${path}/suspend`),
      app.as(who, `POST ${path}/activate`),
    ];
    expect((await Promise.all(asked)).map((answer) => answer.status)).toEqual([403, 403, 403, 403]);
    expect((await app.as(who, `PATCH ${path}`, { name: "Changed" })).status).toBe(200);
  }
  expect((await app.as(admin, `DELETE ${path}`)).status).toBe(403);
  expect((await app.as(owner, `DELETE ${path}`)).status).toBe(204);
});

test("the list of tenants: newest first, complete through its cursors, with search taken literally", async () => {
  const mark = randomName();
  const names = [`${mark} 100%`, `${mark} a_b`, `${mark} ÄB`, `${mark} axb`, `${mark} 1000`];
  for (const name of names)
    await app.as(superAdmin, "POST /v1/tenants", { name, slug: randomName() });
  const list = async (query: string) => (await app.as(superAdmin, `GET /v1/tenants?${query}`)).body;
  const found = async (search: string) =>
    (await list(`search=${encodeURIComponent(search)}`)).items.map(
      (tenant: { name: string }) => tenant.name,
    );
  expect(await found(mark.toUpperCase())).toEqual(names.toReversed());
  expect(await found(`${mark} 100%`)).toEqual([names[0]]);
  expect(await found(`${mark} a_b`)).toEqual([names[1]]);
  expect(await found(`${mark} äb`)).toEqual([names[2]]);

  const all: string[] = [];
  for (let page = await list("limit=3"); ; page = await list(`limit=3&cursor=${page.nextCursor}`)) {
    all.push(...page.items.map((tenant: { id: string }) => tenant.id));
    if (page.nextCursor === null) break;
  }
  const rows = await app.deps.db.tenant.findMany({
    where: { isDeleted: false },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
  expect(all).toEqual(rows.map((tenant) => tenant.id));
  const suspended = await list("status=suspended&limit=100");
  expect(suspended.items.every((tenant: { status: string }) => tenant.status === "suspended")).toBe(
    true,
  );
  expect(
    (
      await list(
        `cursor=${Buffer.from('["users createdAt desc","2020-01-01T00:00:00Z","00000000-0000-7000-8000-000000000001"]').toString("base64url")}`,
      )
    ).code,
  ).toBe("validation_failed");
});
