import type { AuthedContext } from "../context.ts";

/** What every change of a user or tenant also sets. Not a database default: a log-in must not look like an edit. */
export function touch(ctx: AuthedContext) {
  return { updatedBy: ctx.principal.userId, updatedAt: new Date(), version: { increment: 1 } };
}
