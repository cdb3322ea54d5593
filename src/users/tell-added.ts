/**
 * Has those told who have an account already, whom a tenant has added to its own pool: they join by the mail, or do not. The
 * same is done whoever was added, so that neither answer nor time tells the tenant.
 */
import type { LRUCache } from "lru-cache";
import { userPoolOf } from "../accounts/pool.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { languageAskedBy } from "../mail/reader.ts";
import { requestMail } from "../mail/requests.ts";
import { createRecent } from "../recent.ts";
import type { TenantSettings } from "../tenant-settings/settings.ts";

type Into = { tenantId: string | null; settings: TenantSettings };

/** How many users of one creator have a job of their own within the window; those who come after them share one. */
const ALONE = 50;
const WINDOW_MILLIS = 2000;
const REMEMBERED = 1000;

/** What an instance has asked for of one creator: since when, how often, and until when a job that waits is for all. */
type Gathering = { since: number; count: number; coveredUntil: number };
const gatherings = new WeakMap<Jobs, LRUCache<string, Gathering>>();

/** A job for these users. */
export async function tellAdded(
  tx: Transaction,
  ctx: AuthedContext,
  into: Into,
  userIds: string[],
): Promise<void> {
  const tenantId = tellingTenant(ctx, into);
  if (tenantId === null || userIds.length === 0) return;
  await requestMail(ctx, { kind: "added", userIds, tenantId }, tx);
}

/**
 * The same for one user of a transaction that is no longer than usual, perhaps one of a thousand that are made one by one:
 * to put a job in for each, and to take it out again, was a third of what they cost. After the first few there is one job for
 * all whom the creator makes within two seconds. It is worked off when each of their transactions has ended, and none of
 * them counts on a job that is not committed.
 */
export async function tellAddedSoon(
  tx: Transaction,
  ctx: AuthedContext,
  into: Into,
  userId: string,
): Promise<void> {
  const tenantId = tellingTenant(ctx, into);
  if (tenantId === null) return;
  const now = performance.now();
  const gathering = gatheringOf(ctx, tenantId);
  if (now < gathering.coveredUntil) return;
  if (now - gathering.since > WINDOW_MILLIS) Object.assign(gathering, { since: now, count: 0 });
  gathering.count += 1;
  if (gathering.count <= ALONE)
    return requestMail(ctx, { kind: "added", userIds: [userId], tenantId }, tx);
  const { principal, config } = ctx;
  // Whoever counts on it begins within the window, and a transaction lasts for no longer than the timeout: twice that.
  const waitSeconds = WINDOW_MILLIS / 1000 + 2 * config.databaseTimeoutSeconds;
  const request = { kind: "added_lately", createdBy: principal.userId, tenantId } as const;
  await requestMail(ctx, request, tx, waitSeconds);
  afterCommit(tx, () => {
    gathering.coveredUntil = now + WINDOW_MILLIS;
  });
}

/** The tenant whose own word it is; null where nobody is to be told. */
function tellingTenant(
  { principal, config }: AuthedContext,
  { tenantId, settings }: Into,
): string | null {
  const isOwnWord = principal.tenantId !== null && userPoolOf(config, settings) === "shared";
  return isOwnWord ? tenantId : null;
}

/** The mail is in the language of whoever asks, so it counts as another creator's. */
function gatheringOf(ctx: AuthedContext, tenantId: string): Gathering {
  const { jobs, principal } = ctx;
  const known = gatherings.get(jobs) ?? createRecent<Gathering>(REMEMBERED);
  gatherings.set(jobs, known);
  const key = `${tenantId} ${principal.userId} ${languageAskedBy(ctx, null)}`;
  const gathering = known.get(key) ?? { since: -Infinity, count: 0, coveredUntil: -Infinity };
  known.set(key, gathering);
  return gathering;
}
