/** Archiving months, and `bun run audit` as an operator runs it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { warnOfDueMonths } from "../../src/audit/partitions.ts";
import { runCommand } from "../cli/command.ts";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";

const folder = mkdtempSync(join(tmpdir(), "audit-"));

// Many processes, or many rows: on a machine that does other things too they take their time.
setDefaultTimeout(120_000);

let app: TestApp;
let owner: Awaited<ReturnType<typeof registerOwner>>;
let env: Record<string, string>;
beforeAll(async () => {
  app = await createTestApp();
  owner = await registerOwner(app);
  env = {
    DATABASE_URL: app.database.url,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  };
  // Rows of January, February and March 2025, before anything is sealed.
  await app.deps.pool.query(
    `INSERT INTO audit_log (id, tenant_id, action, resource_type, details, ip, created_at)
     SELECT uuidv7(), CASE WHEN n % 2 = 0 THEN $1::uuid END, 'test.done', 'test', jsonb_build_object('n', n, 'text', 'Zeile "' || n),
       '203.0.113.7', timestamptz '2025-01-01 00:00+00' + n * interval '9 hours'
     FROM generate_series(0, 199) AS n`,
    [owner.tenantId],
  );
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await app.close();
});

const audit = (args: string[], given = env) => runCommand("audit", args, given);

async function months(): Promise<Record<string, number>> {
  const { rows } = await app.deps.pool.query<{ month: string; rows: number }>(
    `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*)::int AS rows
     FROM audit_log WHERE created_at < '2026-01-01' GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ month, rows }) => [month, rows]));
}

/** The log of the database, with the triggers off. */
function byForce(sql: string): Promise<unknown> {
  return app.deps.pool.query(
    `SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`,
  );
}

const FILE = join(folder, "2025-02.ndjson.gz");

test("months that are due are named, and stay", async () => {
  const said: unknown[] = [];
  const warn = (auditRetentionDays: number) =>
    warnOfDueMonths({
      ...app.deps,
      config: { ...app.deps.config, auditRetentionDays },
      log: (...line) => said.push(line),
    });
  expect((await audit(["archive", "--before", "2024-01", "--output", FILE])).out).toBe(
    "There is no month before 2024-01. Nothing was done.\n",
  );
  await warn(0);
  expect(said).toEqual([]);
  await warn(400);
  const [, , fields] = said[0] as [string, string, { months: string[] }];
  expect(fields.months).toContain("2025-01");
  expect(Object.values(await months())).toEqual([83, 75, 42]);
});

test("a month is written, read back and dropped; the file and the seals that stay prove each other", async () => {
  const before = await app.deps.pool.query(
    `SELECT id, tenant_id AS "tenantId", details, host(ip) AS ip FROM audit_log WHERE created_at < '2025-02-01' ORDER BY created_at, id`,
  );
  const done = await audit(["archive", "--before", "2025-02", "--output", FILE]);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toMatch(
    /^2025-01: 83 rows\nArchived to .*, SHA-256 [0-9a-f]{64}, and dropped\.\n$/,
  );
  expect(Object.keys(await months())).toEqual(["2025-02", "2025-03"]);

  const bytes = readFileSync(FILE);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(readFileSync(`${FILE}.sha256`, "utf8")).toBe(`${sha256}  2025-02.ndjson.gz\n`);
  const lines = gunzipSync(bytes).toString().trim().split("\n");
  const rows = lines.slice(0, -1).map((line) => JSON.parse(line).row);
  expect(rows).toMatchObject(before.rows);
  expect(await audit(["verify", "--file", FILE])).toEqual({
    code: 0,
    err: "",
    out: "Intact: 83 rows.\n",
  });
  const verified = await audit(["verify"]);
  expect(verified.out).toMatch(
    /^Intact: \d+ rows here, 83 archived, \d+ not sealed yet\. Last seal: \d+:[0-9a-f]{64}\n$/,
  );
  const record = await app.deps.db.auditLog.findFirst({ where: { action: "audit_log.archived" } });
  expect(record?.details).toEqual({ months: [{ month: "2025-01", rows: 83 }], sha256 });
  const head = /\d+:[0-9a-f]{64}/.exec(verified.out)?.[0] ?? "";
  expect((await audit(["verify", "--head", head])).code).toBe(0);
});

