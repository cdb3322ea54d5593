/**
 * Changing an address, by whomever: the new one counts once it is proved. Until then it waits in `pending_email`, and the
 * old one logs in and gets the mail: whoever can change an address must not have the account by that.
 */
import { poolOfPerson } from "../accounts/pool.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { KEEPS_ADDRESS } from "../db/live.ts";
import { type BegunBy, requestMail } from "../mail/requests.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { settingsOf } from "../tenant-settings/settings.ts";
import { admitAddress } from "../tenants/admission.ts";
import { emailTaken } from "./create.ts";
import type { LockedUser } from "./reach.ts";

/**
 * Whether the link alone completes a change, for whoever cannot log in. Where nobody ever proved an address of the account it
 * is enough that a person has asked: what was set up before goes. Where one was proved the account keeps its password and
 * factors, so the word of a tenant is not enough: it could have an account of its own take the address of somebody who
 * clicks, and still log in to it when that person joins another tenant (R69). A platform account's word is.
 */
export function linkIsEnough(begunBy: BegunBy, isProved: boolean): boolean {
  return begunBy === "platform" || (begunBy === "administrator" && !isProved);
}

/**
 * Begins a change of the address of a user, whose row is locked, or calls one off when `email` is the address that they
 * have. The same address again sends its mail again. Answers the columns for the caller to write.
 * @throws ValidationError for an address that the tenant does not let in; ApiError `reauthentication_required` for one's
 * own, `session_required` for a machine's, `invalid_token` when the session ended meanwhile, `impersonation_forbidden`.
 */
export async function beginAddressChange(
  tx: Transaction,
  ctx: AuthedContext,
  { id, tenantId, ...user }: Pick<LockedUser, "id" | "tenantId" | "email" | "pendingEmail">,
  email: string,
): Promise<{ pendingEmail?: string | null }> {
  assertInPerson(ctx.principal, "change_address");
  const isCallOff = email === user.email;
  if (isCallOff && user.pendingEmail === null) return {};
  assertMayChangeLogin(ctx, id);
  const { sessionId } = ctx.principal;
  await assertSessionLives(tx, ctx);
  const begunBy = beginner(ctx, id);
  if (isCallOff) {
    await tx.oneTimeToken.updateMany({
      where: { userId: id, tenantId, purpose: "change_email", usedAt: null },
      data: { usedAt: new Date() },
    });
  } else {
    await admitAddress(tx, tenantId, email);
    const owners = begunBy === "owner" ? sessionId : null;
    const request = { kind: "change_email", userId: id, tenantId, email, begunBy } as const;
    await requestMail(ctx, { ...request, sessionId: owners }, tx);
  }
  await recordAudit(tx, ctx, {
    action: isCallOff ? "user.email_change_called_off" : "user.email_change_requested",
    resourceType: "user",
    resourceId: id,
    tenantId,
    details: { begunBy },
  });
  return { pendingEmail: isCallOff ? null : email };
}

/**
 * Says at once that an address is taken to whoever may see by whom: the people of a tenant in their tenant, platform
 * accounts everywhere. Of an account elsewhere nobody is told; the mail says it to its owner.
 * @throws ApiError `email_taken`.
 */
export async function assertNotTakenHere(
  tx: Transaction,
  ctx: AuthedContext,
  { id, tenantId, accountId, poolId }: LockedUser & { accountId: string },
  email: string,
): Promise<void> {
  const here = await tx.user.count({
    where: { email, tenantId, isDeleted: false, id: { not: id } },
  });
  if (here > 0) throw emailTaken();
  if (ctx.principal.tenantId !== null) return;
  // In its own pool, and in that to which the proof of the address will take it (accounts/settle.ts).
  const settled = poolOfPerson(ctx, { tenantId, settings: await settingsOf(tx, tenantId) });
  const inPools = await tx.account.count({
    where: {
      email,
      OR: [{ poolId }, { poolId: settled }],
      ...KEEPS_ADDRESS,
      id: { not: accountId },
    },
  });
  if (inPools > 0) throw emailTaken();
}

function beginner({ principal }: AuthedContext, userId: string): BegunBy {
  if (principal.apiKeyId !== null) return "machine";
  if (principal.userId === userId.toLowerCase()) return "owner";
  return principal.tenantId === null ? "platform" : "administrator";
}
