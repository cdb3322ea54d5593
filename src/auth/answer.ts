import type { Context } from "../context.ts";
import type { StartedSession } from "../sessions/start.ts";
import { toUser, type UserRow } from "../users/public-user.ts";
import type { TokenAnswer } from "./schemas.ts";

/** What register, login and refresh answer alike. */
export async function tokenAnswer(
  ctx: Context,
  user: UserRow,
  session: StartedSession,
): Promise<TokenAnswer> {
  const [{ token, expiresInSeconds }, { roles }] = await Promise.all([
    ctx.accessTokens.sign({
      userId: user.id,
      tenantId: user.tenantId,
      sessionId: session.sessionId,
    }),
    ctx.grants.of(user.id),
  ]);
  return {
    accessToken: token,
    tokenType: "Bearer",
    expiresIn: expiresInSeconds,
    refreshToken: session.refreshToken,
    user: toUser(user, roles),
  };
}
