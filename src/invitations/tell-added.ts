/** The mail by which somebody who has an account learns that a tenant has added them. */
import { standingOfPool } from "../accounts/settle.ts";
import { linkFor } from "../auth/mails/links.ts";
import type { Context } from "../context.ts";
import { commit } from "../db/commit.ts";
import { sendProof } from "../mail/send.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import { lockActiveTenant } from "../tenants/lock.ts";

const LINK_DAYS = 7;

type Added = { id: string; accountId: string; email: string };

/** The job: a mail to each whose address has a shared account that was proved, and opens some tenant. Tried again, it writes to nobody twice. */
export async function sendAddedMails(
  ctx: Context,
  { userIds, tenantId }: { userIds: string[]; tenantId: string },
): Promise<void> {
  // Not by `=`: that would let the planner read all users or accounts of the tenant, for the few that are asked about. And
  // with values in sub-selects, which make no plan look better than another: it is planned once, not for each job.
  const added = await ctx.db.$queryRaw<Added[]>`
    SELECT users.id, users.account_id AS "accountId", users.email
    FROM users JOIN accounts ON accounts.id = users.account_id
      JOIN accounts AS known ON known.email = accounts.email AND known.pool_id IS NULL AND NOT known.is_deleted
        AND known.email_verified_at IS NOT NULL AND keeps_address(known.id)
    WHERE users.id = ANY ((SELECT ${userIds}::uuid[])::uuid[]) AND users.tenant_id IS NOT DISTINCT FROM (SELECT ${tenantId}::uuid)
      AND NOT users.is_deleted
      AND accounts.pool_id IS NOT DISTINCT FROM (SELECT ${tenantId}::uuid) AND NOT EXISTS (
        SELECT FROM one_time_tokens AS sent
        WHERE sent.user_id = users.id AND purpose = 'join_tenant' AND used_at IS NULL AND expires_at > now())`;
  for (const user of added) await sendAddedMail(ctx, tenantId, user);
}

/**
 * The same for all whom somebody has made since shortly before `askedAt`, which is the database's time as theirs is. Whoever
 * counted on the job was perhaps made in a transaction that had begun before that of the job.
 */
export async function sendAddedMailsLately(
  ctx: Context,
  { tenantId, createdBy }: { tenantId: string; createdBy: string },
  askedAt: Date,
): Promise<void> {
  const since = new Date(askedAt.getTime() - 2 * ctx.config.databaseTimeoutSeconds * 1000);
  // The live ones alone: by when they were made an index tells of no others.
  const made = await ctx.db.user.findMany({
    where: { tenantId, createdBy, createdAt: { gte: since }, isDeleted: false },
    select: { id: true },
  });
  const userIds = made.map(({ id }) => id);
  if (userIds.length > 0) await sendAddedMails(ctx, { tenantId, userIds });
}

async function sendAddedMail(
  ctx: Context,
  tenantId: string,
  { id, accountId, email }: Added,
): Promise<void> {
  await commit(ctx, async (tx) => {
    if (!(await lockActiveTenant(tx, tenantId))) return;
    // The tenant may keep its own accounts by now.
    if ((await standingOfPool(tx, ctx, accountId)) !== "provisional") return;
    const tenant = await tx.tenant.findFirstOrThrow({
      where: { id: tenantId },
      select: { name: true },
    });
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "join_tenant",
      user: { id, tenantId },
      email,
      ttlSeconds: LINK_DAYS * 86_400,
    });
    await sendProof(
      tx,
      ctx,
      { email, tenantId },
      {
        template: "added_to_tenant",
        link: linkFor(ctx, "join_tenant", token),
        tenant: tenant.name,
        minutes: LINK_DAYS * 1440,
      },
    );
  });
}
