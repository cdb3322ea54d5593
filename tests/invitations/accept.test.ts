/** Accepting an invitation with a new account: what it makes, and what it never does. */
import { beforeAll, describe, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import { auditOf, tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { limitSeats, set } from "../tenants/tenants.ts";
import { accept, inspect, invite, invited, isVoid, join } from "./invitations.ts";

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

test("the whole way: mail, a look at the link, an account with the roles and a proved address, logged in", async () => {
  const { id, email, token } = await invited(app, owner, { roles: ["auditor", "member"] });
  const mail = await app.lastMailTo(email);
  expect(mail.text).toContain(`/accept-invitation#token=${token}`);
  expect(mail.text).toContain("7 days");
  expect(await inspect(app, token)).toMatchObject({
    status: 200,
    body: { tenant: { name: owner.slug }, email },
  });
  const made = await accept(app, token, { firstName: "Ada", lastName: "Lovelace" });
  expect(made.status).toBe(201);
  expect(made.body.user).toMatchObject({
    ...{ email, firstName: "Ada", lastName: "Lovelace", tenantId: owner.tenantId },
    ...{ roles: ["auditor", "member"], emailVerifiedAt: expect.any(String) },
  });
  const me = await app.call("GET /v1/auth/me", { token: made.body.accessToken });
  expect(me.body.user.id).toBe(made.body.user.id);
  expect((await logIn(app, email)).id).toBe(made.body.user.id);
  expect((await auditOf(app, "invitation.accepted", id))[0]).toMatchObject({
    ...{ tenantId: owner.tenantId, actorId: made.body.user.id, outcome: "success" },
    details: {
      userId: made.body.user.id,
      roles: expect.arrayContaining(["auditor", "member"]),
    },
  });
  const read = await app.call(`GET /v1/invitations/${id}`, { token: owner.accessToken });
  expect(read.body).toMatchObject({ status: "accepted", acceptedBy: made.body.user.id });
});

test("R64: of fifty acceptances at once one makes a user, and the others learn nothing", async () => {
  const { email, token } = await invited(app, owner);
  const answers = await Promise.all(Array.from({ length: 50 }, () => accept(app, token)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  const codes = new Set(answers.filter(({ status }) => status !== 201).map((a) => a.body.code));
  // Those who come when the account is there are told to log in, as is any holder of a link.
  expect(["invalid_one_time_token", "email_taken"]).toEqual(expect.arrayContaining([...codes]));
  expect(await app.deps.db.user.count({ where: { email } })).toBe(1);
  expect(await app.deps.db.session.count({ where: { account: { email } } })).toBe(1);
});

test("R64: the link is 256 random bits of which only the hash is stored, and the mail's copy is sealed", async () => {
  const { id, token } = await invited(app, owner);
  expect(Buffer.from(token, "base64url")).toHaveLength(32);
  const { rows } = await app.deps.pool.query("SELECT * FROM invitations WHERE id = $1", [id]);
  expect(rows[0].token_hash.equals(hashToken(token))).toBe(true);
  const dump = await app.deps.pool.query(
    "SELECT row_to_json(a)::text AS row FROM audit_log a UNION ALL SELECT data::text FROM pgboss.job",
  );
  expect(JSON.stringify([rows, dump.rows])).not.toContain(token);
});

test("the tenant's password policy counts, and a refused password does not use the link up", async () => {
  const other = await registerOwner(app);
  const { token, email } = await invited(app, other);
  await set(app, other, { passwordMinLength: 40 });
  for (const password of ["short", PASSWORD, `${email} ${email}`])
    expect((await accept(app, token, { password })).status).toBe(422);
  expect((await accept(app, token, { password: `${PASSWORD} and some more` })).status).toBe(201);
});

test("mails go out in the tenant's language, else in the inviter's", async () => {
  const other = await registerOwner(app);
  const email = `${randomName()}@a.example`;
  const ask = (address: string) =>
    app.call("POST /v1/invitations", {
      token: other.accessToken,
      json: { email: address, expiresInDays: 1 },
      headers: { "accept-language": "de" },
    });
  await ask(email);
  const mail = await app.lastMailTo(email);
  expect([mail.subject, mail.text]).toEqual([
    expect.stringContaining("eingeladen"),
    expect.stringContaining("24 Stunden"),
  ]);
  await set(app, other, { locale: "en" });
  await ask(`x${email}`);
  expect((await app.lastMailTo(`x${email}`)).subject).toContain("invited");
});

describe("an address that has an account", () => {
  test("is told to log in, nothing is made, and the link still works", async () => {
    const there = await registerOwner(app);
    const { token } = await invited(app, owner, { email: there.email });
    const before = await app.deps.db.auditLog.count();
    const answer = await accept(app, token);
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(JSON.stringify(answer.body)).not.toContain(there.slug);
    expect(await app.deps.db.user.count({ where: { email: there.email } })).toBe(1);
    expect(await app.deps.db.auditLog.count()).toBe(before);
    expect((await inspect(app, token)).status).toBe(200);
    // Whoever invites, and whoever has no link, cannot tell it from any other address.
    const free = await invite(app, owner);
    const taken = await invite(app, owner, { email: there.email });
    expect(Object.keys(taken.body)).toEqual(Object.keys(free.body));
    expect(taken.body.status).toBe("pending");
  });

  test("in the tenant itself is not invited", async () => {
    const answer = await invite(app, owner, { email: owner.email });
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
  });

  test("with EMAIL_SCOPE=tenant gets a second account, in the tenant that invites", async () => {
    const scoped = await createTestApp({ EMAIL_SCOPE: "tenant" });
    try {
      const [one, two] = [await registerOwner(scoped), await registerOwner(scoped)];
      const { token } = await invited(scoped, one, { email: two.email });
      const made = await accept(scoped, token);
      expect(made).toMatchObject({ status: 201, body: { user: { tenantId: one.tenantId } } });
      expect(await scoped.deps.db.user.count({ where: { email: two.email } })).toBe(2);
      const again = await invited(scoped, one);
      expect((await join(scoped, two, again.token)).status).toBe(400);
    } finally {
      await scoped.close();
    }
  });
});

test("a seat that an invitation holds is the accepting person's, though others came", async () => {
  const other = await registerOwner(app);
  const { token } = await invited(app, other);
  const root = await createSuperAdmin(app);
  await limitSeats(app, root, other.tenantId, 1);
  expect((await invite(app, other)).body.code).toBe("seat_limit");
  expect((await accept(app, token)).status).toBe(201);
});

test("an address outside of the tenant's domains is neither invited nor let in", async () => {
  const other = await registerOwner(app);
  const early = await invited(app, other);
  await set(app, other, { allowedEmailDomains: ["acme.example"] });
  expect((await invite(app, other)).body.errors[0].path).toBe("email");
  expect((await accept(app, early.token)).body.errors[0].path).toBe("email");
  const inside = await invited(app, other, { email: `${randomName()}@acme.example` });
  expect((await accept(app, inside.token)).status).toBe(201);
});

test("a link that never was, or was cut, is answered as one that is over", async () => {
  const { token, email } = await invited(app, owner);
  for (const wrong of ["x", token.slice(1), `${token}x`, token.toUpperCase(), "é", "\u0000"])
    expect([wrong, (await accept(app, wrong)).status]).toEqual([wrong, 400]);
  expect(tokenIn(await app.lastMailTo(email))).toBe(token);
  expect((await accept(app, token)).status).toBe(201);
  expect(await isVoid(app, { token, email: "nobody@nowhere.example" })).toBe(true);
});
