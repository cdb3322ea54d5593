import { describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";

const app = testApp();

function reset(by: Account, id: string) {
  return app.call(`DELETE /v1/users/${id}/factors`, { token: by.accessToken });
}

function countsOf({ id: accountId }: Account) {
  const { db } = app.deps;
  return Promise.all([
    db.totpFactor.count({ where: { accountId } }),
    db.passkey.count({ where: { accountId } }),
    db.recoveryCode.count({ where: { accountId } }),
  ]);
}

test("an administrator takes the factors of somebody who lost them, and their sessions end", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await enrolTotp(app, member);
  await enrolPasskey(app, member);
  expect((await reset(owner, member.id)).status).toBe(204);
  expect(await countsOf(member)).toEqual([0, 0, 0]);
  expect((await app.call("GET /v1/auth/me", { token: member.accessToken })).status).toBe(401);
  expect((await logIn(app, member.email)).id).toBe(member.id);
  const rows = await app.deps.db.auditLog.findMany({
    where: { resourceId: member.id, action: "factor.reset" },
    select: { actorId: true, tenantId: true, details: true },
  });
  expect(rows as unknown[]).toEqual([
    { actorId: owner.id, tenantId: owner.tenantId, details: { removed: ["totp", "passkey"] } },
  ]);
});

describe("R59: nothing changes", () => {
  test("for one's own: those need a fresh log-in", async () => {
    const owner = await registerOwner(app);
    await enrolTotp(app, owner);
    expect((await reset(owner, owner.id)).status).toBe(403);
    expect(await countsOf(owner)).toEqual([1, 0, 10]);
  });

  test("for who may do more than the caller, or without the permission", async () => {
    const owner = await registerOwner(app);
    const [admin, member] = [
      await createMember(app, owner, ["admin"]),
      await createMember(app, owner),
    ];
    await enrolTotp(app, owner);
    expect((await reset(admin, owner.id)).status).toBe(403);
    expect((await reset(member, owner.id)).status).toBe(403);
    expect(await countsOf(owner)).toEqual([1, 0, 10]);
  });

  test("for another tenant's user, with the same 404 as for an absent one", async () => {
    const [owner, stranger] = [await registerOwner(app), await registerOwner(app)];
    await enrolTotp(app, stranger);
    for (const id of [stranger.id, crypto.randomUUID(), "x"])
      expect((await reset(owner, id)).body.code).toBe("not_found");
    expect(await countsOf(stranger)).toEqual([1, 0, 10]);
    expect((await reset(await createSuperAdmin(app), stranger.id)).status).toBe(204);
  });
});
