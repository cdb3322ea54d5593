import type { Context } from "../context.ts";
import { deviceToken } from "../crypto/device-token.ts";
import { REFRESH_SECONDS } from "../principal.ts";
import type { SessionFacts } from "../sessions/facts.ts";
import { toUser, type UserRow } from "../users/public-user.ts";
import type { TokenAnswer } from "./schemas.ts";

type AnsweredSession = SessionFacts & {
  /** Not there for a session that nothing prolongs. */
  refreshToken?: string;
  refreshSeconds?: number;
  impersonatorId?: string;
  /** Absent where the client does not ask to be known again. */
  devices?: readonly string[];
};

/**
 * What register, login and refresh answer alike, and what a super admin gets who acts as a user.
 * @param longestSeconds how long the access token may last, when its session ends before others do.
 */
export async function tokenAnswer(
  ctx: Context,
  user: UserRow,
  { refreshToken, refreshSeconds, impersonatorId, devices, ...session }: AnsweredSession,
  longestSeconds?: number,
): Promise<TokenAnswer> {
  const claims = {
    userId: user.id,
    tenantId: user.tenantId,
    sessionId: session.sessionId,
    amr: session.amr,
    mfaRequired: session.mfaRequired,
    authenticatedAt: Math.floor(session.authenticatedAt.getTime() / 1000),
    ...(impersonatorId !== undefined && { impersonatorId }),
  };
  const { roles } = await ctx.grants.of(user.id);
  const { token, expiresInSeconds } = ctx.accessTokens.sign(claims, longestSeconds);
  if (ctx.seen) Object.assign(ctx.seen, { userId: user.id, tenantId: user.tenantId });
  return {
    accessToken: token,
    tokenType: "Bearer",
    expiresIn: expiresInSeconds,
    ...(refreshToken !== undefined && { refreshToken, [REFRESH_SECONDS]: refreshSeconds }),
    ...(devices && { deviceToken: deviceToken(ctx.keyring.device, devices) }),
    user: toUser(user, roles),
  };
}
