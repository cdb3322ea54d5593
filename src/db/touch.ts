import type { Principal } from "../principal.ts";

/** What every change of a user or tenant also sets. Not a database default: a log-in must not look like an edit. */
export function touch({ principal }: { principal: Pick<Principal, "userId"> }) {
  return touchedBy(principal.userId);
}

/** The same of a change that somebody makes without a session: by a link, or as whom they join. */
export function touchedBy(userId: string, updatedAt = new Date()) {
  return { updatedBy: userId, updatedAt, version: { increment: 1 } };
}
