import type { Config } from "../../config.ts";

const DAY_MILLIS = 86_400_000;

/** When an account that its person ended then cannot be taken back any more: as long as a deleted tenant can. */
export function timeIsOver({ config }: { config: Config }, endedAt: Date): Date {
  return new Date(endedAt.getTime() + config.tenantGraceDays * DAY_MILLIS);
}

/** Accounts that were ended before are gone for good. */
export function goneBefore({ config }: { config: Config }): Date {
  return new Date(Date.now() - config.tenantGraceDays * DAY_MILLIS);
}
