/** R77: what a tenant may do with a user whose account others share: all of the membership, nothing of the account. */
import { beforeAll, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { verify } from "../auth/mails/mails.ts";
import { invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolTotp } from "../support/factors.ts";

type Tenant = Account & { tenantId: string; slug: string };

const app = testApp();
let owner: Tenant;
let other: Tenant;
let root: Account;
beforeAll(async () => {
  [owner, other] = [await registerOwner(app), await registerOwner(app)];
  root = await createSuperAdmin(app);
});

/** Somebody with a tenant of their own, an app for codes, and a user in those of `owner` and `other`. */
async function shared() {
  const person = await registerOwner(app);
  await verify(app, person);
  await enrolTotp(app, person);
  // So that the newest mail is the invitation.
  await app.mail();
  const ids: string[] = [];
  for (const tenant of [owner, other]) {
    const { token } = await invited(app, tenant, { email: person.email });
    expect((await join(app, person, token)).status).toBe(200);
    const { id } = await app.deps.db.user.findFirstOrThrow({
      where: { accountId: person.id, tenantId: tenant.tenantId },
    });
    ids.push(id);
  }
  const [here = "", there = ""] = ids;
  return { person, here, there };
}

const as = (who: Account, route: string, json?: object) =>
  app.call(route, { token: who.accessToken, ...(json && { json }) });
const accountOf = ({ id }: Account) => app.deps.db.account.findUnique({ where: { id } });

test("whoever manages it changes names, status and roles, and no address, factor or password", async () => {
  const { person, here } = await shared();
  const before = await accountOf(person);
  const patch = (json: object) => as(owner, `PATCH /v1/users/${here}`, json);
  const refused = [
    await patch({ email: `${randomName()}@x.example` }),
    await as(owner, `DELETE /v1/users/${here}/factors`),
    await as(owner, `POST /v1/users/${here}/reset-password`, {}),
  ];
  for (const { status, body } of refused)
    expect([status, body.code]).toEqual([403, "shared_account"]);
  const items = [{ id: here, email: `${randomName()}@x.example` }];
  const bulk = await as(owner, "POST /v1/users/bulk", { operation: "update", items });
  expect(bulk.body.results[0]).toMatchObject({ status: 403, error: { code: "shared_account" } });
  expect(await accountOf(person)).toEqual(before);

  expect((await patch({ firstName: "Ada", roles: ["auditor"] })).body).toMatchObject({
    firstName: "Ada",
    roles: ["auditor"],
  });
  expect((await patch({ status: "disabled" })).body.status).toBe("disabled");
  expect(await accountOf(person)).toEqual(before);
  expect((await as(root, `DELETE /v1/users/${here}/factors`)).status).toBe(204);
});

test("personal data is the membership's to a tenant, and the account's to its person and to platform accounts", async () => {
  const { person, here, there } = await shared();
  const seen = (await as(owner, `GET /v1/users/${here}/personal-data`)).body;
  expect(seen).toMatchObject({
    user: { id: here },
    account: { password: null, failedLogIns: null, lockedUntil: null },
    memberships: [],
    sessions: [],
    passkeys: [],
    authenticatorApps: [],
    recoveryCodes: [],
  });
  expect(JSON.stringify(seen)).not.toContain(other.tenantId);
  const whole = (await as(root, `GET /v1/users/${here}/personal-data`)).body;
  const mine = (await as(person, "GET /v1/auth/me/personal-data")).body;
  for (const { account, memberships, sessions, authenticatorApps } of [whole, mine]) {
    expect(account).toMatchObject({ password: true, failedLogIns: 0 });
    expect(memberships.map(({ userId }: { userId: string }) => userId).sort()).toEqual(
      [person.id, here, there].sort(),
    );
    expect(sessions.length).toBeGreaterThan(0);
    expect(authenticatorApps).toHaveLength(1);
  }
});

test("erasing a membership leaves the account and the others; with the last one the account goes", async () => {
  const { person, here, there } = await shared();
  const before = await accountOf(person);
  const erase = (who: Account, id: string) =>
    as(who, `POST /v1/users/${id}/erase`, { email: person.email });
  expect((await erase(owner, here)).status).toBe(204);
  const gone = await app.deps.db.user.findUniqueOrThrow({ where: { id: here } });
  expect(gone).toMatchObject({ accountId: null, isDeleted: true, searchText: gone.email });
  expect(await accountOf(person)).toEqual(before);
  expect((await as(person, "GET /v1/auth/me")).status).toBe(200);
  // A platform account too takes one membership at a time.
  await as(other, `DELETE /v1/users/${there}`);
  expect((await erase(root, there)).status).toBe(204);
  expect(await accountOf(person)).toEqual(before);
  const successor = await as(person, "POST /v1/users", {
    email: `${randomName()}@x.example`,
    password: PASSWORD,
    roles: ["owner"],
  });
  expect(successor.status).toBe(201);
  expect((await erase(root, person.id)).status).toBe(204);
  expect(await accountOf(person)).toBeNull();
});

test("who left by themselves is not brought back; who was deleted is, with the account of before", async () => {
  const { person, here, there } = await shared();
  await as(owner, `DELETE /v1/users/${here}`);
  const restored = await as(owner, `POST /v1/users/${here}/restore`, {});
  expect(restored.status).toBe(200);
  const row = await app.deps.db.user.findUniqueOrThrow({ where: { id: here } });
  expect(row.accountId).toBe(person.id);
  const left = await as(person, `POST /v1/auth/me/tenants/${other.tenantId}/leave`, {});
  expect(left.status).toBe(204);
  expect((await as(other, `POST /v1/users/${there}/restore`, {})).status).toBe(404);
});

test("of two tenants that delete its last two users at once none leaves an account without users behind", async () => {
  const { person, here, there } = await shared();
  await as(root, `POST /v1/users/${person.id}/erase`, { email: person.email });
  await app.deps.db.user.updateMany({
    where: { id: person.id },
    data: { isDeleted: true, deletedAt: new Date() },
  });
  const answers = await Promise.all([
    as(owner, `DELETE /v1/users/${here}`),
    as(other, `DELETE /v1/users/${there}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([204, 204]);
  expect(await accountOf(person)).toMatchObject({ isDeleted: true });
});

test("what one tenant does for long keeps the person out of no other one", async () => {
  const { person, here } = await shared();
  const done = await commit(app.deps, async (tx) => {
    await tx.$executeRaw`SELECT lock_account(${here}::uuid, ${owner.tenantId}::uuid)`;
    await tx.$executeRaw`SELECT FROM users WHERE id = ${here}::uuid FOR UPDATE`;
    const json = { email: person.email, password: PASSWORD, tenant: person.slug };
    return { body: (await app.call("POST /v1/auth/login", { json })).body };
  });
  expect(done.body.mfaRequired).toBe(true);
});
