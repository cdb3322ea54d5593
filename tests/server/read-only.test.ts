/** A database that takes no changes, or has no room: not ready, 503 with Retry-After, and nothing half written. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import type { LogLevel } from "../../src/log.ts";
import { createTestApp, PASSWORD, type TestApp } from "../support/app.ts";
import { onServer } from "../support/postgres.ts";
import { runServer, serverEnv } from "./start.ts";

let app: TestApp;
let api: ReturnType<typeof createApp>;
const lines: { level: LogLevel; message: string; [field: string]: unknown }[] = [];
beforeAll(async () => {
  app = await createTestApp({ RATE_LIMITS: "database" });
  api = createApp(
    { ...app.served, log: (level, message, fields) => lines.push({ level, message, ...fields }) },
    [],
  );
  expect((await register("first")).status).toBe(201);
});
afterAll(() => app.close());

function post(path: string, body: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return Promise.resolve(
    api.request(path, { method: "POST", headers, body: JSON.stringify(body) }),
  );
}

const email = (name: string) => `owner@${name}.example`;
const register = (name: string) =>
  post("/v1/auth/register", {
    email: email(name),
    password: PASSWORD,
    tenant: { name, slug: name },
  });
const logIn = () => post("/v1/auth/login", { email: email("first"), password: PASSWORD });

async function expectUnavailable(answer: Response): Promise<void> {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  const body = await answer.json();
  expect(body).toMatchObject({ code: "unavailable" });
  expect(JSON.stringify(body)).not.toMatch(/read-only|standby|disk/);
}

async function readiness() {
  const answer = await api.request("/health/ready");
  return { status: answer.status, body: await answer.json() };
}

async function untilReady(): Promise<void> {
  for (const end = Date.now() + 8000; (await readiness()).status !== 200; await Bun.sleep(50))
    if (Date.now() > end) throw new Error("not ready within eight seconds");
}

const endSessions = () =>
  onServer(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${app.database.name}'`,
  );

describe("a database that is set read-only", () => {
  const setReadOnly = async (to: "on" | "off") => {
    await onServer(`ALTER DATABASE ${app.database.name} SET default_transaction_read_only = ${to}`);
  };

  test("is not ready and says why; log-ins are told to come back; and all is well again without a restart", async () => {
    await setReadOnly("on");
    await endSessions();
    // Its sessions were ended, and that is what it hears first.
    while (!lines.some(({ reason }) => reason)) await expectUnavailable(await logIn());
    lines.length = 0;
    for (const answer of await Promise.all([logIn(), logIn(), register("second")]))
      await expectUnavailable(answer);
    expect(await readiness()).toMatchObject({
      status: 503,
      body: { checks: { database: "read-only" } },
    });
    const complaints = lines.filter(({ message }) => message === "unavailable");
    expect(complaints).toHaveLength(3);
    for (const { reason } of complaints) expect(String(reason)).toContain("takes no changes");
    expect(lines.filter(({ message }) => message === "not ready")).toEqual([
      {
        level: "warn",
        message: "not ready",
        reason: expect.stringContaining("default_transaction_read_only is on"),
      },
    ]);

    // Sessions that began meanwhile stay read-only: none of them may be kept.
    await setReadOnly("off");
    await untilReady();
    expect(lines.at(-1)).toEqual({ level: "info", message: "ready again" });
    // Those that are still in the pool go with the first who meets them.
    await Promise.all(Array.from({ length: 5 }, logIn));
    const again = await Promise.all(Array.from({ length: 5 }, logIn));
    expect(again.map(({ status }) => status)).toEqual(Array(5).fill(200));
  });

  test("a start against one says so", async () => {
    await setReadOnly("on");
    const run = await runServer(serverEnv({ DATABASE_URL: app.database.appUrl }));
    expect([run.status, run.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^Tenantry cannot start: the database at \S+ takes no changes: default_transaction_read_only is on\.$/m,
      ),
    ]);
    await setReadOnly("off");
  });
});

describe("a database without room, without memory, or that goes down within a request", () => {
  for (const code of ["53100", "53200", "53400", "57P03", "58030"])
    test(code, async () => {
      await app.database.query(`
        CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '${code}'; END $$;
        CREATE TRIGGER full_up BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION full_up()`);
      lines.length = 0;
      const slug = `full-${code.toLowerCase()}`;
      await expectUnavailable(await register(slug));
      await expectUnavailable(await logIn());
      const complaints = lines.filter(({ level }) => level === "error");
      expect(complaints.map(({ message }) => message)).toEqual(["unavailable", "unavailable"]);
      if (code === "53100")
        expect(complaints[0]?.reason).toBe("the database has no room on its disk");
      const { rows } = await app.deps.pool.query(
        `SELECT (SELECT count(*)::int FROM tenants WHERE slug = $1) AS tenants,
          (SELECT count(*)::int FROM accounts WHERE email = $2) AS accounts`,
        [slug, email(slug)],
      );
      expect(rows).toEqual([{ tenants: 0, accounts: 0 }]);
      await app.database.query("DROP TRIGGER full_up ON audit_log; DROP FUNCTION full_up()");
      expect((await logIn()).status).toBe(200);
    });

  test("without room it is not ready, and says so once, until it has room: nothing is tried while something fails", async () => {
    await app.database.query(`
      CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
      CREATE TRIGGER full_up BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION full_up()`);
    await untilReady();
    lines.length = 0;
    await expectUnavailable(await logIn());
    for (let n = 0; n < 3; n += 1)
      expect(await readiness()).toMatchObject({
        status: 503,
        body: { checks: { database: "full" } },
      });
    const reason = expect.stringContaining("no room on its disk");
    expect(lines.filter(({ message }) => message === "not ready")).toEqual([
      { level: "warn", message: "not ready", reason },
    ]);
    await app.database.query("DROP TRIGGER full_up ON audit_log; DROP FUNCTION full_up()");
    await untilReady();
    expect(lines.at(-1)).toEqual({ level: "info", message: "ready again" });
  });

  test("no connection free", async () => {
    await onServer(`ALTER DATABASE ${app.database.name} CONNECTION LIMIT 0`);
    await endSessions();
    lines.length = 0;
    const isTold = () => lines.some(({ reason }) => /no connection free/.test(String(reason)));
    for (const end = Date.now() + 5000; !isTold(); ) {
      await expectUnavailable(await logIn());
      if (Date.now() > end) throw new Error(`not told: ${JSON.stringify(lines)}`);
    }
    await onServer(`ALTER DATABASE ${app.database.name} CONNECTION LIMIT -1`);
    for (const end = Date.now() + 5000; (await logIn()).status !== 200; await Bun.sleep(50))
      if (Date.now() > end) throw new Error("no log-in within five seconds");
  });
});
