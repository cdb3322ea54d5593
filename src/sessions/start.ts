import type { Context } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import { deviceName } from "../device.ts";
import { sessionSeconds, settingsOf } from "../tenant-settings/settings.ts";
import { devicesAfterLogin, isNewDevice } from "./device.ts";
import type { AuthenticationMethod, SessionFacts } from "./facts.ts";
import { revokeSessions } from "./revoke.ts";

export type StartedSession = SessionFacts & {
  refreshToken: string;
  refreshSeconds: number;
  /** As `devicesAfterLogin`. */
  devices?: readonly string[];
  /** The user was not seen with this device before. */
  isNewDevice: boolean;
};

/** As whom a session begins. */
type SessionUser = { id: string; tenantId: string | null; accountId: string };

/**
 * Begins a session with its first refresh token. The only way to one: every way of logging in ends here.
 * The caller holds a lock on the user's row and has seen that user and tenant are active.
 */
export async function startSession(
  tx: Transaction,
  ctx: Context,
  user: SessionUser,
  amr: AuthenticationMethod[],
): Promise<StartedSession> {
  const now = Date.now();
  const sessionId = newId();
  const refreshToken = randomToken();
  const isNew = await isNewDevice(tx, user, ctx.origin);
  const devices = await devicesAfterLogin(tx, user, ctx.origin);
  const settings = await settingsOf(tx, user.tenantId);
  const seconds = sessionSeconds(ctx.config, settings);
  const idleExpiresAt = new Date(now + seconds.idle * 1000);
  await insertSession(tx, ctx, user, {
    id: sessionId,
    amr,
    impersonatorId: null,
    at: new Date(now),
    idleExpiresAt,
    expiresAt: new Date(now + seconds.max * 1000),
    tokenHash: hashToken(refreshToken),
    deviceId: devices?.[0] ?? null,
  });
  await endBeyondLimit(tx, ctx, user, sessionId);
  return {
    sessionId,
    amr,
    authenticatedAt: new Date(now),
    mfaRequired: settings.mfaRequired ?? false,
    refreshToken,
    refreshSeconds: seconds.idle,
    isNewDevice: isNew,
    ...(devices && { devices }),
  };
}

/**
 * Begins a session in which a super admin acts as the user. It has no refresh token, so that nothing prolongs it. The
 * caller holds a lock on the user's row and has seen that user and tenant are active.
 * @param amr how the super admin proved who they are.
 */
export async function startImpersonation(
  tx: Transaction,
  { origin }: Pick<Context, "origin">,
  user: SessionUser,
  { impersonatorId, amr, seconds }: { impersonatorId: string; amr: string[]; seconds: number },
): Promise<SessionFacts & { expiresAt: Date }> {
  const now = Date.now();
  const expiresAt = new Date(now + seconds * 1000);
  const sessionId = newId();
  const at = new Date(now);
  const ends = { idleExpiresAt: expiresAt, expiresAt, tokenHash: null, deviceId: null };
  await insertSession(tx, { origin }, user, { id: sessionId, amr, impersonatorId, at, ...ends });
  // A second factor that the tenant asks for is its users' to set up, not the super admin's.
  return { sessionId, amr, authenticatedAt: new Date(now), mfaRequired: false, expiresAt };
}

type NewSession = {
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

/** The session, as whom it speaks, and its first token: one statement, as every log-in ends here. */
async function insertSession(
  tx: Transaction,
  { origin }: Pick<Context, "origin">,
  { id: userId, tenantId, accountId }: SessionUser,
  { id, amr, impersonatorId, at, idleExpiresAt, expiresAt, tokenHash, deviceId }: NewSession,
): Promise<void> {
  const { ip, userAgent } = origin;
  await tx.$executeRaw`
    WITH begun AS (
      INSERT INTO sessions (id, account_id, impersonator_id, device_name, user_agent, ip, amr, last_used_at, created_at,
        idle_expires_at, expires_at, device_id)
      VALUES (${id}::uuid, ${accountId}::uuid, ${impersonatorId}::uuid, ${deviceName(origin)}, ${userAgent}, ${ip}::inet,
        ${[...amr]}::varchar[], ${at}, ${at}, ${idleExpiresAt}, ${expiresAt}, ${deviceId}::uuid)
    ), first_token AS (
      INSERT INTO refresh_tokens (id, session_id, token_hash, created_at, expires_at)
      SELECT ${newId()}::uuid, ${id}::uuid, ${tokenHash}::bytea, ${at}, ${idleExpiresAt} WHERE ${tokenHash !== null}
    )
    INSERT INTO session_users (session_id, user_id, tenant_id, ip, last_used_at, created_at)
    VALUES (${id}::uuid, ${userId}::uuid, ${tenantId}::uuid, ${ip}::inet, ${at}, ${at})`;
}

/** Those of the account that were used longest ago make way (ASVS 5.0, 7.1.2). Never the new one, whatever the clocks of others say. */
async function endBeyondLimit(
  tx: Transaction,
  ctx: Context,
  { accountId }: SessionUser,
  newest: string,
): Promise<void> {
  const limit = ctx.config.sessionLimit;
  if (limit === 0) return;
  const live = {
    accountId,
    // Whoever acts as the user takes no place of theirs.
    impersonatorId: null,
    revokedAt: null,
    idleExpiresAt: { gt: new Date() },
  };
  const beyond = await tx.session.findMany({
    where: { ...live, id: { not: newest } },
    orderBy: [{ lastUsedAt: "desc" }, { id: "desc" }],
    skip: limit - 1,
    select: { id: true },
  });
  if (beyond.length === 0) return;
  const ids = beyond.map((session) => session.id);
  await revokeSessions(tx, ctx, { accountId, id: { in: ids } }, "session_limit");
}
