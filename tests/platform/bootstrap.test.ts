/** R17: no default account and no default password: the first super admin is made with a one-time token. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { announceBootstrap } from "../../src/platform/announce-bootstrap.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { createSuperAdmin, createTestApp, PASSWORD, randomName, testApp } from "../support/app.ts";

const app = testApp({ DATABASE_POOL_SIZE: "12" });
let stops: (() => Promise<void>)[];
let written: string[];
beforeEach(() => {
  stops = [];
  written = [];
});
afterEach(async () => {
  await restart();
  const { db } = app.deps;
  await db.userRole.deleteMany({ where: { roleId: SYSTEM_ROLES.super_admin } });
});

/** As a server that starts. Answers the token that it wrote, if it did. */
async function start(): Promise<string | undefined> {
  const before = written.length;
  const stop = await announceBootstrap(app.deps, (text) => written.push(text));
  if (stop) stops.push(stop);
  return written.slice(before).map((text) => /^ {2}(\S{43})$/m.exec(text)?.[1])[0];
}

/** Every server ends. */
async function restart(): Promise<void> {
  await Promise.all(stops.splice(0).map((stop) => stop()));
}

const bootstrap = (token: string | undefined, fields: object = {}) =>
  app.call("POST /v1/platform/bootstrap", {
    json: { token, email: `${randomName()}@platform.example`, password: PASSWORD, ...fields },
  });
const superAdmins = () =>
  app.deps.db.user.count({ where: { roles: { some: { roleId: SYSTEM_ROLES.super_admin } } } });

test("R17: the token makes the super admin, logs them in, and works once", async () => {
  const token = await start();
  const email = `${randomName()}@platform.example`;
  const made = await bootstrap(token, { email, firstName: "Ada", lastName: "Byron" });
  expect(made).toMatchObject({
    status: 201,
    body: {
      tokenType: "Bearer",
      user: { email, firstName: "Ada", lastName: "Byron", tenantId: null, roles: ["super_admin"] },
    },
  });
  const call = { token: made.body.accessToken };
  expect((await app.call("GET /v1/tenants", call)).status).toBe(200);
  expect(
    (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).status,
  ).toBe(200);

  const again = await bootstrap(token);
  expect(again).toMatchObject({ status: 400, body: { code: "invalid_one_time_token" } });
  expect({ ...(await bootstrap("never-a-token")).body, instance: "" }).toEqual({
    ...again.body,
    instance: "",
  });
  await restart();
  expect(await start()).toBeUndefined();
  expect(written).toHaveLength(1);
});

test("R17: an open token is worth nothing once there is a super admin by another way", async () => {
  const token = await start();
  await createSuperAdmin(app);
  expect((await bootstrap(token)).body.code).toBe("invalid_one_time_token");
  expect(await superAdmins()).toBe(1);
});

test("R17: fifty at once make one super admin", async () => {
  const token = await start();
  const before = await superAdmins();
  const answers = await Promise.all(Array.from({ length: 50 }, () => bootstrap(token)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 400)).toHaveLength(49);
  expect(await superAdmins()).toBe(before + 1);
});

test("R17: a restart voids the token and writes a new one", async () => {
  const first = await start();
  await restart();
  const second = await start();
  expect(second).toBeString();
  expect(second).not.toBe(first);
  expect((await bootstrap(first)).status).toBe(400);
  expect((await bootstrap(second)).status).toBe(201);
});

test("R17: of ten instances that start at once one writes a token, and while it runs no other does", async () => {
  const tokens = await Promise.all(Array.from({ length: 10 }, start));
  expect(written).toHaveLength(1);
  expect(await start()).toBeUndefined();
  expect((await bootstrap(tokens.find((token) => token !== undefined))).status).toBe(201);
});

test("R17, R15: it is stored hashed, and expires after a day", async () => {
  const token = await start();
  const [row] = await app.deps.db.oneTimeToken.findMany({
    where: { purpose: "bootstrap", usedAt: null },
  });
  expect(JSON.stringify(row)).not.toContain(String(token));
  expect(Number(row?.expiresAt) - Number(row?.createdAt)).toBe(24 * 3600 * 1000);
  await app.deps.pool.query(
    "UPDATE one_time_tokens SET created_at = now() - interval '25 hours', expires_at = now() - interval '1 hour' WHERE id = $1",
    [row?.id],
  );
  expect((await bootstrap(token)).body.code).toBe("invalid_one_time_token");
});

test("the password is one that the policy takes, and a refused one leaves the token as it is", async () => {
  const token = await start();
  for (const password of ["short", "passwordpassword"]) {
    const { status, body } = await bootstrap(token, { password });
    expect([status, body.code, body.errors[0].path]).toEqual([
      422,
      "validation_failed",
      "password",
    ]);
  }
  expect((await bootstrap(token)).status).toBe(201);
});

test("what is no bootstrap is refused before the token is looked at", async () => {
  const valid = { token: "x", email: "ada@platform.example", password: PASSWORD };
  const invalid = [
    ...[
      {},
      [],
      null,
      { ...valid, token: "" },
      { ...valid, email: "ada" },
      { ...valid, password: "" },
    ],
    ...["tenantId", "roles", "isSuperAdmin"].map((field) => ({ ...valid, [field]: "x" })),
  ];
  for (const json of invalid) {
    const { status } = await app.call("POST /v1/platform/bootstrap", { json });
    expect([JSON.stringify(json), status]).toEqual([JSON.stringify(json), 422]);
  }
});

test("R63: who was made, and every wrong token, is in the log without a secret", async () => {
  const token = await start();
  await bootstrap("a-wrong-token-of-somebody");
  const { body } = await bootstrap(token);
  const rows = await app.deps.db.auditLog.findMany({ orderBy: { id: "desc" }, take: 3 });
  expect(
    rows.map(({ action, outcome, actorId, tenantId }) => [action, outcome, actorId, tenantId]),
  ).toEqual([
    ["auth.logged_in", "success", body.user.id, null],
    ["platform.bootstrapped", "success", body.user.id, null],
    ["platform.bootstrap_failed", "failure", null, null],
  ]);
  expect(JSON.stringify(rows)).not.toMatch(/a-wrong-token/);
  expect(JSON.stringify(rows)).not.toContain(String(token));
});

test("R14: wrong tokens from one address are limited", async () => {
  const limited = await createTestApp({ RATE_LIMITS: "memory" });
  const json = { token: "x", email: "ada@platform.example", password: PASSWORD };
  const statuses: number[] = [];
  for (let n = 0; n < 31; n++)
    statuses.push((await limited.call("POST /v1/platform/bootstrap", { json })).status);
  expect([statuses[0], statuses[30]]).toEqual([400, 429]);
  await limited.close();
});
