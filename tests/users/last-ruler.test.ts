/** R62: somebody is always left to rule: the last owner of a tenant and the last super admin stay. */
import { beforeAll, expect, test } from "bun:test";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let superAdmin: Account;
beforeAll(async () => {
  superAdmin = await createSuperAdmin(app);
});

const fresh = (json: Record<string, unknown> = {}) => ({
  email: `${randomName()}@x.example`,
  ...json,
});

test("R62: the last owner cannot be demoted, disabled or deleted, by themselves or by a super admin", async () => {
  const only = await registerOwner(app);
  await createMember(app, only, ["admin"]);
  const path = `/v1/users/${only.id}`;
  for (const who of [only, superAdmin]) {
    for (const json of [
      { roles: ["admin"] },
      { roles: [] },
      { status: "disabled" },
      { status: "disabled", roles: ["owner"] },
    ]) {
      expect(await app.as(who, `PATCH ${path}`, json)).toMatchObject({
        status: 409,
        body: { code: "last_owner" },
      });
    }
    expect(await app.as(who, `DELETE ${path}`)).toMatchObject({
      status: 409,
      body: { code: "last_owner" },
    });
  }
  expect(
    (await app.as(only, `PATCH ${path}`, { roles: ["owner", "auditor"], status: "active" })).status,
  ).toBe(200);

  const second = await createMember(app, only, ["owner"]);
  expect((await app.as(only, `PATCH /v1/users/${second.id}`, { status: "disabled" })).status).toBe(
    200,
  );
  expect((await app.as(only, `PATCH ${path}`, { roles: ["admin"] })).body.code).toBe("last_owner");
});

test("a tenant that has no owner yet can still change and delete its members", async () => {
  const tenant = await app.as(superAdmin, "POST /v1/tenants", { name: "Bare", slug: randomName() });
  const member = await app.as(superAdmin, "POST /v1/users", fresh({ tenantId: tenant.body.id }));
  const path = `/v1/users/${member.body.id}`;
  expect(
    (await app.as(superAdmin, `PATCH ${path}`, { roles: ["admin"], status: "disabled" })).status,
  ).toBe(200);
  expect((await app.as(superAdmin, `DELETE ${path}`)).status).toBe(204);
});

const goings = {
  demote: (path: string) => ["PATCH", path, { roles: ["member"] }],
  disable: (path: string) => ["PATCH", path, { status: "disabled" }],
  delete: (path: string) => ["DELETE", path],
} as const;

for (const [verb, going] of Object.entries(goings)) {
  for (const self of [false, true]) {
    test(`R62: two owners who ${verb} ${self ? "themselves" : "each other"} at once: exactly one succeeds`, async () => {
      const one = await registerOwner(app);
      const two = await createMember(app, one, ["owner"]);
      const go = (who: Account, whom: Account) => {
        const [method, path, json] = going(`/v1/users/${whom.id}`);
        return app.as(who, `${method} ${path}`, json);
      };
      const answers = await Promise.all(
        self ? [go(one, one), go(two, two)] : [go(one, two), go(two, one)],
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status < 300)).toHaveLength(1);
      const left = await app.deps.db.user.count({
        where: {
          tenantId: one.tenantId,
          status: "active",
          isDeleted: false,
          roles: { some: { roleId: SYSTEM_ROLES.owner } },
        },
      });
      expect(left).toBe(1);
    });
  }
}

test("R62: the last super admin cannot go; of two, the first can", async () => {
  const platform = await createTestApp();
  const [one, two] = [await createSuperAdmin(platform), await createSuperAdmin(platform)];
  const go = (who: Account, json?: unknown) =>
    platform.call(`${json ? "PATCH" : "DELETE"} /v1/users/${who.id}`, {
      token: who.accessToken,
      ...(json ? { json } : {}),
    });
  const both = await Promise.all([go(one), go(two, { status: "disabled" })]);
  expect(both.map(({ status }) => status < 300).filter(Boolean)).toHaveLength(1);
  const last = both[0]?.status === 204 ? two : one;
  for (const json of [undefined, { roles: [] }, { status: "disabled" }]) {
    expect(await go(last, json)).toMatchObject({ status: 409, body: { code: "last_super_admin" } });
  }
  await platform.close();
});
