/** R63: the seals of the audit log. Whatever is done to it by hand in the database is found, and named. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { ROW_COLUMNS } from "../../src/audit/chain.ts";
import { sealAuditLog } from "../../src/audit/seal.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { registerOwner, testApp } from "../support/app.ts";

// Many processes, or many rows: on a machine that does other things too they take their time.
setDefaultTimeout(60_000);

const app = testApp();
let tenants: (string | null)[];
beforeAll(async () => {
  const owners = await Promise.all([registerOwner(app), registerOwner(app)]);
  tenants = [null, ...owners.map(({ tenantId }) => tenantId)];
  for (const [n, tenantId] of tenants.entries())
    await write(
      Array.from({ length: 12 }, (_, minute) => ({
        tenantId,
        minute: 100 + minute * 10 + n,
        details: { n: minute, nested: { b: [1, "zwei", null], a: 0.5 } },
      })),
    );
  await sealAuditLog(app.deps);
});

type Row = { tenantId: string | null; minute: number; details?: object; id?: string };

/** Rows of so many minutes ago. */
async function write(rows: Row[]): Promise<string[]> {
  const made = rows.map(({ minute, details = {}, id = Bun.randomUUIDv7(), tenantId }) => ({
    id,
    tenantId,
    action: "test.done",
    resourceType: "test",
    details,
    ip: "203.0.113.7",
    createdAt: new Date(Date.now() - minute * 60_000),
  }));
  await app.deps.db.auditLog.createMany({ data: made });
  return made.map(({ id }) => id);
}

const verify = (options = {}) => verifyAuditLog(app.deps.db, app.deps.keyring.audit, options);

type Sealed = { seq: string; id: string; created_at: Date; tenant_id: string | null };

async function sealed(): Promise<Sealed[]> {
  const { rows } = await app.deps.pool.query<Sealed>(
    "SELECT seq, audit_id AS id, created_at, tenant_id FROM audit_seals ORDER BY audit_seals.seq",
  );
  return rows;
}

/** As somebody who may do anything in the database: the triggers are off, and everything is taken back afterwards. */
async function tampered(sql: string, options = {}): Promise<ReturnType<typeof verify>> {
  const tables = ["audit_log", "audit_seals", "audit_archives"];
  await app.deps.pool.query(`
    CREATE TABLE saved_log AS SELECT * FROM audit_log; CREATE TABLE saved_seals AS SELECT * FROM audit_seals;
    SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`);
  try {
    return await verify(options);
  } finally {
    await app.deps.pool.query(`
      SET session_replication_role = replica;
      ${tables.map((table) => `DELETE FROM ${table}`).join("; ")};
      INSERT INTO audit_log SELECT * FROM saved_log; INSERT INTO audit_seals SELECT * FROM saved_seals;
      SET session_replication_role = origin; DROP TABLE saved_log, saved_seals`);
  }
}

test("R63: a log that nobody touched is intact, in each chain and as a whole", async () => {
  const { length } = await sealed();
  expect(await verify()).toMatchObject({ intact: true, sealed: length, archived: 0, unsealed: 0 });
  for (const chain of tenants) expect(await verify({ chain })).toMatchObject({ intact: true });
});

test("every column of the log is sealed", async () => {
  const { rows } = await app.deps.pool.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'audit_log'::regclass AND attnum > 0 AND NOT attisdropped",
  );
  const columns = Object.values(ROW_COLUMNS).map((text) => /l\.(\w+)/.exec(text)?.[1]);
  expect(columns.toSorted()).toEqual(rows.map(({ name }) => name).sort());
});

test("R63: each column of a row that is changed is found, and the row is named", async () => {
  const rows = await sealed();
  const target = rows[7] as Sealed;
  const changes = {
    actor_id: "gen_random_uuid()",
    impersonator_id: "gen_random_uuid()",
    session_id: "gen_random_uuid()",
    tenant_id: "gen_random_uuid()",
    action: "'test.undone'",
    resource_type: "'other'",
    resource_id: "gen_random_uuid()",
    outcome: "'failure'",
    details: `details || '{"n": 100}'`,
    ip: "'203.0.113.8'",
    user_agent: "'curl/8'",
    request_id: "'other'",
  };
  for (const [column, value] of Object.entries(changes)) {
    const found = await tampered(
      `UPDATE audit_log SET ${column} = ${value} WHERE id = '${target.id}'`,
    );
    expect([column, found]).toMatchObject([
      column,
      { intact: false, breach: { what: "the row was changed", row: { id: target.id } } },
    ]);
  }
  for (const [change, what] of [
    ["created_at = created_at + interval '1 second'", "the row is missing"],
    ["id = gen_random_uuid()", "the row is missing"],
  ])
    expect(
      await tampered(`UPDATE audit_log SET ${change} WHERE id = '${target.id}'`),
    ).toMatchObject({ intact: false, breach: { what, row: { id: target.id } } });
});

