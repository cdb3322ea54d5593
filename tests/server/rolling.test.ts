/** Two servers behind a balancer are replaced one after the other under load, and no request is lost. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Balancer, startBalancer } from "./round-robin.ts";
import { type Server, startServer } from "./start.ts";

const CLIENTS = 8;

let database: TestDatabase;
let servers: Server[] = [];
let balancer: Balancer;
const SECRET_KEY = randomBytes(32).toString("base64");

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await database.drop();
});

function start(env: Record<string, string>): Promise<Server> {
  const DATABASE_URL = database.appUrl;
  const usual = { RATE_LIMITS: "off", SCHEMA_CHECK: "off", DRAIN_SECONDS: "3" };
  return startServer({ ...usual, DATABASE_URL, SECRET_KEY, ...env });
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !isSo(); await Bun.sleep(20))
    if (Date.now() > end) throw new Error("not within twenty seconds");
}

for (const WORKERS of ["1", "2"])
  test(`with WORKERS=${WORKERS}`, async () => {
    servers = await Promise.all([start({ WORKERS }), start({ WORKERS })]);
    balancer = await startBalancer(servers.map(({ port }) => port));
    let isOver = false;
    const answers = new Map<string, number>();
    const note = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1);
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let round = client; !isOver; round += 1) {
        const isLogin = round % 8 === 0;
        const body = JSON.stringify({ email: `${client}@a.example`, password: "wrong" });
        const { status } = isLogin
          ? await fetch(`${balancer.url}/v1/auth/login`, { method: "POST", body })
          : await fetch(`${balancer.url}/.well-known/jwks.json`);
        note(`${isLogin ? "login" : "keys"} ${status}`);
      }
    });
    await until(() => balancer.ready() === 2);

    for (const at of [0, 1]) {
      const old = servers[at] as Server;
      old.process.kill("SIGTERM");
      expect(await old.process.exited).toBe(0);
      servers[at] = await start({ WORKERS, PORT: String(old.port) });
      await until(() => balancer.ready() === 2);
    }

    isOver = true;
    await Promise.all(clients);
    expect(balancer.faults).toEqual([]);
    expect([...answers.keys()].sort()).toEqual(["keys 200", "login 401"]);
    expect(answers.get("keys 200")).toBeGreaterThan(200);
    await balancer.stop();
    for (const server of servers.splice(0)) await server.stop();
  }, 120_000);
