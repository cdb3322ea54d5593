/** Where the metrics are read: on a port of their own, behind a token, and while the database is away. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePort } from "../../src/listen.ts";
import { type DatabaseProxy, startProxy } from "../server/proxy.ts";
import { type Server, startServer } from "../server/start.ts";
import { testApp } from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Page, parsePage, sampled } from "./prometheus.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

describe("behind a token on the port of the API", () => {
  const app = testApp({ METRICS_TOKEN: TOKEN });
  const ask = (authorization?: string) =>
    app.call("GET /metrics", authorization === undefined ? {} : { headers: { authorization } });

  test("with it they are there, and without it or with another one a 401", async () => {
    const { status, headers, body } = await ask(`Bearer ${TOKEN}`);
    expect([status, headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect(parsePage(body).samples.length).toBeGreaterThan(20);
    const wrong = [
      undefined,
      "Bearer x",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ];
    for (const header of wrong) {
      const answer = await ask(header);
      expect([header, answer.status, String(answer.body).includes("tenantry_")]).toEqual([
        header,
        401,
        false,
      ]);
    }
  });
});

describe("without either variable", () => {
  const app = testApp();
  test("there is nothing at /metrics, and nothing is counted", async () => {
    expect((await app.call("GET /metrics")).status).toBe(404);
    expect([app.served.metrics, app.served.traces]).toEqual([null, null]);
  });
});

describe("with a port and a token", () => {
  const app = testApp({ METRICS_PORT: "0", METRICS_TOKEN: TOKEN });
  test("the port of the API has none", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await app.call("GET /metrics", { headers })).status).toBe(404);
  });
});

describe("a real server with METRICS_PORT", () => {
  let database: TestDatabase;
  let proxy: DatabaseProxy;
  let server: Server;
  let url = "";
  beforeAll(async () => {
    database = await createDatabase();
    proxy = await startProxy(database.appUrl);
    server = await startServer({ DATABASE_URL: proxy.url, METRICS_PORT: "0" });
    url = /"metrics":"([^"]+)"/.exec(server.output())?.[1] ?? "";
  });
  afterAll(async () => {
    await server.stop();
    await proxy.close();
    await database.drop();
  });

  test("says where they are, on this machine alone, and answers nothing else there", async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    const page = parsePage(await (await fetch(url)).text());
    const labels = { method: "GET", route: "/health/live", status: "200" };
    expect(sampled(page, "tenantry_request_seconds_count", labels)).toBe(1);
    expect((await fetch(url.replace("/metrics", "/v1/users"))).status).toBe(404);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    expect(await (await fetch(url, { method: "HEAD" })).text()).toBe("");
  });

  test("a database that says nothing more delays a scrape by seconds, fails none, and is seen", async () => {
    proxy.freeze();
    // What it said last is told for ten seconds.
    const deadline = Date.now() + 20_000;
    for (let isUp = true; isUp; await Bun.sleep(250)) {
      const begun = Date.now();
      const answer = await fetch(url);
      expect([answer.status, Date.now() - begun < 3000]).toEqual([200, true]);
      const page = parsePage(await answer.text());
      isUp = sampled(page, "tenantry_database_up") === 1;
      expect(sampled(page, "tenantry_pool_size")).toBe(10);
      expect(sampled(page, "tenantry_jobs") === undefined).toBe(!isUp);
      expect(sampled(page, "tenantry_audit_unsealed_seconds") === undefined).toBe(!isUp);
      expect(Date.now()).toBeLessThan(deadline);
    }
  });
});

test("each of several processes has a port of its own, from METRICS_PORT on", async () => {
  const first = await firstOfTwo();
  const METRICS_PORT = String(first);
  const server = await startServer({ WORKERS: "2", METRICS_PORT, SCHEMA_CHECK: "off" });
  try {
    const pages: Page[] = [];
    for (const port of [first, first + 1]) {
      const answer = await untilAnswered(`http://127.0.0.1:${port}/metrics`);
      pages.push(parsePage(answer));
    }
    const [one, other] = pages.map((page) => sampled(page, "process_start_time_seconds"));
    expect(one).not.toBe(other);
  } finally {
    server.process.kill("SIGTERM");
    await server.process.exited;
    await server.stop();
  }
});

/**
 * Two free ports in a row, below those that the system chooses from: of what it gives out as free the next one is such as it
 * gives to clients, and a connection keeps that for a minute after its end.
 */
async function firstOfTwo(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = 15_000 + Math.floor(Math.random() * 15_000);
    const both = [first, first + 1].map((port) => freePort({ host: "127.0.0.1", port }));
    const isFree = await Promise.all(both).catch(() => null);
    if (isFree) return first;
  }
  throw new Error("there are no two free ports in a row");
}

async function untilAnswered(url: string): Promise<string> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await Bun.sleep(100))
    try {
      return await (await fetch(url)).text();
    } catch {
      // It is not there yet.
    }
  throw new Error(`${url} does not answer`);
}
