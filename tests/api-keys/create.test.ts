/** Who may make which key, for whom, and what is shown and stored of it. */
import { beforeAll, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { createKey, createService, READ, use } from "./keys.ts";

const DAY = 24 * 3600 * 1000;
const DENIED = { status: 403, body: { code: "permission_denied" } };
const NOT_FOUND = { status: 404, body: { code: "not_found" } };

const app = testApp();
let owner: Account & { tenantId: string };
let admin: Account;
let member: Account;
let stranger: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
  admin = await createMember(app, owner, ["admin"]);
  member = await createMember(app, owner);
  stranger = await registerOwner(app);
});

const post = (token: string | undefined, json: object) =>
  app.call("POST /v1/api-keys", {
    ...(token !== undefined && { token }),
    json: { name: "Test", scopes: READ, ...json },
  });
const keysOf = (userId: string) => app.deps.db.apiKey.count({ where: { userId } });

test("a key is shown once, acts as its user, and lasts 90 days unless told otherwise", async () => {
  const answer = await post(member.accessToken, {
    name: " Backup ",
    scopes: ["user:read", ...READ],
  });
  expect(answer).toMatchObject({
    status: 201,
    body: {
      userId: member.id,
      tenantId: owner.tenantId,
      name: "Backup",
      scopes: ["user:read", "tenant:read"],
      lastUsedAt: null,
      createdBy: member.id,
    },
  });
  const { key, id, prefix, expiresAt } = answer.body;
  expect(prefix).toMatch(/^tnk_[a-z0-9]{8}$/);
  expect(key).toStartWith(`${prefix}_`);
  expect(Math.abs(Date.parse(expiresAt) - Date.now() - 90 * DAY)).toBeLessThan(60_000);
  expect(answer.headers.get("location")).toBe(`/v1/api-keys/${id}`);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await use(app, key)).toBe(200);

  const year = await post(member.accessToken, { expiresInDays: 365 });
  expect(Math.abs(Date.parse(year.body.expiresAt) - Date.now() - 365 * DAY)).toBeLessThan(60_000);
  for (const route of ["GET /v1/api-keys", `GET /v1/api-keys/${id}`]) {
    const { status, body } = await app.call(route, { token: member.accessToken });
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toMatch(/"key"|"keyHash"|"revokedAt"/);
    expect(JSON.stringify(body)).not.toContain(key.slice(13));
  }
});

test("R32: of the key the database holds its SHA-256 and its first twelve characters", async () => {
  const { key, id, prefix } = await createKey(app, member);
  const row = await app.deps.db.apiKey.findUniqueOrThrow({ where: { id } });
  expect(Buffer.from(row.keyHash).equals(hashToken(key))).toBe(true);
  expect(row.prefix).toBe(prefix);
  const tables = ["api_keys", "audit_log", "users", "sessions", "rate_limits"];
  for (const table of tables) {
    const { rows } = await app.deps.pool.query(`SELECT t::text AS text FROM ${table} AS t`);
    expect(rows.filter(({ text }) => text.includes(key.slice(13)))).toEqual([]);
  }
});

test("CVE-2025-61928: nobody makes a key for another user without the permission", async () => {
  const victims = [owner.id, admin.id, (await createMember(app, owner)).id, stranger.id, newId()];
  const machine = await createKey(app, owner, {
    scopes: ["tenant:read", "user:read", "user:create"],
  });
  for (const userId of victims) {
    const before = await keysOf(userId);
    expect(await post(member.accessToken, { userId })).toMatchObject(DENIED);
    expect(await post(machine.key, { userId })).toMatchObject({
      status: 403,
      body: { code: "session_required" },
    });
    expect(await post(undefined, { userId })).toMatchObject({
      status: 401,
      body: { code: "not_authenticated" },
    });
    expect(await post("tnk_aaaaaaaa_", { userId })).toMatchObject({
      status: 401,
      body: { code: "invalid_token" },
    });
    expect(await keysOf(userId)).toBe(before);
  }
});

test("R62: whoever may make keys for others makes none for an account that may do more", async () => {
  expect(await post(admin.accessToken, { userId: owner.id })).toMatchObject(DENIED);
  const { body, status } = await post(admin.accessToken, { userId: member.id });
  expect([status, body.userId, body.createdBy]).toEqual([201, member.id, admin.id]);
  const few = await createMemberWith(app, owner, ["api_key:create", "user:read"]);
  const json = { userId: member.id, scopes: ["user:read"] };
  expect(await post(few.accessToken, json)).toMatchObject(DENIED);
  expect(await keysOf(owner.id)).toBe(1);
});

