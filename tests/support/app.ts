/** The application on a database of its own, called without a network. */
import { afterAll, beforeAll, setSystemTime } from "bun:test";
import { randomBytes } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../generated/prisma/client.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import type { Deps } from "../../src/context.ts";
import { createPool } from "../../src/db/client.ts";
import { newId } from "../../src/db/id.ts";
import { createDeps } from "../../src/deps.ts";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createJobHandlers } from "../../src/job-handlers.ts";
import type { ReceivedMail } from "../../src/mail/transport.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { createDatabase, type TestDatabase } from "./postgres.ts";

export const PASSWORD = "correct horse battery staple";

export type Answer<Body = Record<string, unknown>> = {
  status: number;
  headers: Headers;
  body: Body;
};
export type CallOptions = {
  token?: string;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  headers?: Record<string, string>;
};

export type TestApp = {
  /** What the application runs on, but for pool and db: those are a superuser's, whom no policy and no fence holds. */
  deps: Deps;
  /** The very parts of the application. */
  served: Deps;
  database: TestDatabase;
  /** One request: `call("POST /v1/auth/login", { json: {…} })`. The body is parsed when it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test names the fields that it expects, and fails when they are not there
  call(route: string, options?: CallOptions): Promise<Answer<any>>;
  /** The same, as somebody who has logged in. */
  // biome-ignore lint/suspicious/noExplicitAny: as `call`
  as(who: Pick<Account, "accessToken">, route: string, json?: unknown): Promise<Answer<any>>;
  /** Works off the jobs that are due, and answers the mails so far, the newest last. */
  mail(): Promise<readonly ReceivedMail[]>;
  /** The newest mail to this address, once the jobs are worked off. @throws Error when there is none. */
  lastMailTo(address: string): Promise<ReceivedMail>;
  close(): Promise<void>;
};

/**
 * The application for the tests of a file, or of the `describe` around it: filled in before their own `beforeAll`, closed
 * when they are done, with the clock going on again. @param env as of createTestApp.
 */
export function testApp(env: Record<string, string> = {}): TestApp {
  const app = {} as TestApp;
  beforeAll(async () => {
    Object.assign(app, await createTestApp(env));
  });
  afterAll(async () => {
    setSystemTime();
    await app.close?.();
  });
  return app;
}

/** @param env configuration that differs from the defaults, as environment variables. */
export async function createTestApp(
  env: Record<string, string> = {},
  given?: TestDatabase,
): Promise<TestApp> {
  const database = given ?? (await createDatabase());
  const config = parseConfig({
    NODE_ENV: "test",
    DATABASE_URL: database.appUrl,
    DATABASE_POOL_SIZE: "5",
    // A slow machine is not a broken product; below the time that a test has, so that it can say what was slow.
    DATABASE_TIMEOUT_SECONDS: "50",
    SECRET_KEY: randomBytes(32).toString("base64"),
    LOG_LEVEL: "silent",
    SCHEMA_CHECK: "off",
    // No test has an address of its own: all of them would count as one caller.
    RATE_LIMITS: "off",
    ...env,
  });
  const { deps: served, close } = await createDeps(config);
  const app = createApp(served, shippedMigrations("prisma/migrations"));
  // In the database of the application, which `env` may have named.
  const admin = new URL(database.url);
  admin.pathname = new URL(config.databaseUrl).pathname;
  const pool = createPool({ ...config, databaseUrl: admin.href });
  const timeout = config.databaseTimeoutSeconds * 1000;
  const transactionOptions = { maxWait: timeout, timeout };
  const db = new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions });
  const deps = { ...served, pool, db };

  async function mail(): Promise<readonly ReceivedMail[]> {
    await served.background.settled();
    await deps.jobs.drain(createJobHandlers(served));
    return deps.mailer.transport.inbox ?? [];
  }

  async function call(route: string, { token, json, body, headers }: CallOptions = {}) {
    const [method = "GET", path = "/"] = route.split(" ");
    const response = await app.request(path, {
      method,
      headers: {
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined ? { body } : {}),
    });
    const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? await response.json() : await response.text(),
    };
  }

  return {
    deps,
    served,
    database,
    mail,
    async lastMailTo(address) {
      const found = (await mail()).findLast(({ to }) => to === address);
      if (found) return found;
      const { rows } = await deps.pool.query(
        "SELECT name, state, output FROM pgboss.job WHERE state <> 'completed'",
      );
      throw new Error(`no mail to ${address}; jobs: ${JSON.stringify(rows)}`);
    },
    as: ({ accessToken: token }, route, json) => call(route, { token, json }),
    call,
    async close() {
      await close();
      await db.$disconnect();
      await pool.end();
      await database.drop();
    },
  };
}

export type Account = {
  id: string;
  email: string;
  tenantId: string | null;
  accessToken: string;
  refreshToken: string;
};

/** A new tenant and its owner, through the API. */
export async function registerOwner(
  app: TestApp,
  name = randomName(),
): Promise<Account & { tenantId: string; slug: string }> {
  const { status, body } = await app.call("POST /v1/auth/register", {
    json: { email: `owner@${name}.example`, password: PASSWORD, tenant: { name, slug: name } },
  });
  if (status !== 201) throw new Error(`register answered ${status}: ${JSON.stringify(body)}`);
  const { accessToken, refreshToken, user } = body;
  return {
    id: user.id,
    email: user.email,
    tenantId: user.tenantId,
    slug: name,
    accessToken,
    refreshToken,
  };
}

/** A user whom `owner` makes with these roles, logged in. */
export async function createMember(
  app: TestApp,
  owner: Account,
  roles = ["member"],
  name = randomName(),
): Promise<Account> {
  const email = `${name}@members.example`;
  const made = await app.call("POST /v1/users", {
    token: owner.accessToken,
    json: { email, password: PASSWORD, roles },
  });
  if (made.status !== 201)
    throw new Error(`creating a user answered ${made.status}: ${JSON.stringify(made.body)}`);
  return logIn(app, email);
}

/** A super admin: made in the database, as the operator of an installation does. */
export async function createSuperAdmin(app: TestApp, name = randomName()): Promise<Account> {
  const email = `${name}@platform.example`;
  const id = newId();
  const passwordHash = await app.deps.passwords.hash(PASSWORD);
  await app.deps.db.account.create({ data: { id, email, passwordHash } });
  const roles = { create: { roleId: SYSTEM_ROLES.super_admin } };
  await app.deps.db.user.create({ data: { id, accountId: id, email, roles } });
  return logIn(app, email);
}

/**
 * As the mail of its registration would prove it, before the password was set by its person: notices go to no other
 * address, and a first proof would take away what the tenant has set.
 */
export async function proveAddress(app: TestApp, { id }: Pick<Account, "id">): Promise<void> {
  const data = { emailVerifiedAt: new Date(), passwordOrigin: "own" } as const;
  const { config } = app.deps;
  const isShared = config.emailScope === "global";
  // An account has the id of its first user.
  await app.deps.db.account.update({
    where: { id },
    data: { ...data, ...(isShared && { poolId: null }) },
  });
}

export async function logIn(app: TestApp, email: string, password = PASSWORD): Promise<Account> {
  const { status, body } = await app.call("POST /v1/auth/login", { json: { email, password } });
  if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`);
  const { accessToken, refreshToken, user } = body;
  return { id: user.id, email: user.email, tenantId: user.tenantId, accessToken, refreshToken };
}

export function randomName(): string {
  return `t${randomBytes(5).toString("hex")}`;
}