test("R63: a file that was changed, cut, or put together anew is broken, at the line where it is", async () => {
  const lines = gunzipSync(readFileSync(FILE)).toString().trim().split("\n");
  const [a = "", b = ""] = lines.slice(10, 12);
  const cases: [string, string[], RegExp][] = [
    [
      "changed",
      lines.toSpliced(10, 1, a.replace("test.done", "test.none")),
      /^Broken\. Line 11, row /,
    ],
    ["removed", lines.toSpliced(10, 1), /^Broken\. Line 11, row /],
    ["doubled", lines.toSpliced(10, 0, a), /^Broken\. Line 12, row /],
    ["swapped", lines.toSpliced(10, 2, b, a), /^Broken\. Line 11, row /],
    ["without its end", lines.slice(0, -1), /^Broken\. Line 84: the end is missing/],
    ["cut", [...lines.slice(0, 20), ...lines.slice(-1)], /^Broken\. Line 21: rows are missing/],
    ["longer", [...lines, a], /^Broken\. Line 85: there is more/],
    ["other text", ["x", ...lines], /^Broken\. Line 1: /],
  ];
  for (const [name, changed, said] of cases) {
    const path = join(folder, `${name}.ndjson.gz`);
    writeFileSync(path, gzipSync(`${changed.join("\n")}\n`));
    expect([name, await audit(["verify", "--file", path])]).toEqual([
      name,
      { code: 2, err: "", out: expect.stringMatching(said) },
    ]);
  }
});

test("R63: a file with a bit that fell over, and one that was cut off, are broken", async () => {
  const bytes = readFileSync(FILE);
  const path = join(folder, "damaged.ndjson.gz");
  for (const damaged of [
    bytes.map((byte, index) => (index === 200 ? byte ^ 1 : byte)),
    bytes.subarray(0, bytes.length / 2),
    Buffer.from("no gzip"),
  ]) {
    writeFileSync(path, damaged);
    expect(await audit(["verify", "--file", path])).toMatchObject({
      code: 2,
      err: "",
      out: expect.stringMatching(/^Broken\. Line \d+/),
    });
  }
});

test("what cannot be done is said in a line, ends with 1, and drops nothing", async () => {
  const other = { ...env, SECRET_KEY: randomBytes(32).toString("base64") };
  const before = await months();
  const path = join(folder, "never.ndjson.gz");
  const cases: [string[], string, Record<string, string>?][] = [
    [[], "Name one command: verify or archive. See --help."],
    [["verify", "--tenant", "no-such"], 'there is no tenant "no-such".'],
    [["verify", "--tenant", "a", "--platform"], "one at a time"],
    [["verify", "--head", "12"], "--head is a number and a hash"],
    [["archive", "--before", "2025-03", "--output", path, "--json"], "--json belongs to verify"],
    [["verify", "--old-keys", import.meta.path], "is no SECRET_KEY"],
    [["verify", "--file", join(folder, "none")], "ENOENT"],
    [["archive", "--before", "2025-03"], "archive needs --before and --output"],
    [["archive", "--before", "March", "--output", path], "--before is a month"],
    [["archive", "--before", "2999-01", "--output", path], "a month to come"],
    [["archive", "--before", "2025-03", "--output", FILE], "EEXIST"],
    [["archive", "--before", "2025-03", "--output", join(folder, "no", "x")], "ENOENT"],
    [["verify"], "DATABASE_URL: is required", { SECRET_KEY: env.SECRET_KEY ?? "" }],
    [["verify"], "does not answer", { ...env, DATABASE_URL: "postgresql://localhost:1/x" }],
  ];
  for (const [args, message, given] of cases) {
    const { code, err, out } = await audit(args, given);
    expect([args, code, out, err]).toEqual([args, 1, "", expect.stringContaining(message)]);
    expect(err.split("\n").length).toBeLessThan(6);
  }
  expect(await months()).toEqual(before);
  expect(await audit(["verify", "--file", FILE], other)).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^Cannot tell\. Not one line/),
  });
  const keys = join(folder, "keys");
  writeFileSync(keys, `${env.SECRET_KEY}\n`);
  expect((await audit(["verify", "--file", FILE, "--old-keys", keys], other)).code).toBe(0);
});

