import { z } from "zod";
import type { AuthedContext } from "../context.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { type PageQuery, Timestamp } from "../fields.ts";

export const Session = z
  .object({
    id: z.uuid(),
    /** Whether the request itself came through this session. */
    current: z.boolean(),
    userAgent: z.string().nullable(),
    ip: z.string().nullable(),
    authenticationMethods: z.array(z.string()),
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ ref: "Session" });
export type Session = z.infer<typeof Session>;

const ORDER = {
  list: "sessions",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/** The caller's own sessions that go on, the newest first. */
export async function listOwnSessions(
  ctx: AuthedContext,
  { limit, cursor }: PageQuery,
): Promise<Page<Session>> {
  const { userId, tenantId, sessionId } = ctx.principal;
  const live = { userId, tenantId, revokedAt: null, idleExpiresAt: { gt: new Date() } };
  const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }) =>
    ctx.db.session.findMany({
      where: { AND: [live, where] },
      ...range,
      omit: {
        tenantId: true,
        userId: true,
        revokedAt: true,
        revokedReason: true,
        deviceName: true,
      },
    }),
  );
  const items = page.items.map((row) => ({
    id: row.id,
    current: row.id === sessionId,
    userAgent: row.userAgent,
    ip: row.ip,
    authenticationMethods: row.amr,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    // A session ends at the earlier of the two.
    expiresAt: row.idleExpiresAt.toISOString(),
  }));
  return { items, nextCursor: page.nextCursor };
}
