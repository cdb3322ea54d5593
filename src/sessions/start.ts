import type { Context } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";

/** How somebody proved who they are (RFC 8176): what the session may claim later. */
export type AuthenticationMethod = "pwd";

export type StartedSession = { sessionId: string; refreshToken: string };

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
  const idleExpiresAt = new Date(now + ctx.config.sessionIdleSeconds * 1000);
  await tx.session.create({
    data: {
      id: sessionId,
      userId: user.id,
      tenantId: user.tenantId,
      userAgent: ctx.origin.userAgent,
      ip: ctx.origin.ip,
      amr,
      lastUsedAt: new Date(now),
      createdAt: new Date(now),
      idleExpiresAt,
      expiresAt: new Date(now + ctx.config.sessionMaxSeconds * 1000),
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
  return { sessionId, refreshToken };
}
