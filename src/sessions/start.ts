import type { Context } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import { deviceName } from "../device.ts";
import { sessionSeconds, settingsOf } from "../tenant-settings/settings.ts";
import { isNewDevice } from "./device.ts";
import type { AuthenticationMethod, SessionFacts } from "./facts.ts";
import { revokeSessions } from "./revoke.ts";

export type StartedSession = SessionFacts & {
  refreshToken: string;
  refreshSeconds: number;
  /** The user was not seen with this device before. */
  isNewDevice: boolean;
};

/**
 * Begins a session with its first refresh token. The only way to one: every way of logging in ends here.
 * The caller holds a lock on the user's row and has seen that user and tenant are active.
 */
export async function startSession(
  tx: Transaction,
  ctx: Context,
  user: { id: string; tenantId: string | null },
  amr: AuthenticationMethod[],
): Promise<StartedSession> {
  const now = Date.now();
  const sessionId = newId();
  const refreshToken = randomToken();
  const device = deviceName(ctx.origin);
  const isNew = await isNewDevice(tx, user, ctx.origin);
  const settings = await settingsOf(tx, user.tenantId);
  const seconds = sessionSeconds(ctx.config, settings);
  const idleExpiresAt = new Date(now + seconds.idle * 1000);
  await tx.session.create({
    data: {
      id: sessionId,
      userId: user.id,
      tenantId: user.tenantId,
      deviceName: device,
      userAgent: ctx.origin.userAgent,
      ip: ctx.origin.ip,
      amr,
      lastUsedAt: new Date(now),
      createdAt: new Date(now),
      idleExpiresAt,
      expiresAt: new Date(now + seconds.max * 1000),
      refreshTokens: {
        create: {
          id: newId(),
          tenantId: user.tenantId,
          tokenHash: Uint8Array.from(hashToken(refreshToken)),
          createdAt: new Date(now),
          expiresAt: idleExpiresAt,
        },
      },
    },
    select: { id: true },
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
  user: { id: string; tenantId: string | null },
  { impersonatorId, amr, seconds }: { impersonatorId: string; amr: string[]; seconds: number },
): Promise<SessionFacts & { expiresAt: Date }> {
  const now = Date.now();
  const expiresAt = new Date(now + seconds * 1000);
  const sessionId = newId();
  await tx.session.create({
    data: {
      id: sessionId,
      userId: user.id,
      tenantId: user.tenantId,
      impersonatorId,
      deviceName: deviceName(origin),
      userAgent: origin.userAgent,
      ip: origin.ip,
      amr,
      lastUsedAt: new Date(now),
      createdAt: new Date(now),
      idleExpiresAt: expiresAt,
      expiresAt,
    },
    select: { id: true },
  });
  // A second factor that the tenant asks for is its users' to set up, not the super admin's.
  return { sessionId, amr, authenticatedAt: new Date(now), mfaRequired: false, expiresAt };
}

/** Those that were used longest ago make way (ASVS 5.0, 7.1.2). Never the new one, whatever the clocks of others say. */
async function endBeyondLimit(
  tx: Transaction,
  ctx: Context,
  { id, tenantId }: { id: string; tenantId: string | null },
  newest: string,
): Promise<void> {
  const limit = ctx.config.sessionLimit;
  if (limit === 0) return;
  const live = {
    userId: id,
    tenantId,
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
  await revokeSessions(tx, ctx, { userId: id, tenantId, id: { in: ids } }, "session_limit");
}
