import type { Principal } from "../principal.ts";

/** What every change of a user or tenant also sets. Not a database default: a log-in must not look like an edit. */
export function touch({ principal }: { principal: Principal }) {
  return { updatedBy: principal.userId, updatedAt: new Date(), version: { increment: 1 } };
}
