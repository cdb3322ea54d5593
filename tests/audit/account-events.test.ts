/** What happens to an account, in the chains of its tenants and of the platform. */
import { describe, expect, test } from "bun:test";
import { type AccountEvent, recordAccountEvent } from "../../src/audit/account-events.ts";
import { commit } from "../../src/db/commit.ts";
import { newId } from "../../src/db/id.ts";
import { inTenant } from "../../src/db/scope.ts";
import { randomName, testApp } from "../support/app.ts";

const app = testApp();
const ORIGIN = {
  ip: "203.0.113.7",
  userAgent: "test/1",
  requestId: "r",
  language: null,
  device: null,
};

type Member = { id: string; tenantId: string | null; accountId: string };

async function tenant(): Promise<string> {
  const name = randomName();
  const { id } = await app.deps.db.tenant.create({ data: { id: newId(), name, slug: name } });
  return id;
}

/** A shared account with a user in each of these tenants. */
async function accountIn(...tenantIds: (string | null)[]): Promise<Member[]> {
  const email = `${randomName()}@events.example`;
  const ids = tenantIds.map(() => newId());
  const accountId = ids[0] ?? newId();
  await app.deps.db.account.create({ data: { id: accountId, email, passwordOrigin: "own" } });
  const users = tenantIds.map((tenantId, n) => ({ id: ids[n] ?? "", tenantId, accountId }));
  await app.deps.db.user.createMany({ data: users.map((user) => ({ ...user, email })) });
  return users;
}

/** Records it as the server does in a request of the user, in their tenant's scope, and answers the rows. */
async function recorded(
  user: Member,
  { sessionId = null, ...event }: Partial<AccountEvent> & { sessionId?: string | null } = {},
) {
  const principal = { userId: user.id, tenantId: user.tenantId, sessionId };
  const ctx = { ...app.served, origin: ORIGIN, ...(sessionId && { principal }) } as never;
  const entry = { action: "factor.added", user, details: { factor: "totp" }, ...event } as const;
  await inTenant(user.tenantId, () =>
    commit(app.served, (tx) => recordAccountEvent(tx, ctx, entry, user.id)),
  );
  const users = await app.deps.db.user.findMany({ where: { accountId: user.accountId } });
  return app.deps.db.auditLog.findMany({
    where: { resourceId: { in: users.map(({ id }) => id) } },
    select: {
      tenantId: true,
      actorId: true,
      resourceId: true,
      details: true,
      ip: true,
      sessionId: true,
    },
  });
}

const rowOf = ({ id, tenantId }: Member, rest: object) => ({
  tenantId,
  actorId: id,
  resourceId: id,
  details: {},
  ip: null,
  sessionId: null,
  ...rest,
});
const WITH_ALL = { details: { factor: "totp" }, ip: ORIGIN.ip };

describe("what happens to an account stands", () => {
  test("in the chain of its only tenant, with all that there is to say", async () => {
    const [user] = await accountIn(await tenant());
    if (!user) throw new Error("no user");
    expect(await recorded(user)).toEqual([rowOf(user, WITH_ALL)]);
  });

  test("in the platform's, where it is a platform account", async () => {
    const [user] = await accountIn(null);
    if (!user) throw new Error("no user");
    expect(await recorded(user)).toEqual([rowOf(user, WITH_ALL)]);
  });

  test("R83: in the platform's with all of it, and in each tenant's without details, as what it did to their own user", async () => {
    const [one, two] = await accountIn(await tenant(), await tenant());
    if (!one || !two) throw new Error("no users");
    const rows = await recorded(one);
    const expected = [rowOf(one, {}), rowOf(two, {}), { ...rowOf(one, WITH_ALL), tenantId: null }];
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(expect.arrayContaining(expected));
  });

  test("with where it came from in the tenant alone for which the session speaks", async () => {
    const [one, two] = await accountIn(await tenant(), await tenant());
    if (!one || !two) throw new Error("no users");
    const sessionId = newId();
    const rows = await recorded(one, { sessionId });
    expect(rows.find(({ tenantId }) => tenantId === one.tenantId)).toEqual(
      rowOf(one, { sessionId, ip: ORIGIN.ip }),
    );
    expect(rows.find(({ tenantId }) => tenantId === two.tenantId)).toEqual(rowOf(two, {}));
  });

  test("in no tenant that has deleted its user, nor for one that nobody but a tenant has named", async () => {
    const [one, two] = await accountIn(await tenant(), await tenant());
    if (!one || !two) throw new Error("no users");
    await app.deps.db.user.update({
      where: { id: two.id },
      data: { isDeleted: true, deletedAt: new Date() },
    });
    expect(await recorded(one)).toEqual([rowOf(one, WITH_ALL)]);
    const [other] = await accountIn(await tenant());
    if (!other) throw new Error("no user");
    const forPlatform = await recorded(other, { auditTenantId: null });
    expect(forPlatform).toEqual([{ ...rowOf(other, WITH_ALL), tenantId: null }]);
  });

  test("and no session of one tenant is named in another", async () => {
    const [one, two] = await accountIn(await tenant(), await tenant());
    if (!one || !two) throw new Error("no users");
    const resource = { type: "session", id: newId() };
    await recorded(one, { resource });
    const rows = await app.deps.db.auditLog.findMany({ where: { tenantId: two.tenantId } });
    expect(rows.map(({ resourceType, resourceId }) => [resourceType, resourceId])).toEqual([
      ["user", two.id],
    ]);
  });
});
