/** What is done with the jobs of each queue. */
import { maintainAuditLog, warnOfDueMonths } from "./audit/partitions.ts";
import { handleMailRequest } from "./auth/email/mail-requests.ts";
import type { Deps } from "./context.ts";
import { maintainSigningKeys } from "./crypto/rotate-signing-keys.ts";
import { inBackground } from "./db/scope.ts";
import { cleanUp } from "./jobs/clean-up.ts";
import type { JobHandlers } from "./jobs/jobs.ts";
import { deliver } from "./mail/deliver.ts";
import { purgeDeletedTenants } from "./tenants/purge.ts";

export function createJobHandlers(deps: Deps): JobHandlers {
  const handlers: JobHandlers = {
    mail: (data, job) => deliver(deps, data, job),
    notice: (data, job) => deliver(deps, data, job),
    mail_request: (data) => handleMailRequest(deps, data),
    signing_keys: () => maintainSigningKeys(deps),
    audit: () => maintainAuditLog(deps),
    async clean_up() {
      await cleanUp(deps);
      await purgeDeletedTenants(deps);
      await warnOfDueMonths(deps);
    },
  };
  // Background work is nobody's: each job names the tenant that it is about.
  const entries = Object.entries(handlers).map(([queue, handle]) => [
    queue,
    (...args: Parameters<typeof handle>) => inBackground(() => handle(...args)),
  ]);
  return Object.fromEntries(entries);
}
