/** When old rows are deleted: every night (WORK in jobs/queue.ts) what is here, each as its feature says. */
import { warnOfDueMonths } from "./audit/partitions.ts";
import { eraseEndedAccounts } from "./auth/own-account/erase.ts";
import type { Deps } from "./context.ts";
import { deleteOldRows } from "./db/old-rows.ts";
import { OLD_IDEMPOTENCY_KEYS } from "./http/idempotency.ts";
import { OLD_INVITATIONS } from "./invitations/clean-up.ts";
import { OLD_ONE_TIME_TOKENS } from "./one-time-tokens/clean-up.ts";
import { OLD_COUNTERS } from "./rate-limits/rate-limits.ts";
import { OLD_SESSIONS } from "./sessions/clean-up.ts";
import { fillLooks } from "./tenants/lookalike.ts";
import { purgeDeletedTenants } from "./tenants/purge.ts";

/** A test holds that every table with an end of its rows is here. */
export const CLEAN_UPS = {
  one_time_tokens: OLD_ONE_TIME_TOKENS,
  ...OLD_SESSIONS,
  invitations: OLD_INVITATIONS,
  rate_limits: OLD_COUNTERS,
  idempotency_keys: OLD_IDEMPOTENCY_KEYS,
} as const;

/** The handler of the queue `clean_up`. Jobs that are done pg-boss deletes by itself (jobs/boss.ts). */
export async function cleanUp(deps: Deps): Promise<void> {
  const deleted: Record<string, number> = {};
  for (const [name, rows] of Object.entries(CLEAN_UPS))
    deleted[name] = await deleteOldRows(deps.pool, rows);
  deps.log("info", "cleaned up", deleted);
  await purgeDeletedTenants(deps);
  await eraseEndedAccounts(deps);
  await fillLooks(deps);
  await warnOfDueMonths(deps);
}
