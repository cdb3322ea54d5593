import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import type { Page } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { type AuditRow, type ExportAuditQuery, listAuditLogs } from "./list.ts";
import { recordAudit } from "./record.ts";

/** So many rows are in memory at a time. */
const PAGE = 1000;

/** The columns of the CSV, in their order. */
export const EXPORT_COLUMNS = [
  "createdAt",
  "id",
  "tenantId",
  "actorId",
  "impersonatorId",
  "sessionId",
  "action",
  "resourceType",
  "resourceId",
  "outcome",
  "details",
  "ip",
  "userAgent",
  "device",
  "requestId",
] as const satisfies (keyof AuditRow)[];

/**
 * What the list gives under the same filters, all of it, page after page. That it was exported is recorded first: nothing
 * leaves without a row that says so. @param format as the row names it.
 */
export async function exportAuditLog(
  ctx: AuthedContext,
  query: ExportAuditQuery,
  format: string,
): Promise<AsyncGenerator<AuditRow[]>> {
  // A tenant whose rows the platform takes out finds that in its own log.
  const tenantId = ctx.principal.tenantId ?? query.tenantId ?? null;
  await commit(ctx, (tx) =>
    recordAudit(tx, ctx, {
      action: "audit_log.exported",
      resourceType: "audit_log",
      tenantId,
      details: { format, filters: JSON.parse(JSON.stringify(query)) },
    }),
  );
  // A turn for each page, so that a reader who is slow keeps none.
  const read = (cursor?: string) =>
    fromReplica(ctx, (at) =>
      at.pool.costly("export", () => listAuditLogs(at, { ...query, limit: PAGE, cursor })),
    );
  return pagesFrom(await read(), read);
}

/** The first page is there before anything is answered, so that what is wrong from the start has its own answer. */
async function* pagesFrom(
  first: Page<AuditRow>,
  read: (cursor: string) => Promise<Page<AuditRow>>,
): AsyncGenerator<AuditRow[]> {
  for (let page = first; ; page = await read(page.nextCursor)) {
    yield page.items;
    if (page.nextCursor === null) return;
  }
}
