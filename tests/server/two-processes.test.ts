/** Two server processes on one database: what is ended at the one is refused by the other, within a second. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Server, startServer } from "./start.ts";

const PASSWORD = "correct horse battery staple";

let database: TestDatabase;
let a: Server;
let b: Server;
let root: Account;
/** Looks on: a connection of its own. */
let observer: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  const env = { RATE_LIMITS: "off", JOBS: "off", SCHEMA_CHECK: "off" };
  const SECRET_KEY = randomBytes(32).toString("base64");
  [a, b] = await Promise.all([
    startServer({
      ...env,
      SECRET_KEY,
      DATABASE_URL: named("server a"),
      LISTEN_DATABASE_URL: named("listener a"),
    }),
    startServer({
      ...env,
      SECRET_KEY,
      DATABASE_URL: named("server b"),
      LISTEN_DATABASE_URL: named("listener b"),
    }),
  ]);
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
  root = await createRoot();
});
afterAll(async () => {
  await observer.end();
  await Promise.all([a.stop(), b.stop()]);
  await database.drop();
});

/** The database's URL; connections that are made with it are found by the name. */
function named(application: string): string {
  const url = new URL(database.appUrl);
  url.searchParams.set("application_name", application);
  return url.href;
}

type Account = {
  id: string;
  email: string;
  tenantId: string;
  accessToken: string;
  refreshToken: string;
};

type Tokens = { accessToken: string; refreshToken: string; user: { id: string; tenantId: string } };

async function call(
  server: Server,
  route: string,
  token?: string,
  json?: unknown,
): Promise<{ status: number; body: Tokens }> {
  const [method = "", path = ""] = route.split(" ");
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

async function logIn(server: Server, email: string): Promise<Account> {
  const { status, body } = await call(server, "POST /v1/auth/login", undefined, {
    email,
    password: PASSWORD,
  });
  expect(status).toBe(200);
  return { ...body, id: body.user.id, email, tenantId: body.user.tenantId };
}

async function register(): Promise<Account> {
  const name = `t${randomBytes(5).toString("hex")}`;
  const json = { email: `owner@${name}.example`, password: PASSWORD, tenant: { name, slug: name } };
  const { status, body } = await call(a, "POST /v1/auth/register", undefined, json);
  expect(status).toBe(201);
  return { ...body, id: body.user.id, email: json.email, tenantId: body.user.tenantId };
}

async function createMember(owner: Account): Promise<Account> {
  const email = `${randomBytes(5).toString("hex")}@members.example`;
  await call(a, "POST /v1/users", owner.accessToken, {
    email,
    password: PASSWORD,
    roles: ["member"],
  });
  return logIn(a, email);
}

/** Made in the database, as the operator of an installation does. */
async function createRoot(): Promise<Account> {
  const { email } = await register();
  const id = newId();
  await observer.query(
    "INSERT INTO accounts (id, email, password_hash) SELECT $1, 'root@platform.example', password_hash FROM accounts WHERE email = $2",
    [id, email],
  );
  await observer.query(
    "INSERT INTO users (id, account_id, email) VALUES ($1, $1, 'root@platform.example')",
    [id],
  );
  await observer.query("INSERT INTO user_roles (user_id, role_id) VALUES ($1, $2)", [
    id,
    SYSTEM_ROLES.super_admin,
  ]);
  return logIn(a, "root@platform.example");
}

/** An id that cannot be is refused before anything is read: what is left is the work of authenticating. */
async function knock(server: Server, { accessToken }: Account): Promise<number> {
  return (await call(server, "GET /v1/users/x", accessToken)).status;
}

const WELCOME = 404;

/** Milliseconds after which the server let the token in for the last time. How long it takes to refuse it is the machine's. */
async function millisUntilRefused(server: Server, account: Account): Promise<number> {
  const start = performance.now();
  for (let last = 0; ; ) {
    const asked = performance.now() - start;
    if ((await knock(server, account)) === 401) return last;
    if (asked > 5000) throw new Error("not within five seconds");
    last = asked;
  }
}

const ends: Record<string, (owner: Account, member: Account) => Promise<{ status: number }>> = {
  logout: (_, { accessToken }) => call(a, "POST /v1/auth/logout", accessToken),
  "logout everywhere": async (_, { email }) =>
    call(a, "POST /v1/auth/logout-all", (await logIn(a, email)).accessToken),
  "the end of one's other sessions": async (_, { email }) =>
    call(a, "DELETE /v1/auth/sessions", (await logIn(a, email)).accessToken),
  "the end of a user's sessions by an administrator": (owner, { id }) =>
    call(a, `DELETE /v1/users/${id}/sessions`, owner.accessToken),
  "a password change elsewhere": async (_, { email }) =>
    call(a, "POST /v1/auth/change-password", (await logIn(a, email)).accessToken, {
      currentPassword: PASSWORD,
      newPassword: `${PASSWORD} 2`,
    }),
  "disabling the user (CVE-2023-22492)": (owner, { id }) =>
    call(a, `PATCH /v1/users/${id}`, owner.accessToken, { status: "disabled" }),
  "deleting the user": (owner, { id }) => call(a, `DELETE /v1/users/${id}`, owner.accessToken),
  "suspending the tenant": ({ tenantId }) =>
    call(a, `POST /v1/tenants/${tenantId}/suspend`, root.accessToken),
  "deleting the tenant": ({ tenantId }) =>
    call(a, `DELETE /v1/tenants/${tenantId}`, root.accessToken),
};

for (const [name, end] of Object.entries(ends)) {
  test(`R36: after ${name} at one process the other refuses the access token within a second, and the refresh token`, async () => {
    const owner = await register();
    const member = await createMember(owner);
    expect([await knock(a, member), await knock(b, member)]).toEqual([WELCOME, WELCOME]);
    expect((await end(owner, member)).status).toBeWithin(200, 205);
    expect(await millisUntilRefused(b, member)).toBeLessThan(1000);
    expect(await knock(a, member)).toBe(401);
    const json = { refreshToken: member.refreshToken };
    expect((await call(b, "POST /v1/auth/refresh", undefined, json)).status).toBe(401);
  });
}

/** When each pool connection of the server was last asked something. */
async function lastQueries(application: string): Promise<string> {
  const { rows } = await observer.query(
    "SELECT pid, query_start::text FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid",
    [application],
  );
  expect(rows.length).toBeGreaterThan(0);
  return JSON.stringify(rows);
}

/** Whether the server's pool is left alone while `act` runs. Once a minute it reads its signing keys: that is tried again. */
async function asksNothing(application: string, act: () => Promise<void>): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) {
    const before = await lastQueries(application);
    await act();
    if ((await lastQueries(application)) === before) return true;
  }
  return false;
}

