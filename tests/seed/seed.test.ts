import { beforeEach, expect, spyOn, test } from "bun:test";
import { DEFAULT_DEMO_PASSWORD, DEMO_USERS, runSeed } from "../../prisma/seed.ts";
import { PERMISSIONS } from "../../src/roles/permissions.ts";
import { testApp } from "../support/app.ts";

const app = testApp();
beforeEach(async () => {
  await app.deps.pool.query("DELETE FROM users; DELETE FROM tenants");
});

/** Runs the seed; what it says goes to `output`. */
async function seed(env: Record<string, string> = {}) {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const spies = [spyOn(console, "log"), spyOn(console, "error")];
  for (const spy of spies) spy.mockImplementation(say);
  try {
    const status = await runSeed({ DATABASE_URL: app.database.url, ...env });
    return { status, output: said.join("\n") };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function logIn(password: string, email: string = DEMO_USERS[1].email) {
  const { status, body } = await app.call("POST /v1/auth/login", { json: { email, password } });
  return status === 200 ? body.accessToken : status;
}

async function counts() {
  const { tenant, user, role, permission, userRole } = app.deps.db;
  const [tenants, users, roles, permissions, grants] = await Promise.all(
    [tenant, user, role, permission, userRole].map((table) => (table as typeof tenant).count()),
  );
  return { tenants, users, roles, permissions, grants };
}

test("twice is as good as once: 2 tenants, 5 users, 5 system roles, every permission", async () => {
  const expected = { tenants: 2, users: 5, roles: 5, permissions: PERMISSIONS.length, grants: 5 };
  expect(await seed()).toMatchObject({ status: 0 });
  expect(await counts()).toEqual(expected);
  const before = await app.deps.db.user.findMany({ orderBy: { id: "asc" } });
  expect(await seed()).toMatchObject({ status: 0 });
  expect(await counts()).toEqual(expected);
  expect(await app.deps.db.user.findMany({ orderBy: { id: "asc" } })).toEqual(before);
});

test("every demo user logs in with the default password; one is a super admin and has no tenant", async () => {
  await seed();
  for (const { email, role, tenant } of DEMO_USERS) {
    const me = await app.call("GET /v1/auth/me", {
      token: await logIn(DEFAULT_DEMO_PASSWORD, email),
    });
    expect(me.body).toMatchObject({ roles: [role], user: { email } });
    expect(me.body.tenant?.slug ?? null).toBe(tenant);
  }
  const platform = await app.deps.db.user.findMany({ where: { tenantId: null } });
  expect(platform.map(({ email }) => email)).toEqual(["super@tenantry.example"]);
  expect(await app.deps.db.userRole.count({ where: { tenantId: null } })).toBe(1);
});

test("DEMO_PASSWORD is the password of new demo users, and replaces that of those who are there", async () => {
  const [one, two] = ["the first demo password", "the second demo password"];
  expect((await seed({ DEMO_PASSWORD: one })).output).not.toContain(one);
  expect(await logIn(DEFAULT_DEMO_PASSWORD)).toBe(401);
  expect(await logIn(one)).toBeString();
  await seed({ DEMO_PASSWORD: two });
  expect(await logIn(one)).toBe(401);
  expect(await logIn(two)).toBeString();
  await seed();
  expect(await logIn(two)).toBeString();
});

test("in production it makes nothing without DEMO_PASSWORD, and says why", async () => {
  for (const DEMO_PASSWORD of [undefined, ""]) {
    const { status, output } = await seed({
      NODE_ENV: "production",
      ...(DEMO_PASSWORD !== undefined && { DEMO_PASSWORD }),
    });
    expect(status).toBe(1);
    expect(output).toContain("set DEMO_PASSWORD");
  }
  expect(await counts()).toMatchObject({ tenants: 0, users: 0 });
  expect(
    await seed({ NODE_ENV: "production", DEMO_PASSWORD: "a password for production" }),
  ).toMatchObject({ status: 0 });
  expect(await logIn("a password for production")).toBeString();
});

test("without a database it fails with one line that says what is missing", async () => {
  expect(await seed({ DATABASE_URL: "" })).toMatchObject({
    status: 1,
    output: expect.stringContaining("DATABASE_URL"),
  });
  const { status, output } = await seed({ DATABASE_URL: "postgresql://a:b@127.0.0.1:1/c" });
  expect(status).toBe(1);
  expect(output).toStartWith("The seed failed: ");
});

test("with EMAIL_SCOPE=tenant the demo users' addresses are scoped to their tenants, twice too", async () => {
  await seed({ EMAIL_SCOPE: "tenant" });
  await seed({ EMAIL_SCOPE: "tenant" });
  const users = await app.deps.db.user.findMany({ include: { account: true } });
  expect(users).toHaveLength(5);
  for (const { tenantId, account } of users) expect(account).toMatchObject({ poolId: tenantId });
});

test("as a program it ends with the status", async () => {
  const { NODE_ENV, DEMO_PASSWORD, ...env } = process.env;
  const run = (DATABASE_URL: string) =>
    Bun.spawn([process.execPath, "prisma/seed.ts"], {
      cwd: `${import.meta.dir}/../..`,
      env: { ...env, DATABASE_URL },
      stdio: ["ignore", "ignore", "ignore"],
    }).exited;
  expect(await Promise.all([run(app.database.url), run("")])).toEqual([0, 1]);
  expect(await counts()).toMatchObject({ tenants: 2, users: 5 });
});
