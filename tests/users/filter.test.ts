/** What a list of users can be narrowed to, and that nothing widens it beyond the caller's tenant. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { insertPeople } from "./people.ts";

const app = testApp();
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
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  for (const { tenantId } of [owner, stranger]) {
    await insertPeople(
      app,
      NAMES.map((lastName, n) => ({
        id: newId(),
        tenantId,
        email: `n${n}@${tenantId}.example`,
        firstName: "Ann",
        lastName,
      })),
    );
  }
});

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

test("search ignores accents on either side, and folds like the database does", async () => {
  await insertPeople(
    app,
    ["Zoë Ångström", "Łukasz Weiß", "José Ørsted", "Nguyễn", "½ Ж"].map((lastName, n) => ({
      id: newId(),
      tenantId: owner.tenantId,
      email: `accent${n}@x.example`,
      lastName,
    })),
  );
  for (const search of ["zoe angstrom", "ZOË", "zoé ÅNGSTRÖM", "Zoe\u0308"])
    expect([search, await lastNames(search)]).toEqual([search, ["Zoë Ångström"]]);
  for (const search of ["lukasz weiss", "ŁUKASZ", "weiß"])
    expect([search, await lastNames(search)]).toEqual([search, ["Łukasz Weiß"]]);
  expect(await lastNames("orsted jose")).toEqual(["José Ørsted"]);
  expect(await lastNames("nguyen")).toEqual(["Nguyễn"]);
  expect(await lastNames("½")).toEqual(["½ Ж"]);
});

test("any name finds its user: as it stands, decomposed, without its end, and Latin ones in capitals", async () => {
  const { id } = await createMember(app, owner);
  const latin = fc.string({
    unit: fc.constantFrom(..."aéîõüçñšžåßłøœ' -z"),
    minLength: 3,
    maxLength: 12,
  });
  const any = fc.string({ unit: "grapheme", minLength: 3, maxLength: 12 });
  const finds = async (text: string, type: (name: string) => string) => {
    const lastName = text
      .normalize("NFC")
      .replace(/[\p{C}\s]+/gu, " ")
      .trim();
    if (lastName.length < 3) return;
    await app.deps.db.user.update({ where: { id }, data: { lastName } });
    const search = type(lastName)
      .toWellFormed()
      .replace(/\ufffd$/, "")
      .trim();
    const found = await list({ search });
    expect([search, found.map((user: { id: string }) => user.id)]).toEqual([
      search,
      expect.arrayContaining([id]),
    ]);
  };
  const forms = [
    (name: string) => name,
    (name: string) => name.normalize("NFD"),
    (name: string) => name.slice(0, -1),
  ];
  await fc.assert(fc.asyncProperty(any, fc.constantFrom(...forms), finds), { numRuns: 60 });
  await fc.assert(
    fc.asyncProperty(latin, (text) => finds(text, (name) => name.toUpperCase())),
    { numRuns: 60 },
  );
});

test("one or two letters find where the address or a name begins; three find the middle", async () => {
  const names = ["Emilia", "Li", "Amelie Lindt"].map((lastName, n) => ({ lastName, n }));
  await insertPeople(
    app,
    names.map(({ lastName, n }) => ({
      id: newId(),
      tenantId: owner.tenantId,
      email: `short${n}@y.example`,
      lastName,
    })),
  );
  expect(await lastNames("li short")).toEqual(["Amelie Lindt", "Li"]);
  expect(await lastNames("mil short")).toEqual(["Emilia"]);
  expect(await lastNames("sh")).toEqual(["Amelie Lindt", "Emilia", "Li"]);
});

test("by address: the whole of it, whatever the case, and in the caller's tenant alone", async () => {
  const email = `n1@${owner.tenantId}.example`;
  const emails = async (query: Record<string, string>) =>
    (await list(query)).map((user: Account) => user.email);
  expect(await emails({ email })).toEqual([email]);
  expect(await emails({ email: email.toUpperCase() })).toEqual([email]);
  expect(await emails({ email: ` ${email} ` })).toEqual([email]);
  expect(await emails({ email: email.slice(1) })).toEqual([]);
  expect(await emails({ email, status: "disabled" })).toEqual([]);
  expect(await emails({ email, deleted: "true" })).toEqual([]);
  expect(await emails({ email: `n1@${stranger.tenantId}.example` })).toEqual([]);
  const root = await createSuperAdmin(app);
  const found = await list({ email: `n1@${stranger.tenantId}.example` }, root.accessToken);
  expect(found).toHaveLength(1);
  for (const wrong of ["", "n1", "n1@", "%@%.example", "a b@x.example"]) {
    const query = new URLSearchParams({ email: wrong });
    const { status } = await app.call(`GET /v1/users?${query}`, { token: owner.accessToken });
    expect([wrong, status]).toEqual([wrong, 422]);
  }
});
