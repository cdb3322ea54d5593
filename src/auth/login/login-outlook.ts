/** What has to be known before a log-in is completed. */
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { factorsSql, type HasFactors } from "../../factors/second-factors.ts";
import { type Outlook, outlookSql, type SessionUser } from "../../sessions/start-sql.ts";

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
