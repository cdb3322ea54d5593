/** What the jobs do every night and every few minutes, each as a task that can be asked for by its name. */
import { maintainAuditLog } from "../../audit/partitions.ts";
import { countUnsealed } from "../../audit/seal.ts";
import { countEndedAccounts, eraseEndedAccounts } from "../../auth/own-account/erase.ts";
import { CLEAN_UPS } from "../../clean-up.ts";
import type { Deps } from "../../context.ts";
import { countOldRows, deleteOldRows } from "../../db/old-rows.ts";
import { isRotationDue, maintainSigningKeys } from "../../signing-keys/rotate.ts";
import { countWithoutLooks, fillLooks } from "../../tenants/lookalike.ts";
import { purgeDeletedTenants, tenantsToPurge } from "../../tenants/purge.ts";

export type Task = {
  /** What is counted. */
  what: string;
  count(deps: Deps): Promise<number>;
  /** Does it, and answers of how many. @param progress is told how many were done so far. */
  run(deps: Deps, progress: (done: number) => void): Promise<number>;
};

const OLD_ROWS = Object.entries(CLEAN_UPS).map(([name, rows]): [string, Task] => [
  name,
  {
    what: "old rows deleted",
    count: ({ pool }) => countOldRows(pool, rows),
    run: ({ pool }, progress) => deleteOldRows(pool, rows, progress),
  },
]);

/** In the order of the jobs. */
export const TASKS = new Map<string, Task>([
  ...OLD_ROWS,
  [
    "tenants",
    {
      what: "deleted tenants purged, whose time of grace is over",
      count: async (deps) => (await tenantsToPurge(deps)).length,
      run: purgeDeletedTenants,
    },
  ],
  [
    "accounts",
    {
      what: "accounts erased that their people ended",
      count: countEndedAccounts,
      run: eraseEndedAccounts,
    },
  ],
  ["names", { what: "names of tenants compared", count: countWithoutLooks, run: fillLooks }],
  [
    "audit",
    {
      what: "rows of the audit log sealed, and its months prepared",
      count: ({ db }) => countUnsealed(db),
      run: maintainAuditLog,
    },
  ],
  [
    "signing_keys",
    {
      what: "signing keys rotated",
      count: async (deps) => Number(await isRotationDue(deps)),
      run: async (deps) => Number(await maintainSigningKeys(deps)),
    },
  ],
]);
