/** What the tests behind a pooler share: two instances, and clients that use both. */
import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Server, startServer } from "../server/start.ts";
import { PASSWORD } from "../support/app.ts";
import type { Pooler } from "../support/pgbouncer.ts";
import type { TestDatabase } from "../support/postgres.ts";

const CLIENTS = 16;
const SECONDS = 3;
export const SECRET_KEY = randomBytes(32).toString("base64");

/** Two instances with one key, through the pooler. */
export async function startTwo(
  pooler: Pooler,
  database: TestDatabase,
  preparedStatements: string,
): Promise<[Server, Server]> {
  const env = {
    DATABASE_URL: pooler.url,
    LISTEN_DATABASE_URL: database.appUrl,
    PREPARED_STATEMENTS: preparedStatements,
    SECRET_KEY,
    RATE_LIMITS: "database",
    TRUSTED_PROXY_HOPS: "1",
  };
  return [await startServer(env), await startServer(env)];
}

export type Answer = { status: number; body: Record<string, never> & { [key: string]: unknown } };

export async function call(
  { url }: Server,
  route: string,
  { json, token, ip = "192.0.2.1" }: { json?: unknown; token?: unknown; ip?: string } = {},
): Promise<Answer> {
  const [method = "GET", path] = route.split(" ");
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      "x-forwarded-for": ip,
      ...(json !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}

export async function register(server: Server): Promise<string> {
  const slug = `t${randomBytes(5).toString("hex")}`;
  const email = `owner@${slug}.example`;
  const { status } = await call(server, "POST /v1/auth/register", {
    json: { email, password: PASSWORD, tenant: { name: slug, slug } },
    ip: `198.51.100.${randomBytes(1)[0]}`,
  });
  expect(status).toBe(201);
  return email;
}

/** Each client logs in at one instance, refreshes and lists at the other, round by round. Answers the statuses seen. */
export async function load(servers: [Server, Server]): Promise<Set<string>> {
  const emails: string[] = [];
  for (let each = 0; each < CLIENTS; each += 1)
    emails.push(await register(servers[each % 2] as Server));
  const seen = new Set<string>();
  const note = (what: string, { status }: Answer) => seen.add(`${what} ${status}`);
  await Promise.all(
    emails.map(async (email, client) => {
      const [here, there] = client % 2 ? servers : ([servers[1], servers[0]] as const);
      const ip = `203.0.113.${client}`;
      const login = await call(here, "POST /v1/auth/login", {
        json: { email, password: PASSWORD },
        ip,
      });
      note("login", login);
      let { accessToken: token, refreshToken } = login.body;
      const end = Date.now() + SECONDS * 1000;
      do {
        const next = await call(there, "POST /v1/auth/refresh", { json: { refreshToken }, ip });
        note("refresh", next);
        ({ accessToken: token, refreshToken } = next.body);
        for (const server of [here, there]) {
          note("list", await call(server, "GET /v1/users?limit=5", { token, ip }));
          note("sessions", await call(server, "GET /v1/auth/sessions", { token, ip }));
        }
      } while (Date.now() < end);
    }),
  );
  return seen;
}

export const WELL = new Set(["login 200", "refresh 200", "list 200", "sessions 200"]);
