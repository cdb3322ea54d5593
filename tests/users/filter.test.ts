/** What a list of users can be narrowed to, and that nothing widens it beyond the caller's tenant. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  type TestApp,
} from "../support/app.ts";

let app: TestApp;
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };

const NAMES = [
  "Per%cent",
  "Under_score",
  "Back\\slash",
  "O'Neill",
  'Dou"ble',
  "MÜLLER",
  "Percent",
  "Underxscore",
  "Backslash",
  "x; DROP",
];

beforeAll(async () => {
  app = await createTestApp();
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  for (const { tenantId } of [owner, stranger]) {
    await app.deps.db.user.createMany({
      data: NAMES.map((lastName, n) => ({
        id: newId(),
        tenantId,
        email: `n${n}@${tenantId}.example`,
        firstName: "Ann",
        lastName,
      })),
    });
  }
});
afterAll(() => app.close());

async function list(query: Record<string, string>, token = owner.accessToken) {
  const { status, body } = await app.call(`GET /v1/users?limit=100&${new URLSearchParams(query)}`, {
    token,
  });
  expect(status).toBe(200);
  return body.items;
}

async function lastNames(search: string): Promise<string[]> {
  const users = await list({ search });
  return users.map((user: { lastName: string }) => user.lastName).sort();
}

test("search takes %, _, \\ and quotes literally", async () => {
  expect(await lastNames("r%c")).toEqual(["Per%cent"]);
  expect(await lastNames("%")).toEqual(["Per%cent"]);
  expect(await lastNames("r_s")).toEqual(["Under_score"]);
  expect(await lastNames("_")).toEqual(["Under_score"]);
  expect(await lastNames("k\\s")).toEqual(["Back\\slash"]);
  expect(await lastNames("\\")).toEqual(["Back\\slash"]);
  expect(await lastNames("o'n")).toEqual(["O'Neill"]);
  expect(await lastNames('u"b')).toEqual(['Dou"ble']);
  expect(await lastNames("'; --")).toEqual([]);
});

test("search ignores case, beyond ASCII too, and looks at addresses and both names", async () => {
  expect(await lastNames("müller")).toEqual(["MÜLLER"]);
  expect(await lastNames("PERCENT")).toEqual(["Percent"]);
  expect(await lastNames("ann")).toHaveLength(NAMES.length);
  expect(await lastNames("N3@")).toEqual(["O'Neill"]);
});

test("every word of a search must be there, in any order and field", async () => {
  expect(await lastNames("ANN n3@")).toEqual(["O'Neill"]);
  expect(await lastNames("  müller   ann ")).toEqual(["MÜLLER"]);
  expect(await lastNames("ann nobody")).toEqual([]);
});

test("status and role narrow the list, together too", async () => {
  const auditor = await createMember(app, owner, ["auditor", "member"]);
  const disabled = await createMember(app, owner, ["auditor"]);
  await app.call(`PATCH /v1/users/${disabled.id}`, {
    token: owner.accessToken,
    json: { status: "disabled" },
  });
  const ids = async (query: Record<string, string>) =>
    (await list(query)).map((user: { id: string }) => user.id);
  expect(await ids({ role: "auditor" })).toEqual([disabled.id, auditor.id]);
  expect(await ids({ status: "disabled" })).toEqual([disabled.id]);
  expect(await ids({ status: "active", role: "auditor" })).toEqual([auditor.id]);
  expect(await ids({ role: "owner" })).toEqual([owner.id]);
  expect(await ids({ role: "super_admin" })).toEqual([]);
  expect(await ids({ role: "no such role" })).toEqual([]);
});

test("deleted users stand in the list of deleted ones and nowhere else", async () => {
  const gone = await createMember(app, owner);
  await app.call(`DELETE /v1/users/${gone.id}`, { token: owner.accessToken });
  const ids = async (query: Record<string, string>) =>
    (await list(query)).map((user: { id: string }) => user.id);
  expect(await ids({})).not.toContain(gone.id);
  expect(await ids({ deleted: "false" })).not.toContain(gone.id);
  expect(await ids({ deleted: "true" })).toEqual([gone.id]);
});

test("R60: a list holds the caller's tenant and nothing else, whatever it is asked for", async () => {
  for (const query of [
    {},
    { search: "ann" },
    { role: "owner" },
    { sort: "email" },
    { tenantId: owner.tenantId },
  ]) {
    const users = await list(query as Record<string, string>);
    expect(users.length).toBeGreaterThan(0);
    expect(users.every((user: { tenantId: string }) => user.tenantId === owner.tenantId)).toBe(
      true,
    );
  }
  expect(await list({ tenantId: stranger.tenantId })).toEqual([]);
  const page = await app.call(`GET /v1/users?page=1&tenantId=${stranger.tenantId}`, {
    token: owner.accessToken,
  });
  expect(page.body).toMatchObject({ items: [], total: 0 });
});

test("a super admin sees every tenant's users, and one tenant's when asked", async () => {
  const admin = await createSuperAdmin(app);
  const tenants = (users: { tenantId: string | null }[]) =>
    new Set(users.map((user) => user.tenantId));
  expect(tenants(await list({}, admin.accessToken))).toEqual(
    new Set([owner.tenantId, stranger.tenantId, null]),
  );
  expect(tenants(await list({ tenantId: stranger.tenantId }, admin.accessToken))).toEqual(
    new Set([stranger.tenantId]),
  );
  const owners = await list({ role: "owner" }, admin.accessToken);
  expect(owners.map((user: { id: string }) => user.id).sort()).toEqual(
    [owner.id, stranger.id].sort(),
  );
  expect(
    (await app.call(`GET /v1/users/${stranger.id}`, { token: admin.accessToken })).body.id,
  ).toBe(stranger.id);
});
