/** What a machine can never do: log in, be the owner who is left, or get more rights than its maker has. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Document, routes as operationsOf } from "../http/document.ts";
import {
  type Account,
  createMember,
  createTestApp,
  PASSWORD,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { createService, READ } from "./keys.ts";

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const DENIED = { status: 403, body: { code: "permission_denied" } };

test("nothing that begins without an access token lets a machine in or sends it anything", async () => {
  const { id } = await createService(app, owner);
  const email = `${id}@service.invalid`;
  const document: Document = (await app.call("GET /openapi.json")).body;
  const open = operationsOf(document).filter(
    ({ method, operation }) => method === "POST" && !operation.security?.length,
  );
  expect(open.length).toBeGreaterThanOrEqual(3);
  for (const { name } of open) {
    for (const json of [
      { email },
      { email, password: PASSWORD },
      { email, password: "" },
      { email, password: PASSWORD, tenant: owner.slug },
      { email, password: PASSWORD, tenant: { name: "A", slug: "machine" } },
    ]) {
      const { status, body } = await app.call(name, { json });
      expect(status).toBeLessThan(500);
      expect([name, body.accessToken, body.mfaToken]).toEqual([name, undefined, undefined]);
    }
  }
  const where = { userId: id };
  const left = [
    await app.deps.db.sessionUser.count({ where }),
    await app.deps.db.oneTimeToken.count({ where: { OR: [where, { email }] } }),
  ];
  expect(left).toEqual([0, 0]);
});

test("the database itself refuses a machine with an account, or with an address that mail reaches", async () => {
  const { id } = await createService(app, owner);
  for (const [data, rule] of [
    [{ accountId: owner.id }, "users_account_check"],
    [{ email: "machine@x.example" }, "users_service_check"],
    [{ kind: "person" as const }, "users_account_check"],
  ] as const)
    await expect((async () => app.deps.db.user.update({ where: { id }, data }))()).rejects.toThrow(
      rule,
    );
});

describe("R62: roles", () => {
  test("are given by those who hold role:assign, and no more than they hold", async () => {
    const admin = await createMember(app, owner, ["admin"]);
    const maker = await createMemberWith(app, owner, [
      ...["service_account:create", "service_account:update", "tenant:read", "user:read"],
    ] as ["service_account:create"]);
    const post = (who: Account, roles?: string[]) =>
      app.as(who, "POST /v1/service-accounts", { name: "A", ...(roles && { roles }) });
    expect(await post(maker, ["member"])).toMatchObject(DENIED);
    expect(await post(admin, ["owner"])).toMatchObject(DENIED);
    const { body } = await post(maker);
    const path = `/v1/service-accounts/${body.id}`;
    expect(await app.as(maker, `PATCH ${path}`, { roles: ["member"] })).toMatchObject(DENIED);
    expect(await app.as(admin, `PATCH ${path}`, { roles: ["owner"] })).toMatchObject(DENIED);
    expect((await app.as(owner, `PATCH ${path}`, { roles: ["owner"] })).status).toBe(200);
    for (const [method, json] of [
      ["PATCH", { name: "B" }],
      ["PATCH", { roles: [] }],
      ["DELETE"],
    ] as const)
      expect(await app.as(admin, `${method} ${path}`, json)).toMatchObject(DENIED);
    expect(
      await app.as(admin, "POST /v1/api-keys", {
        name: "A",
        scopes: ["user:read"],
        userId: body.id,
      }),
    ).toMatchObject(DENIED);
  });

  test("of an owner in a machine do not make it the owner who has to be left", async () => {
    const tenant = await registerOwner(app);
    await createService(app, tenant, { roles: ["owner"] });
    for (const [route, json] of [
      [`DELETE /v1/users/${tenant.id}`],
      [`PATCH /v1/users/${tenant.id}`, { roles: ["member"] }],
    ] as const)
      expect(await app.as(tenant, route, json)).toMatchObject({
        status: 409,
        body: { code: "last_owner" },
      });
  });
});

test("with MFA=required a session of one factor makes no key: it would be a way around the second one", async () => {
  const strict = await createTestApp({ MFA: "required" });
  try {
    const { accessToken: token, id: userId } = await registerOwner(strict);
    const json = { name: "A", scopes: READ };
    expect(await strict.call("POST /v1/api-keys", { token, json })).toMatchObject({
      status: 403,
      body: { code: "mfa_enrollment_required" },
    });
    expect(await strict.deps.db.apiKey.count({ where: { userId } })).toBe(0);
  } finally {
    await strict.close();
  }
});
