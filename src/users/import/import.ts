/** Users of another system, by the thousand: read to the end first, then written by the hundred. */
import type { AuthedContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { beginLong } from "../../db/tenant-locks.ts";
import type { SourceRecord } from "../../fields.ts";
import { payerOf, targetTenant } from "../../principal.ts";
import { assertStillAllowed, assertStillAllowedIn } from "../../sessions/still-allowed.ts";
import { readRows } from "./read-rows.ts";
import { type NumberedRow, newReport, nothingWritten, type Report } from "./report.ts";
import type { ImportQuery, ImportReport } from "./schemas.ts";
import { type Target, writeRows } from "./write.ts";

const BATCH = 250;
/** Ten thousand rows take five seconds on a busy machine. Nobody waits for them longer (db/tenant-locks.ts). */
export const TIMEOUT_MILLIS = 30_000;

/**
 * Reads the records to their end, holding nothing; then writes what is valid, a batch a transaction, or, atomic,
 * everything in one. Of a tenant one import writes at a time.
 * @throws PermissionError, NotFoundError (the tenant); ApiError `invalid_token` when the caller was stopped meanwhile,
 * `nothing_written` when it is atomic and a row fails or when the body breaks off, `body_too_large`, and `overloaded`
 * when there are too many imports, or this one gave way to a change of the tenant or of its people.
 */
export async function importUsers(
  ctx: AuthedContext,
  records: AsyncIterable<SourceRecord>,
  { dryRun, atomic, tenantId: named }: ImportQuery,
): Promise<ImportReport> {
  const { turns } = ctx;
  const tenantId = targetTenant(ctx, named);
  return turns.imports.run(payerOf(ctx.principal), async () => {
    const result = newReport(dryRun);
    const rows = await readRows(records, result);
    const write = atomic && !dryRun ? writeWhole : writeInBatches;
    await turns.longWrites.run(tenantId, () => write(ctx, { tenantId, dryRun }, rows, result));
    return result.report;
  });
}

async function writeInBatches(
  ctx: AuthedContext,
  target: Target,
  rows: NumberedRow[],
  result: Report,
): Promise<void> {
  for (const batch of batchesOf(rows)) {
    await assertStillAllowed(ctx, "user:import");
    await commit(ctx, (tx) => writeRows(tx, ctx, target, batch, result));
  }
}

async function writeWhole(
  ctx: AuthedContext,
  target: Target,
  rows: NumberedRow[],
  result: Report,
): Promise<void> {
  if (result.report.failed > 0) throw nothingWritten(result.report);
  // By address: of two imports of the same people by two tenants none waits for the other in a circle.
  const sorted = rows.toSorted((a, b) => (a.row.email < b.row.email ? -1 : 1));
  await commit(
    ctx,
    async (tx) => {
      const giveWay = await beginLong(tx, [target.tenantId]);
      for (const batch of batchesOf(sorted)) {
        await giveWay();
        await assertStillAllowedIn(tx, ctx, "user:import");
        await writeRows(tx, ctx, target, batch, result);
      }
      if (result.report.failed > 0) throw nothingWritten(result.report);
    },
    { timeout: TIMEOUT_MILLIS },
  );
}

function* batchesOf(rows: NumberedRow[]): Generator<NumberedRow[]> {
  for (let at = 0; at < rows.length; at += BATCH) yield rows.slice(at, at + BATCH);
}
