/** Whoever has an account in deleted tenants alone: their address is free, and a tenant that comes back finds its people. */
import { beforeAll, describe, expect, test } from "bun:test";
import { codeIn, magicLink, passwordLogin, registration, tokenIn } from "../auth/mails/mails.ts";
import { accept, invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createSuperAdmin,
  logIn,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { goTo, joinTenant, type Owner } from "../support/memberships.ts";

// Fifty passwords are hashed at once, and none of them is to be refused for that.
const app = testApp({ DATABASE_POOL_SIZE: "20", PASSWORD_HASH_QUEUE: "200" });
let root: Account;
let host: Owner;
beforeAll(async () => {
  root = await createSuperAdmin(app);
  host = await registerOwner(app);
});

/** A founder who has proved the address, and deleted the only tenant that they are in. */
async function founder(): Promise<Owner> {
  const owner = await registerOwner(app);
  await proveAddress(app, owner);
  await remove(owner);
  return owner;
}

async function remove(owner: Account): Promise<void> {
  const { status } = await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`);
  if (status !== 204) throw new Error(`deleting a tenant answered ${status}`);
}

const restore = (tenantId: string) => app.as(root, `POST /v1/tenants/${tenantId}/restore`);

function register(email: string) {
  return app.call("POST /v1/auth/register", { json: { ...registration(), email } });
}

/** Registers as where addresses are proved first. */
async function registerProved(email: string) {
  const { config } = app.served;
  config.emailVerification = "required";
  try {
    const { body } = await register(email);
    const code = codeIn(await app.lastMailTo(email));
    const json = { challengeId: body.challengeId, code };
    return await app.call("POST /v1/auth/register/complete", { json });
  } finally {
    config.emailVerification = "optional";
  }
}

describe("whose tenants are all deleted", () => {
  test("registers again, with a proof of the address and without", async () => {
    for (const again of [register, registerProved]) {
      const { email, id } = await founder();
      const { status, body } = await again(email);
      expect([status, body.user?.email]).toEqual([201, email]);
      const back = await logIn(app, email);
      expect([back.id, back.id === id]).toEqual([body.user.id, false]);
      const { items } = (await app.as(back, "GET /v1/auth/me/tenants")).body;
      expect(items).toHaveLength(1);
    }
  });

  test("accepts an invitation", async () => {
    const { email } = await founder();
    const { token } = await invited(app, host, { email });
    const { status, body } = await accept(app, token);
    expect([status, body.user?.email, body.user?.tenantId]).toEqual([201, email, host.tenantId]);
    expect((await logIn(app, email)).id).toBe(body.user.id);
  });

  test("is made by the operator in another tenant", async () => {
    const { email } = await founder();
    const json = { email, password: PASSWORD, tenantId: host.tenantId };
    expect((await app.as(root, "POST /v1/users", json)).status).toBe(201);
    expect((await logIn(app, email)).tenantId).toBe(host.tenantId);
  });

  test("gets the address for an account that they have under another one", async () => {
    const { email } = await founder();
    const other = await registerOwner(app);
    expect((await app.as(other, "POST /v1/auth/me/email", { email })).status).toBe(202);
    const json = { token: tokenIn(await app.lastMailTo(email)) };
    expect((await app.as(other, "POST /v1/auth/me/email/verify", json)).status).toBe(204);
    expect((await logIn(app, email)).id).toBe(other.id);
  });

  test("comes back to their own account by a tenant that has added them", async () => {
    const { email, id } = await founder();
    expect((await app.as(host, "POST /v1/users", { email })).status).toBe(201);
    const sent = (await app.mail()).filter(({ to, text }) => to === email && /added/.test(text));
    expect(sent).toEqual([]);
    const { token } = await magicLink(app, email);
    const json = { token };
    const { status } = await app.call("POST /v1/auth/magic-link/verify", { json });
    expect(status).toBe(200);
    const account = await app.deps.db.account.findUniqueOrThrow({
      where: { id },
      include: { users: { where: { tenantId: host.tenantId } } },
    });
    expect([account.isDeleted, account.users.length]).toEqual([false, 1]);
    expect(await passwordLogin(app, email)).toBe(200);
  });

  test("may have been in several of them", async () => {
    const [home, second] = [await registerOwner(app), await registerOwner(app)];
    await proveAddress(app, home);
    await joinTenant(app, home, second);
    await remove(second);
    expect((await register(home.email)).status).toBe(409);
    expect(await passwordLogin(app, home.email)).toBe(200);
    await remove(await logIn(app, home.email));
    expect((await register(home.email)).status).toBe(201);
  });

  test("of fifty who take the address at once one has it", async () => {
    const { email, tenantId } = await founder();
    const answers = await Promise.all(Array.from({ length: 50 }, () => register(email)));
    const made = answers.filter(({ status }) => status === 201);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(49).fill(409)]);
    expect((await logIn(app, email)).id).toBe(made[0]?.body.user.id);
    expect((await restore(tenantId)).status).toBe(200);
  });

  test("whose tenant is suspended keeps the account", async () => {
    const owner = await registerOwner(app);
    await proveAddress(app, owner);
    await app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`);
    expect((await register(owner.email)).status).toBe(409);
    await app.as(root, `POST /v1/tenants/${owner.tenantId}/activate`);
    expect((await logIn(app, owner.email)).id).toBe(owner.id);
  });

  test("has an account of the tenant's own, where tenants keep their people for themselves", async () => {
    const { config } = app.served;
    config.emailScope = "tenant";
    try {
      const owner = await registerOwner(app);
      await remove(owner);
      const again = await register(owner.email);
      expect(again.status).toBe(201);
      expect((await restore(owner.tenantId)).status).toBe(200);
      for (const tenantId of [owner.tenantId, again.body.user.tenantId]) {
        const json = { email: owner.email, password: PASSWORD, tenant: await slugOf(tenantId) };
        expect((await app.call("POST /v1/auth/login", { json })).status).toBe(200);
      }
    } finally {
      config.emailScope = "global";
    }
  });
});

