/** `bun run platform bootstrap`: the way back for a super admin who lost every factor, from the console alone. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { createSuperAdmin, logIn, PASSWORD, randomName, testApp } from "../support/app.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";
import { runCommand } from "./command.ts";

// Each command is a process of its own.
setDefaultTimeout(60_000);

const NEW_PASSWORD = "another horse battery staple";

const app = testApp();
let env: Record<string, string>;
beforeEach(() => {
  env = {
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
    ISSUER: "https://id.example.com",
  };
});
afterEach(async () => {
  await app.deps.db.userRole.deleteMany({ where: { roleId: SYSTEM_ROLES.super_admin } });
});

const platform = (...args: string[]) => runCommand("platform", args, env);
const tokenIn = (out: string) => /^ {2}(\S{43})$/m.exec(out)?.[1] ?? "";
const use = (token: string, email: string, password = NEW_PASSWORD) =>
  app.call("POST /v1/platform/bootstrap", { json: { token, email, password } });
const factorsOf = async (accountId: string) =>
  (await app.deps.db.totpFactor.count({ where: { accountId } })) +
  (await app.deps.db.passkey.count({ where: { accountId } })) +
  (await app.deps.db.recoveryCode.count({ where: { accountId } }));

test("who lost password and every factor gets back in, once, and nothing changes before", async () => {
  const admin = await createSuperAdmin(app);
  await enrolTotp(app, admin);
  await enrolPasskey(app, admin);
  const { refreshToken } = admin;
  const made = await platform("bootstrap");
  expect([made.code, made.err]).toEqual([0, ""]);
  expect(made.out).toContain(`every session of ${admin.email}. It works once, within 15 minutes`);
  expect(made.out).toContain("curl -X POST https://id.example.com/v1/platform/bootstrap");
  const token = tokenIn(made.out);

  const json = { email: admin.email, password: PASSWORD };
  expect((await app.call("POST /v1/auth/login", { json })).body.mfaRequired).toBe(true);
  expect(await factorsOf(admin.id)).toBeGreaterThan(2);
  // Neither for somebody else's address nor with a password that the policy refuses.
  expect((await use(token, "other@platform.example")).status).toBe(400);
  expect((await use(token, admin.email, "short")).status).toBe(422);

  const answer = await use(token, admin.email);
  expect(answer).toMatchObject({
    status: 201,
    body: { tokenType: "Bearer", user: { id: admin.id, roles: ["super_admin"] } },
  });
  expect((await app.call("GET /v1/tenants", { token: answer.body.accessToken })).status).toBe(200);
  expect(await factorsOf(admin.id)).toBe(0);
  expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  expect((await app.call("POST /v1/auth/login", { json })).status).toBe(401);
  expect((await logIn(app, admin.email, NEW_PASSWORD)).id).toBe(admin.id);
  expect((await use(token, admin.email)).status).toBe(400);

  const rows = await app.deps.db.auditLog.findMany({
    where: { action: { startsWith: "platform.way_in" } },
    orderBy: { createdAt: "asc" },
  });
  expect(rows).toMatchObject([
    {
      action: "platform.way_in_opened",
      actorId: null,
      resourceId: admin.id,
      details: { kind: "recovery", minutes: 15 },
    },
    { action: "platform.way_in_used", actorId: admin.id, resourceId: admin.id },
  ]);
  expect(JSON.stringify(rows)).not.toContain(token);
});

test("every super admin is told once it was used, and nobody before", async () => {
  const [one, other, unproved] = [
    await createSuperAdmin(app),
    await createSuperAdmin(app),
    await createSuperAdmin(app),
  ];
  const disabled = await createSuperAdmin(app);
  await app.deps.db.account.updateMany({
    where: { id: { in: [other.id, disabled.id] } },
    data: { emailVerifiedAt: new Date() },
  });
  await app.deps.db.account.update({
    where: { id: unproved.id },
    data: { emailVerifiedAt: null },
  });
  await app.deps.db.user.update({ where: { id: disabled.id }, data: { status: "disabled" } });
  const before = (await app.mail()).length;
  const token = tokenIn((await platform("bootstrap", "--email", one.email)).out);
  expect((await app.mail()).length).toBe(before);
  expect((await use(token, one.email)).status).toBe(201);
  const told = (await app.mail()).slice(before);
  expect(told.map(({ to }) => to).sort()).toEqual([one.email, other.email].sort());
  for (const { text } of told) expect(text).toContain("platform.way_in_used");
  for (const { text } of told) expect(text).not.toContain(token);
});

test("also who is locked out and never proved the address", async () => {
  const admin = await createSuperAdmin(app);
  await app.deps.db.account.update({
    where: { id: admin.id },
    data: { loginAttempts: 30, lockedUntil: new Date(Date.now() + 3600_000) },
  });
  const token = tokenIn((await platform("bootstrap")).out);
  expect((await use(token, admin.email)).status).toBe(201);
  expect((await logIn(app, admin.email, NEW_PASSWORD)).id).toBe(admin.id);
});

test("of several it is said who is meant; a newer token voids the older one, and time does", async () => {
  const [one, other] = [await createSuperAdmin(app), await createSuperAdmin(app)];
  const unnamed = await platform("bootstrap");
  expect([unnamed.code, unnamed.out]).toEqual([1, ""]);
  expect(unnamed.err).toContain("there are several super admins");
  for (const { email } of [one, other]) expect(unnamed.err).toContain(email);
  const wrong = await platform("bootstrap", "--email", "nobody@platform.example");
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("has this address")]);

  const asked = () => platform("bootstrap", "--json", "--email", one.email.toUpperCase());
  const first = JSON.parse((await asked()).out);
  expect(first).toEqual({ kind: "recovery", email: one.email, token: expect.any(String) });
  const second = JSON.parse((await asked()).out);
  expect((await use(first.token, one.email)).status).toBe(400);
  await app.deps.pool.query(
    `UPDATE one_time_tokens SET created_at = now() - interval '16 minutes', expires_at = now() - interval '1 minute'
     WHERE purpose = 'bootstrap' AND used_at IS NULL AND expires_at <= created_at + interval '15 minutes'`,
  );
  expect((await use(second.token, one.email)).status).toBe(400);
  expect((await logIn(app, one.email)).id).toBe(one.id);
});

test("where none is there yet, or none could log in, it makes one; then the token of a start does too or not", async () => {
  const first = await platform("bootstrap", "--json");
  const { kind, token } = JSON.parse(first.out);
  const email = `${randomName()}@platform.example`;
  expect([kind, (await use(token, email)).status]).toEqual(["first", 201]);
  await app.deps.db.user.updateMany({ where: { email }, data: { status: "disabled" } });
  const named = await platform("bootstrap", "--email", email);
  expect([named.code, named.err]).toEqual([1, expect.stringContaining("Leave --email out")]);
  const again = JSON.parse((await platform("bootstrap", "--json")).out);
  expect(again.kind).toBe("another");
  const answer = await use(again.token, `${randomName()}@platform.example`);
  expect(answer).toMatchObject({ status: 201, body: { user: { roles: ["super_admin"] } } });
  // Made in time, and too late: somebody can log in by now.
  await app.deps.db.oneTimeToken.updateMany({
    where: { purpose: "bootstrap" },
    data: { usedAt: null },
  });
  expect((await use(again.token, `${randomName()}@platform.example`)).status).toBe(400);
});

test("what is no call ends with 2, in a line", async () => {
  const wrong = { ...env, SECRET_KEY: Buffer.from(PASSWORD.padEnd(32, "!")).toString("base64url") };
  for (const [args, message, given] of [
    [[], "Name one command", env],
    [["bootstrap", "--yes"], "belong to restored", env],
    [["restored", "--email", "a@b.example"], "--email belongs to bootstrap", env],
    [["bootstrap"], "does not answer", { ...env, DATABASE_URL: "postgresql://127.0.0.1:1/x" }],
    [["bootstrap"], "SECRET_KEY", wrong],
    [["restored"], "Nobody is there to be asked", env],
  ] as const) {
    const { code, out, err } = await runCommand("platform", [...args], given);
    expect([args, code, out, err]).toEqual([args, 2, "", expect.stringContaining(message)]);
    expect(err).not.toContain("    at ");
  }
  const help = await runCommand("platform", ["--help"], {});
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("Exit codes:")]);
});
