/** A start that cannot succeed ends at once: one message for the operator, exit 1, no stack, no secret. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { faultOfListening } from "../../src/listen.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { startProxy } from "./proxy.ts";
import { runServer, type Server, serverEnv, startServer } from "./start.ts";

let server: Server;
let database: TestDatabase;
beforeAll(async () => {
  [server, database] = await Promise.all([startServer(), createDatabase()]);
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

/** What the server says on stderr when it ends as it should. */
async function failure(env: Record<string, string>): Promise<string> {
  const run = await runServer(env);
  expect([run.status, run.stdout]).toEqual([1, ""]);
  expect(run.stderr).not.toMatch(/\n\s+at |node_modules|\.ts\b|hunter2/);
  expect(run.seconds).toBeLessThan(20);
  return run.stderr.trim();
}

/** The test database's URL with something changed. */
function databaseUrl(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

describe("a start ends with one message", () => {
  test("when nothing is configured", async () => {
    const message = await failure({ PATH: process.env.PATH ?? "" });
    expect(message).toContain("DATABASE_URL: is required");
    expect(message).toContain("SECRET_KEY: is required");
  });

  test("when variables are wrong: each is named, none is shown", async () => {
    const env = {
      DATABASE_URL: "mysql://user:hunter2@db/x",
      SECRET_KEY: "hunter2",
      PORT: "hunter2",
    };
    const message = await failure(serverEnv(env));
    for (const name of Object.keys(env)) expect(message).toMatch(new RegExp(`^ {2}${name}: `, "m"));
  });

  test("when the port is taken", async () => {
    const env = serverEnv({ DATABASE_URL: database.appUrl, PORT: String(server.port), SECRET_KEY });
    expect(await failure(env)).toBe(`Port ${server.port} is taken: set PORT to another one.`);
  });

  test("when the host is none of this machine's", async () => {
    const env = serverEnv({ DATABASE_URL: database.appUrl, HOST: "203.0.113.1", SECRET_KEY });
    expect(await failure(env)).toStartWith("Cannot listen on 203.0.113.1:0");
  });

  test("when the user of the server may not open so low a port", () => {
    const told = (code: string, port: number) =>
      faultOfListening(
        Object.assign(new Error("permission denied"), { code }),
        { host: "0.0.0.0", port },
        { host: "METRICS_HOST", port: "METRICS_PORT" },
      );
    for (const code of ["EACCES", "EPERM"])
      expect(told(code, 80)).toBe(
        `This user may not open port 80 (${code}): set METRICS_PORT to one from 1024 on, such as 3000, and let the proxy have 80.`,
      );
    expect(told("EACCES", 3000)).toStartWith(
      "Cannot listen on 0.0.0.0:3000 (EACCES): set METRICS_",
    );
  });

  test("when nothing listens where the database should be", async () => {
    const env = serverEnv({ DATABASE_URL: "postgresql://user:hunter2@127.0.0.1:1/x" });
    expect(await failure(env)).toBe(
      "Tenantry cannot start: the database at 127.0.0.1:1 does not answer: nothing listens there (ECONNREFUSED).",
    );
  });

  test("when something listens there and says nothing", async () => {
    const proxy = await startProxy(database.appUrl);
    proxy.freeze();
    const env = serverEnv({ DATABASE_URL: proxy.url, DATABASE_TIMEOUT_SECONDS: "1" });
    expect(await failure(env)).toMatch(
      /^Tenantry cannot start: the database at \S+ does not answer: nothing came back in time.*\.$/,
    );
    await proxy.close();
  });

  test("when the password is wrong", async () => {
    const DATABASE_URL = databaseUrl((url) => {
      url.password = "hunter2";
    });
    expect(await failure(serverEnv({ DATABASE_URL }))).toMatch(
      /^Tenantry cannot start: Authentication failed/,
    );
  });

  test("when there is no such database", async () => {
    const DATABASE_URL = databaseUrl((url) => {
      url.pathname = "/absent";
    });
    expect(await failure(serverEnv({ DATABASE_URL }))).toMatch(
      /^Tenantry cannot start: .*absent.* does not exist/,
    );
  });

  test("when the migrations were not applied", async () => {
    const empty = await createDatabase({ template: false });
    const message = await failure(serverEnv({ DATABASE_URL: empty.url }));
    expect(message).toBe(
      "Tenantry cannot start: the database has no tables yet. Run: bunx prisma migrate deploy",
    );
    await empty.drop();
  });

  test("when the key is not the one that this database was used with", async () => {
    const first = await startServer({ DATABASE_URL: database.appUrl, SECRET_KEY });
    await first.stop();
    const message = await failure(serverEnv({ DATABASE_URL: database.appUrl }));
    expect(message).toMatch(
      /^Tenantry cannot start: SECRET_KEY does not open the signing key \S+: start with/,
    );
  });
});

test("a start waits for a database that is not there yet, says why, and serves when it comes", async () => {
  const proxy = await startProxy(database.appUrl);
  proxy.cut();
  const looking = setInterval(() => proxy.turnedAway() >= 2 && proxy.restore(), 20);
  const waiting = await startServer({
    DATABASE_URL: proxy.url,
    LISTEN_DATABASE_URL: database.appUrl,
    DATABASE_WAIT_SECONDS: "60",
    SCHEMA_CHECK: "off",
    SECRET_KEY,
  });
  clearInterval(looking);
  expect((await fetch(`${waiting.url}/health/ready`)).status).toBe(200);
  const lines = waiting.output().split("\n");
  const host = new URL(proxy.url).host;
  const told = lines.filter((line) => line.includes('"waiting for the database"'));
  expect(told.length).toBeWithin(1, 3);
  for (const line of told)
    expect(line).toContain(`the database at ${host} does not answer: it ended the connection`);
  expect(lines.filter((line) => line.includes('"the database is there"'))).toHaveLength(1);
  await waiting.stop();
  await proxy.close();
});

test("it gives up after DATABASE_WAIT_SECONDS, and at once where no waiting mends it", async () => {
  const env = {
    DATABASE_URL: "postgresql://user:hunter2@127.0.0.1:1/x",
    DATABASE_WAIT_SECONDS: "2",
  };
  const run = await runServer(serverEnv(env));
  expect([run.status, run.stderr]).toEqual([1, expect.stringContaining("nothing listens there")]);
  expect(run.seconds).toBeGreaterThan(2);
  expect(run.stdout.trim().split("\n")).toEqual([
    expect.stringContaining("waiting for the database"),
  ]);

  const wrong = databaseUrl((url) => {
    url.password = "hunter2";
  });
  const refused = await runServer(serverEnv({ DATABASE_URL: wrong, DATABASE_WAIT_SECONDS: "600" }));
  expect([refused.status, refused.stdout]).toEqual([1, ""]);
});

/** One for all starts on the same database. */
const SECRET_KEY = randomBytes(32).toString("base64");
