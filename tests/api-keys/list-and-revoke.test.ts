/** Seeing and revoking keys: one's own, those of others, and what a machine may. */
import { beforeAll, describe, expect, test } from "bun:test";
import { newApiKey } from "../../src/crypto/api-key.ts";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { createKey, createService, type Key, READ, use } from "./keys.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let admin: Account;
let member: Account;
let stranger: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  admin = await createMember(app, owner, ["admin"]);
  member = await createMember(app, owner);
  stranger = await registerOwner(app);
});

const as = (who: Account | string, route: string) =>
  app.call(route, { token: typeof who === "string" ? who : who.accessToken });
const idsOf = (items: { id: string }[]) => items.map(({ id }) => id);
const DENIED = { status: 403, body: { code: "permission_denied" } };
const NOT_FOUND = { status: 404, body: { code: "not_found" } };

test("everybody lists their own keys, the newest first, page by page, without the revoked ones", async () => {
  const person = await createMember(app, owner);
  const keys: Key[] = [];
  for (let n = 0; n < 5; n += 1) keys.push(await createKey(app, person, { name: `Key ${n}` }));
  await createKey(app, member);
  await as(person, `DELETE /v1/api-keys/${keys[2]?.id}`);
  const expected = [4, 3, 1, 0].map((n) => keys[n]?.id ?? "");
  const seen: string[] = [];
  let cursor = "";
  do {
    const { status, body } = await as(person, `GET /v1/api-keys?limit=3${cursor}`);
    expect(status).toBe(200);
    seen.push(...idsOf(body.items));
    cursor = body.nextCursor === null ? "" : `&cursor=${body.nextCursor}`;
  } while (cursor !== "");
  expect(seen).toEqual(expected);
  expect((await as(person, `GET /v1/api-keys?userId=${person.id}`)).body.items).toHaveLength(4);
});

test("an expired key is still listed, with its date", async () => {
  const person = await createMember(app, owner);
  const { id } = await createKey(app, person);
  const expiresAt = new Date(Date.now() - 60_000);
  const createdAt = new Date(Date.now() - 120_000);
  await app.deps.db.apiKey.update({ where: { id }, data: { createdAt, expiresAt } });
  const { body } = await as(person, "GET /v1/api-keys");
  expect(body.items).toMatchObject([{ id, expiresAt: expiresAt.toISOString() }]);
});

describe("the keys of others", () => {
  test("are listed with api_key:read and 403 without it", async () => {
    const { id } = await createKey(app, member);
    for (const who of [owner, admin, await createMember(app, owner, ["auditor"])]) {
      const { status, body } = await as(who, `GET /v1/api-keys?userId=${member.id}`);
      expect(status).toBe(200);
      expect(idsOf(body.items)).toContain(id);
      expect((await as(who, `GET /v1/api-keys/${id}`)).body.id).toBe(id);
    }
    const other = await createMember(app, owner);
    expect(await as(other, `GET /v1/api-keys?userId=${member.id}`)).toMatchObject(DENIED);
    expect(await as(other, `GET /v1/api-keys/${id}`)).toMatchObject(NOT_FOUND);
  });

  test("of a service account are listed too", async () => {
    const { id: userId } = await createService(app, owner);
    const { id } = await createKey(app, owner, { userId });
    expect(idsOf((await as(admin, `GET /v1/api-keys?userId=${userId}`)).body.items)).toEqual([id]);
    expect(idsOf((await as(owner, "GET /v1/api-keys")).body.items)).not.toContain(id);
  });

  test("R59: of another tenant are answered as those of nobody", async () => {
    const { id } = await createKey(app, stranger);
    const pairs = [
      [`GET /v1/api-keys?userId=${stranger.id}`, `GET /v1/api-keys?userId=${newId()}`],
      [`GET /v1/api-keys/${id}`, `GET /v1/api-keys/${newId()}`],
      [`DELETE /v1/api-keys/${id}`, `DELETE /v1/api-keys/${newId()}`],
      [`DELETE /v1/api-keys/${id}`, "DELETE /v1/api-keys/x"],
    ] as const;
    for (const who of [owner, member]) {
      for (const [foreign, absent] of pairs) {
        if (who === member && foreign.includes("?")) continue;
        const [one, other] = [await as(who, foreign), await as(who, absent)];
        expect(one).toMatchObject(NOT_FOUND);
        expect({ ...one.body, instance: "" }).toEqual({ ...other.body, instance: "" });
      }
    }
    const root = await createSuperAdmin(app);
    expect((await as(root, `GET /v1/api-keys?userId=${stranger.id}`)).body.items).toHaveLength(1);
    expect((await as(root, `DELETE /v1/api-keys/${id}`)).status).toBe(204);
  });

  test("are revoked with api_key:delete by whoever may do no less than their user", async () => {
    const [first, second, owners] = [
      await createKey(app, member),
      await createKey(app, member),
      await createKey(app, owner),
    ];
    const other = await createMember(app, owner);
    const few = await createMemberWith(app, owner, ["api_key:delete", "user:read"]);
    expect(await as(other, `DELETE /v1/api-keys/${first.id}`)).toMatchObject(NOT_FOUND);
    expect(await as(few, `DELETE /v1/api-keys/${first.id}`)).toMatchObject(DENIED);
    expect(await as(admin, `DELETE /v1/api-keys/${owners.id}`)).toMatchObject(DENIED);
    expect((await as(admin, `DELETE /v1/api-keys/${first.id}`)).status).toBe(204);
    expect([await use(app, first), await use(app, second), await use(app, owners)]).toEqual([
      401, 200, 200,
    ]);
  });
});