describe("a tenant that comes back", () => {
  test("finds its people as they were, where nobody has their address any more", async () => {
    const { email, id, tenantId } = await founder();
    const { status, body } = await registerProved(email);
    expect(status).toBe(201);
    await remove({ ...body.user, accessToken: body.accessToken });
    expect((await restore(tenantId)).status).toBe(200);
    expect((await logIn(app, email)).id).toBe(id);
    // The other one finds that the address is taken now.
    expect((await restore(body.user.tenantId)).status).toBe(200);
    const other = await app.deps.db.user.findUniqueOrThrow({
      where: { id: body.user.id },
      include: { account: true },
    });
    expect(other.account).toMatchObject({ poolId: body.user.tenantId, isDeleted: false });
    expect((await logIn(app, email)).id).toBe(id);
  });

  test("finds whoever has another account by now: they hear of it, and work there with that", async () => {
    const { email, id, tenantId } = await founder();
    expect((await registerProved(email)).status).toBe(201);
    expect((await restore(tenantId)).status).toBe(200);
    const account = await logIn(app, email);
    expect(account.tenantId).not.toBe(tenantId);
    const token = tokenIn(await app.lastMailTo(email));
    expect(await join(app, account, token)).toMatchObject({
      ...{ status: 200, body: { tenant: { id: tenantId }, userId: id, roles: ["owner"] } },
    });
    expect((await goTo(app, account, tenantId)).id).toBe(id);
  });

  test("does not give them to a stranger who has taken their address without a proof", async () => {
    const { email, tenantId, id } = await founder();
    const taken = await register(email);
    expect(taken.status).toBe(201);
    expect((await restore(tenantId)).status).toBe(200);
    const stranger = await logIn(app, email);
    const { items } = (await app.as(stranger, "GET /v1/auth/me/tenants")).body;
    expect(items).toHaveLength(1);
    const { token } = await app
      .call("POST /v1/auth/magic-link", { json: { email, tenant: await slugOf(tenantId) } })
      .then(async () => ({ token: tokenIn(await app.lastMailTo(email)) }));
    const { status, body } = await app.call("POST /v1/auth/magic-link/verify", { json: { token } });
    expect([status, body.user?.id]).toEqual([200, id]);
    expect(await passwordLogin(app, email)).toBe(401);
  });

  test("and another that comes back after it: each has its user", async () => {
    const [home, second] = [await registerOwner(app), await registerOwner(app)];
    await proveAddress(app, home);
    const there = await joinTenant(app, home, second);
    await remove(second);
    await remove(home);
    expect((await registerProved(home.email)).status).toBe(201);
    for (const { tenantId } of [home, second]) expect((await restore(tenantId)).status).toBe(200);
    const users = await app.deps.db.user.findMany({
      where: { id: { in: [home.id, there.id] } },
      include: { account: true },
    });
    for (const { account, tenantId } of users)
      expect([account?.poolId, account?.isDeleted]).toEqual([tenantId, false]);
  });

  test("while its founder registers: whichever is first, both have an account", async () => {
    for (let n = 0; n < 10; n++) {
      const { email, id, tenantId } = await founder();
      const [restored, registered] = await Promise.all([restore(tenantId), register(email)]);
      expect(restored.status).toBe(200);
      expect([201, 409]).toContain(registered.status);
      const user = await app.deps.db.user.findUniqueOrThrow({
        where: { id },
        include: { account: true },
      });
      expect(user.account?.isDeleted).toBe(false);
      expect(user.account?.poolId ?? null).toBe(registered.status === 201 ? tenantId : null);
    }
  });

  test("is purged with who came back: nothing else of theirs goes", async () => {
    const { email, tenantId, slug } = await founder();
    const { body } = await registerProved(email);
    expect((await app.as(root, `POST /v1/tenants/${tenantId}/purge`, { slug })).status).toBe(204);
    expect((await logIn(app, email)).id).toBe(body.user.id);
    expect(await app.deps.db.account.count({ where: { email } })).toBe(1);
  });
});

async function slugOf(tenantId: string): Promise<string> {
  return (await app.deps.db.tenant.findUniqueOrThrow({ where: { id: tenantId } })).slug;
}
