/** Taking the last migration back: what is run, what is refused, and that the database is then as it was before. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { rowsOf } from "../src/database/migrations-table.ts";
import { execute, type Files, historyRow, historyTable } from "./project.ts";

const CLI = join(import.meta.dir, "../src/cli/rollback.ts");

const rollbackOf = (name: string) => `prisma/migrations/${name}/rollback.sql`;
const names = async () => {
  const { rows } = await execute(
    database.url,
    "SELECT migration_name AS name FROM _prisma_migrations ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};
const tables = async () => {
  const { rows } = await execute(
    database.url,
    "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  await execute(
    database.url,
    `${historyTable} CREATE TABLE a (); CREATE TABLE b (); ${historyRow("1_a")} ${historyRow("2_b")}`,
  );
  folder = await mkdtemp(join(tmpdir(), "drift-rollback-"));
  await write({ [rollbackOf("1_a")]: "DROP TABLE a;", [rollbackOf("2_b")]: "DROP TABLE b;" });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

async function write(files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) await Bun.write(join(folder, path), content);
}

function back(...args: string[]) {
  return backWith({ DATABASE_URL: database.url }, ...args);
}

async function backWith(variables: Record<string, string>, ...args: string[]) {
  const cli = Bun.spawn([process.execPath, CLI, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...variables },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    cli.stdout.text(),
    cli.stderr.text(),
    cli.exited,
  ]);
  return { code, stdout, stderr };
}

test("the last migration is taken back: its statements and its row", async () => {
  const { code, stdout, stderr } = await back();
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "Took 2_b back.\n", stderr: "" });
  expect(await names()).toEqual(["1_a"]);
  expect(await tables()).toEqual(["_prisma_migrations", "a"]);
});

test("one after the other, until there is none", async () => {
  expect((await back("2_b")).code).toBe(0);
  expect((await back("1_a")).code).toBe(0);
  const { code, stderr } = await back();
  expect(stderr).toContain("No migration is applied");
  expect(code).toBe(1);
});

test("one that is not the last is refused", async () => {
  const { code, stderr } = await back("1_a");
  expect(stderr).toContain("1_a is not the last applied migration; 2_b is");
  expect(code).toBe(1);
  expect(await names()).toEqual(["1_a", "2_b"]);
});

test("without a rollback.sql it is refused", async () => {
  await execute(database.url, historyRow("3_c"));
  const { code, stderr } = await back();
  expect(stderr).toContain("3_c/rollback.sql does not exist");
  expect(code).toBe(1);
  expect(await names()).toEqual(["1_a", "2_b", "3_c"]);
});

test("one that has failed is refused, with the command that resolves it", async () => {
  await execute(database.url, historyRow("3_c", { outcome: "failed" }));
  const { code, stderr } = await back();
  expect(stderr).toContain("prisma migrate resolve --rolled-back 3_c");
  expect(code).toBe(1);
});

test("one that was resolved as rolled back does not count", async () => {
  await execute(database.url, historyRow("3_c", { outcome: "rolled back" }));
  expect((await back()).stdout).toBe("Took 2_b back.\n");
});

test("when a statement fails, nothing has happened", async () => {
  await write({ [rollbackOf("2_b")]: "DROP TABLE b; DROP TABLE nowhere;" });
  const { code, stderr } = await back();
  expect(stderr).toContain(
    'rollback.sql of 2_b failed, and the database is as it was. table "nowhere" does not exist',
  );
  expect(code).toBe(1);
  expect(await names()).toEqual(["1_a", "2_b"]);
  expect(await tables()).toEqual(["_prisma_migrations", "a", "b"]);
});

test("a file that ends the transaction itself is told of, and its row stays", async () => {
  await write({ [rollbackOf("2_b")]: "DROP TABLE b; COMMIT;" });
  const { code, stderr } = await back();
  expect(stderr).toContain("ends the transaction itself");
  expect(code).toBe(1);
  expect(await names()).toEqual(["1_a", "2_b"]);
});

test("while a migration runs it waits, and then gives up", async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock(72707369)");
    const { code, stderr } = await back();
    expect(stderr).toContain("A migration is running on the database");
    expect(code).toBe(1);
    expect(await names()).toEqual(["1_a", "2_b"]);
  } finally {
    await client.end();
  }
});

test("a database that Prisma has not migrated, and a wrong option, are refused", async () => {
  await execute(database.url, "DROP TABLE _prisma_migrations");
  expect((await back()).stderr).toContain("has no _prisma_migrations table");
  const { code, stderr } = await back("--force");
  expect(stderr).toContain("See --help");
  expect(code).toBe(1);
});

test("database and migrations are found where the check finds them", async () => {
  await write({
    "prisma.config.ts": `export default { schema: "db/schema.prisma", migrations: { path: "db/history" }, datasource: { url: process.env.SHOP_URL } };\n`,
    "db/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "db/history/2_b/rollback.sql": "DROP TABLE b;",
  });
  const url = database.url;
  const { stdout, stderr } = await backWith({ SHOP_URL: url });
  expect({ stdout, stderr }).toEqual({ stdout: "Took 2_b back.\n", stderr: "" });
});

test("a view in the place of the history is not asked", async () => {
  await execute(
    database.url,
    `DROP TABLE _prisma_migrations;
     CREATE FUNCTION leaves() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it ran'; END $$;
     CREATE VIEW _prisma_migrations AS SELECT leaves() AS id, '2_b'::text AS migration_name, now() AS started_at, now() AS finished_at, NULL::timestamptz AS rolled_back_at`,
  );
  const { stderr } = await back();
  expect(stderr).toContain("has no _prisma_migrations table");
  const sampled = execute(database.url, `SELECT FROM ${rowsOf("public._prisma_migrations")}`);
  await expect(sampled).rejects.toThrow("TABLESAMPLE");
});
