/** Registering where addresses are proved first (EMAIL_VERIFICATION=required). */
import { describe, expect, test } from "bun:test";
import { PASSWORD, randomName, testApp } from "../../support/app.ts";
import { claimsOf } from "../../support/factors.ts";
import {
  auditOf,
  codeIn,
  followLink,
  mailsTo,
  otherCode,
  passwordLogin,
  registration,
  tokenIn,
} from "../mails/mails.ts";

const REGISTER = "POST /v1/auth/register";
const COMPLETE = "POST /v1/auth/register/complete";

const app = testApp({ EMAIL_VERIFICATION: "required", DATABASE_POOL_SIZE: "20" });

async function begin(json = registration()) {
  const { status, body } = await app.call(REGISTER, { json });
  if (status !== 202) throw new Error(`register answered ${status}`);
  const mail = await app.lastMailTo(json.email);
  return { json, challengeId: String(body.challengeId), token: tokenIn(mail), code: codeIn(mail) };
}

async function complete(json: object) {
  return (await app.call(COMPLETE, { json })).status;
}

async function rows() {
  const [tenants, users] = await Promise.all([
    app.deps.db.tenant.count(),
    app.deps.db.user.count(),
  ]);
  return { tenants, users };
}

test("nothing is made before the proof", async () => {
  const before = await rows();
  const json = registration();
  const { status, body } = await app.call(REGISTER, { json });
  expect([status, body]).toEqual([202, { challengeId: expect.any(String), expiresIn: 600 }]);
  await app.mail();
  expect(await rows()).toEqual(before);
  expect(await passwordLogin(app, json.email)).toBe(401);
});

test.each(["code", "link"])("the %s completes it: tenant, owner and session", async (by) => {
  const { json, challengeId, code, token } = await begin();
  const answer = await app.call(COMPLETE, {
    json: by === "code" ? { challengeId, code } : { token, password: PASSWORD },
  });
  expect([answer.status, answer.headers.get("location")]).toEqual([201, "/v1/auth/me"]);
  expect(claimsOf(answer.body.accessToken).amr).toEqual(["pwd"]);
  const me = await app.call("GET /v1/auth/me", { token: answer.body.accessToken });
  expect(me.body).toMatchObject({
    tenant: json.tenant,
    roles: ["owner"],
    user: { email: json.email },
  });
  const { emailVerifiedAt, tenantId } = await app.deps.db.user.findUniqueOrThrow({
    where: { id: answer.body.user.id },
  });
  expect(emailVerifiedAt).toBeInstanceOf(Date);
  expect(await passwordLogin(app, json.email)).toBe(200);
  const [row] = await auditOf(app, "auth.registered", answer.body.user.id);
  expect(row).toMatchObject({ tenantId, actorId: answer.body.user.id });
});

test("R15: of fifty completions at once one makes a tenant", async () => {
  const { challengeId, code, token } = await begin();
  const before = await rows();
  const tries = Array.from({ length: 50 }, (_, n) =>
    complete(n % 10 ? { challengeId, code } : { token, password: PASSWORD }),
  );
  expect((await Promise.all(tries)).sort()).toEqual([201, ...Array(49).fill(400)]);
  expect(await rows()).toEqual({ tenants: before.tenants + 1, users: before.users + 1 });
});

test("R22: five wrong codes void it, the link too", async () => {
  const { challengeId, code, token } = await begin();
  for (let n = 1; n <= 5; n++)
    expect(await complete({ challengeId, code: otherCode(code, n) })).toBe(400);
  expect(await complete({ challengeId, code })).toBe(400);
  expect(await complete({ token, password: PASSWORD })).toBe(400);
});

test("R22: code and link of two registrations do not mix", async () => {
  const [one, two] = [await begin(), await begin()];
  if (one.code !== two.code)
    expect(await complete({ challengeId: one.challengeId, code: two.code })).toBe(400);
  expect(await complete({ challengeId: two.challengeId, code: two.code })).toBe(201);
  expect(await complete({ challengeId: one.challengeId, code: one.code })).toBe(201);
});

