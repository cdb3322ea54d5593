/** Moving a tenant that has people between the shared pool of accounts and one of its own. */
import { beforeAll, expect, test } from "bun:test";
import { createKey, use } from "../api-keys/keys.ts";
import {
  auditOf,
  followLink,
  magicLink,
  mailsTo,
  reset,
  resetToken,
  tokenIn,
} from "../auth/mails/mails.ts";
import { invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";
import { NDJSON, sendImport } from "../users/imports.ts";

const app = testApp();
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const move = (who: Account, id: string, userPool: string, dryRun = false) =>
  app.as(who, `POST /v1/tenants/${id}/user-pool`, { userPool, dryRun });
const logInTo = (tenant: string, email: string, password = PASSWORD) =>
  app.call("POST /v1/auth/login", { json: { email, password, tenant } });
const poolOf = async (id: string) => {
  const user = await app.deps.db.user.findUniqueOrThrow({
    where: { id },
    include: { account: true },
  });
  return user.account?.poolId ?? null;
};

/** A tenant with its owner, somebody who is in another one too, and somebody whom the owner has just added. */
async function house() {
  const [owner, elsewhere] = [await registerOwner(app), await registerOwner(app)];
  await proveAddress(app, owner);
  await proveAddress(app, elsewhere);
  const { token } = await invited(app, owner, { email: elsewhere.email });
  const { body } = await join(app, elsewhere, token);
  const added = await createMember(app, owner);
  return { owner, elsewhere, guest: String(body.userId), added };
}

test("into a pool of its own: whoever is there alone comes along, whoever is elsewhere too gets an account there", async () => {
  const { owner, elsewhere, guest, added } = await house();
  const counted = { userPool: "isolated", moved: 1, copied: 1, provisional: 0 };
  const before = await app.deps.db.account.findMany({ orderBy: { id: "asc" } });
  const dry = await move(root, owner.tenantId, "isolated", true);
  expect(dry).toMatchObject({ status: 200, body: { ...counted, dryRun: true } });
  expect(await app.deps.db.account.findMany({ orderBy: { id: "asc" } })).toEqual(before);
  expect(await auditOf(app, "tenant.user_pool_moved", owner.tenantId)).toEqual([]);

  const done = await move(root, owner.tenantId, "isolated");
  expect(done.body).toEqual({ ...counted, dryRun: false });
  for (const id of [owner.id, guest, added.id]) expect(await poolOf(id)).toBe(owner.tenantId);
  expect(await poolOf(elsewhere.id)).toBeNull();
  expect((await logInTo(owner.slug, owner.email)).status).toBe(200);
  expect((await app.as(owner, "GET /v1/auth/me")).status).toBe(200);
  const { body } = await app.as(root, `GET /v1/tenants/${owner.tenantId}`);
  expect(body).toMatchObject({ settings: { userPool: "isolated" }, version: 2 });
  const [row] = await auditOf(app, "tenant.user_pool_moved", owner.tenantId);
  expect(row).toMatchObject({ tenantId: owner.tenantId, actorId: root.id });

  // The account of the other tenant is as before, and opens this one no more; the mail sets a password for the new one.
  const { tenantSelection, user } = (
    await app.call("POST /v1/auth/login", {
      json: { email: elsewhere.email, password: PASSWORD },
    })
  ).body;
  expect([tenantSelection, user.tenantId]).toEqual([undefined, elsewhere.tenantId]);
  expect((await logInTo(owner.slug, elsewhere.email)).status).toBe(401);
  await reset(
    app,
    tokenIn(await app.lastMailTo(elsewhere.email)),
    "a quite different set of words",
  );
  const own = await logInTo(owner.slug, elsewhere.email, "a quite different set of words");
  expect(own.body.user.id).toBe(guest);
  expect((await logIn(app, elsewhere.email)).tenantId).toBe(elsewhere.tenantId);
});

test("what sessions of theirs may do in the tenant ends with the account there", async () => {
  const { owner, elsewhere } = await house();
  const { refreshToken } = elsewhere;
  const there = await app.call("POST /v1/auth/refresh", {
    json: { refreshToken, tenantId: owner.tenantId },
  });
  await move(root, owner.tenantId, "isolated");
  expect((await app.as(there.body, "GET /v1/auth/me")).status).toBe(401);
  expect((await app.as(elsewhere, "GET /v1/auth/me")).status).toBe(200);
});

test("into the shared pool: whose address is proved and free there; the others once they prove it", async () => {
  const { owner, elsewhere, guest, added } = await house();
  await move(root, owner.tenantId, "isolated");
  const back = await move(root, owner.tenantId, "shared");
  expect(back.body).toEqual({
    ...{ userPool: "shared", dryRun: false, moved: 1, copied: 0, provisional: 2 },
  });
  expect(await poolOf(owner.id)).toBeNull();
  for (const id of [guest, added.id]) expect(await poolOf(id)).toBe(owner.tenantId);
  expect((await logIn(app, owner.email)).tenantId).toBe(owner.tenantId);

  // By the mail that they got, they are there with the account that they have.
  const mail = await app.lastMailTo(elsewhere.email);
  expect(mail.subject).toContain("has added you");
  const joined = await join(app, await logIn(app, elsewhere.email), tokenIn(mail));
  expect(joined).toMatchObject({ status: 200, body: { userId: guest } });
  expect(await poolOf(guest)).toBeNull();
  await reset(app, await resetToken(app, added.email), PASSWORD);
  expect(await poolOf(added.id)).toBeNull();
});

test("is the operator's alone, and no setting among others", async () => {
  const owner = await registerOwner(app);
  expect((await move(owner, owner.tenantId, "isolated")).status).toBe(403);
  expect((await move(root, owner.id, "isolated")).status).toBe(404);
  expect((await move(root, owner.tenantId, "both")).status).toBe(422);
  for (const who of [owner, root]) {
    const patched = await app.as(who, `PATCH /v1/tenants/${owner.tenantId}`, {
      settings: { userPool: "isolated" },
    });
    expect(patched.status).toBe(422);
    expect(patched.body.errors).toMatchObject([
      { path: "settings.userPool", message: expect.stringContaining("/user-pool") },
    ]);
  }
  const made = await app.as(root, "POST /v1/tenants", {
    ...{ name: "Apart", slug: "apart", settings: { userPool: "isolated" } },
  });
  expect(made).toMatchObject({ status: 201, body: { settings: { userPool: "isolated" } } });
});

test("within a pool of its own a tenant's word counts; it makes nobody's account in the shared one", async () => {
  const owner = await registerOwner(app);
  await move(root, owner.tenantId, "isolated");
  const email = `victim@${owner.slug}.example`;
  const body = JSON.stringify({
    ...{ email, emailVerified: true, roles: ["member"] },
    passwordHash: await app.deps.passwords.hash(PASSWORD),
  });
  await sendImport(app, owner, body, { type: NDJSON });
  const said = await app.deps.db.user.findFirstOrThrow({ where: { email } });
  expect(said.emailVerifiedAt).not.toBeNull();
  expect((await move(root, owner.tenantId, "shared")).body).toMatchObject({ provisional: 2 });
  expect(await poolOf(said.id)).toBe(owner.tenantId);
  const { token } = await magicLink(app, email);
  expect((await followLink(app, { token })).status).toBe(200);
  expect((await logInTo(owner.slug, email)).status).toBe(401);
});

test("who was deleted comes back with an account of the pool in which the tenant is by then", async () => {
  const { owner, elsewhere, guest, added } = await house();
  for (const id of [guest, added.id]) await app.as(owner, `DELETE /v1/users/${id}`);
  const { body } = await move(root, owner.tenantId, "isolated");
  expect(body).toMatchObject({ moved: 1, copied: 0 });
  for (const id of [guest, added.id]) {
    expect((await app.as(owner, `POST /v1/users/${id}/restore`)).status).toBe(200);
    expect(await poolOf(id)).toBe(owner.tenantId);
  }
  expect(await poolOf(elsewhere.id)).toBeNull();
});

test("of a join elsewhere and the move at once nobody ends with an account of one pool in two tenants", async () => {
  for (let n = 0; n < 4; n++) {
    const [owner, host] = [await registerOwner(app), await registerOwner(app)];
    await proveAddress(app, owner);
    const { token } = await invited(app, host, { email: owner.email });
    const [joined, moved] = await Promise.all([
      join(app, owner, token),
      move(root, owner.tenantId, "isolated"),
    ]);
    expect([200, 403]).toContain(joined.status);
    expect(moved).toMatchObject({
      ...{ status: 200, body: joined.status === 200 ? { copied: 1 } : { moved: 1 } },
    });
  }
});

test("links and log-ins that are half done with the shared account end; API keys of the tenant go on", async () => {
  const { owner, elsewhere, guest } = await house();
  const json = { refreshToken: elsewhere.refreshToken, tenantId: owner.tenantId };
  const there = (await app.call("POST /v1/auth/refresh", { json })).body;
  const key = await createKey(app, there);
  const first = await logInTo(owner.slug, elsewhere.email);
  expect(first.status).toBe(200);
  await app.as(owner, `POST /v1/users/${guest}/verification-email`);
  await move(root, owner.tenantId, "isolated");
  const open = { userId: guest, usedAt: null, purpose: { not: "reset_password" } } as const;
  await app.mail();
  expect(await app.deps.db.oneTimeToken.count({ where: open })).toBe(0);
  expect(await use(app, key)).toBe(200);
  expect((await app.as(first.body, "GET /v1/auth/me")).status).toBe(401);
});

test("to where it is already it moves nobody and mails nobody, and of a dry run nobody hears", async () => {
  const { owner, elsewhere } = await house();
  const before = await mailsTo(app, elsewhere.email);
  await move(root, owner.tenantId, "isolated", true);
  const none = { moved: 0, copied: 0, provisional: 0 };
  expect((await move(root, owner.tenantId, "shared")).body).toMatchObject(none);
  await move(root, owner.tenantId, "isolated");
  expect(await mailsTo(app, elsewhere.email)).toBe(before + 1);
  expect((await move(root, owner.tenantId, "isolated")).body).toMatchObject(none);
  await move(root, owner.tenantId, "shared");
  await move(root, owner.tenantId, "shared");
  expect(await mailsTo(app, elsewhere.email)).toBe(before + 2);
});

test("takes a fresh log-in, and the version that its caller has seen", async () => {
  const owner = await registerOwner(app);
  const stale = await move(await ageLogIn(app, root), owner.tenantId, "isolated");
  expect(stale).toMatchObject({ status: 401, body: { code: "reauthentication_required" } });
  const send = (version: string) =>
    app.call(`POST /v1/tenants/${owner.tenantId}/user-pool`, {
      token: root.accessToken,
      json: { userPool: "isolated" },
      headers: { "if-match": version },
    });
  expect((await send('"9"')).status).toBe(412);
  expect((await send('"1"')).status).toBe(200);
});
