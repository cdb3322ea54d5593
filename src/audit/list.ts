import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { deviceName } from "../device.ts";
import { Id, Instant, LONGEST_PAGE, PageQuery, Timestamp, text } from "../fields.ts";
import { AUDIT_ACTIONS } from "./actions.ts";
import { latestAuditRows } from "./list-sql.ts";

/** Older rows may hold others, so it is no enum. */
const ACTIONS = Object.entries(AUDIT_ACTIONS)
  .map(([action, what]) => `- \`${action}\`: ${what}`)
  .join("\n");

export const AuditRow = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable(),
    actorId: z.uuid().nullable(),
    /** The super admin who acted as the actor. */
    impersonatorId: z.uuid().nullable(),
    sessionId: z.uuid().nullable(),
    action: z.string().meta({ description: ACTIONS }),
    resourceType: z.string(),
    resourceId: z.uuid().nullable(),
    outcome: z.enum(["success", "failure"]),
    details: z.record(z.string(), z.json()),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    /** The user agent in words: "Firefox on Linux". */
    device: z.string().nullable(),
    requestId: z.string().nullable(),
    createdAt: Timestamp,
  })
  .meta({ ref: "AuditRow" });
export type AuditRow = z.infer<typeof AuditRow>;

const filters = {
  actorId: Id.optional(),
  impersonatorId: Id.optional(),
  sessionId: Id.optional(),
  action: z
    .string()
    .max(64)
    .optional()
    .meta({ examples: Object.keys(AUDIT_ACTIONS) }),
  resourceType: z.string().max(50).optional(),
  resourceId: Id.optional(),
  outcome: z.enum(["success", "failure"]).optional(),
  ip: z.union([z.ipv4(), z.ipv6()], "Not an IP address").optional(),
  requestId: text(64)
    .min(1)
    .regex(/^\P{Cc}*$/u)
    .optional(),
  /** From this moment on. */
  from: Instant.optional(),
  /** Until before this moment. */
  to: Instant.optional(),
  /** For platform accounts; everybody else reads their own tenant's rows. */
  tenantId: Id.optional(),
};

export const ListAuditQuery = PageQuery.extend(filters);
export type ListAuditQuery = z.infer<typeof ListAuditQuery>;

export const ExportAuditQuery = z.strictObject(filters);
export type ExportAuditQuery = z.infer<typeof ExportAuditQuery>;

const NOWHERE = { requestId: "", ip: null, language: null, device: null };

const ORDER = {
  list: "audit-logs",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/**
 * The audit log of the caller's tenant, the latest first; of every tenant for a platform account. With a filter, which may
 * have to read all of it, it takes its turn. @throws ApiError `overloaded`
 */
export async function listAuditLogs(
  ctx: AuthedContext,
  query: ListAuditQuery,
): Promise<Page<AuditRow>> {
  const { limit: _limit, cursor: _cursor, ...filters } = query;
  const isPlain = Object.values(filters).every((value) => value === undefined);
  const { tenantId } = ctx.principal;
  // An export has longer pages.
  if (isPlain && tenantId !== null && query.limit <= LONGEST_PAGE)
    return fromReplica(ctx, (at) => readLatest(at, tenantId, query));
  return fromReplica(ctx, (at) =>
    isPlain ? readAuditLogs(at, query) : at.pool.costly("read", () => readAuditLogs(at, query)),
  );
}

/** What is asked for most: every row of the tenant. */
async function readLatest(
  ctx: AuthedContext,
  tenantId: string,
  query: ListAuditQuery,
): Promise<Page<AuditRow>> {
  const { items, nextCursor } = await readPage(ORDER, query, ({ take }, after) =>
    latestAuditRows(ctx.pool, tenantId, take, after),
  );
  return { items: items.map(toAuditRow), nextCursor };
}

async function readAuditLogs(ctx: AuthedContext, query: ListAuditQuery): Promise<Page<AuditRow>> {
  const { limit, cursor, from, to, ...equals } = query;
  const own = ctx.principal.tenantId;
  const filters: Prisma.AuditLogWhereInput[] = [
    own === null ? {} : { tenantId: own },
    equals,
    { createdAt: { ...(from && { gte: from }), ...(to && { lt: to }) } },
  ];
  const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }) =>
    ctx.db.auditLog.findMany({ where: { AND: [...filters, where] }, ...range }),
  );
  return { items: page.items.map(toAuditRow), nextCursor: page.nextCursor };
}

function toAuditRow(row: Prisma.AuditLogGetPayload<true>): AuditRow {
  // The CHECK audit_log_details_check holds the column to objects.
  return {
    ...row,
    details: row.details as AuditRow["details"],
    device: deviceName({ ...NOWHERE, userAgent: row.userAgent }),
    createdAt: row.createdAt.toISOString(),
  };
}
