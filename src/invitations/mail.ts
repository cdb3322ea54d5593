import { linkFor } from "../auth/mails/links.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { sendProof } from "../mail/send.ts";
import { readSettings } from "../tenant-settings/settings.ts";

type Invited = { tenantId: string; email: string; expiresAt: Date };

/** In the tenant's language, else in that of whoever invites: nothing is known of the reader yet. */
export async function sendInvitation(
  tx: Transaction,
  ctx: AuthedContext,
  { tenantId, email, expiresAt }: Invited,
  token: string,
): Promise<void> {
  const tenant = await tx.tenant.findFirstOrThrow({
    where: { id: tenantId },
    select: { name: true, settings: true },
  });
  await sendProof(tx, ctx, {
    template: "invitation",
    to: email,
    language: readSettings(tenant.settings).locale ?? ctx.origin.language,
    link: linkFor(ctx, "invitation", token),
    tenant: tenant.name,
    minutes: Math.round((expiresAt.getTime() - Date.now()) / 60_000),
  });
}
