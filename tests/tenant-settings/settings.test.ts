/** What a tenant decides for itself: how it is written and read, and that it takes effect. */
import { describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { leastPasswordLength, sessionSeconds } from "../../src/tenant-settings/settings.ts";
import { mailsTo, reset, resetToken, startChange } from "../auth/mails/mails.ts";
import {
  createMember,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { create, set } from "../tenants/tenants.ts";
import { createMemberWith } from "../users/routes.ts";

const LONG = `${PASSWORD} and then some more`;

const app = testApp();

describe("a change of settings", () => {
  test("replaces what it names, leaves the rest, and takes away what is null", async () => {
    const owner = await registerOwner(app);
    await set(app, owner, { locale: "de", passwordMinLength: 20, custom: { a: 1, b: 2 } });
    const changed = await set(app, owner, {
      passwordMinLength: 25,
      locale: null,
      custom: { b: 3 },
    });
    expect(changed).toEqual({ passwordMinLength: 25, custom: { b: 3 } });
    const { rows } = await app.deps.pool.query(
      "SELECT action, details FROM audit_log WHERE tenant_id = $1 AND action = 'tenant.updated' ORDER BY id",
      [owner.tenantId],
    );
    expect(rows.at(-1).details).toEqual({
      fields: ["settings"],
      settings: ["passwordMinLength", "locale", "custom"],
      changes: {
        "settings.passwordMinLength": { before: 20, after: 25 },
        "settings.locale": { before: "de", after: null },
        "settings.custom": { masked: true },
      },
    });
  });

  test("of many at once each one counts", async () => {
    const owner = await registerOwner(app);
    const changes: Record<string, unknown>[] = [
      { locale: "de" },
      { passwordMinLength: 20 },
      { sessionIdleSeconds: 600 },
      { sessionMaxSeconds: 1200 },
      { defaultRole: "auditor" },
      { custom: { a: 1 } },
    ];
    await Promise.all(changes.map((change) => set(app, owner, change)));
    expect(await set(app, owner, { mfaRequired: false })).toEqual(
      Object.assign({ mfaRequired: false }, ...changes),
    );
  });

  test("what a row holds that is no setting is the team's own, and harms nobody", async () => {
    const owner = await registerOwner(app);
    await app.deps.pool.query("UPDATE tenants SET settings = $2 WHERE id = $1", [
      owner.tenantId,
      {
        theme: "dark",
        locale: 5,
        sessionIdleSeconds: "soon",
        mfaRequired: "yes",
        custom: { a: 1 },
      },
    ]);
    const custom = {
      ...{ theme: "dark", locale: 5, sessionIdleSeconds: "soon", mfaRequired: "yes", a: 1 },
    };
    const read = await app.call("GET /v1/tenants/current", { token: owner.accessToken });
    expect(read.body.settings).toEqual({ custom });
    expect((await create(app, owner, { password: PASSWORD })).status).toBe(201);
    const { refreshToken } = await logIn(app, owner.email);
    expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(200);
    expect(await set(app, owner, { locale: "de" })).toEqual({ locale: "de", custom });
  });
});

test("R1: a tenant's minimum counts wherever a password is set", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await set(app, owner, { passwordMinLength: 40 });
  const refused = { status: 422, body: { code: "validation_failed" } };
  expect(await create(app, owner, { password: PASSWORD })).toMatchObject(refused);
  expect((await create(app, owner, { password: LONG })).status).toBe(201);
  const change = (newPassword: string) =>
    app.call("POST /v1/auth/change-password", {
      token: member.accessToken,
      json: { currentPassword: PASSWORD, newPassword },
    });
  const short = await change("a wholly different long phrase");
  expect(short).toMatchObject(refused);
  expect(short.body.errors[0].message).toContain("40");
  const token = await resetToken(app, member.email);
  expect(await reset(app, token)).toMatchObject(refused);
  expect((await reset(app, token, LONG)).status).toBe(204);
  // Other tenants are not concerned.
  expect((await create(app, await registerOwner(app), { password: PASSWORD })).status).toBe(201);
});

test("an installation that becomes stricter than a tenant binds it at once", () => {
  const config = {
    ...({ mfa: "optional", passwordMinLength: 15, passwordMinLengthWithMfa: 8 } as const),
    ...{ sessionIdleSeconds: 600, sessionMaxSeconds: 1200 },
  };
  expect(leastPasswordLength(config, { passwordMinLength: 10 })).toBe(15);
  expect(leastPasswordLength({ ...config, mfa: "required" }, { passwordMinLength: 10 })).toBe(10);
  // A tenant could take its word back while the short passwords stay.
  expect(leastPasswordLength(config, { mfaRequired: true })).toBe(15);
  expect(sessionSeconds(config, {})).toEqual({ idle: 600, max: 1200 });
  expect(sessionSeconds(config, { sessionIdleSeconds: 9000, sessionMaxSeconds: 9000 })).toEqual({
    idle: 600,
    max: 1200,
  });
  expect(sessionSeconds(config, { sessionIdleSeconds: 90, sessionMaxSeconds: 60 })).toEqual({
    idle: 60,
    max: 60,
  });
});

test("R35: a tenant's sessions last as long as it says, from their beginning and at each refresh", async () => {
  const owner = await registerOwner(app);
  await set(app, owner, { sessionIdleSeconds: 120, sessionMaxSeconds: 3600 });
  const { id, accessToken: token, refreshToken } = await logIn(app, owner.email);
  const lasts = async () => {
    const { rows } = await app.deps.pool.query(
      `SELECT round(extract(epoch FROM idle_expires_at - last_used_at))::int AS idle,
        round(extract(epoch FROM expires_at - created_at))::int AS max
       FROM sessions WHERE account_id = $1 ORDER BY id DESC LIMIT 1`,
      [id],
    );
    return rows[0];
  };
  expect(await lasts()).toEqual({ idle: 120, max: 3600 });
  await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
  expect(await lasts()).toEqual({ idle: 120, max: 3600 });
  await set(app, { ...owner, accessToken: token }, { sessionIdleSeconds: null });
  const again = await logIn(app, owner.email);
  await app.call("POST /v1/auth/refresh", { json: { refreshToken: again.refreshToken } });
  expect((await lasts()).idle).toBe(3600);
});

test("addresses of other domains do not come in, and who is in stays", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await set(app, owner, { allowedEmailDomains: ["Acme.example", "acme.test"] });
  const refused = { status: 422, body: { errors: [{ path: "email" }] } };
  const at = (domain: string) => ({ email: `${randomName()}@${domain}` });
  for (const domain of ["other.example", "sub.acme.example", "acme.example.org", "xacme.example"])
    expect(await create(app, owner, at(domain))).toMatchObject(refused);
  const made = await create(app, owner, at("ACME.example"));
  expect(made.status).toBe(201);
  const change = (id: string, json: object) =>
    app.call(`PATCH /v1/users/${id}`, { token: owner.accessToken, json });
  expect(await change(made.body.id, at("other.example"))).toMatchObject(refused);
  expect((await change(made.body.id, at("acme.test"))).status).toBe(200);
  expect((await change(member.id, { firstName: "Ada" })).status).toBe(200);
  expect((await change(member.id, { email: member.email })).status).toBe(200);
  const own = await app.call("POST /v1/auth/me/email", {
    token: member.accessToken,
    json: at("other.example"),
  });
  expect(own).toMatchObject(refused);
  expect((await logIn(app, member.email)).id).toBe(member.id);

  // A change that was begun before the rule does not get round it.
  await set(app, owner, { allowedEmailDomains: null });
  const { token } = await startChange(app, member);
  await set(app, owner, { allowedEmailDomains: ["acme.example"] });
  const json = { token };
  const completed = await app.call("POST /v1/auth/me/email/verify", {
    token: member.accessToken,
    json,
  });
  expect(completed).toMatchObject(refused);
});

