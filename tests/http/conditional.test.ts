/** Entity tags: what a reader has already, and what a writer has not seen (RFC 9110, section 13). */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp({ CORS_ORIGINS: "https://app.example.com" });
let owner: Account & { tenantId: string };
let root: Account;
let member: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
  member = await createMember(app, owner);
});

type Resource = { name: string; path(): string; token(): string; change: object };

const RESOURCES: Resource[] = [
  {
    name: "a user",
    path: () => `/v1/users/${member.id}`,
    token: () => owner.accessToken,
    change: { firstName: "Ada" },
  },
  {
    name: "a profile",
    path: () => `/v1/users/${member.id}/profile`,
    token: () => owner.accessToken,
    change: { language: "de" },
  },
  {
    name: "one's own profile",
    path: () => "/v1/auth/me/profile",
    token: () => member.accessToken,
    change: { language: "fr" },
  },
  {
    name: "a tenant",
    path: () => `/v1/tenants/${owner.tenantId}`,
    token: () => root.accessToken,
    change: { name: "Acme" },
  },
];

for (const { name, path, token, change } of RESOURCES) {
  const get = (headers = {}) => app.call(`GET ${path()}`, { token: token(), headers });
  const patch = (headers = {}) =>
    app.call(`PATCH ${path()}`, { token: token(), headers, json: change });
  const tagNow = async () => (await get()).headers.get("etag") ?? "";

  describe(`R53: ${name}`, () => {
    test("has a strong entity tag, which changes with it", async () => {
      const before = await tagNow();
      expect(before).toMatch(/^"\d+"$/);
      const changed = await patch();
      expect(changed.status).toBe(200);
      expect(changed.headers.get("etag")).not.toBe(before);
      expect(await tagNow()).toBe(changed.headers.get("etag") ?? "");
    });

    test("is 304 without a body to who has it, and whole to who does not", async () => {
      const tag = await tagNow();
      for (const known of [tag, `W/${tag}`, `"x", ${tag}`, `,"a,b" , ${tag},`, "*"]) {
        const answer = await get({ "if-none-match": known });
        expect([known, answer.status, answer.body]).toEqual([known, 304, ""]);
        expect(answer.headers.get("etag")).toBe(tag);
        expect(answer.headers.get("cache-control")).toBe("no-store");
      }
      for (const other of ['"0x"', tag.replaceAll('"', ""), `${tag} "x"`, '"', ""])
        expect([other, (await get({ "if-none-match": other })).status]).toEqual([other, 200]);
    });

    test("changes for who names its tag, and is 412 for who names another or none at all", async () => {
      const others = ['"999999"', '"x"', "3", '"', `W/${await tagNow()}`, "", ","];
      for (const other of others) {
        const refused = await patch({ "if-match": other });
        expect([other, refused.status, refused.body.code]).toEqual([
          other,
          412,
          "precondition_failed",
        ]);
      }
      const tag = await tagNow();
      expect((await patch({ "if-match": `"x", ${tag}` })).status).toBe(200);
      expect((await patch({ "if-match": tag })).status).toBe(412);
      expect((await patch({ "if-match": "*" })).status).toBe(200);
      expect((await patch()).status).toBe(200);
    });

    test("does not change for who names its tag in If-None-Match, or any, and changes for who names others", async () => {
      const tag = await tagNow();
      for (const known of ["*", tag, `W/${tag}`, `"x", ${tag}`]) {
        const refused = await patch({ "if-none-match": known });
        expect([known, refused.status, refused.body.code]).toEqual([
          known,
          412,
          "precondition_failed",
        ]);
        expect(refused.body.detail).toContain("If-None-Match");
      }
      expect((await patch({ "if-match": tag, "if-none-match": "*" })).status).toBe(412);
      expect(await tagNow()).toBe(tag);
      expect((await patch({ "if-none-match": '"x"' })).status).toBe(200);
    });

    test("of twenty at once who saw the same, one changes it", async () => {
      const tag = await tagNow();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => patch({ "if-match": tag })),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([200, ...Array(19).fill(412)]);
    });
  });
}

test("the caller's own tenant has the tag of the tenant", async () => {
  const current = await app.call("GET /v1/tenants/current", { token: owner.accessToken });
  const tag = current.headers.get("etag") ?? "";
  expect(tag).toBe(`"${current.body.version}"`);
  const headers = { "if-none-match": tag };
  const again = await app.call("GET /v1/tenants/current", { token: owner.accessToken, headers });
  expect(again.status).toBe(304);
});

test("a deletion asks too, and what is wrong otherwise is told first", async () => {
  const token = owner.accessToken;
  const { id } = await createMember(app, owner);
  const stale = { "if-match": '"77"' };
  expect((await app.call(`DELETE /v1/users/${id}`, { token, headers: stale })).status).toBe(412);
  expect((await app.call(`DELETE /v1/users/${id}x`, { token, headers: stale })).status).toBe(404);
  const json = { status: "nope" };
  const invalid = await app.call(`PATCH /v1/users/${id}`, { token, headers: stale, json });
  expect(invalid.status).toBe(422);
  const allowed = await app.call(`DELETE /v1/users/${owner.id}`, {
    token: member.accessToken,
    headers: stale,
  });
  expect(allowed.status).toBe(403);
  const { headers } = await app.call(`GET /v1/users/${id}`, { token });
  const match = { "if-match": headers.get("etag") ?? "" };
  expect((await app.call(`DELETE /v1/users/${id}`, { token, headers: match })).status).toBe(204);

  const other = await registerOwner(app);
  const path = `DELETE /v1/tenants/${other.tenantId}`;
  expect((await app.call(path, { token: root.accessToken, headers: stale })).status).toBe(412);
  const one = { "if-match": '"1"' };
  expect((await app.call(path, { token: root.accessToken, headers: one })).status).toBe(204);
});

test("a page of another origin may send the headers and read the tag", async () => {
  const headers = { origin: "https://app.example.com", "access-control-request-method": "PATCH" };
  const asked = await app.call("OPTIONS /v1/users/0", { headers });
  const allowed = asked.headers.get("access-control-allow-headers")?.split(", ");
  expect(allowed).toEqual(expect.arrayContaining(["if-match", "if-none-match", "idempotency-key"]));
  expect(asked.headers.get("access-control-expose-headers")?.split(", ")).toContain("etag");
});
