/** The statements at the beginning of a session: what has to be known for it, and what is written. */
import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import { deviceName } from "../device.ts";
import { isNewDeviceSql, knownDeviceSql } from "./device.ts";

/** As whom a session begins. */
export type SessionUser = { id: string; tenantId: string | null; accountId: string };

/** What has to be known before a session begins. */
export type Outlook = {
  /** Of the tenant, as they are stored. */
  settings: unknown;
  /** The user was not seen with this device before. */
  isNewDevice: boolean;
  /** By which of the devices that the client has shown the account knows it; null for none. */
  knownDevice: string | null;
  /** The sessions that make way for one more (ASVS 5.0, 7.1.2): those of the account that were used longest ago. */
  beyondLimit: string[];
};

/**
 * The columns of `Outlook`, as SQL. To be asked under the lock of the account, in a statement that begins after it.
 * @param replaced a session that ends when the new one begins, and so takes no place.
 */
export function outlookSql(
  { config, origin }: Pick<Context, "config" | "origin">,
  { tenantId, accountId }: SessionUser,
  replaced: string | null = null,
): Prisma.Sql {
  const { sessionLimit: limit } = config;
  // Whoever acts as the user takes no place of theirs.
  const beyond = Prisma.sql`ARRAY(
      SELECT sessions.id FROM sessions
      WHERE account_id = ${accountId}::uuid AND impersonator_id IS NULL AND revoked_at IS NULL AND idle_expires_at > now()
        AND sessions.id IS DISTINCT FROM ${replaced}::uuid
      ORDER BY last_used_at DESC, sessions.id DESC OFFSET ${limit - 1}::int)`;
  return Prisma.sql`
    (SELECT settings FROM tenants WHERE id = ${tenantId}::uuid) AS settings,
    ${isNewDeviceSql(accountId, origin)} AS "isNewDevice",
    (SELECT ${Prisma.raw(knownDeviceSql("shown.devices"))}
      FROM (SELECT ${accountId}::uuid AS id) AS accounts, (SELECT ${[...(origin.devices ?? [])]}::uuid[] AS devices) AS shown
    ) AS "knownDevice",
    ${limit === 0 ? Prisma.sql`'{}'::uuid[]` : beyond} AS "beyondLimit"`;
}

export async function readOutlook(
  tx: Transaction,
  ctx: Pick<Context, "config" | "origin">,
  user: SessionUser,
): Promise<Outlook> {
  const [outlook] = await tx.$queryRaw<[Outlook]>`SELECT ${outlookSql(ctx, user)}`;
  return outlook;
}

export type NewSession = {
  id: string;
  amr: readonly string[];
  impersonatorId: string | null;
  at: Date;
  idleExpiresAt: Date;
  expiresAt: Date;
  /** Of its first refresh token; null for none. */
  tokenHash: Buffer | null;
  /** By which the account knows the client from here on; null where it did not ask for that. */
  deviceId: string | null;
};

/**
 * The session, as whom it speaks, and its first token, as the parts of one statement: every log-in ends there.
 * @param where SQL: what stands between that and nothing at all, where that is not asked before.
 */
export function insertingSession(
  { origin }: Pick<Context, "origin">,
  { id: userId, tenantId, accountId }: SessionUser,
  { id, amr, impersonatorId, at, idleExpiresAt, expiresAt, tokenHash, deviceId }: NewSession,
  where: Prisma.Sql = Prisma.sql`WHERE true`,
): Prisma.Sql {
  const { ip, userAgent } = origin;
  return Prisma.sql`begun AS (
      INSERT INTO sessions (id, account_id, impersonator_id, device_name, user_agent, ip, amr, last_used_at, created_at,
        idle_expires_at, expires_at, device_id)
      SELECT ${id}::uuid, ${accountId}::uuid, ${impersonatorId}::uuid, ${deviceName(origin)}, ${userAgent}, ${ip}::inet,
        ${[...amr]}::varchar[], ${at}, ${at}, ${idleExpiresAt}, ${expiresAt}, ${deviceId}::uuid ${where}
    ), first_token AS (
      INSERT INTO refresh_tokens (id, session_id, token_hash, created_at, expires_at)
      SELECT ${newId()}::uuid, ${id}::uuid, ${tokenHash}::bytea, ${at}, ${idleExpiresAt} ${where} AND ${tokenHash !== null}
    ), spoken AS (
      INSERT INTO session_users (session_id, user_id, tenant_id, ip, last_used_at, created_at)
      SELECT ${id}::uuid, ${userId}::uuid, ${tenantId}::uuid, ${ip}::inet, ${at}, ${at} ${where}
    )`;
}

export async function insertSession(
  tx: Transaction,
  ctx: Pick<Context, "origin">,
  user: SessionUser,
  session: NewSession,
): Promise<void> {
  await tx.$executeRaw`WITH ${insertingSession(ctx, user, session)} SELECT`;
}