test("the default role is that of users who are made without one, while there is such a role", async () => {
  const owner = await registerOwner(app);
  await set(app, owner, { defaultRole: "auditor" });
  expect((await create(app, owner)).body.roles).toEqual(["auditor"]);
  expect((await create(app, owner, { roles: ["admin"] })).body.roles).toEqual(["admin"]);
  const role = { id: newId(), tenantId: owner.tenantId, name: "clerk" };
  await app.deps.db.role.create({ data: role });
  await set(app, owner, { defaultRole: "clerk" });
  expect((await create(app, owner)).body.roles).toEqual(["clerk"]);
  await app.deps.db.userRole.deleteMany({ where: { roleId: role.id } });
  await app.deps.db.role.delete({ where: { id: role.id } });
  expect((await create(app, owner)).body.roles).toEqual(["member"]);
  // Not another tenant's.
  const stranger = await registerOwner(app);
  await app.deps.db.role.create({ data: { ...role, id: newId(), tenantId: stranger.tenantId } });
  await expect(set(app, owner, { defaultRole: "clerk" })).rejects.toThrow("422");
});

test("R62: nobody gives by default what they could not give by name", async () => {
  const owner = await registerOwner(app);
  const settler = await createMemberWith(app, owner, ["tenant:update", "role:assign"]);
  await expect(set(app, settler, { defaultRole: "admin" })).rejects.toThrow("403");
  await expect(set(app, settler, { defaultRole: "member" })).rejects.toThrow("403");
  const other = await createMemberWith(app, owner, ["tenant:update", "tenant:read", "user:read"]);
  await expect(set(app, other, { defaultRole: "member" })).rejects.toThrow("403");
  // Nor gets it through a default that somebody mightier chose.
  await set(app, owner, { defaultRole: "admin" });
  const maker = await createMemberWith(app, owner, ["user:create", "tenant:read", "user:read"]);
  expect((await create(app, maker)).status).toBe(403);
});

test("mails go out in the tenant's language, where the user chose none", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await set(app, owner, { locale: "de" });
  await resetToken(app, member.email);
  expect((await app.lastMailTo(member.email)).subject).toMatch(/Passwort/);
  await app.call("PATCH /v1/auth/me/profile", {
    token: member.accessToken,
    json: { language: "en" },
  });
  const before = await mailsTo(app, member.email);
  await resetToken(app, member.email);
  expect(await mailsTo(app, member.email)).toBe(before + 1);
  expect((await app.lastMailTo(member.email)).subject).toMatch(/password/);
});
