/** R63: seals know which key made them. A key that is missing is told from a row that was changed, and hides none. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Seal, sealHash, sealKeyId } from "../../src/audit/chain.ts";
import { readAuditKeys } from "../../src/audit/keys.ts";
import { SEAL_COLUMNS, sealAuditLog } from "../../src/audit/seal.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { deriveKeyring } from "../../src/crypto/secret.ts";
import { testApp } from "../support/app.ts";

// Many processes, or many rows: on a machine that does other things too they take their time.
setDefaultTimeout(60_000);

const app = testApp();
beforeEach(async () => {
  await byForce("DELETE FROM audit_seals; DELETE FROM audit_keys; DELETE FROM audit_log");
  await write();
  await sealAuditLog(app.deps);
});

/** As somebody who may do anything in the database. */
function byForce(sql: string): Promise<unknown> {
  return app.deps.pool.query(
    `SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`,
  );
}

/** A few rows of the platform. */
async function write(): Promise<void> {
  const row = { action: "test.done", resourceType: "test" };
  const data = Array.from({ length: 4 }, () => ({ ...row, id: Bun.randomUUIDv7() }));
  await app.deps.db.auditLog.createMany({ data });
}

const verify = (keys: readonly Buffer[] = app.deps.keyring.audit) =>
  verifyAuditLog(app.deps.db, keys);

async function chain(): Promise<Seal[]> {
  const text = `SELECT ${SEAL_COLUMNS} FROM audit_seals AS s ORDER BY s.seq`;
  return (await app.deps.pool.query<Seal>(text)).rows;
}

test("without the key that sealed nothing is called intact, and nothing broken; the previous one is known", async () => {
  const { secretKey } = app.deps.config;
  const other = randomBytes(32);
  expect(await verify(deriveKeyring(other).audit)).toMatchObject({
    intact: false,
    state: "key_missing",
    judged: 0,
    unknown: [{ keyId: sealKeyId(app.deps.keyring.audit[0]), seals: 4, from: { seq: 1 } }],
  });
  const replaced = deriveKeyring(other, secretKey);
  expect(await verify(replaced.audit)).toMatchObject({ intact: true });
  await write();
  expect(await sealAuditLog({ db: app.deps.db, keyring: replaced })).toMatchObject({ sealed: 4 });
  expect(await verify(replaced.audit)).toMatchObject({ intact: true });
  expect(await verify()).toMatchObject({
    state: "key_missing",
    judged: 4,
    unknown: [{ seals: 4, from: { seq: 5 }, to: { seq: 8 } }],
  });
});

test("every key that has sealed is kept, and opens with the one in use or the one before", async () => {
  const [first, second, third] = [app.deps.config.secretKey, randomBytes(32), randomBytes(32)];
  const { db } = app.deps;
  const ids = [first, second].map((key) => sealKeyId(deriveKeyring(key).audit[0]));
  await write();
  await sealAuditLog({ db, keyring: deriveKeyring(second, first) });
  const kept = await readAuditKeys(db, deriveKeyring(second, first));
  expect([kept.keys.map(sealKeyId).sort(), kept.closed]).toEqual([ids.toSorted(), []]);
  expect(await verify(kept.keys)).toMatchObject({ state: "intact", sealed: 8 });
  // The first one is still encrypted under itself: keys reencrypt has not run.
  expect(await readAuditKeys(db, deriveKeyring(second))).toMatchObject({ closed: [ids[0]] });
  expect((await readAuditKeys(db, deriveKeyring(third))).closed.toSorted()).toEqual(ids.toSorted());
});

test("a row that is gone is missed without any key", async () => {
  const [target] = await chain();
  await byForce(`DELETE FROM audit_log WHERE id = '${target?.auditId}'`);
  expect(await verify(deriveKeyring(randomBytes(32)).audit)).toMatchObject({
    state: "broken",
    breach: { what: "the row is missing", row: { id: target?.auditId } },
  });
});

test("a seal cannot be put down to a key that nobody has, nor to none, so that its row may be changed", async () => {
  const seals = await chain();
  const [target, next] = seals.slice(1);
  const last = seals.at(-1);
  const change = (seal: Seal | undefined, keyId: string) =>
    `UPDATE audit_log SET action = 'test.undone' WHERE id = '${seal?.auditId}';
     UPDATE audit_seals SET key_id = ${keyId} WHERE seq = ${seal?.seq}`;
  const bogus = "'\\x0123456789abcdef'::bytea";
  const named = `decode('${target?.keyId}', 'hex')`;
  const cases: [string, string | undefined, string][] = [
    // The next seal of the chain knows which key the one before it named.
    [change(target, bogus), next?.auditId, "was changed or moved"],
    [
      `${change(target, bogus)}; INSERT INTO audit_keys (id, sealed) VALUES (${bogus}, 'x')`,
      next?.auditId,
      "was changed or moved",
    ],
    [change(target, "NULL"), target?.auditId, "was changed or moved"],
    [change(last, "NULL"), last?.auditId, "was changed or moved"],
    // The last one of its chain has none, so what it names has to be on record.
    [change(last, bogus), last?.auditId, "names a key that has never sealed here"],
  ];
  for (const [sql, id, what] of cases) {
    await byForce(sql);
    expect([sql, await verify()]).toMatchObject([
      sql,
      { state: "broken", breach: { what: expect.stringContaining(what), row: { id } } },
    ]);
    await byForce(
      `UPDATE audit_log SET action = 'test.done'; UPDATE audit_seals SET key_id = ${named}; DELETE FROM audit_keys WHERE sealed = 'x'`,
    );
    expect(await verify()).toMatchObject({ state: "intact" });
  }
});

test("seals from before they named their key: it is found by trying, and told from one that is missing", async () => {
  const { db, keyring, config } = app.deps;
  const before = randomBytes(32);
  const both = [...keyring.audit, ...deriveKeyring(before).audit];
  await write();
  await sealAuditLog({ db, keyring: deriveKeyring(before) });
  await asOlderVersion(both);
  expect(await verify(both)).toMatchObject({ state: "intact", sealed: 8 });
  // The later ones are of a key that is missing. They do not say so, and what comes first was made by one at hand.
  expect(await verify()).toMatchObject({ state: "broken" });
  // The earlier ones are: that can be told.
  expect(await verify(deriveKeyring(before).audit)).toMatchObject({
    state: "key_missing",
    judged: 4,
    unknown: [{ keyId: null, seals: 4, from: { seq: 1 }, to: { seq: 4 } }],
  });
  // From here on they name it, on top of those that do not.
  await write();
  await sealAuditLog({ db, keyring: deriveKeyring(before, config.secretKey) });
  expect(await verify(both)).toMatchObject({ state: "intact", sealed: 12 });
  await byForce("UPDATE audit_seals SET hash = sha256('x') WHERE seq = 1");
  expect(await verify(both)).toMatchObject({ state: "broken" });
});

/** Makes of all seals what they were before they named their key. */
async function asOlderVersion(keys: readonly Buffer[]): Promise<void> {
  let previous: { hash: string; keyId: null } | null = null;
  for (const seal of await chain()) {
    const key = keys.find((one) => sealKeyId(one) === seal.keyId);
    if (!key) throw new Error("a seal of no key");
    const hash: string = sealHash({ ...seal, keyId: null }, previous)(key).toString("hex");
    previous = { hash, keyId: null };
    await byForce(
      `UPDATE audit_seals SET key_id = NULL, hash = decode('${hash}', 'hex') WHERE seq = ${seal.seq}`,
    );
  }
  await byForce("DELETE FROM audit_keys");
}
