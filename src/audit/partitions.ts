/** The months of the audit log: one partition each, in the schema `audit`. */
import type { Context } from "../context.ts";
import type { Database } from "../db/client.ts";
import { sealAuditLog } from "./seal.ts";

const DAY_MILLIS = 24 * 3600 * 1000;

/** The handler of the queue `audit`: partitions for the months to come, and seals for the rows that have none. */
export async function maintainAuditLog(
  { db, keyring, log }: Pick<Context, "db" | "keyring" | "log">,
  onBatch?: (sealed: number) => void,
): Promise<number> {
  await preparePartitions(db);
  const { sealed, head } = await sealAuditLog({ db, keyring }, { ...(onBatch && { onBatch }) });
  // Where logs are kept elsewhere, this is what `audit verify --head` holds the log against.
  if (sealed > 0 && head) log("info", "sealed the audit log", { sealed, ...head });
  return sealed;
}

/** Runs every day with the clean-up: months that are over for AUDIT_RETENTION_DAYS are named, and never dropped. */
export async function warnOfDueMonths({
  db,
  config,
  log,
}: Pick<Context, "db" | "config" | "log">): Promise<void> {
  const due = await dueMonths({ db, config });
  if (due) log("warn", "months of the audit log are due for the archive", due);
}

/** The months that are over for AUDIT_RETENTION_DAYS, and what archives them; null where there is none. */
export async function dueMonths({
  db,
  config,
}: Pick<Context, "db" | "config">): Promise<{ months: string[]; command: string } | null> {
  if (config.auditRetentionDays === 0) return null;
  const limit = new Date(Date.now() - config.auditRetentionDays * DAY_MILLIS);
  const before = limit.toISOString().slice(0, 7);
  const months = await monthsBefore(db, before);
  const command = `bun run audit archive --before ${before} --output FILE.ndjson.gz`;
  return months.length === 0 ? null : { months, command };
}

/** Makes what is missing of this month and the three after it, and moves rows out of the default partition. */
export async function preparePartitions(db: Database): Promise<void> {
  // As text: what a function answers is deserialised, and void or an integer alike are not needed.
  await db.$queryRawUnsafe("SELECT prepare_audit_partitions()::text");
}

/** The months before this one that have a partition, as YYYY-MM, the oldest first. */
export async function monthsBefore(db: Database, month: string): Promise<string[]> {
  const rows = await db.$queryRawUnsafe<{ month: string }[]>(
    `SELECT translate(right(relid::regclass::text, 7), '_', '-') AS month FROM pg_partition_tree('audit_log')
     WHERE isleaf AND relid::regclass::text ~ '_\\d{4}_\\d{2}$' ORDER BY 1`,
  );
  return rows.map((row) => row.month).filter((existing) => existing < month);
}