test("rows that are not as they were sealed are not archived", async () => {
  const { rows } = await app.deps.pool.query(
    "SELECT id FROM audit_log WHERE created_at > '2025-02-10' ORDER BY created_at LIMIT 1",
  );
  const [{ id }] = rows;
  await byForce(`UPDATE audit_log SET outcome = 'failure' WHERE id = '${id}'`);
  const path = join(folder, "broken.ndjson.gz");
  const refused = await audit(["archive", "--before", "2025-03", "--output", path]);
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain(`The row ${id} of 2025-02-10T`);
  // Half an archive would pass for one, and be in the way of the next.
  expect(readdirSync(folder).filter((name) => name.includes("broken"))).toEqual([]);
  expect((await months())["2025-02"]).toBe(75);
  expect(await audit(["verify"])).toMatchObject({
    code: 2,
    out: expect.stringContaining(`Row ${id} of 2025-02-10T`),
  });
  const own = await app.deps.db.auditLog.findFirst({ where: { id }, select: { tenantId: true } });
  const [broken, whole] = own?.tenantId
    ? [["--tenant", owner.slug], ["--platform"]]
    : [["--platform"], ["--tenant", owner.slug]];
  expect((await audit(["verify", ...broken])).code).toBe(2);
  expect((await audit(["verify", ...whole])).code).toBe(0);
  await byForce(`UPDATE audit_log SET outcome = 'success' WHERE id = '${id}'`);
  expect((await audit(["verify"])).code).toBe(0);
});

test("R63: a month that is dropped without an archive, or with a record that the key did not make, is missed", async () => {
  await app.deps.pool.query(
    "CREATE TABLE saved AS SELECT * FROM audit_log WHERE created_at < '2025-03-01'",
  );
  await app.deps.pool.query("DROP TABLE audit.audit_log_2025_02");
  const { out, code } = await audit(["verify"]);
  expect([code, out]).toEqual([2, expect.stringContaining("of 2025-02-01T")]);
  await app.deps.pool.query(
    "INSERT INTO audit_archives (month, row_count, sha256, mac) VALUES ('2025-02', 75, sha256('x'), sha256('x'))",
  );
  expect(await audit(["verify"])).toMatchObject({
    code: 2,
    out: "Broken. the record of the archived month 2025-02 was changed.\n",
  });
  await byForce("DELETE FROM audit_archives WHERE month = '2025-02'");
  await app.deps.pool.query("INSERT INTO audit_log SELECT * FROM saved");
  expect((await audit(["verify"])).code).toBe(0);
});

test("the rest, after SECRET_KEY was replaced: both months in one file, and the log goes on", async () => {
  const replaced = {
    ...env,
    SECRET_KEY: randomBytes(32).toString("base64"),
    SECRET_KEY_PREVIOUS: env.SECRET_KEY ?? "",
  };
  const path = join(folder, "rest.ndjson.gz");
  const done = await audit(["archive", "--before", "2025-04", "--output", path], replaced);
  expect(done).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringContaining("2025-02: 75 rows\n2025-03: 42 rows\n"),
  });
  expect(await months()).toEqual({});
  expect(await audit(["verify"], replaced)).toMatchObject({
    code: 0,
    out: expect.stringContaining(" 200 archived"),
  });
  expect((await audit(["verify", "--file", path], replaced)).code).toBe(0);
  expect(await audit(["verify"])).toMatchObject({
    code: 3,
    out: expect.stringContaining("\n  the record of the archived month 2025-02\n"),
  });
});

test("the database drops no month that is not over, and none with other rows than were archived", async () => {
  const drop = (month: string, rows: number) =>
    app.deps.pool.query("SELECT drop_audit_partition($1, $2, sha256('x'), sha256('x'))", [
      month,
      rows,
    ]);
  const now = new Date().toISOString().slice(0, 7);
  for (const month of [now, "2999-01", "2025-1", "x'; DROP TABLE users"])
    await expect(drop(month, 0)).rejects.toThrow("is not over");
  await app.deps.pool.query(
    "INSERT INTO audit_log (id, action, resource_type, created_at) VALUES (gen_random_uuid(), 'a.b', 'c', '2025-06-01')",
  );
  await app.deps.pool.query("SELECT prepare_audit_partitions()");
  await expect(drop("2025-06", 0)).rejects.toThrow("has 1 rows, and 0 were archived");
  expect((await months())["2025-06"]).toBe(1);
});
