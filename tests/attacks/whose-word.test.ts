/** R69: whose word counts, of addresses and of passwords: platform accounts', the person's own, a tenant's in its own pool. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey, use } from "../api-keys/keys.ts";
import {
  auditOf,
  followLink,
  magicLink,
  NEW_PASSWORD,
  passwordLogin,
  startChange,
  verify,
} from "../auth/mails/mails.ts";
import { VECTORS } from "../crypto/imported-hashes.ts";
import { accept, invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolTotp } from "../support/factors.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";

const app = testApp();
let mallory: Account;
let bank: Account & { tenantId: string };
beforeAll(async () => {
  [mallory, bank] = await Promise.all([registerOwner(app), registerOwner(app)]);
});

const HASH = VECTORS["bcrypt 2b"];
const newAddress = () => `vera@${randomName()}.example`;
const post = (token: string, path: string, json: object) =>
  app.call(`POST ${path}`, { token, json });

describe("R69: whose word counts", () => {
  test("a platform account's import proves an address, and the log says so", async () => {
    const root = await createSuperAdmin(app);
    const email = newAddress();
    const text = lines({ email, passwordHash: HASH, emailVerified: true });
    const query = `?tenantId=${bank.tenantId}`;
    const { body } = await sendImport(app, root, text, { type: NDJSON, query });
    expect(body).toMatchObject({ created: 1, unproved: 0 });
    const { id, emailVerifiedAt } = await app.deps.db.user.findFirstOrThrow({ where: { email } });
    expect(emailVerifiedAt).toBeInstanceOf(Date);
    const [created] = await auditOf(app, "user.created", id);
    expect(created?.details).toMatchObject({ emailVerified: true });
  });

  test("a tenant's import says how many were not believed, in a dry run too, and the log says nothing of it", async () => {
    const email = newAddress();
    const text = lines(
      { email, emailVerified: true },
      { email: newAddress() },
      { email, emailVerified: true },
    );
    for (const query of ["?dryRun=true", ""]) {
      const { body } = await sendImport(app, mallory, text, { type: NDJSON, query });
      expect(body).toMatchObject({ created: 2, failed: 1, unproved: 1 });
    }
    const { id, emailVerifiedAt } = await app.deps.db.user.findFirstOrThrow({ where: { email } });
    const [created] = await auditOf(app, "user.created", id);
    expect([emailVerifiedAt, created?.details]).toEqual([
      null,
      { imported: true, roles: ["member"] },
    ]);
  });

  test("a password that a platform account gave stays through the proof; factors and sessions do not", async () => {
    const root = await createSuperAdmin(app);
    const email = newAddress();
    const json = { email, passwordHash: HASH, tenantId: bank.tenantId, roles: ["admin"] };
    const { id } = (await post(root.accessToken, "/v1/users", json)).body;
    const before = await logIn(app, email);
    await startChange(app, before);
    await enrolTotp(app, before);
    // A log-in that waits for its second factor.
    await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
    const { token } = await magicLink(app, email);
    expect((await followLink(app, { token })).status).toBe(200);
    expect(await app.deps.db.totpFactor.count({ where: { accountId: id } })).toBe(0);
    expect(await app.deps.db.oneTimeToken.count({ where: { userId: id, usedAt: null } })).toBe(0);
    expect((await app.call("GET /v1/auth/me", { token: before.accessToken })).status).toBe(401);
    expect(await passwordLogin(app, email)).toBe(200);
  });

  test("of who registered in person nothing goes by a proof within the session", async () => {
    const owner = await registerOwner(app);
    const key = await createKey(app, owner);
    const other = await logIn(app, owner.email);
    await verify(app, owner);
    expect(await passwordLogin(app, owner.email)).toBe(200);
    expect(await use(app, key)).toBe(200);
    expect((await app.call("GET /v1/auth/me", { token: other.accessToken })).status).toBe(200);
  });
});

describe("R69: with EMAIL_SCOPE=tenant", () => {
  beforeAll(() => {
    app.deps.config.emailScope = "tenant";
  });
  afterAll(() => {
    app.deps.config.emailScope = "global";
  });

  test("a tenant's word counts in the tenant, and its password does not leave it", async () => {
    const [from, to] = [await registerOwner(app), await registerOwner(app)];
    const email = newAddress();
    const text = lines({ email, passwordHash: HASH, emailVerified: true });
    const { body } = await sendImport(app, from, text, { type: NDJSON });
    expect(body).toMatchObject({ created: 1, unproved: 0 });
    const logInAt = (tenant: string, password = PASSWORD) =>
      app.call("POST /v1/auth/login", { json: { email, tenant, password } });
    const { accessToken } = (await logInAt(from.slug)).body;
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await post(accessToken, "/v1/auth/change-password", change)).status).toBe(204);
    // The notice of it goes out first, so that the newest mail is the invitation.
    await app.mail();
    const { token } = await invited(app, to, { email });
    // Of a pool of a tenant's own nobody joins another: they come there as somebody new.
    expect((await join(app, { ...from, accessToken }, token)).status).toBe(403);
    const password = "what she sets in the other tenant";
    expect((await accept(app, token, { password })).status).toBe(201);
    expect((await logInAt(to.slug, password)).status).toBe(200);
    for (const password of [PASSWORD, NEW_PASSWORD])
      expect((await logInAt(to.slug, password)).status).toBe(401);
  });
});
