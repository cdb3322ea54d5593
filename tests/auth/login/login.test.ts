import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";

const app = testApp();
let admin: Account;
beforeAll(async () => {
  admin = await createSuperAdmin(app);
});

function logIn(json: Record<string, unknown>) {
  return app.call("POST /v1/auth/login", { json: { password: PASSWORD, ...json } });
}

async function lastFailure(userId: string | null) {
  const row = await app.deps.db.auditLog.findFirst({
    where: { action: "auth.login_failed", resourceId: userId },
    orderBy: { id: "desc" },
  });
  return row?.details;
}

test("the right password answers tokens and the user, in whatever case the address is written", async () => {
  const owner = await registerOwner(app);
  const { status, body, headers } = await logIn({ email: owner.email.toUpperCase() });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    tokenType: "Bearer",
    expiresIn: 600,
    user: { id: owner.id, roles: ["owner"] },
  });
  expect(Date.parse(body.user.lastLoginAt)).toBeGreaterThan(Date.now() - 60_000);
  expect(headers.get("cache-control")).toBe("no-store");
});

test("R32: every login begins a session of its own, with its own tokens", async () => {
  const owner = await registerOwner(app);
  const [first, second] = await Promise.all([
    logIn({ email: owner.email }),
    logIn({ email: owner.email }),
  ]);
  const tokens = [owner, first.body, second.body].flatMap(({ accessToken, refreshToken }) => [
    accessToken,
    refreshToken,
  ]);
  expect(new Set(tokens).size).toBe(6);
  expect(await app.deps.db.session.count({ where: { accountId: owner.id, revokedAt: null } })).toBe(
    3,
  );
});

test("a session remembers the device that began it, printable and cut to fit", async () => {
  const owner = await registerOwner(app);
  await app.call("POST /v1/auth/login", {
    json: { email: owner.email, password: PASSWORD },
    headers: { "user-agent": `Browser\u00e9${"x".repeat(600)}` },
  });
  const session = await app.deps.db.session.findFirst({
    where: { accountId: owner.id, userAgent: { not: null } },
  });
  expect(session?.userAgent).toHaveLength(512);
  expect(session?.userAgent).toStartWith("Browser?x");
  expect(session?.amr).toEqual(["pwd"]);
});

describe("R13: every refused login has the same status, headers and body", () => {
  /** Each makes an account, does something to it, and says how to try to log in. */
  const refusals: Record<
    string,
    () => Promise<{ email: string; password?: string; tenant?: string }>
  > = {
    "an address that nobody has": async () => ({ email: `${randomName()}@example.com` }),
    "a wrong password": async () => ({
      email: (await registerOwner(app)).email,
      password: `${PASSWORD}.`,
    }),
    "an account without a password": async () => {
      const owner = await registerOwner(app);
      const email = `${randomName()}@example.com`;
      await app.call("POST /v1/users", { token: owner.accessToken, json: { email } });
      return { email };
    },
    "a locked account": async () => {
      const { id, email } = await registerOwner(app);
      await app.deps.db.account.update({
        where: { id },
        data: { lockedUntil: new Date(Date.now() + 60_000) },
      });
      return { email };
    },
    "a disabled account": async () => {
      const owner = await registerOwner(app);
      const { id, email } = await createMember(app, owner);
      await app.call(`PATCH /v1/users/${id}`, {
        token: owner.accessToken,
        json: { status: "disabled" },
      });
      return { email };
    },
    "a deleted account": async () => {
      const owner = await registerOwner(app);
      const { id, email } = await createMember(app, owner);
      await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
      return { email };
    },
    "an account of a suspended tenant": async () => {
      const { email, tenantId } = await registerOwner(app);
      await app.call(`POST /v1/tenants/${tenantId}/suspend`, { token: admin.accessToken });
      return { email };
    },
    "an account of a deleted tenant": async () => {
      const { email, tenantId } = await registerOwner(app);
      await app.call(`DELETE /v1/tenants/${tenantId}`, { token: admin.accessToken });
      return { email };
    },
    "the slug of another tenant": async () => ({
      email: (await registerOwner(app)).email,
      tenant: (await registerOwner(app)).slug,
    }),
    "a slug for a platform account, which has none": async () => ({
      email: admin.email,
      tenant: (await registerOwner(app)).slug,
    }),
  };

  /** The whole answer but for the request's own id. */
  async function refusalOf(json: Record<string, unknown>) {
    const { status, headers, body } = await logIn(json);
    const { "x-request-id": requestId, ...otherHeaders } = Object.fromEntries(headers);
    const { instance, ...problem } = body;
    expect(instance).toBe(`urn:tenantry:request:${requestId}`);
    return { status, problem, otherHeaders };
  }

  for (const [name, prepare] of Object.entries(refusals)) {
    test(name, async () => {
      const refusal = await refusalOf(await prepare());
      expect(refusal).toMatchObject({ status: 401, problem: { code: "invalid_credentials" } });
      expect(refusal).toEqual(await refusalOf({ email: `${randomName()}@example.com` }));
    });
  }
});

test("R63: a refused login is audited with its reason, which the caller does not see", async () => {
  const owner = await registerOwner(app);
  const { body } = await logIn({ email: owner.email, password: "wrong" });
  expect(await lastFailure(owner.id)).toEqual({ reason: "wrong_password" });
  expect(JSON.stringify(body)).not.toContain("wrong_password");
  const lockedUntil = new Date(Date.now() + 60_000);
  await app.deps.db.account.update({ where: { id: owner.id }, data: { lockedUntil } });
  await logIn({ email: owner.email });
  expect(await lastFailure(owner.id)).toEqual({ reason: "locked" });
  await logIn({ email: `${randomName()}@example.com` });
  expect(await lastFailure(null)).toEqual({ reason: "unknown_account" });
});

test("the tenant may be named when addresses are unique everywhere, and then it must be the right one", async () => {
  const owner = await registerOwner(app);
  expect((await logIn({ email: owner.email, tenant: owner.slug })).status).toBe(200);
  expect((await logIn({ email: owner.email, tenant: `${owner.slug}x` })).status).toBe(401);
});

test("a refused login changes nothing of the account but its counter", async () => {
  const { id, email } = await registerOwner(app);
  const read = () =>
    app.deps.db.account.findUniqueOrThrow({ where: { id }, include: { users: true } });
  const before = await read();
  await logIn({ email, password: "wrong" });
  expect(await read()).toEqual({ ...before, loginAttempts: 1 });
});

test.each([
  [{ email: "not an address" }, "email"],
  [{ email: 5 }, "email"],
  [{ email: "a@b.example", password: "" }, "password"],
  [{ email: "a@b.example", password: "x".repeat(513) }, "password"],
  [{ email: "a@b.example", tenant: "Not A Slug" }, "tenant"],
  [{ email: "a@b.example", remember: true }, "remember"],
])("input that cannot be a login is named: %j", async (json, path) => {
  const { status, body } = await logIn(json);
  expect({ status, path: body.errors[0].path }).toEqual({ status: 422, path });
});
