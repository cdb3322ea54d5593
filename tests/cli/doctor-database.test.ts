/** `bun run doctor`: what may be wrong in the database, one thing at a time, and the age of the last backup. */
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../src/operations/doctor/finding.ts";
import { testApp } from "../support/app.ts";
import { patient } from "./patient.ts";

const app = testApp();
const it = patient(app);

describe("what is wrong in the database is found, alone:", () => {
  test.each<[string, string, string, string, string]>([
    [
      "a migration that is not applied",
      "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)",
      "UPDATE _prisma_migrations SET rolled_back_at = NULL",
      "migrations",
      "1 are not applied",
    ],
    [
      "a migration that failed",
      "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)",
      "UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL",
      "migrations",
      " failed",
    ],
    [
      "a schema that was changed by hand",
      "ALTER TABLE users ADD COLUMN by_hand int",
      "ALTER TABLE users DROP COLUMN by_hand",
      "drift",
      "not the one that this build declares",
    ],
  ])("%s", async (_name, spoil, mend, name, what) => {
    await app.database.query(spoil);
    const { wrong } = await it.examine();
    await app.database.query(mend);
    expect(wrong).toEqual([expect.objectContaining({ name, what: expect.stringContaining(what) })]);
    expect((await it.examine()).wrong).toEqual([]);
  });

  test("a database that is read-only, for the whole database, which is drift too", async () => {
    const set = (change: string) =>
      app.database.query(`BEGIN READ WRITE; ALTER DATABASE ${app.database.name} ${change}; COMMIT`);
    await set("SET default_transaction_read_only = on");
    const { wrong } = await it.examine();
    await set("RESET default_transaction_read_only");
    expect(wrong.map(({ name }) => name)).toEqual(["writing", "drift"]);
    expect(wrong[0]?.what).toBe("the database is read-only");
  });

  test("a newer schema than this build's is worth knowing, and not wrong", async () => {
    await app.database.query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '99990101000000_newer', now())",
    );
    const { findings } = await it.examine({
      SECRET_KEY_PREVIOUS: randomBytes(32).toString("base64"),
    });
    await app.database.query("DELETE FROM _prisma_migrations WHERE id = 'x'");
    const notes = findings.filter(({ state }) => state === "note").map(({ what }) => what);
    expect(notes).toContain("the database is ahead of this build: 99990101000000_newer");
    expect(notes).toContain("SECRET_KEY_PREVIOUS is set");
  });
});

test("the age of the last backup: of db:backup, of pgbackrest for this very cluster, of barman", async () => {
  const last = ({ findings }: { findings: Finding[] }) =>
    findings.find(({ name }) => name === "backup");
  const backups = join(it.folder, "backups");
  mkdirSync(backups);
  writeFileSync(join(backups, "other.json"), "{}");
  expect(last(await it.examine({}, backups))).toMatchObject({
    state: "note",
    what: expect.stringContaining("none is known"),
  });
  const daysAgo = (days: number) => Date.now() - days * 86_400_000;
  const manifest = {
    ...{
      format: 1,
      madeAt: new Date(daysAgo(9)).toISOString(),
      database: "x",
      serverVersion: "18",
      toolVersion: "18",
    },
    ...{ sha256: "0".repeat(64), bytes: 1, migrations: [], roles: [], rows: {}, head: null },
    fingerprint: { live: "", expected: "" },
  };
  writeFileSync(join(backups, "old.dump.json"), JSON.stringify(manifest));
  const old = await it.examine({}, backups);
  expect(last(old)).toEqual(
    expect.objectContaining({ state: "wrong", what: "the last one, by db:backup, is 9 days old" }),
  );

  program(
    "barman",
    `{"main":[{"backup_id":"x","end_time_timestamp":"${Math.floor(daysAgo(3) / 1000)}"}]}`,
  );
  expect(last(await it.examine({}, backups))?.what).toBe("the last one, by barman, is 3 days old");
  const { rows } = await app.deps.pool.query(
    "SELECT system_identifier::text AS id FROM pg_control_system()",
  );
  const stanza = (id: string) =>
    `[{"db":[{"id":1,"system-id":${id}}],"backup":[{"error":false,"timestamp":{"start":1,"stop":${Math.round(daysAgo(1) / 1000)}}}]}]`;
  program("pgbackrest", stanza("7000000000000000001"));
  expect(last(await it.examine())?.what).toContain("by barman");
  program("pgbackrest", stanza(rows[0].id));
  expect(last(await it.examine())?.what).toBe("the last one, by pgbackrest, is 24 hours old");
});

/** What another program says is no code of ours: a stand-in that prints it. */
function program(name: string, output: string): void {
  writeFileSync(join(it.folder, name), `#!/bin/sh\necho '${output}'\n`);
  chmodSync(join(it.folder, name), 0o755);
}
