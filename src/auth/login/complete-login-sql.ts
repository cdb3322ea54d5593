/** The two statements at the end of a log-in: what has to be known, and what is written. */
import { Prisma } from "../../../generated/prisma/client.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { LIVE_USER_SQL } from "../../db/live.ts";
import { factorsSql, type HasFactors } from "../../factors/second-factors.ts";
import {
  insertingSession,
  type NewSession,
  type Outlook,
  outlookSql,
  type SessionUser,
} from "../../sessions/start-sql.ts";
import { USER_COLUMNS, type UserRow } from "../../users/public-user.ts";

export type LoginOutlook = Outlook & HasFactors;

/**
 * To be read under the lock of the account, by a statement that begins after it: a second factor may have been set up, or
 * a device disowned, while the password was looked at. @param replaced as for `outlookSql`.
 */
export async function readLoginOutlook(
  tx: Transaction,
  ctx: Pick<Context, "config" | "origin">,
  user: SessionUser,
  replaced?: string,
): Promise<LoginOutlook> {
  const [outlook] = await tx.$queryRaw<[LoginOutlook]>`
    SELECT ${factorsSql(user.accountId)}, ${outlookSql(ctx, user, replaced)}`;
  return outlook;
}

/**
 * Writes the session, that the user was here, and what is `beside` it. It sets the failures back, only here: a right
 * password that leaves the second factor open must not buy further guesses at that. Null when the user is no longer
 * active; the caller takes everything back then.
 */
export async function writeLogin(
  tx: Transaction,
  ctx: Pick<Context, "origin">,
  user: SessionUser,
  session: NewSession,
  beside: Prisma.Sql,
): Promise<UserRow | null> {
  const { id, tenantId, accountId } = user;
  const [row] = await tx.$queryRaw<UserRow[]>`
    WITH ${insertingSession(ctx, user, session)}, forgiven AS (
      UPDATE accounts SET login_attempts = 0, locked_until = NULL
      WHERE id = ${accountId}::uuid AND (login_attempts <> 0 OR locked_until IS NOT NULL)
    ), beside AS (${beside})
    UPDATE users SET last_login_at = now()
    WHERE id = ${id}::uuid AND tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND ${Prisma.raw(LIVE_USER_SQL)}
    RETURNING ${Prisma.raw(USER_COLUMNS)}`;
  return row ?? null;
}
