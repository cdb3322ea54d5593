/** The months of the audit log: each row in its own, none refused, and all of them append-only. */
import { expect, test } from "bun:test";
import { preparePartitions } from "../../src/audit/partitions.ts";
import { sealAuditLog } from "../../src/audit/seal.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { testApp } from "../support/app.ts";

const app = testApp();

/** Months of the clock of this process, counted from the present one, as names of partitions. */
function month(later: number): string {
  const now = new Date();
  const date = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + later));
  return `audit_log_${date.toISOString().slice(0, 7).replace("-", "_")}`;
}

async function partitions(): Promise<Record<string, string>> {
  const { rows } = await app.deps.pool.query<{ name: string; bound: string }>(
    `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
     FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'audit_log'::regclass ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, bound }) => [name, bound]));
}

async function rowsOf(where: string): Promise<{ partition: string; at: string }[]> {
  const { rows } = await app.deps.pool.query(
    `SELECT replace(tableoid::regclass::text, 'audit.', '') AS partition,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS at
     FROM audit_log WHERE ${where} ORDER BY created_at`,
  );
  return rows;
}

const insert = (at: string, action = "test.placed") =>
  app.deps.pool.query(
    "INSERT INTO audit_log (id, action, resource_type, created_at) VALUES (gen_random_uuid(), $2, 'test', $1)",
    [at, action],
  );

test("there is a partition for this month and the next three, and one for whatever else comes", async () => {
  const names = Object.keys(await partitions());
  expect(names).toEqual([...[0, 1, 2, 3].map(month), "audit_log_default"].sort());
  const { rows } = await app.deps.pool.query("SELECT prepare_audit_partitions(5) AS made");
  expect(rows).toEqual([{ made: 2 }]);
  expect(Object.keys(await partitions())).toContain(month(5));
});

test("a month begins at midnight UTC, whatever the session that made it was set to", async () => {
  await app.deps.pool.query(
    "BEGIN; SET LOCAL TIME ZONE 'Pacific/Kiritimati'; SELECT prepare_audit_partitions(6); COMMIT",
  );
  const { rows } = await app.deps.pool.query<{ bound: string }>(
    `SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = '${month(6)}'`,
  );
  expect(rows[0]?.bound).toMatch(
    /FROM \('\d{4}-\d\d-01 00:00:00\+00'\) TO \('\d{4}-\d\d-01 00:00:00\+00'\)/,
  );
});

test("rows without a month are taken, and move to theirs, to the last millisecond of it", async () => {
  const moments = [
    "2021-02-28T23:59:59.999Z",
    "2021-03-01T00:00:00.000Z",
    "2021-03-01T01:00:00.000+02:00",
    "2021-12-31T23:59:59.999Z",
    "2022-01-01T00:00:00.000Z",
  ];
  for (const moment of [...moments, "1999-12-31T23:59:59Z", "9000-01-01T00:00:00Z"])
    await insert(moment);
  const before = await rowsOf("action = 'test.placed'");
  expect(new Set(before.map(({ partition }) => partition))).toEqual(new Set(["audit_log_default"]));

  await preparePartitions(app.deps.db);
  expect(await rowsOf("action = 'test.placed'")).toEqual([
    { partition: "audit_log_default", at: "1999-12-31 23:59:59.000" },
    { partition: "audit_log_2021_02", at: "2021-02-28 23:00:00.000" },
    { partition: "audit_log_2021_02", at: "2021-02-28 23:59:59.999" },
    { partition: "audit_log_2021_03", at: "2021-03-01 00:00:00.000" },
    { partition: "audit_log_2021_12", at: "2021-12-31 23:59:59.999" },
    { partition: "audit_log_2022_01", at: "2022-01-01 00:00:00.000" },
    { partition: "audit_log_default", at: "9000-01-01 00:00:00.000" },
  ]);
  const made = await partitions();
  await preparePartitions(app.deps.db);
  expect(await partitions()).toEqual(made);
});

test("twenty instances at once, while rows are written: each partition is made once, and no row is lost", async () => {
  const writes = Array.from({ length: 60 }, (_, n) =>
    insert(`2023-${String(1 + (n % 6)).padStart(2, "0")}-15T00:00:00Z`, "test.rushed"),
  );
  await Promise.all([
    ...writes,
    ...Array.from({ length: 20 }, () => preparePartitions(app.deps.db)),
  ]);
  await preparePartitions(app.deps.db);
  const rows = await rowsOf("action = 'test.rushed'");
  expect(rows).toHaveLength(60);
  expect(rows.filter(({ partition }) => partition === "audit_log_default")).toEqual([]);
});

test("R63: every partition refuses UPDATE, DELETE and TRUNCATE, spoken to by itself", async () => {
  await insert(new Date().toISOString());
  const { rows } = await app.deps.pool.query<{ name: string; used: boolean }>(
    `SELECT t.relid::regclass::text AS name, EXISTS (SELECT FROM audit_log AS l WHERE l.tableoid = t.relid) AS used
     FROM pg_partition_tree('audit_log') AS t WHERE isleaf`,
  );
  expect(rows.filter(({ used }) => used).length).toBeGreaterThan(5);
  for (const { name, used } of rows) {
    const refused = [
      `TRUNCATE ${name}`,
      ...(used ? [`UPDATE ${name} SET action = 'x.y'`, `DELETE FROM ${name}`] : []),
    ];
    for (const sql of refused) {
      const attempt = app.deps.pool.query(sql);
      await expect(attempt).rejects.toMatchObject({
        code: "42501",
        message: expect.stringContaining("append-only"),
      });
    }
  }
  const { rows: bare } = await app.deps.pool.query(
    `SELECT relid::regclass FROM pg_partition_tree('audit_log') WHERE isleaf AND (
       SELECT array_agg(tgname::text ORDER BY tgname) FROM pg_trigger WHERE tgrelid = relid AND tgenabled = 'O')
       IS DISTINCT FROM ARRAY['audit_log_append_only', 'audit_log_no_truncate']`,
  );
  expect(bare).toEqual([]);
});

test("every partition has the indexes of the whole", async () => {
  const { rows } = await app.deps.pool.query(
    `SELECT c.relname, count(*)::int AS indexes FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
       JOIN pg_index AS i ON i.indrelid = c.oid
     WHERE inhparent = 'audit_log'::regclass GROUP BY 1
     HAVING count(*) <> (SELECT count(*) FROM pg_index WHERE indrelid = 'audit_log'::regclass)`,
  );
  expect(rows).toEqual([]);
});

test("a role that owns nothing may have partitions made, may drop none, and reaches no partition but through the log", async () => {
  const { name } = app.database;
  const role = `${name}_server`;
  const client = await app.deps.pool.connect();
  const as = async (sql: string) => {
    await client.query(`SET ROLE ${role}; SET tenantry.scope = 'platform'`);
    await client.query(sql).finally(() => client.query("RESET ROLE; RESET tenantry.scope"));
  };
  await app.deps.pool.query(`
    CREATE ROLE ${role};
    GRANT SELECT, INSERT ON audit_log TO ${role};
    GRANT EXECUTE ON FUNCTION prepare_audit_partitions(integer) TO ${role}`);
  try {
    await insert("2024-05-05T00:00:00Z");
    await as("SELECT prepare_audit_partitions(7)");
    expect(Object.keys(await partitions())).toContain(month(7));
    expect(Object.keys(await partitions())).toContain("audit_log_2024_05");
    await as(
      "INSERT INTO audit_log (id, action, resource_type) VALUES (gen_random_uuid(), 'a.b', 'c')",
    );
    for (const sql of [
      "SELECT drop_audit_partition('2024-05', 1, sha256('x'), sha256('x'))",
      "SELECT * FROM audit.audit_log_2024_05",
      "DROP TABLE audit.audit_log_2024_05",
      "DELETE FROM audit_log",
    ])
      await expect(as(sql)).rejects.toThrow("permission denied");
  } finally {
    client.release();
    await app.deps.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test("nobody has a thousand partitions made", async () => {
  await app.deps.pool.query("SELECT prepare_audit_partitions(1000)");
  const names = Object.keys(await partitions());
  expect(names).toContain(month(12));
  expect(names).not.toContain(month(13));
});

test("moving rows to their months breaks no seal", async () => {
  await insert("2024-09-01T00:00:00Z", "test.late");
  // Older than what is sealed: only what is sealed from the beginning is not taken for inserted.
  await app.deps.pool.query(
    "SET session_replication_role = replica; DELETE FROM audit_seals; SET session_replication_role = origin",
  );
  await sealAuditLog(app.deps);
  await preparePartitions(app.deps.db);
  expect((await rowsOf("action = 'test.late'"))[0]?.partition).toBe("audit_log_2024_09");
  const verified = await verifyAuditLog(app.deps.db, app.deps.keyring.audit);
  expect(verified).toMatchObject({
    intact: false,
    breach: { row: { createdAt: "9000-01-01T00:00:00.000Z" } },
  });
});
