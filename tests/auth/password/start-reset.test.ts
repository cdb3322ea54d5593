/** Administrators who start a reset, and what the bodies of the e-mail flows may hold. */
import { beforeAll, expect, test } from "bun:test";
import { createKey } from "../../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { mailsTo, passwordLogin, reset, tokenIn } from "../mails/mails.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let member: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  member = await createMember(app, owner);
});

function start(by: { accessToken: string }, id: string) {
  return app.call(`POST /v1/users/${id}/reset-password`, { token: by.accessToken });
}

test("R17: an administrator starts a reset and sees no token; the old password works until it is used", async () => {
  const answer = await start(owner, member.id);
  expect([answer.status, answer.body]).toEqual([202, ""]);
  const mail = await app.lastMailTo(member.email);
  expect(await passwordLogin(app, member.email)).toBe(200);
  expect((await reset(app, tokenIn(mail))).status).toBe(204);
});

test("R17: a user without a password gets their first one this way", async () => {
  const email = "without@members.example";
  const { body } = await app.call("POST /v1/users", { token: owner.accessToken, json: { email } });
  await start(owner, body.id);
  await reset(app, tokenIn(await app.lastMailTo(email)), "the very first long phrase");
  expect(await passwordLogin(app, email, "the very first long phrase")).toBe(200);
});

test("it takes user:update, a session or key that holds it, and no more rights in the user than in the caller", async () => {
  expect((await app.call(`POST /v1/users/${member.id}/reset-password`)).status).toBe(401);
  const plain = await createMember(app, owner);
  expect((await start(plain, member.id)).status).toBe(403);
  const admin = await createMember(app, owner, ["admin"]);
  expect((await start(admin, owner.id)).status).toBe(403);
  const reader = await createKey(app, owner, { scopes: ["user:read"] });
  expect((await start({ accessToken: reader.key }, plain.id)).status).toBe(403);
  const updater = await createKey(app, owner, { scopes: ["user:read", "user:update"] });
  expect((await start({ accessToken: updater.key }, owner.id)).status).toBe(403);
});

test("R59: another tenant's user, a deleted one, a machine and none at all get the same 404", async () => {
  const stranger = await registerOwner(app);
  const deleted = await createMember(app, owner);
  await app.call(`DELETE /v1/users/${deleted.id}`, { token: owner.accessToken });
  const service = await app.call("POST /v1/service-accounts", {
    token: owner.accessToken,
    json: { name: "Deployment", roles: ["member"] },
  });
  expect(service.status).toBe(201);
  for (const id of [stranger.id, deleted.id, service.body.id, crypto.randomUUID(), "x"]) {
    const { status, body } = await start(owner, id);
    expect([id, status, body.detail]).toEqual([id, 404, "There is no such user."]);
  }
  expect((await start(await createSuperAdmin(app), stranger.id)).status).toBe(202);
});

test("it shares the hour's quota with the user's own requests", async () => {
  const user = await createMember(app, owner);
  for (let n = 0; n < 4; n++) {
    await start(owner, user.id);
    await app.call("POST /v1/auth/forgot-password", { json: { email: user.email } });
  }
  expect(await mailsTo(app, user.email)).toBe(5);
});

const token = "x";
const BODIES: Record<string, object> = {
  "forgot-password": { email: "a@example.com" },
  "magic-link": { email: "a@example.com" },
  "magic-link/verify": { token },
  "reset-password": { token, newPassword: "a wholly different long phrase" },
  "register/complete": { token, password: "p" },
  unlock: { token },
  "me/email": { email: "a@example.com" },
  "me/email/verify": { token },
};

test.each(Object.entries(BODIES))(
  "R57: %s refuses fields that it does not know",
  async (path, body) => {
    const options = { token: owner.accessToken };
    const call = (json: object) => app.call(`POST /v1/auth/${path}`, { ...options, json });
    expect((await call(body)).status).not.toBe(422);
    for (const field of [
      "userId",
      "tenantId",
      "role",
      "emailVerified",
      "email_verified_at",
      "purpose",
    ])
      expect([field, (await call({ ...body, [field]: "x" })).status]).toEqual([field, 422]);
  },
);

test.each(["magic-link/verify", "register/complete", "me/email/verify"])(
  "%s takes link or code and not both, and six digits as a code",
  async (path) => {
    const options = { token: owner.accessToken };
    const bodies = [
      {},
      { token, password: "p", challengeId: "x", code: "123456" },
      { challengeId: "x", code: "12345" },
      { challengeId: "x", code: 123456 },
      { challengeId: "x", code: "１２３４５" },
      { challengeId: "x" },
      { code: "12345a" },
    ];
    for (const json of bodies) {
      const { status } = await app.call(`POST /v1/auth/${path}`, { ...options, json });
      expect([json, status]).toEqual([json, 422]);
    }
  },
);
