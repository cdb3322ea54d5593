/** Whom a tenant adds and who has an account elsewhere: the mail `added_to_tenant`, and joining by its link. */
import { beforeAll, describe, expect, test } from "bun:test";
import { requestMail } from "../../src/mail/requests.ts";
import { createKey, use } from "../api-keys/keys.ts";
import { auditOf, mailsTo, tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";
import { textsOf } from "../support/statements.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";
import { accept, inspect, invited, join } from "./invitations.ts";

const app = testApp();
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const add = (email: string, json: object = {}, who: Account = owner) =>
  app.as(who, "POST /v1/users", { email, ...json });
const newAddress = () => `${randomName()}@added.example`;

async function requests(): Promise<number> {
  const { rows } = await app.deps.pool.query(
    "SELECT count(*)::int AS count FROM pgboss.job_common WHERE name = 'mail_request'",
  );
  return rows[0].count;
}

/** Somebody with a proved account of their own. */
async function person() {
  const known = await registerOwner(app);
  await proveAddress(app, known);
  return known;
}

/** The same whom `owner` has added. */
async function added(json: object = {}) {
  const known = await person();
  const { status, body } = await add(known.email, json);
  expect(status).toBe(201);
  return { known, id: String(body.id), token: tokenIn(await app.lastMailTo(known.email)) };
}

describe("the mail goes to an address that has a proved account, and to no other", () => {
  test("by POST /v1/users; its link is looked at and taken as that of an invitation", async () => {
    const { known, id, token } = await added({ roles: ["auditor"], firstName: "Ada" });
    const mail = await app.lastMailTo(known.email);
    expect([mail.subject, mail.text]).toEqual([
      expect.stringContaining(owner.slug),
      expect.stringContaining("7 days"),
    ]);
    const preview = { tenant: { name: owner.slug }, email: known.email };
    expect(await inspect(app, token)).toMatchObject({ status: 200, body: preview });
    // There is an account: nobody makes another one with it.
    expect((await accept(app, token)).status).toBe(400);
    expect(await join(app, known, token)).toMatchObject({
      status: 200,
      body: { tenant: { id: owner.tenantId }, userId: id, roles: ["auditor"], status: "active" },
    });
    const user = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
    expect(user).toMatchObject({ accountId: known.id, firstName: "Ada", isDeleted: false });
    const { items } = (await app.as(known, "GET /v1/auth/me/tenants")).body;
    expect(items).toHaveLength(2);
    expect((await inspect(app, token)).status).toBe(400);
  });

  test("by an import and by a bulk", async () => {
    const [one, two] = [await person(), await person()];
    const { body } = await sendImport(app, owner, lines({ email: one.email }), { type: NDJSON });
    expect(body).toMatchObject({ created: 1 });
    const items = [{ email: two.email }, { email: newAddress() }];
    await app.as(owner, "POST /v1/users/bulk", { operation: "create", items });
    for (const known of [one, two]) {
      const token = tokenIn(await app.lastMailTo(known.email));
      expect((await join(app, known, token)).body.tenant.id).toBe(owner.tenantId);
    }
  });

  test("by POST /v1/users for one of many, whom one job looks for once each has ended", async () => {
    const host = await registerOwner(app);
    const make = (email: string) => add(email, {}, host);
    for (let tries = 0; ; tries += 1) {
      // Those of the first fifty who come within two seconds have a job each.
      await Promise.all(Array.from({ length: 52 }, () => make(newAddress())));
      const known = await person();
      const before = [await requests(), await mailsTo(app, known.email)];
      expect((await make(known.email)).status).toBe(201);
      const after = [await requests(), await mailsTo(app, known.email)];
      // On a slow machine they had jobs of their own.
      if (tries < 10 && !Bun.deepEquals(after, before)) continue;
      expect(after).toEqual(before);
      await app.deps.pool.query(
        "UPDATE pgboss.job_common SET start_after = now() WHERE name = 'mail_request' AND start_after > now()",
      );
      const token = tokenIn(await app.lastMailTo(known.email));
      expect((await join(app, known, token)).body.tenant.id).toBe(host.tenantId);
      break;
    }
  });

  test("not to one without an account, one that nobody has proved, or one of another tenant's own pool", async () => {
    const unproved = await registerOwner(app);
    const elsewhere = newAddress();
    await add(elsewhere, {}, await registerOwner(app));
    const none = newAddress();
    for (const email of [unproved.email, elsewhere, none]) {
      const before = await mailsTo(app, email);
      expect((await add(email)).status).toBe(201);
      expect(await mailsTo(app, email)).toBe(before);
    }
  });

  test("nor when a platform account adds, which is told instead", async () => {
    const known = await person();
    const root = await createSuperAdmin(app);
    const before = await mailsTo(app, known.email);
    const answer = await add(known.email, { tenantId: owner.tenantId }, root);
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(await mailsTo(app, known.email)).toBe(before);
  });

  test("nor where tenants keep accounts of their own", async () => {
    const apart = await createTestApp({ EMAIL_SCOPE: "tenant" });
    try {
      const [home, host] = [await registerOwner(apart), await registerOwner(apart)];
      await proveAddress(apart, home);
      const before = await mailsTo(apart, home.email);
      const made = await apart.as(host, "POST /v1/users", { email: home.email });
      expect(made.status).toBe(201);
      expect(await mailsTo(apart, home.email)).toBe(before);
    } finally {
      await apart.close();
    }
  });
});

describe("R70: to the tenant nothing differs", () => {
  test("an import takes the same statements, and has the same report and log", async () => {
    const known = await person();
    const send = async (email: string) => {
      let report: Record<string, unknown> = {};
      const texts = await textsOf(async () => {
        report = (await sendImport(app, owner, lines({ email }), { type: NDJSON })).body;
      });
      const rows = await app.deps.db.auditLog.findMany({
        where: { tenantId: owner.tenantId },
        orderBy: { id: "desc" },
        take: 2,
        select: { action: true, details: true },
      });
      return { report, texts, rows: rows.map(({ action }) => action) };
    };
    await send(newAddress());
    expect(await send(known.email)).toEqual(await send(newAddress()));
  });

  test("that somebody has joined stands in its log no more than that they have proved their address", async () => {
    const { known, id, token } = await added();
    await join(app, known, token);
    expect(await auditOf(app, "invitation.accepted", id)).toEqual([]);
    const { body } = await app.as(owner, "GET /v1/audit-logs?limit=100");
    const read = JSON.stringify([body, (await app.as(owner, `GET /v1/users/${id}`)).body]);
    for (const secret of [known.id, known.tenantId, known.slug])
      expect(read.replaceAll(known.email, "")).not.toContain(secret);
  });
});

describe("the link is of no use", () => {
  test("R64: to somebody else, and still works for whom it is", async () => {
    const { known, token } = await added();
    const other = await person();
    const answer = await join(app, other, token);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_one_time_token" } });
    expect((await join(app, known, token)).status).toBe(200);
  });

  test("with the account that the tenant has made, whose password it knows", async () => {
    const { known, token } = await added({ password: PASSWORD });
    const json = { email: known.email, password: PASSWORD, tenant: owner.slug };
    const { body } = await app.call("POST /v1/auth/login", { json });
    expect(body.user.tenantId).toBe(owner.tenantId);
    expect((await join(app, body, token)).status).toBe(400);
    expect((await join(app, known, token)).status).toBe(200);
  });

  test("once the user is deleted, or the tenant suspended", async () => {
    const { known, id, token } = await added();
    await app.as(owner, `DELETE /v1/users/${id}`);
    expect((await join(app, known, token)).status).toBe(400);
    const host = await registerOwner(app);
    await add(known.email, {}, host);
    const second = tokenIn(await app.lastMailTo(known.email));
    await app.as(await createSuperAdmin(app), `POST /v1/tenants/${host.tenantId}/suspend`);
    expect((await inspect(app, second)).status).toBe(400);
    expect((await join(app, known, second)).status).toBe(400);
  });

  test("after seven days, and without a fresh log-in", async () => {
    const { known, token } = await added();
    const answer = await join(app, await ageLogIn(app, known), token);
    expect(answer.body.code).toBe("reauthentication_required");
    await app.deps.pool.query(
      `UPDATE one_time_tokens SET created_at = created_at - interval '8 days', expires_at = expires_at - interval '8 days'
       WHERE purpose = 'join_tenant' AND email = $1`,
      [known.email],
    );
    expect((await join(app, known, token)).status).toBe(400);
  });
});

test("R78: the link opened again leads to the tenant, and for nobody else", async () => {
  const { known, id, token } = await added();
  const first = await join(app, known, token);
  expect(await join(app, known, token)).toMatchObject({ status: 200, body: first.body });
  expect((await join(app, await person(), token)).status).toBe(400);
  await app.as(owner, `DELETE /v1/users/${id}`);
  expect((await join(app, known, token)).status).toBe(400);
});

test("what others have set up in their name before is over: the password, sessions and keys", async () => {
  const password = "what the owner of the tenant knows";
  const { known, id, token } = await added({ password, roles: ["admin"] });
  const json = { email: known.email, password, tenant: owner.slug };
  const { body: before } = await app.call("POST /v1/auth/login", { json });
  const key = await createKey(app, before);
  expect(await use(app, key)).toBe(200);
  expect((await join(app, known, token)).body.userId).toBe(id);
  expect(await use(app, key)).toBe(401);
  expect((await app.as(before, "GET /v1/auth/me")).status).toBe(401);
  expect((await app.call("POST /v1/auth/login", { json })).status).toBe(401);
});

test("a job that is tried again writes to nobody twice", async () => {
  const { known, id } = await added();
  const before = await mailsTo(app, known.email);
  const origin = { requestId: "test", ip: null, userAgent: null, language: null, device: null };
  const { tenantId } = owner;
  await requestMail({ ...app.deps, origin }, { kind: "added", userIds: [id], tenantId });
  expect(await mailsTo(app, known.email)).toBe(before);
});

test("R64: of fifty at once the user becomes one of the account, once, and each is led there", async () => {
  const { known, id, token } = await added();
  const answers = await Promise.all(Array.from({ length: 50 }, () => join(app, known, token)));
  for (const { status, body } of answers) expect([status, body.userId]).toEqual([200, id]);
  const users = await app.deps.db.user.findMany({
    where: { tenantId: owner.tenantId, email: known.email },
  });
  expect(users).toMatchObject([{ id, accountId: known.id, isDeleted: false }]);
  expect(await app.deps.db.account.count({ where: { email: known.email } })).toBe(1);
});

test("an invitation beside it leads to the same user's tenant once", async () => {
  const known = await person();
  const invitation = await invited(app, owner, { email: known.email, roles: ["auditor"] });
  await add(known.email);
  const mail = tokenIn(await app.lastMailTo(known.email));
  const joined = await join(app, known, mail);
  expect(joined.status).toBe(200);
  expect((await join(app, known, invitation.token)).body).toEqual(joined.body);
  const where = { tenantId: owner.tenantId, email: known.email, isDeleted: false };
  expect(await app.deps.db.user.count({ where })).toBe(1);
});

test("whoever accepts with an account that another tenant has made, and is there already, stays what they are there", async () => {
  const known = await person();
  const invitation = await invited(app, owner, { email: known.email, roles: ["auditor"] });
  await add(known.email);
  const there = await join(app, known, tokenIn(await app.lastMailTo(known.email)));
  const other = await registerOwner(app);
  const made = await add(known.email, { password: PASSWORD }, other);
  const json = { email: known.email, password: PASSWORD, tenant: other.slug };
  const { body: provisional } = await app.call("POST /v1/auth/login", { json });
  const accepted = await join(app, provisional, invitation.token);
  expect(accepted).toMatchObject({ status: 200, body: { ...there.body, roles: ["member"] } });
  // Who accepted is named by who they are here, and what the other tenant has made is one of their account.
  const read = await app.as(owner, `GET /v1/invitations/${invitation.id}`);
  expect(read.body.acceptedBy).toBe(there.body.userId);
  const user = await app.deps.db.user.findUniqueOrThrow({ where: { id: made.body.id } });
  expect(user.accountId).toBe(known.id);
});
