/** Part of the clean-up: what is stored of people who have ended their account, once the time is over to take that back. */
import type { Context, Deps } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { newId } from "../../db/id.ts";
import { eraseLocked } from "../../users/privacy/erase.ts";
import { goneBefore } from "./grace.ts";

const BATCH = 200;

type Gone = { id: string; tenantId: string | null; email: string; leftAt: Date };

export async function countEndedAccounts(deps: Deps): Promise<number> {
  const [row] = await deps.db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::float8 AS count FROM accounts WHERE ended_at IS NOT NULL AND ended_at < ${goneBefore(deps)}`;
  return row?.count ?? 0;
}

/** Answers how many. One account a transaction, the first that ended first; broken off, it goes on where it was when it runs again. */
export async function eraseEndedAccounts(deps: Deps): Promise<number> {
  const origin = { requestId: newId(), ip: null, userAgent: null, language: null, device: null };
  const ctx = { ...deps, origin };
  let erased = 0;
  for (let found = BATCH; found === BATCH; ) {
    const accounts = await deps.db.$queryRaw<{ id: string }[]>`
      SELECT id FROM accounts WHERE ended_at IS NOT NULL AND ended_at < ${goneBefore(deps)} ORDER BY ended_at LIMIT ${BATCH}`;
    for (const { id } of accounts) await erase(ctx, id);
    found = accounts.length;
    erased += found;
  }
  if (erased > 0) deps.log("info", "accounts erased", { count: erased });
  return erased;
}

/** With its last user a trigger deletes the account, and all that it has (`follow_users`). */
async function erase(ctx: Context, accountId: string): Promise<void> {
  await commit(ctx, async (tx) => {
    const users = await tx.$queryRaw<Gone[]>`
      WITH account AS MATERIALIZED (
        SELECT id FROM accounts WHERE id = ${accountId}::uuid AND ended_at IS NOT NULL FOR UPDATE)
      SELECT users.id, users.tenant_id AS "tenantId", users.email, users.deleted_at AS "leftAt" FROM account JOIN users ON users.account_id = account.id
      WHERE users.is_deleted ORDER BY users.id FOR UPDATE OF users`;
    for (const user of users)
      await eraseLocked(tx, ctx, { ...user, isDeleted: true }, { reason: "account_deleted" });
  });
}
