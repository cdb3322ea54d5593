import type { Context } from "../context.ts";
import type { SessionFacts } from "../sessions/facts.ts";
import { toUser, type UserRow } from "../users/public-user.ts";
import type { TokenAnswer } from "./schemas.ts";

/** What register, login and refresh answer alike. */
export async function tokenAnswer(
  ctx: Context,
  user: UserRow,
  session: SessionFacts & { refreshToken: string },
): Promise<TokenAnswer> {
  const [{ token, expiresInSeconds }, { roles }] = await Promise.all([
    ctx.accessTokens.sign({
      userId: user.id,
      tenantId: user.tenantId,
      sessionId: session.sessionId,
      amr: session.amr,
      authenticatedAt: Math.floor(session.authenticatedAt.getTime() / 1000),
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