test("R63: a row that is deleted, put into the past, swapped, and a seal that is changed: each is found", async () => {
  const rows = await sealed();
  const own = rows.filter(({ tenant_id }) => tenant_id === rows[9]?.tenant_id);
  const [first, second] = own.slice(-3) as [Sealed, Sealed];
  const newest = rows.at(-1) as Sealed;
  const cases: [string, string, Record<string, unknown>][] = [
    ["deleted", `DELETE FROM audit_log WHERE id = '${first.id}'`, { id: first.id }],
    [
      "inserted",
      `INSERT INTO audit_log (id, action, resource_type, created_at)
       VALUES ('00000000-0000-7000-8000-00000000abcd', 'a.b', 'c', now() - interval '150 minutes')`,
      { id: "00000000-0000-7000-8000-00000000abcd" },
    ],
    [
      "inserted into the future",
      `INSERT INTO audit_log (id, action, resource_type, created_at)
       VALUES ('00000000-0000-7000-8000-00000000abcd', 'a.b', 'c', 'infinity')`,
      { id: "00000000-0000-7000-8000-00000000abcd" },
    ],
    [
      "swapped",
      `UPDATE audit_log AS a SET details = b.details, action = 'a.swapped' FROM audit_log AS b
       WHERE (a.id, b.id) IN (('${first.id}', '${second.id}'), ('${second.id}', '${first.id}'))`,
      { id: first.id },
    ],
    [
      "its times swapped",
      `UPDATE audit_log AS a SET created_at = b.created_at FROM audit_log AS b
       WHERE (a.id, b.id) IN (('${first.id}', '${second.id}'), ('${second.id}', '${first.id}'))`,
      { id: first.id },
    ],
    [
      "seals swapped",
      `UPDATE audit_seals SET seq = seq + 1000000 WHERE seq IN (${first.seq}, ${second.seq});
       UPDATE audit_seals SET seq = ${first.seq} + ${second.seq} + 1000000 - seq WHERE seq > 1000000`,
      { id: second.id },
    ],
    [
      "seal changed",
      `UPDATE audit_seals SET digest = sha256('x') WHERE seq = ${first.seq}`,
      { id: first.id },
    ],
    [
      "hash changed",
      `UPDATE audit_seals SET hash = sha256('x') WHERE seq = ${first.seq}`,
      { id: first.id },
    ],
    [
      "row and seal deleted",
      `DELETE FROM audit_log WHERE id = '${first.id}'; DELETE FROM audit_seals WHERE seq = ${first.seq}`,
      {},
    ],
    [
      "the end of its chain cut off",
      `DELETE FROM audit_seals WHERE seq = ${own.at(-1)?.seq}; DELETE FROM audit_log WHERE id = '${own.at(-1)?.id}'`,
      newest.id === own.at(-1)?.id ? { skipped: true } : {},
    ],
  ];
  for (const [name, sql, row] of cases) {
    if (row.skipped) continue;
    expect([name, await tampered(sql)]).toMatchObject([name, { intact: false, breach: { row } }]);
  }
});

test("R63: the end of the whole log cannot be cut off, nor all of it sealed anew, unseen by who noted the last seal", async () => {
  const intact = await verify();
  if (!intact.intact || !intact.head) throw new Error("not intact");
  const { head } = intact;
  const newest = (await sealed()).at(-1) as Sealed;
  const cut = `DELETE FROM audit_seals WHERE seq = ${newest.seq}; DELETE FROM audit_log WHERE id = '${newest.id}'`;
  expect(await tampered(cut)).toMatchObject({ intact: true });
  expect(await tampered(cut, { head })).toMatchObject({ intact: false });
  expect(await verify({ head })).toMatchObject({ intact: true });
  expect(await verify({ head: { ...head, hash: "0".repeat(64) } })).toMatchObject({
    intact: false,
  });
});

test("R63: whatever single thing is done to a row or a seal at random, it is found", async () => {
  const rows = (await sealed()).slice(0, -1);
  const change = fc.record({
    index: fc.nat(rows.length - 1),
    kind: fc.constantFrom("delete", "details", "seal", "unseal", "double", "move"),
    text: fc.string({ minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ index, kind, text }) => {
      const { id, seq } = rows[index] as Sealed;
      const json = JSON.stringify({ [text]: index })
        .replaceAll("'", "''")
        .replaceAll("\\u0000", "");
      const sql = {
        delete: `DELETE FROM audit_log WHERE id = '${id}'`,
        details: `UPDATE audit_log SET details = details || '${json}'::jsonb WHERE id = '${id}'`,
        seal: `UPDATE audit_seals SET digest = set_byte(digest, ${index % 32}, (get_byte(digest, ${index % 32}) + 1) % 256) WHERE seq = ${seq}`,
        unseal: `DELETE FROM audit_seals WHERE seq = ${seq}`,
        double: `INSERT INTO audit_log SELECT (jsonb_populate_record(l, '{"id": "${Bun.randomUUIDv7()}"}')).* FROM audit_log l WHERE id = '${id}'`,
        move: `UPDATE audit_log SET created_at = created_at - interval '2 hours' WHERE id = '${id}'`,
      }[kind] as string;
      // A copy of what is younger than the lateness is a row like any other: the next run seals it.
      const { rows: young } = await app.deps.pool.query(
        `SELECT FROM audit_log WHERE id = $1 AND created_at > (SELECT max(created_at) FROM audit_seals) - interval '16 minutes'`,
        [id],
      );
      fc.pre(!(young.length > 0 && kind === "double"));
      expect([kind, id, (await tampered(sql)).intact]).toEqual([kind, id, false]);
    }),
    { numRuns: 60 },
  );
});
