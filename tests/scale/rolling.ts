/**
 * Two and four instances behind HAProxy, with the file of docs/operations: each is ended and started again in turn, as at an
 * upgrade, while clients with live connections are at work. It needs haproxy, so it is not among the tests that run
 * everywhere:
 *   bun test ./tests/scale/rolling.ts
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { freePort } from "../mail/smtp-server.ts";
import { type Server, startServer } from "../server/start.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const CONFIG = join(import.meta.dir, "..", "..", "docs", "operations", "haproxy.cfg");
const HAPROXY = Bun.which("haproxy", { PATH: `${process.env.PATH}:/usr/sbin` }) ?? "haproxy";
const PASSWORD = "correct horse battery staple";
const CLIENTS = 24;
/** More than the check of the proxy takes to see it: see haproxy.cfg. */
const DRAIN_SECONDS = "4";

type Answer = { status: number; body: Record<string, unknown> };
type Proxy = { port: number; stop(): Promise<void> };

let database: TestDatabase;
let env: Record<string, string>;
let folder: string;
let servers: Server[] = [];
let proxy: Proxy | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-test-haproxy-"));
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

for (const count of [2, 4])
  test(`${count} instances are ended and started again in turn under load, and no request is lost`, async () => {
    servers = await Promise.all(Array.from({ length: count }, () => startServer(env)));
    proxy = await startProxy(servers.map(({ port }) => port));
    const token = await register(proxy);
    const seen = { answers: 0, lost: [] as string[], made: 0 };
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, () => work(token, seen, () => isOver));

    for (const [index, server] of servers.entries()) {
      await Bun.sleep(1000);
      server.process.kill("SIGTERM");
      expect(await server.process.exited).toBe(0);
      servers[index] = await startServer({ ...env, PORT: String(server.port) });
      // A check of the proxy sees that it is there again.
      await Bun.sleep(2000);
    }
    isOver = true;
    await Promise.all(clients);

    console.error(`${count} instances: ${seen.answers} answers, ${seen.lost.length} lost`);
    expect(seen.lost).toEqual([]);
    expect(seen.answers).toBeGreaterThan(CLIENTS * 20);
    const [row] = await made();
    expect(row?.n).toBe(seen.made);
    await database.query("DELETE FROM users WHERE email LIKE 'rolling-%'");
  }, 120_000);

async function made(): Promise<{ n: number }[]> {
  const sql = new SQL(database.url);
  const rows = await sql`SELECT count(*)::int AS n FROM users WHERE email LIKE 'rolling-%'`;
  await sql.end();
  return rows;
}

/** The documented file, with addresses of this machine. */
async function startProxy(ports: number[]): Promise<Proxy> {
  const port = await freePort();
  const file = join(folder, `${ports.length}.cfg`);
  const config = readFileSync(CONFIG, "utf8")
    .replace(/^ {2}bind .*$/m, `  bind 127.0.0.1:${port}`)
    .replace(/(^ {2}server .*\n?)+/m, () =>
      ports.map((each, n) => `  server s${n} 127.0.0.1:${each}\n`).join(""),
    );
  writeFileSync(file, config);
  const child = Bun.spawn([HAPROXY, "-db", "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(50)) {
    if (child.exitCode !== null) throw new Error(await child.stderr.text());
    const answer = await ask({ port }, new Agent(), "GET /health/live").catch(() => null);
    if (answer?.status === 200) return { port, stop };
  }
  await stop();
  throw new Error("HAProxy does not answer");
}

async function register({ port }: Pick<Proxy, "port">): Promise<string> {
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

/** One request, tried once: `fetch` would try again by itself where a live connection ends. */
function ask(
  { port }: { port: number },
  agent: Agent,
  route: string,
  { json, token }: { json?: unknown; token?: string } = {},
): Promise<Answer> {
  const [method = "GET", path = "/"] = route.split(" ");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = json === undefined ? "" : JSON.stringify(json);
  const sent = request(
    {
      ...{ host: "127.0.0.1", port, method, path, agent },
      headers: {
        ...(json !== undefined && {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    },
    (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const isJson = /json/.test(response.headers["content-type"] ?? "");
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : {} });
      });
    },
  );
  sent.on("error", reject);
  sent.end(body);
  return promise;
}
