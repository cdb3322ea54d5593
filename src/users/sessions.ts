/** Seeing and ending the sessions of others (ASVS 5.0, 7.4.5). */
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { isId } from "../db/id.ts";
import type { Page } from "../db/keyset.ts";
import { NotFoundError } from "../errors.ts";
import type { PageQuery } from "../fields.ts";
import { assertMayManage } from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { listSessionsOfUser, type Session } from "../sessions/list.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { revokeSessionUsers } from "../sessions/revoke.ts";
import { lockUser, visibleUser } from "./reach.ts";

/** The sessions that speak for a user in their tenant. @throws NotFoundError */
export async function listUserSessions(
  ctx: AuthedContext,
  id: string,
  query: PageQuery,
): Promise<Page<Session>> {
  const user = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, id), isDeleted: false },
    select: { id: true, tenantId: true },
  });
  if (!user) throw new NotFoundError("user");
  return listSessionsOfUser(ctx, user, query, ctx.principal.sessionId);
}

/**
 * Ends what all sessions of a user may do in the user's tenant, or the one that is named. What they do in others goes on.
 * @throws NotFoundError, PermissionError; ApiError `reauthentication_required` for one's own.
 */
export async function endUserSessions(
  ctx: AuthedContext,
  id: string,
  sessionId?: string,
): Promise<void> {
  assertInPerson(ctx.principal, "session:revoke");
  await commit(ctx, async (tx) => {
    const { tenantId } = await lockUser(tx, ctx, id);
    await assertMayManage(tx, ctx, id);
    assertMayChangeLogin(ctx, id);
    if (sessionId !== undefined && !isId(sessionId)) throw new NotFoundError("session");
    const which = sessionId === undefined ? {} : { sessionId };
    const ended = await revokeSessionUsers(
      tx,
      ctx,
      { ...which, userId: id, tenantId },
      "ended_by_admin",
    );
    if (sessionId !== undefined && ended === 0) throw new NotFoundError("session");
    await recordAudit(tx, ctx, {
      action: "user.sessions_ended",
      resourceType: "user",
      resourceId: id,
      tenantId,
      details: { ended },
    });
  });
}