test("a revoked key is gone: 404 from then on, and of twenty revocations at once one succeeds", async () => {
  const { id } = await createKey(app, member);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => as(n % 2 ? member : owner, `DELETE /v1/api-keys/${id}`)),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(19).fill(404)]);
  expect(await as(member, `DELETE /v1/api-keys/${id}`)).toMatchObject(NOT_FOUND);
  expect(await as(member, `GET /v1/api-keys/${id}`)).toMatchObject(NOT_FOUND);
  const rows = await app.deps.db.auditLog.count({
    where: { action: "api_key.revoked", resourceId: id },
  });
  expect(rows).toBe(1);
});

test("a machine sees and revokes keys with the permission in its scopes alone, its own user's too", async () => {
  const reader = await createMember(app, owner, ["admin"]);
  const plain = await createKey(app, reader, { scopes: READ });
  const lists = await createKey(app, reader, { scopes: ["api_key:read"] });
  const ends = await createKey(app, reader, { scopes: ["api_key:delete", "user:read"] });
  const victim = await createKey(app, member);
  for (const route of [
    "GET /v1/api-keys",
    `GET /v1/api-keys/${plain.id}`,
    `DELETE /v1/api-keys/${plain.id}`,
  ])
    expect(await as(plain.key, route)).toMatchObject(DENIED);
  expect((await as(lists.key, "GET /v1/api-keys")).body.items).toHaveLength(3);
  expect((await as(lists.key, `GET /v1/api-keys?userId=${member.id}`)).status).toBe(200);
  expect(await as(lists.key, `DELETE /v1/api-keys/${victim.id}`)).toMatchObject(DENIED);
  expect(await as(ends.key, `DELETE /v1/api-keys/${victim.id}`)).toMatchObject(DENIED);
  const powerless = await createService(app, owner, { roles: [] });
  await app.deps.db.apiKey.create({
    data: {
      id: newId(),
      userId: powerless.id,
      tenantId: owner.tenantId,
      name: "Bare",
      prefix: "tnk_aaaaaaaa",
      keyHash: Uint8Array.from(newApiKey().hash),
      scopes: ["user:read"],
    },
  });
  const { items } = (await as(lists.key, `GET /v1/api-keys?userId=${powerless.id}`)).body;
  expect((await as(ends.key, `DELETE /v1/api-keys/${items[0].id}`)).status).toBe(204);
});

test("without a token, and with a query that is not valid", async () => {
  for (const route of [
    "GET /v1/api-keys",
    `GET /v1/api-keys/${newId()}`,
    `DELETE /v1/api-keys/${newId()}`,
  ])
    expect(await app.call(route)).toMatchObject({
      status: 401,
      body: { code: "not_authenticated" },
    });
  for (const query of ["limit=0", "limit=101", "cursor=x", "userId=x", "unknown=1", "revoked=true"])
    expect((await as(member, `GET /v1/api-keys?${query}`)).status).toBe(422);
});

test("deleting a user revokes their keys for good: a restored user comes back without them", async () => {
  const person = await createMember(app, owner);
  const key = await createKey(app, person);
  await as(owner, `DELETE /v1/users/${person.id}`);
  expect(await use(app, key)).toBe(401);
  await as(owner, `POST /v1/users/${person.id}/restore`);
  expect(await use(app, key)).toBe(401);
  expect((await as(owner, `GET /v1/api-keys?userId=${person.id}`)).body.items).toEqual([]);
});
