/** Leaving a tenant that one belongs to. */
import { describe, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { beginLong } from "../../src/db/tenant-locks.ts";
import { createKey, use } from "../api-keys/keys.ts";
import { auditOf } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { goTo, joinTenant } from "../support/memberships.ts";
import { ageLogIn } from "../support/stale.ts";
import { invited, join } from "./invitations.ts";

const app = testApp();

const leave = (who: Pick<Account, "accessToken">, tenantId: string) =>
  app.as(who, `POST /v1/auth/me/tenants/${tenantId}/leave`);
const isIn = async (who: Pick<Account, "accessToken">) =>
  (await app.as(who, "GET /v1/auth/me")).status === 200;

/** Somebody who owns one tenant and is a member of another: `there`. */
async function guest(roles = ["member"]) {
  const [host, home] = [await registerOwner(app), await registerOwner(app)];
  await proveAddress(app, home);
  return { host, home, there: await joinTenant(app, home, host, roles) };
}

test("R78: what their sessions and keys may do there ends at once, in the other tenant nothing does", async () => {
  const { host, home, there } = await guest(["admin"]);
  const [keyThere, keyHome] = [await createKey(app, there), await createKey(app, home)];
  const second = await logInTo(home.email, host.slug);
  expect((await leave(there, host.tenantId)).status).toBe(204);

  expect(await Promise.all([isIn(there), isIn(second), isIn(home)])).toEqual([false, false, true]);
  expect([await use(app, keyThere), await use(app, keyHome)]).toEqual([401, 200]);
  const json = { refreshToken: there.refreshToken, tenantId: host.tenantId };
  expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(404);
  expect((await goTo(app, there, home.tenantId)).id).toBe(home.id);
  expect((await logIn(app, home.email)).tenantId).toBe(home.tenantId);
  const { items } = (await app.as(home, "GET /v1/auth/me/tenants")).body;
  expect(items).toMatchObject([{ tenant: { id: home.tenantId } }]);
  expect((await app.as(host, `GET /v1/users/${there.id}`)).status).toBe(404);
});

test("R63: the tenant that is left has it on record, by who they were there; the other one nothing", async () => {
  const { host, home, there } = await guest();
  // From the tenant where they stay.
  expect((await leave(home, host.tenantId.toUpperCase())).status).toBe(204);
  expect(await isIn(there)).toBe(false);
  const [row] = await auditOf(app, "user.left_tenant", there.id);
  expect(row).toMatchObject({
    ...{ tenantId: host.tenantId, actorId: there.id, outcome: "success", details: {} },
  });
  const { body } = await app.as(home, "GET /v1/audit-logs?limit=100");
  for (const secret of [host.tenantId, there.id, "user.left_tenant"])
    expect(JSON.stringify(body)).not.toContain(secret);
});

test("whoever leaves their last tenant has no account any more, and the address is free", async () => {
  const host = await registerOwner(app);
  const member = await createMember(app, host);
  await proveAddress(app, member);
  expect((await leave(member, host.tenantId)).status).toBe(204);
  expect(await isIn(member)).toBe(false);
  await expect(logIn(app, member.email)).rejects.toThrow("401");
  const account = await app.deps.db.account.findUniqueOrThrow({ where: { id: member.id } });
  expect(account.isDeleted).toBe(true);
  const tenant = { name: "Anew", slug: `anew-${member.id.slice(-8)}` };
  const json = { email: member.email, password: "a whole new person's words", tenant };
  expect((await app.call("POST /v1/auth/register", { json })).status).toBe(201);
});

test("whoever has left is invited again, and is somebody new there", async () => {
  const { host, home, there } = await guest();
  await leave(home, host.tenantId);
  const { token } = await invited(app, host, { email: home.email });
  const { status, body } = await join(app, home, token);
  expect(status).toBe(200);
  expect(body.userId).not.toBe(there.id);
});

test("nobody waits for a long list of people that somebody is at work on where they are", async () => {
  const { home, host } = await guest();
  const leaving = Promise.withResolvers<Awaited<ReturnType<typeof leave>>>();
  const long = commit(app.deps, async (tx) => {
    const giveWay = await beginLong(tx, [home.tenantId, host.tenantId]);
    await tx.$executeRaw`SELECT FROM accounts WHERE id = ${home.id}::uuid FOR UPDATE`;
    leave(home, host.tenantId).then(leaving.resolve, leaving.reject);
    for (let n = 0; n < 8; n++) {
      await Bun.sleep(250);
      await giveWay();
    }
  });
  await expect(long).rejects.toThrow("goes first");
  expect((await leaving.promise).status).toBe(204);
});

describe("nobody leaves", () => {
  test("R62: as the last owner; of two who leave at once one stays", async () => {
    const { home } = await guest();
    const answer = await leave(home, home.tenantId);
    expect(answer).toMatchObject({ status: 409, body: { code: "last_owner" } });
    const second = await createMember(app, home, ["owner"]);
    const answers = await Promise.all([home, second].map((who) => leave(who, home.tenantId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
    const { tenantId } = home;
    const owners = { tenantId, role: { name: "owner" }, user: { isDeleted: false } };
    expect(await app.deps.db.userRole.count({ where: owners })).toBe(1);
  });

  test("a tenant that is none of theirs, or that they have left", async () => {
    const { host, home } = await guest();
    const other = await registerOwner(app);
    for (const id of [other.tenantId, home.id, "x"])
      expect((await leave(home, id)).body.code).toBe("not_found");
    await leave(home, host.tenantId);
    expect((await leave(home, host.tenantId)).status).toBe(404);
    expect(await isIn(other)).toBe(true);
  });

  test("without a fresh log-in", async () => {
    const { host, there } = await guest();
    const answer = await leave(await ageLogIn(app, there), host.tenantId);
    expect(answer).toMatchObject({ status: 401, body: { code: "reauthentication_required" } });
    expect(await isIn(there)).toBe(true);
  });

  test("who is a platform account", async () => {
    const { host } = await guest();
    expect((await leave(await createSuperAdmin(app), host.tenantId)).status).toBe(403);
  });

  test("twice, of many requests at once", async () => {
    const { host, home, there } = await guest();
    const answers = await Promise.all(Array.from({ length: 10 }, () => leave(home, host.tenantId)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(9);
    expect(await auditOf(app, "user.left_tenant", there.id)).toHaveLength(1);
  });
});

async function logInTo(email: string, tenant: string) {
  const password = "correct horse battery staple";
  return (await app.call("POST /v1/auth/login", { json: { email, password, tenant } })).body;
}
