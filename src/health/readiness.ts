import { readdirSync } from "node:fs";
import type { Pool } from "pg";
import { readOnlyReason } from "../db/await-database.ts";
import { codeOf, isReadOnly } from "../db/failures.ts";
import { describeError } from "../log.ts";
import type { RoomWatch } from "./room-watch.ts";

export type Readiness = {
  ready: boolean;
  checks: {
    /** full: its disk has no room. forbidden: the login may not what it has to. */
    database: "ok" | "read-only" | "full" | "forbidden" | "unreachable";
    /** newer: the database has some that this build does not know; it may work all the same. */
    migrations: "ok" | "pending" | "newer" | "unknown";
  };
  /** Migrations of the build that the database lacks. */
  pending: string[];
  /** Migrations of the database that the build does not know, the newest ones. */
  newer: string[];
  /** Why it is not ready, for the log; empty when it is. */
  reason: string;
};

/** The migrations that this build carries. A build without the folder has none to wait for. */
export function shippedMigrations(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** A probe that waits longer is given up by whoever sent it. */
const PATIENCE_MILLIS = 2000;
const MOST_NAMED = 10;
const UNDEFINED_TABLE = "42P01";
const NO_PRIVILEGE = "42501";

type State = { pending: string[]; newer: string[]; standby: boolean; readOnly: boolean };

/** Whether the database answers, takes changes, and has every migration that this build was written for. */
export async function checkReadiness(
  pool: Pick<Pool, "query">,
  migrations: string[],
  room?: Pick<RoomWatch, "isFull">,
): Promise<Readiness> {
  try {
    const asked = Promise.all([readState(pool, migrations), tryToWrite(pool), room?.isFull(pool)]);
    const [{ pending, newer, ...session }, refused, isFull] = await Promise.race([asked, giveUp()]);
    const readOnly = readOnlyReason(session) ?? refused;
    return verdict(
      {
        database: readOnly ? "read-only" : isFull ? "full" : "ok",
        migrations: pending.length > 0 ? "pending" : newer.length > 0 ? "newer" : "ok",
      },
      { pending, newer, why: readOnly ?? (isFull ? "it has no room on its disk" : null) },
    );
  } catch (err) {
    const code = codeOf(err);
    if (code === UNDEFINED_TABLE)
      return verdict({ database: "ok", migrations: "pending" }, { pending: migrations });
    const database = code === NO_PRIVILEGE ? "forbidden" : "unreachable";
    const advice = code === NO_PRIVILEGE ? ". Run: bun run db:roles" : "";
    return verdict({ database, migrations: "unknown" }, { why: `${describeError(err)}${advice}` });
  }
}

function verdict(
  checks: Readiness["checks"],
  {
    pending = [],
    newer = [],
    why = null,
  }: { pending?: string[]; newer?: string[]; why?: string | null },
): Readiness {
  const ready = checks.database === "ok" && ["ok", "newer"].includes(checks.migrations);
  const named = pending.length > 0 ? `: ${short(pending).join(", ")}` : "";
  const reason = `database ${checks.database}${why ? ` (${why})` : ""}, migrations ${checks.migrations}${named}`;
  return {
    ready,
    checks,
    pending: short(pending),
    newer: short(newer),
    reason: ready ? "" : reason,
  };
}

/** The last ones, which tell most. */
function short(names: string[]): string[] {
  return names.length > MOST_NAMED
    ? [`${names.length - MOST_NAMED} more`, ...names.slice(-MOST_NAMED)]
    : names;
}

async function readState(pool: Pick<Pool, "query">, migrations: string[]): Promise<State> {
  const { rows } = await pool.query<State>(
    `WITH applied AS (
       SELECT migration_name AS name FROM _prisma_migrations
       WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL)
     SELECT ARRAY(SELECT unnest($1::text[]) EXCEPT SELECT name FROM applied ORDER BY 1) AS pending,
       ARRAY(SELECT name FROM applied EXCEPT SELECT unnest($1::text[]) ORDER BY 1) AS newer,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::bool AS "readOnly"`,
    [migrations],
  );
  return rows[0] ?? { pending: migrations, newer: [], standby: false, readOnly: false };
}

/**
 * A change of no row takes what every change takes, a session that may write and the privilege, and leaves nothing behind.
 * Where it is refused, the pool lets the connection go: what a database or a role says of new sessions, old ones keep.
 */
async function tryToWrite(pool: Pick<Pool, "query">): Promise<string | null> {
  try {
    await pool.query("DELETE FROM idempotency_keys WHERE false");
    return null;
  } catch (err) {
    if (isReadOnly(err)) return "its sessions are read-only";
    throw err;
  }
}

async function giveUp(): Promise<never> {
  await Bun.sleep(PATIENCE_MILLIS);
  throw new Error(`no answer in ${PATIENCE_MILLIS} ms`);
}
