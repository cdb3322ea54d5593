import { z } from "zod";
import type { Session as SessionRow } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { type PageQuery, Timestamp } from "../fields.ts";

/** What is told of a session to whoever reads of it: its user, an administrator, or the export of personal data. */
export const sessionFields = {
  deviceName: z.string().nullable(),
  userAgent: z.string().nullable(),
  /** Where it was used last. */
  ip: z.string().nullable(),
  authenticationMethods: z.array(z.string()),
  createdAt: Timestamp,
  lastUsedAt: Timestamp,
  expiresAt: Timestamp,
};

export const Session = z
  .object({
    id: z.uuid(),
    /** Whether the request itself came through this session. */
    current: z.boolean(),
    /** Whether it is not the user's own: a super admin acts in their name. */
    impersonated: z.boolean(),
    ...sessionFields,
  })
  .meta({ ref: "Session" });
export type Session = z.infer<typeof Session>;

const ORDER = {
  list: "sessions",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/** The sessions of a user that go on, the newest first. Who may see them is the caller's business. */
export async function listSessions(
  { db }: Pick<Context, "db">,
  { id: userId, tenantId }: { id: string; tenantId: string | null },
  { limit, cursor }: PageQuery,
  currentId: string | null,
): Promise<Page<Session>> {
  const live = { userId, tenantId, revokedAt: null, idleExpiresAt: { gt: new Date() } };
  const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }) =>
    db.session.findMany({
      where: { AND: [live, where] },
      ...range,
      omit: { tenantId: true, userId: true, revokedAt: true, revokedReason: true },
    }),
  );
  const items = page.items.map((row) => ({
    id: row.id,
    current: row.id === currentId,
    impersonated: row.impersonatorId !== null,
    ...toSessionFields(row),
  }));
  return { items, nextCursor: page.nextCursor };
}

export function toSessionFields(
  row: Omit<SessionRow, "userId" | "tenantId" | "revokedAt" | "revokedReason">,
) {
  return {
    deviceName: row.deviceName,
    userAgent: row.userAgent,
    ip: row.ip,
    authenticationMethods: row.amr,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    // A session ends at the earlier of the two.
    expiresAt: row.idleExpiresAt.toISOString(),
  };
}
