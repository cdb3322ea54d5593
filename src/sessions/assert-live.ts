import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { ApiError } from "../errors.ts";

/**
 * Refuses a change by a session that was ended while the request was under way: a password reset that throws an intruder
 * out must not be followed by the intruder's passkey or API key. To be asked after the row lock that such changes wait
 * for. A machine has none. @throws ApiError `invalid_token`.
 */
export async function assertSessionLives(
  tx: Transaction,
  { principal }: Pick<AuthedContext, "principal">,
): Promise<void> {
  const { sessionId, userId, tenantId } = principal;
  if (sessionId === null) return;
  const speaks = { sessionId, userId, tenantId, revokedAt: null, session: { revokedAt: null } };
  const live = await tx.sessionUser.count({ where: speaks });
  if (live === 0) throw new ApiError("invalid_token", "The session has ended.");
}