test("R22: the code is over after ten minutes, the link after an hour", async () => {
  const { json, challengeId, code, token } = await begin();
  const age = (minutes: number) =>
    app.deps.pool.query(
      "UPDATE one_time_tokens SET created_at = created_at - make_interval(mins => $2), expires_at = expires_at - make_interval(mins => $2) WHERE email = $1",
      [json.email, minutes],
    );
  await age(11);
  expect(await complete({ challengeId, code })).toBe(400);
  await age(50);
  expect(await complete({ token, password: PASSWORD })).toBe(400);
  await age(-50);
  expect(await complete({ token, password: PASSWORD })).toBe(201);
});

describe("what has an owner already", () => {
  test("an address: the same answer, and a mail to the owner without link and code", async () => {
    const { json, challengeId, code } = await begin();
    await complete({ challengeId, code });
    const again = { ...registration(), email: json.email };
    const { status, body } = await app.call(REGISTER, { json: again });
    expect([status, Object.keys(body)]).toEqual([202, ["challengeId", "expiresIn"]]);
    const mail = await app.lastMailTo(json.email);
    expect(mail.subject).toBe("You have an account already");
    expect(() => tokenIn(mail)).toThrow("no link");
    expect(() => codeIn(mail)).toThrow("no code");
    expect(await app.deps.db.tenant.count({ where: { slug: again.tenant.slug } })).toBe(0);
  });

  test("a slug: 409 at once, and 409 for who is the second to complete, whose link goes on working", async () => {
    const first = await begin();
    const second = await begin({ ...registration(), tenant: first.json.tenant });
    expect(await complete({ challengeId: first.challengeId, code: first.code })).toBe(201);
    const late = await app.call(COMPLETE, {
      json: { challengeId: second.challengeId, code: second.code },
    });
    expect([late.status, late.body.code]).toEqual([409, "slug_taken"]);
    const json = { ...registration(), tenant: first.json.tenant };
    expect((await app.call(REGISTER, { json })).body.code).toBe("slug_taken");
    const { usedAt } = await app.deps.db.oneTimeToken.findFirstOrThrow({
      where: { email: second.json.email },
    });
    expect(usedAt).toBeNull();
  });
});

test("an hour has five mails for an address, whoever asks, and whether it has an account or not", async () => {
  const email = `${randomName()}@example.com`;
  for (let n = 0; n < 7; n++)
    expect((await app.call(REGISTER, { json: { ...registration(), email } })).status).toBe(202);
  expect(await mailsTo(app, email)).toBe(5);
});

test("R39, R66: neither the password nor its hash nor the link waits in the database in the clear", async () => {
  const { token, challengeId } = await begin();
  const { rows } = await app.deps.pool.query(
    "SELECT t::text AS row FROM one_time_tokens AS t UNION ALL SELECT j::text FROM pgboss.job AS j",
  );
  expect(rows.length).toBeGreaterThan(2);
  const text = JSON.stringify(rows);
  for (const secret of [PASSWORD, "argon2", token, challengeId]) expect(text).not.toContain(secret);
});

test("who is not proved cannot log in: the right password is refused like a wrong one, and a link is mailed", async () => {
  const { json, challengeId, code } = await begin();
  await complete({ challengeId, code });
  await app.deps.pool.query("UPDATE accounts SET email_verified_at = NULL WHERE email = $1", [
    json.email,
  ]);
  const login = (password: string) =>
    app.call("POST /v1/auth/login", { json: { email: json.email, password } });
  const [right, wrong] = [await login(PASSWORD), await login("wrong")];
  const { instance: _, ...problem } = right.body;
  expect([right.status, problem]).toMatchObject([
    wrong.status,
    { ...problem, code: wrong.body.code },
  ]);
  expect(right.body.detail).toBe(wrong.body.detail);
  const before = await mailsTo(app, json.email);
  const mail = await app.lastMailTo(json.email);
  expect([mail.subject, before]).toEqual(["Log in to Tenantry", 2]);
  expect(() => codeIn(mail)).toThrow("no code");
  expect((await followLink(app, { token: tokenIn(mail) })).status).toBe(200);
});
