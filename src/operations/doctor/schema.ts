/** Migrations and drift. */
import { join } from "node:path";
import type pg from "pg";
import { isMissingTable } from "../../db/failures.ts";
import { shippedMigrations } from "../../health/readiness.ts";
import { SNAPSHOT_FILE } from "../backup/server.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const MIGRATIONS = join(import.meta.dir, "..", "..", "..", "prisma", "migrations");

type Row = { name: string; done: boolean };

export async function* checkMigrations(client: pg.Client): AsyncGenerator<Finding> {
  const rows = await readHistory(client);
  const shipped = shippedMigrations(MIGRATIONS);
  const applied = new Set(rows.filter(({ done }) => done).map(({ name }) => name));
  const failed = rows.filter(({ name, done }) => !done && !applied.has(name));
  const pending = shipped.filter((name) => !applied.has(name));
  const newer = [...applied].filter((name) => !shipped.includes(name)).toSorted();
  if (failed[0])
    yield wrong(
      "migrations",
      `${failed[0].name} failed`,
      "mend what it stumbled over, bunx prisma migrate resolve --rolled-back NAME, deploy again",
    );
  else if (pending[0])
    yield wrong(
      "migrations",
      `${pending.length} are not applied, the first of them ${pending[0]}`,
      "bunx prisma migrate deploy",
    );
  else yield ok("migrations", `all ${shipped.length} are applied`);
  if (newer[0])
    yield note(
      "migrations",
      `the database is ahead of this build: ${newer[0]}`,
      "fine while a new release rolls out; else deploy the newer build",
    );
}

async function readHistory(client: pg.Client): Promise<Row[]> {
  try {
    const { rows } = await client.query<Row>(
      `SELECT migration_name AS name, finished_at IS NOT NULL AS done FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
    );
    return rows;
  } catch (error) {
    if (isMissingTable(error)) return [];
    throw error;
  }
}

export async function checkDrift(databaseUrl: string): Promise<Finding> {
  const { readFingerprints } = await import("@tenantry/drift/fingerprint");
  const { expected, live } = await readFingerprints(databaseUrl, SNAPSHOT_FILE);
  return expected === live
    ? ok("drift", `the schema is the one that this build declares, ${live.slice(0, 12)}`)
    : wrong(
        "drift",
        "the schema is not the one that this build declares",
        "bun run drift names each difference",
      );
}
