import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  testApp,
} from "../../support/app.ts";

const OTHER_PASSWORD = "another horse, another staple";
const EMAIL = "pat@example.com";

const app = testApp({ EMAIL_SCOPE: "tenant" });
let admin: Account;
const first = { slug: randomName(), id: "" };
const second = { slug: randomName(), id: "" };

beforeAll(async () => {
  admin = await createSuperAdmin(app);
  for (const [tenant, password] of [
    [first, PASSWORD],
    [second, OTHER_PASSWORD],
  ] as const) {
    const { body } = await app.call("POST /v1/auth/register", {
      json: { email: EMAIL, password, tenant: { name: tenant.slug, slug: tenant.slug } },
    });
    tenant.id = body.user.id;
  }
});

function logIn(email: string, password: string, tenant?: string) {
  return app.call("POST /v1/auth/login", { json: { email, password, ...(tenant && { tenant }) } });
}

test("one address in two tenants is two users, each with a password of its own", async () => {
  expect(first.id).not.toBe(second.id);
  expect((await logIn(EMAIL, PASSWORD, first.slug)).body.user.id).toBe(first.id);
  expect((await logIn(EMAIL, OTHER_PASSWORD, second.slug)).body.user.id).toBe(second.id);
  expect((await logIn(EMAIL, PASSWORD, second.slug)).status).toBe(401);
  expect((await logIn(EMAIL, OTHER_PASSWORD, first.slug)).status).toBe(401);
});

test("failures against the one do not count against the other", async () => {
  const attemptsOf = async (id: string) =>
    (await app.deps.db.account.findUniqueOrThrow({ where: { id } })).loginAttempts;
  const before = [await attemptsOf(first.id), await attemptsOf(second.id)] as const;
  await logIn(EMAIL, "wrong", second.slug);
  expect([await attemptsOf(first.id), await attemptsOf(second.id)]).toEqual([
    before[0],
    before[1] + 1,
  ]);
});

test("without a tenant, or with one that does not exist, no tenant's user is meant", async () => {
  for (const tenant of [undefined, randomName()]) {
    const { status, body } = await logIn(EMAIL, PASSWORD, tenant);
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_credentials" });
  }
});

test("a platform account logs in without a tenant, and with none", async () => {
  expect((await logIn(admin.email, PASSWORD)).status).toBe(200);
  expect((await logIn(admin.email, PASSWORD, first.slug)).status).toBe(401);
});

test("within one tenant an address is still taken once", async () => {
  const owner = await logIn(EMAIL, PASSWORD, first.slug);
  const made = await app.call("POST /v1/users", {
    token: owner.body.accessToken,
    json: { email: EMAIL.toUpperCase() },
  });
  expect({ status: made.status, code: made.body.code }).toEqual({
    status: 409,
    code: "email_taken",
  });
});
