import { beforeAll, expect, test } from "bun:test";
import { createService } from "../../api-keys/keys.ts";
import { type Account, createMember, registerOwner, testApp } from "../../support/app.ts";
import { claimsOf, enrolTotp, totpCode } from "../../support/factors.ts";
import { auditOf, followLink, magicLink, mailsTo, otherCode, verify } from "../mails/mails.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
  await verify(app, owner);
});

async function verified() {
  const account = await registerOwner(app);
  await verify(app, account);
  return account;
}

test("R25: link and code log in, with the method email and nothing more", async () => {
  for (const by of ["token", "code"] as const) {
    const account = await verified();
    const mail = await magicLink(app, account.email);
    const { status, body } = await followLink(
      app,
      by === "token" ? { token: mail.token } : { challengeId: mail.challengeId, code: mail.code },
    );
    expect([status, body.user.id]).toEqual([200, account.id]);
    expect(claimsOf(body.accessToken).amr).toEqual(["email"]);
  }
});

test("R16, R25: an authenticator app is still asked for, and makes no mfa of a mail", async () => {
  const account = await verified();
  const { secret } = await enrolTotp(app, account);
  const { token } = await magicLink(app, account.email);
  const { body: first } = await followLink(app, { token });
  expect(first).toMatchObject({ mfaRequired: true, methods: ["totp", "recovery_code"] });
  expect(first.accessToken).toBeUndefined();
  const json = { mfaToken: first.mfaToken, method: "totp", code: totpCode(secret) };
  const { status, body } = await app.call("POST /v1/auth/mfa/verify", { json });
  expect([status, claimsOf(body.accessToken).amr]).toEqual([200, ["email", "otp"]]);
});

test("the request changes nothing at the account, and the password goes on working", async () => {
  const account = await verified();
  const read = () =>
    app.deps.db.account.findUniqueOrThrow({ where: { id: account.id }, include: { users: true } });
  const before = await read();
  await magicLink(app, account.email);
  expect(await read()).toEqual(before);
});

test("R15: a newer mail makes link and code of the older one worthless", async () => {
  const { email } = await verified();
  const older = await magicLink(app, email);
  const newer = await magicLink(app, email);
  expect((await followLink(app, { token: older.token })).status).toBe(400);
  const json = { challengeId: older.challengeId, code: older.code };
  expect((await followLink(app, json)).status).toBe(400);
  expect((await followLink(app, { token: newer.token })).status).toBe(200);
});

test("R15: of many requests at once one token stays open", async () => {
  const account = await verified();
  const json = { email: account.email };
  await Promise.all(
    Array.from({ length: 5 }, () => app.call("POST /v1/auth/magic-link", { json })),
  );
  await Promise.all([app.mail(), app.mail(), app.mail()]);
  const where = { userId: account.id, purpose: "magic_link" as const };
  expect(await app.deps.db.oneTimeToken.count({ where })).toBe(5);
  expect(await app.deps.db.oneTimeToken.count({ where: { ...where, usedAt: null } })).toBe(1);
});

test("an hour has five mails of a kind for a user, and the answer does not tell", async () => {
  const { email } = await verified();
  const before = await mailsTo(app, email);
  for (let n = 0; n < 7; n++) {
    const answer = await app.call("POST /v1/auth/magic-link", { json: { email } });
    expect([answer.status, Object.keys(answer.body)]).toEqual([202, ["challengeId", "expiresIn"]]);
  }
  expect(await mailsTo(app, email)).toBe(before + 5);
  // Another kind has an hour of its own.
  await app.call("POST /v1/auth/forgot-password", { json: { email } });
  expect(await mailsTo(app, email)).toBe(before + 6);
});

test.each(["disabled", "deleted"])(
  "who is %s gets no mail, and a mail from before logs nobody in",
  async (state) => {
    const member = await createMember(app, owner);
    const { token } = await magicLink(app, member.email);
    await app.deps.pool.query(
      state === "disabled"
        ? "UPDATE users SET status = 'disabled' WHERE id = $1"
        : "UPDATE users SET is_deleted = true, deleted_at = now() WHERE id = $1",
      [member.id],
    );
    const before = await mailsTo(app, member.email);
    expect((await followLink(app, { token })).status).toBe(400);
    await app.call("POST /v1/auth/magic-link", { json: { email: member.email } });
    expect(await mailsTo(app, member.email)).toBe(before);
  },
);

test("a suspended tenant's users cannot log in by a mail from before", async () => {
  const account = await verified();
  const { token, challengeId, code } = await magicLink(app, account.email);
  await app.deps.pool.query("UPDATE tenants SET status = 'suspended' WHERE id = $1", [
    account.tenantId,
  ]);
  expect((await followLink(app, { token })).status).toBe(400);
  expect((await followLink(app, { challengeId, code })).status).toBe(400);
});

test("nobody logs in as a service account, by password or by mail", async () => {
  const service = await createService(app, owner);
  const email = `${service.id}@service.invalid`;
  for (const route of ["magic-link", "forgot-password"])
    expect((await app.call(`POST /v1/auth/${route}`, { json: { email } })).status).toBe(422);
  const json = { email, password: "correct horse battery staple" };
  expect((await app.call("POST /v1/auth/login", { json })).status).toBe(422);
  // And were its address one that a mail could be asked for, there would be none.
  await app.deps.jobs.send("mail_request", {
    request: { kind: "magic_link", email, challenge: "challenge" },
    origin: { requestId: "test", ip: null, userAgent: null, language: null, device: null },
  });
  expect(await mailsTo(app, email)).toBe(0);
});

test("R63: asking, logging in and failing leave rows, and none holds a secret", async () => {
  const account = await verified();
  const { token, code, challengeId } = await magicLink(app, account.email);
  await followLink(app, { challengeId, code: otherCode(code) });
  await followLink(app, { token });
  const [asked] = await auditOf(app, "auth.magic_link_requested", account.id);
  expect(asked).toMatchObject({ tenantId: account.tenantId, outcome: "success" });
  const session = await app.deps.db.session.findFirstOrThrow({
    where: { accountId: account.id },
    orderBy: { id: "desc" },
  });
  const [done] = await auditOf(app, "auth.logged_in", session.id);
  expect(done).toMatchObject({ actorId: account.id, details: { methods: ["email"] } });
  const failed = await app.deps.db.auditLog.findMany({
    where: { action: "auth.login_failed", outcome: "failure", resourceId: null },
  });
  expect(failed.at(-1)?.details).toEqual({ reason: "invalid_link_or_code", methods: ["email"] });
  const rows = JSON.stringify(await app.deps.db.auditLog.findMany());
  for (const secret of [token, challengeId]) expect(rows).not.toContain(secret);
});
