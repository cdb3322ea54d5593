/**
 * Two and four instances behind HAProxy, and two behind nginx, with the files of docs/operations: each is ended and started again
 * in turn, as at an upgrade, while clients with live connections are at work. It needs haproxy and nginx, so it is not among
 * the tests that run everywhere:
 *   bun test ./tests/scale/rolling.ts
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { type Server, startServer } from "../server/start.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { ask } from "./one-try.ts";
import { type Front, PROXIES, startProxy } from "./proxies.ts";

const PASSWORD = "correct horse battery staple";
const CLIENTS = 24;
/** More than the check of HAProxy takes to see it: see haproxy.cfg. */
const DRAIN_SECONDS = "4";

let database: TestDatabase;
let env: Record<string, string>;
let folder: string;
let servers: Server[] = [];
let proxy: Front | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-test-rolling-"));
  // The workers of nginx are another user.
  chmodSync(folder, 0o755);
  database = await createDatabase();
  env = {
    DATABASE_URL: database.appUrl,
    SECRET_KEY: randomBytes(32).toString("base64"),
    // Else it would be another one with each port.
    ISSUER: "http://localhost:3000",
    TRUSTED_PROXY_HOPS: "1",
    RATE_LIMITS: "off",
    SCHEMA_CHECK: "off",
    DRAIN_SECONDS,
  };
});
afterEach(async () => {
  await proxy?.stop();
  for (const server of servers) await server.stop();
  servers = [];
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, count] of [
  ["haproxy", 2],
  ["haproxy", 4],
  ["nginx", 2],
] as const)
  test(`behind ${name} ${count} instances are ended and started again in turn under load, and no request is lost`, async () => {
    servers = await Promise.all(Array.from({ length: count }, () => startServer(env)));
    proxy = await startProxy(
      PROXIES[name],
      folder,
      servers.map(({ port }) => port),
    );
    const token = await register(proxy);
    const seen = { answers: 0, lost: [] as string[], made: 0 };
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, () => work(token, seen, () => isOver));

    for (const [index, server] of servers.entries()) {
      await Bun.sleep(1000);
      proxy.leave(index);
      server.process.kill("SIGTERM");
      expect(await server.process.exited).toBe(0);
      servers[index] = await startServer({ ...env, PORT: String(server.port) });
      proxy.back(index);
      // A check of the proxy sees that it is there again.
      await Bun.sleep(2000);
    }
    isOver = true;
    await Promise.all(clients);

    console.error(`${name}, ${count} instances: ${seen.answers} answers, ${seen.lost.length} lost`);
    expect(seen.lost).toEqual([]);
    expect(seen.answers).toBeGreaterThan(CLIENTS * 20);
    const [row] = await made();
    expect(row?.n).toBe(seen.made);
    await database.query("DELETE FROM users WHERE email LIKE 'rolling-%'");
  }, 300_000);

async function made(): Promise<{ n: number }[]> {
  const sql = new SQL(database.url);
  const rows = await sql`SELECT count(*)::int AS n FROM users WHERE email LIKE 'rolling-%'`;
  await sql.end();
  return rows;
}

async function register({ port }: Pick<Front, "port">): Promise<string> {
  const name = `t${randomBytes(5).toString("hex")}`;
  const json = { email: `owner@${name}.example`, password: PASSWORD, tenant: { name, slug: name } };
  const { status, body } = await ask({ port }, new Agent(), "POST /v1/auth/register", { json });
  expect(status).toBe(201);
  return String(body.accessToken);
}

/** On one connection, as browsers and services keep it: reads mostly, and a write now and then. */
async function work(
  token: string,
  seen: { answers: number; lost: string[]; made: number },
  isOver: () => boolean,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = 0; !isOver(); n += 1) {
    const email = `rolling-${randomBytes(8).toString("hex")}@x.example`;
    const [route, json] =
      n % 5 === 4 ? ["POST /v1/users", { email }] : ["GET /v1/auth/me", undefined];
    try {
      const { status, body } = await ask({ port: proxy?.port ?? 0 }, agent, route, { json, token });
      seen.answers += 1;
      if (status === 201) seen.made += 1;
      if (status !== 200 && status !== 201)
        seen.lost.push(`${route}: ${status} ${JSON.stringify(body)}`);
    } catch (err) {
      seen.lost.push(`${route}: ${err}`);
    }
    await Bun.sleep(20);
  }
  agent.destroy();
}
