import { linkFor } from "../auth/mails/links.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { sendProof } from "../mail/send.ts";

type Invited = { tenantId: string; email: string; expiresAt: Date };

/** To somebody of whom the tenant alone is known: it is in the tenant's language, else in that of whoever invites. */
export async function sendInvitation(
  tx: Transaction,
  ctx: AuthedContext,
  { tenantId, email, expiresAt }: Invited,
  token: string,
): Promise<void> {
  const tenant = await tx.tenant.findFirstOrThrow({
    where: { id: tenantId },
    select: { name: true },
  });
  await sendProof(
    tx,
    ctx,
    { email, tenantId },
    {
      template: "invitation",
      link: linkFor(ctx, "invitation", token),
      tenant: tenant.name,
      minutes: Math.round((expiresAt.getTime() - Date.now()) / 60_000),
    },
  );
}
