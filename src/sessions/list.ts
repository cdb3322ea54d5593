import { z } from "zod";
import type { Session as SessionRow } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { type PageQuery, Timestamp } from "../fields.ts";
import { sessionSeconds, settingsOf } from "../tenant-settings/settings.ts";

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

const OMITTED = { accountId: true, deviceId: true, revokedAt: true, revokedReason: true } as const;

/** The sessions of an account that go on, the newest first, whatever tenants they speak for: its person's own list. */
export async function listSessions(
  { db }: Pick<Context, "db">,
  accountId: string,
  { limit, cursor }: PageQuery,
  currentId: string | null,
): Promise<Page<Session>> {
  const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }) =>
    db.session.findMany({
      where: { AND: [{ accountId }, live(), where] },
      ...range,
      omit: OMITTED,
    }),
  );
  return { ...page, items: page.items.map((row) => toSession(row, currentId)) };
}

/**
 * The sessions that speak for a user, for whoever looks after that user: where and when they were used in the user's tenant,
 * and nothing of what they do in others. Who may see them is the caller's business.
 */
export async function listSessionsOfUser(
  { db, config }: Pick<Context, "db" | "config">,
  { id: userId, tenantId }: { id: string; tenantId: string | null },
  { limit, cursor }: PageQuery,
  currentId: string | null,
): Promise<Page<Session>> {
  const speaking = { userId, tenantId, revokedAt: null };
  const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }) =>
    db.session.findMany({
      where: { AND: [{ users: { some: speaking } }, live(), where] },
      ...range,
      omit: OMITTED,
      include: { users: { where: speaking, select: { ip: true, lastUsedAt: true } } },
    }),
  );
  const settings = page.items.length === 0 ? {} : await settingsOf(db, tenantId);
  const restMillis = sessionSeconds(config, settings).idle * 1000;
  const items = page.items.map(({ users: [here], ...row }) =>
    toSession(here ? asSeenFrom(here, row, restMillis) : row, currentId),
  );
  return { items, nextCursor: page.nextCursor };
}

/**
 * As if it had been used nowhere else since: when it is prolonged tells when somebody is at work in another tenant.
 * @param restMillis for how long it may rest there.
 */
export function asSeenFrom(
  here: { ip: string | null; lastUsedAt: Date },
  row: ListedRow,
  restMillis: number,
): ListedRow {
  if (here.lastUsedAt >= row.lastUsedAt) return { ...row, ...here };
  const rested = Math.min(here.lastUsedAt.getTime() + restMillis, row.expiresAt.getTime());
  return { ...row, ...here, idleExpiresAt: new Date(rested) };
}

type ListedRow = Omit<SessionRow, keyof typeof OMITTED>;

function live() {
  return { revokedAt: null, idleExpiresAt: { gt: new Date() } };
}

function toSession(row: ListedRow, currentId: string | null): Session {
  return {
    id: row.id,
    current: row.id === currentId,
    impersonated: row.impersonatorId !== null,
    ...toSessionFields(row),
  };
}

export function toSessionFields(row: ListedRow) {
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