test("R59: a user of another tenant is answered as one who is not there", async () => {
  const answers = await Promise.all(
    [stranger.id, newId()].map((userId) => post(owner.accessToken, { userId })),
  );
  for (const answer of answers) {
    expect(answer).toMatchObject(NOT_FOUND);
    expect({ ...answer.body, instance: "" }).toEqual({ ...answers[0]?.body, instance: "" });
  }
  expect(await keysOf(stranger.id)).toBe(0);
});

test("R62: scopes lie within what the caller may do, and within what the key's user may do", async () => {
  expect(await post(member.accessToken, { scopes: [...READ, "user:delete"] })).toMatchObject(
    DENIED,
  );
  expect(await post(owner.accessToken, { scopes: ["tenant:create"] })).toMatchObject(DENIED);
  const beyond = await post(owner.accessToken, { userId: member.id, scopes: ["user:delete"] });
  expect(beyond).toMatchObject({ status: 422, body: { errors: [{ path: "scopes" }] } });
  const few = await createMemberWith(app, owner, ["api_key:create", "tenant:read", "user:read"]);
  const denied = await post(few.accessToken, { userId: member.id, scopes: ["user:delete"] });
  expect(denied).toMatchObject(DENIED);
});

test("R57: what a caller does not decide is refused", async () => {
  const forged = {
    tenantId: stranger.tenantId,
    createdBy: owner.id,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: null,
    keyHash: "00",
    prefix: "tnk_aaaaaaaa",
    key: "x",
    id: newId(),
    isSuperAdmin: true,
  };
  for (const [field, value] of Object.entries(forged)) {
    expect(await post(member.accessToken, { [field]: value })).toMatchObject({
      status: 422,
      body: { errors: [{ path: field, message: "Unknown field" }] },
    });
  }
});

test("input that is not valid is 422, and names the field", async () => {
  const wrong: [string, unknown[]][] = [
    ["name", ["", "  ", "x".repeat(121), "a\u0007b", 1, null]],
    ["scopes", [[], "user:read", ["nothing:known"], ["user:read", 1], null, ["api_key:create"]]],
    ["expiresInDays", [0, -1, 366, 1.5, "30", Number.MAX_SAFE_INTEGER]],
    ["userId", ["x", 1, null, ""]],
  ];
  for (const [field, values] of wrong) {
    for (const value of values) {
      const { status, body } = await post(member.accessToken, { [field]: value });
      expect([field, value, status]).toEqual([field, value, 422]);
      expect(body.errors[0].path).toStartWith(field);
    }
  }
});

test("only the key of a service account may last for ever", async () => {
  expect(await post(owner.accessToken, { expiresInDays: null })).toMatchObject({
    status: 422,
    body: { errors: [{ path: "expiresInDays" }] },
  });
  const { id } = await createService(app, owner);
  const { status, body } = await post(owner.accessToken, { userId: id, expiresInDays: null });
  expect([status, body.expiresAt]).toEqual([201, null]);
  expect(await use(app, body.key)).toBe(200);
});

test("R24: a session of long ago makes no key until its user has proved again who they are", async () => {
  const { id: userId, tenantId, email } = await createMember(app, owner);
  await logIn(app, email);
  const session = await app.deps.db.session.findFirstOrThrow({ where: { accountId: userId } });
  const sign = async (secondsAgo: number) =>
    (
      await app.deps.accessTokens.sign({
        userId,
        tenantId,
        sessionId: session.id,
        amr: ["pwd"],
        authenticatedAt: Math.floor(Date.now() / 1000) - secondsAgo,
      })
    ).token;
  expect(await post(await sign(601), {})).toMatchObject({
    status: 401,
    body: { code: "reauthentication_required" },
  });
  expect((await post(await sign(590), {})).status).toBe(201);
});

test("fifty keys made at once are fifty keys", async () => {
  const { accessToken, id } = await createMember(app, owner);
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(accessToken, {})));
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
  expect(new Set(answers.map(({ body }) => body.key)).size).toBe(50);
  expect(new Set(answers.map(({ body }) => body.prefix)).size).toBe(50);
  expect(await keysOf(id)).toBe(50);
});

test("a super admin makes keys for users of every tenant and for themselves", async () => {
  const root = await createSuperAdmin(app);
  const own = await createKey(app, root, { scopes: ["tenant:list"] });
  expect((await app.call("GET /v1/tenants", { token: own.key })).status).toBe(200);
  const theirs = await post(root.accessToken, { userId: stranger.id });
  expect([theirs.status, theirs.body.tenantId]).toEqual([201, stranger.tenantId]);
  const { body } = await app.call("GET /v1/users", { token: theirs.body.key });
  expect(body.items.map(({ tenantId }: { tenantId: string }) => tenantId)).toEqual([
    stranger.tenantId,
  ]);
});
