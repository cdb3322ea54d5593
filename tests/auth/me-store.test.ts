/** `GET /v1/auth/me` answers from memory, and never what was before a change: at once here, within a second elsewhere. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  registerOwner,
  type TestApp,
  testApp,
} from "../support/app.ts";
import { textsOf } from "../support/statements.ts";
import { startChange } from "./mails/mails.ts";

const SECRET_KEY = randomBytes(32).toString("base64");
const here = testApp({ SECRET_KEY });
let elsewhere: TestApp;
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  const shared = { ...here.database, drop: async () => {} };
  elsewhere = await createTestApp({ SECRET_KEY }, shared);
  owner = await registerOwner(here);
  root = await createSuperAdmin(here);
});
afterAll(() => elsewhere.close());

async function shownAt(app: TestApp, who: Account) {
  const { status, body } = await app.as(who, "GET /v1/auth/me");
  return status === 200 ? body : status;
}

/** How long the other instance went on with what was before, in milliseconds: when it was last asked in vain. */
async function untilSame(who: Account, wanted: unknown): Promise<number> {
  const begun = performance.now();
  for (let last = 0; last < 5000; await Bun.sleep(2)) {
    const asked = performance.now() - begun;
    if (Bun.deepEquals(await shownAt(elsewhere, who), wanted)) return last;
    last = asked;
  }
  return Number.POSITIVE_INFINITY;
}

/** Both instances know what was before; what is answered after is what a third one would read. */
async function expectShown(who: Account, change: () => Promise<unknown>, field: string) {
  const before = [await shownAt(here, who), await shownAt(elsewhere, who)];
  expect(before[0]).toEqual(before[1]);
  await change();
  const after = await shownAt(here, who);
  expect(read(after, field)).not.toEqual(read(before[0], field));
  here.served.me.forget();
  expect(await shownAt(here, who)).toEqual(after);
  expect(await untilSame(who, after)).toBeLessThan(1000);
}

function read(shown: unknown, field: string): unknown {
  return field
    .split(".")
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], shown);
}

test("what is known costs no statement, and nobody else's", async () => {
  const other = await createMember(here, owner);
  for (const who of [owner, other]) await shownAt(here, who);
  const texts = await textsOf(async () => {
    expect((await shownAt(here, owner)).user.id).toBe(owner.id);
    expect((await shownAt(here, other)).user.id).toBe(other.id);
    expect((await shownAt(here, other)).roles).toEqual(["member"]);
  });
  expect(texts).toEqual([]);
});

test("a new name, a log-in, a waiting address and a proved one show at once, and elsewhere", async () => {
  const who = await createMember(here, owner);
  const rename = () => here.as(owner, `PATCH /v1/users/${who.id}`, { firstName: "Grace" });
  await expectShown(who, rename, "user.firstName");
  await expectShown(who, () => logIn(here, who.email), "user.lastLoginAt");
  let token = "";
  const begin = async () => {
    ({ token } = await startChange(here, who));
  };
  await expectShown(who, begin, "user.pendingEmail");
  const prove = () => here.as(who, "POST /v1/auth/me/email/verify", { token });
  await expectShown(who, prove, "user.email");
});

test("other roles show at once, and elsewhere", async () => {
  const who = await createMember(here, owner);
  const give = () => here.as(owner, `PUT /v1/users/${who.id}/roles`, { roles: ["admin"] });
  await expectShown(who, give, "user.roles");
});

test("another name, setting or limit of the tenant shows at once, and elsewhere", async () => {
  const rename = () =>
    here.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, { name: `N ${owner.tenantId}` });
  await expectShown(owner, rename, "tenant.name");
  const set = () =>
    here.as(owner, `PATCH /v1/tenants/${owner.tenantId}`, {
      settings: { sessionIdleSeconds: 7200 },
    });
  await expectShown(owner, set, "tenant.settings");
  const limit = () => here.as(root, `PATCH /v1/tenants/${owner.tenantId}`, { seatLimit: 500 });
  await expectShown(owner, limit, "tenant.seatLimit");
});

test("what an operator changes at a prompt shows within a second", async () => {
  const who = await createMember(here, owner);
  const before = await shownAt(elsewhere, who);
  await here.deps.pool.query("UPDATE users SET last_name = 'Hopper' WHERE id = $1", [who.id]);
  const wanted = { ...before, user: { ...before.user, lastName: "Hopper" } };
  expect(await untilSame(who, wanted)).toBeLessThan(1000);
});

test("who is disabled or deleted, or whose tenant is suspended, is shown nothing, here or elsewhere", async () => {
  const [disabled, deleted] = [await createMember(here, owner), await createMember(here, owner)];
  for (const who of [disabled, deleted]) await shownAt(elsewhere, who);
  await here.as(owner, `PATCH /v1/users/${disabled.id}`, { status: "disabled" });
  await here.as(owner, `DELETE /v1/users/${deleted.id}`);
  for (const who of [disabled, deleted]) {
    expect(await shownAt(here, who)).toBe(401);
    expect(await untilSame(who, 401)).toBeLessThan(1000);
  }
  const other = await registerOwner(here);
  await shownAt(elsewhere, other);
  await here.as(root, `POST /v1/tenants/${other.tenantId}/suspend`);
  expect(await shownAt(here, other)).toBe(401);
  expect(await untilSame(other, 401)).toBeLessThan(1000);
});

test("while notifications may be missed the database is asked, and nothing is kept", async () => {
  const who = await createMember(here, owner);
  await shownAt(here, who);
  here.served.me.watch({ healthy: false });
  const texts = await textsOf(async () => {
    await shownAt(here, who);
    await shownAt(here, who);
  });
  expect(texts.filter((text) => text.includes("FROM users LEFT JOIN tenants"))).toHaveLength(2);
});
