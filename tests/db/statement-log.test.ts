import { expect, spyOn, test } from "bun:test";
import { createPool } from "../../src/db/client.ts";
import { logStatements } from "../../src/db/statement-log.ts";
import { createTestApp, logIn, PASSWORD, registerOwner, type TestApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";

type Line = { level: string; message: string; sql: string; milliseconds: number; error?: string };

/** What stands in the log while something is done. */
async function logOf(logLevel: string, work: (app: TestApp) => Promise<unknown>): Promise<string> {
  const written: string[] = [];
  const spy = spyOn(process.stdout, "write").mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  try {
    const app = await createTestApp({ LOG_LEVEL: logLevel });
    await work(app).finally(() => app.close());
  } finally {
    spy.mockRestore();
  }
  return written.join("");
}

const statements = (log: string): Line[] =>
  log
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ message }) => message === "statement");

test("with LOG_LEVEL=debug every statement is logged, Prisma's and ours, with its time and without its values", async () => {
  let email = "";
  const log = await logOf("debug", async (app) => {
    ({ email } = await registerOwner(app));
    await logIn(app, email);
  });
  const lines = statements(log);
  expect(lines.some(({ sql }) => sql.includes('INSERT INTO "public"."tenants"'))).toBe(true);
  expect(lines.some(({ sql }) => /\bsessions\b/.test(sql) && !sql.includes('"public".'))).toBe(
    true,
  );
  for (const { level, milliseconds } of lines) {
    expect(level).toBe("debug");
    expect(milliseconds).toBeNumber();
  }
  for (const secret of [email, PASSWORD, "$argon2id"]) expect(log).not.toContain(secret);
});

test("a statement that fails is logged with its SQLSTATE, and fails as without the log", async () => {
  const database = await createDatabase();
  const pool = createPool({
    databaseUrl: database.url,
    databasePoolSize: 1,
    databaseTimeoutSeconds: 5,
  });
  const failed: unknown[] = [];
  logStatements(pool, (_, __, fields) => fields?.error && failed.push([fields.sql, fields.error]));
  const code = (err: { code?: string }) => err.code;
  expect(await pool.query("SELECT nothing").catch(code)).toBe("42703");
  const client = await pool.connect();
  expect(await client.query({ text: "SELECT nowhere" }).catch(code)).toBe("42703");
  expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  client.release();
  expect(failed).toEqual([
    ["SELECT nothing", "42703"],
    ["SELECT nowhere", "42703"],
  ]);
  await pool.end();
  await database.drop();
});

test("with LOG_LEVEL=info no statement is logged", async () => {
  expect(statements(await logOf("info", registerOwner))).toEqual([]);
});
