/** Which keys the permissions of applications may have, so that none is ever one of Tenantry's own; and how many there are. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { PERMISSIONS } from "../../src/roles/permissions.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { as, createRole } from "./roles.ts";

const app = testApp();
let root: Account;
let owner: Account & { tenantId: string };
/** Another one for each test. */
let key: string;
beforeAll(async () => {
  root = await createSuperAdmin(app);
  owner = await registerOwner(app);
});
beforeEach(() => {
  key = `acme:${randomName()}:approve`;
});

const declare = (json: object = {}) =>
  as(app, root)("POST /v1/permissions", { key, description: "Approve invoices", ...json });

test("what there is not is refused by name, with the form that it should have", async () => {
  const ask = (route: string, json: object) => as(app, owner)(route, json);
  const role = await createRole(app, owner, []);
  for (const [wrong, message] of [
    ["invoice:write", /^There is no permission invoice:write\. .*such as acme:invoice:write/],
    [key, /^There is no permission acme:/],
    ["tenantry:user:read", /^There is no permission/],
    ["user:read:", /^Not a permission/],
    ["User:Read", /^Not a permission/],
    ["a:b:c:d", /^Not a permission/],
    ["user:read ", /^Not a permission/],
    [`a:b:${"c".repeat(61)}`, /64/],
  ] as const) {
    const answers = [
      await ask("POST /v1/auth/check", { permissions: ["user:read", wrong] }),
      await ask("POST /v1/roles", { name: randomName(), permissions: [wrong] }),
      await ask(`PATCH /v1/roles/${role.id}`, { permissions: [wrong] }),
      await ask("POST /v1/api-keys", { name: "x", scopes: [wrong] }),
    ];
    for (const { status, body } of answers)
      expect([wrong, status, body.errors?.length, body.errors?.[0].message]).toEqual([
        ...[wrong, 422, 1],
        expect.stringMatching(message),
      ]);
  }
});

describe("nothing of Tenantry's own is shadowed", () => {
  test("it has two parts, and what is declared has three", async () => {
    for (const own of PERMISSIONS) expect(own).toMatch(/^[a-z_]+:[a-z_]+$/);
    const wrong = [
      ...["user:create", "invoice:write", "user:anything", "invoice", "", ":a:b", "a::b", "a:b:"],
      ...["tenantry:user:create", "Acme:a:b", "acme:a:b:c", "acme:ä:b", "acme:a b:c", "1a:b:c"],
      ...["acme:a:b\n", "\u200bacme:a:b", "acme：a：b", "acme:a:*", `a:b:${"c".repeat(61)}`],
    ];
    for (const key of wrong) {
      const { status, body } = await declare({ key });
      expect([key, status, body.errors?.[0].path]).toEqual([key, 422, "key"]);
    }
  });

  test("none of its own is changed or removed", async () => {
    for (const own of ["user:read", "permission:declare", "tenant:purge"]) {
      const answers = [
        await as(app, root)(`PATCH /v1/permissions/${own}`, { heldFrom: "member" }),
        await as(app, root)(`DELETE /v1/permissions/${own}`),
      ];
      expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    }
  });

  test("nor could the server's login, whatever SQL it sent", async () => {
    await declare();
    const before = await app.deps.db.permission.findMany({ orderBy: { key: "asc" } });
    const inScope = (scope: string, sql: string) =>
      app.served.pool.connect().then(async (client) => {
        try {
          await client.query("BEGIN");
          await client.query(`SET LOCAL tenantry.scope = '${scope}'`);
          return (await client.query(sql)).rowCount;
        } catch (err) {
          return (err as { code: string }).code;
        } finally {
          await client.query("ROLLBACK");
          client.release();
        }
      });
    const insert = (key: string) => `INSERT INTO permissions VALUES ('${key}', 'x')`;
    expect(await inScope("platform", insert("invoice:write"))).toBe("42501");
    expect(
      await inScope(
        "platform",
        "UPDATE permissions SET description = '' WHERE key NOT LIKE '%:%:%'",
      ),
    ).toBe(0);
    expect(await inScope("platform", "DELETE FROM permissions WHERE key = 'user:read'")).toBe(0);
    expect(
      await inScope("platform", `UPDATE permissions SET key = 'user:x' WHERE key = '${key}'`),
    ).toBe("42501");
    expect(await inScope("platform", insert("tenantry:a:b"))).toBe("23514");
    expect(await inScope(owner.tenantId, insert("acme:a:b"))).toBe("42501");
    expect(await inScope(owner.tenantId, `DELETE FROM permissions WHERE key = '${key}'`)).toBe(0);
    expect(await inScope("platform", insert("acme:a:b"))).toBe(1);
    expect(await app.deps.db.permission.findMany({ orderBy: { key: "asc" } })).toEqual(before);
  });
});

test("ids in the path that cannot be one are 404", async () => {
  for (const odd of ["acme:no:such", "x", "%00", "%F0%9F%92%A9", "a".repeat(300), "user%3Areed"])
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const json = method === "PATCH" ? { description: "x" } : undefined;
      const { status } = await as(app, root)(`${method} /v1/permissions/${odd}`, json);
      expect([method, odd, status]).toEqual([method, odd, 404]);
    }
});

test("there is an end to how many, and a question to how long it is", async () => {
  const own = await createTestApp();
  try {
    await own.deps.pool.query(
      "INSERT INTO permissions SELECT 'acme:thing:n' || n, 'x' FROM generate_series(1, 500) AS n",
    );
    const admin = await createSuperAdmin(own);
    const more = { key: "acme:one:more", description: "x" };
    const { status, body } = await as(own, admin)("POST /v1/permissions", more);
    expect([status, body.code]).toEqual([409, "too_many_permissions"]);
  } finally {
    await own.close();
  }
  const permissions = Array(51).fill("user:read");
  expect((await as(app, owner)("POST /v1/auth/check", { permissions })).status).toBe(422);
});
