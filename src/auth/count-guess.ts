import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { requestMail } from "./email/mail-requests.ts";
import { countFailure } from "./throttle.ts";

/**
 * Counts a wrong proof by somebody who is past the first step, or within a session: as at login, and as there the owner
 * is mailed a way out when the account locks by it.
 */
export async function countGuess(
  tx: Transaction,
  ctx: Context,
  { id, tenantId, known }: { id: string; tenantId: string | null; known?: boolean },
): Promise<void> {
  if (!(await countFailure(tx, id, known))) return;
  const user = await tx.user.findFirst({
    where: { id, tenantId },
    select: { email: true, tenant: { select: { slug: true } } },
  });
  if (user)
    await requestMail(ctx, { kind: "unlock", email: user.email, tenant: user.tenant?.slug }, tx);
}
