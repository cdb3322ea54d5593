/**
 * Taking the end of one's own account back, by the link of the mail that told of it. Not by logging in: of an account that its
 * person wanted gone an app that logs in by itself, or a password that somebody has guessed, would bring everything back.
 * The link logs nobody in: whoever reads the mailbox alone has the account no more than before, since its password and its
 * second factor are asked for as ever.
 */
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { Context } from "../../context.ts";
import { hashToken } from "../../crypto/secret.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { holdTenant } from "../../db/tenant-locks.ts";
import { ApiError } from "../../errors.ts";
import { freeSeats } from "../../tenants/admission.ts";
import { emailTaken, withEmailTaken } from "../../users/create.ts";
import { invalidMailedToken } from "../mails/mailed-token.ts";
import { goneBefore } from "./grace.ts";
import type { RestoreAccountInput } from "./schemas.ts";

type Ended = { id: string; endedAt: Date };
type Member = { id: string; tenantId: string | null };

/**
 * Brings the account back as it was, with the users that ended with it: but for tenants that are gone by now, have no seat left,
 * or somebody else with the address. Sessions and API keys stay ended.
 * @throws ApiError `invalid_one_time_token`; `email_taken` where the address has another account by now; `seat_limit` where no
 * tenant at all has a seat.
 */
export async function restoreAccount(ctx: Context, { token }: RestoreAccountInput): Promise<void> {
  const undoHash = hashToken(token);
  await commit(ctx, async (tx) => {
    const ended = await findEnded(tx, ctx, undoHash);
    if (!ended) throw invalidMailedToken();
    const admitted = await admit(tx, await membersOf(tx, ended));
    // The tenants before the account, and then again: of two at once the second one finds it back.
    const back = await tx.account.updateManyAndReturn({
      where: { id: ended.id, isDeleted: true, undoHash: Uint8Array.from(undoHash) },
      data: { endedAt: null, undoHash: null },
      select: { id: true },
    });
    if (back.length === 0) throw invalidMailedToken();
    const users = await withEmailTaken(bringBack(tx, admitted));
    const [user] = users;
    // Somebody has the address in each of them.
    if (!user) throw emailTaken();
    const event = {
      action: "user.account_restored",
      user: { ...user, accountId: ended.id },
    } as const;
    await recordAccountEvent(tx, ctx, event, user.id);
  });
}

async function findEnded(
  tx: Transaction,
  ctx: Context,
  undoHash: Buffer,
): Promise<Ended | undefined> {
  const [ended] = await tx.$queryRaw<Ended[]>`
    SELECT id, ended_at AS "endedAt" FROM accounts
    WHERE undo_hash = ${undoHash} AND ended_at IS NOT NULL AND ended_at > ${goneBefore(ctx)}`;
  return ended;
}

/** Those that ended with the account, and not before; of tenants that are there. */
function membersOf(tx: Transaction, { id, endedAt }: Ended): Promise<Member[]> {
  return tx.$queryRaw<Member[]>`
    SELECT users.id, users.tenant_id AS "tenantId" FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
    WHERE account_id = ${id}::uuid AND users.is_deleted AND users.deleted_at = ${endedAt}
      AND (users.tenant_id IS NULL OR NOT tenants.is_deleted)
    ORDER BY users.tenant_id`;
}

/** @throws ApiError `seat_limit`; `invalid_one_time_token` where there is nothing left to come back to. */
async function admit(tx: Transaction, members: Member[]): Promise<Member[]> {
  if (members.length === 0) throw invalidMailedToken();
  const admitted: Member[] = [];
  for (const member of members) {
    if (member.tenantId !== null) await holdTenant(tx, member.tenantId);
    if ((await freeSeats(tx, member.tenantId)) > 0) admitted.push(member);
  }
  if (admitted.length === 0) throw new ApiError("seat_limit");
  return admitted;
}

/** With the first of them a trigger brings the account back. */
function bringBack(tx: Transaction, members: Member[]): Promise<Member[]> {
  const ids = members.map(({ id }) => id);
  return tx.$queryRaw<Member[]>`
    UPDATE users SET is_deleted = false, deleted_at = NULL, updated_by = id, updated_at = now(), version = version + 1
    WHERE id = ANY(${ids}::uuid[]) AND is_deleted AND NOT EXISTS (
      SELECT FROM users AS other
      WHERE other.tenant_id = users.tenant_id AND other.email = users.email AND NOT other.is_deleted)
    RETURNING id, tenant_id AS "tenantId"`;
}