describe("R36: the database is asked", () => {
  test("nothing for a token that is known, be it good or ended", async () => {
    const owner = await register();
    const other = await logIn(a, owner.email);
    expect([await knock(b, owner), await knock(b, other)]).toEqual([WELCOME, WELCOME]);
    await call(a, "POST /v1/auth/logout", other.accessToken);
    await millisUntilRefused(b, other);
    const knocks = async () => {
      for (let n = 0; n < 50; n++) {
        expect(await knock(b, owner)).toBe(WELCOME);
        expect(await knock(b, other)).toBe(401);
      }
    };
    expect(await asksNothing("server b", knocks)).toBe(true);
    // So that it is known that this would show.
    expect(
      await asksNothing(
        "server b",
        async () => void (await call(b, "GET /v1/auth/me/profile", owner.accessToken)),
      ),
    ).toBe(false);
  });

  test("again as soon as the listener's connection is gone: nothing that ends meanwhile is missed", async () => {
    for (let round = 0; round < 5; round++) {
      const owner = await register();
      const other = await logIn(a, owner.email);
      expect([await knock(b, owner), await knock(b, other)]).toEqual([WELCOME, WELCOME]);
      const { rowCount } = await observer.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener b'",
      );
      expect(rowCount).toBe(1);
      await call(a, "POST /v1/auth/logout", owner.accessToken);
      // The other process first has to hear that its connection is gone.
      expect(await millisUntilRefused(b, owner)).toBeLessThan(1000);
      expect(await knock(b, other)).toBe(WELCOME);
      await untilItListens();
      // What was missed has been read.
      expect([await knock(b, owner), await knock(b, other)]).toEqual([401, WELCOME]);
      await call(a, "POST /v1/auth/logout", other.accessToken);
      expect(await millisUntilRefused(b, other)).toBeLessThan(1000);
    }
  });
});

async function untilItListens() {
  for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(20)) {
    const { rowCount } = await observer.query(
      "SELECT FROM pg_stat_activity WHERE application_name = 'listener b' AND query = 'SELECT 1'",
    );
    if (rowCount === 1) return;
  }
  throw new Error("it does not listen again");
}
