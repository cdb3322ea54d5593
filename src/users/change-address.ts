/**
 * Changing an address, by whomever: the new one counts once it is proved. Until then it waits in `pending_email`, and the
 * old one logs in and gets the mail: whoever can change an address must not have the account by that.
 */
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { ApiError } from "../errors.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { admitAddress } from "../tenants/admission.ts";
import type { LockedUser } from "./scope.ts";

/**
 * Who has begun a change, which says what completes it. The owner: link or code, within a session of theirs. A machine: the
 * link within a session of the owner, or a key with `user:update`, whose holder reads the new mailbox, would become a
 * session of anybody. Somebody of the tenant in person, or a platform account in person: see `linkIsEnough`.
 */
export type BegunBy = "owner" | "machine" | "administrator" | "platform";

/**
 * Whether the link alone completes a change, for whoever cannot log in. Where nobody ever proved an address of the account it
 * is enough that a person has asked: what was set up before goes. Where one was proved the account keeps its password and
 * factors, so the word of a tenant is not enough: it could have an account of its own take the address of somebody who
 * clicks, and still log in to it when that person joins another tenant (R69). A platform account's word is.
 */
export function linkIsEnough(begunBy: BegunBy, isProved: boolean): boolean {
  return begunBy === "platform" || (begunBy === "administrator" && !isProved);
}

/** The request for the mail: a job, which looks whether the address is free and tells nobody here (R70). */
export type AddressChange = {
  kind: "change_email";
  userId: string;
  tenantId: string | null;
  email: string;
  begunBy: BegunBy;
  /** The session that the owner's link and code are for. */
  sessionId: string | null;
};

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
  if (sessionId !== null)
    await assertSessionLives(tx, { principal: { ...ctx.principal, sessionId } });
  const begunBy = beginner(ctx, id);
  if (isCallOff) {
    await tx.oneTimeToken.updateMany({
      where: { userId: id, tenantId, purpose: "change_email", usedAt: null },
      data: { usedAt: new Date() },
    });
  } else {
    await admitAddress(tx, tenantId, email);
    const request: AddressChange = {
      kind: "change_email",
      userId: id,
      tenantId,
      email,
      begunBy,
      sessionId: begunBy === "owner" ? sessionId : null,
    };
    const job = { request, origin: ctx.origin };
    // By the hundred, perhaps: what readers have asked for themselves goes first (R74).
    if (ctx.mailer.mayQueue("request change_email", email))
      await ctx.jobs.send("mail_request", job, tx, { isUrgent: begunBy === "owner" });
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
  { id, tenantId }: Pick<LockedUser, "id" | "tenantId">,
  email: string,
): Promise<void> {
  const emailScope = ctx.config.emailScope === "tenant" ? tenantId : null;
  const everywhere = ctx.principal.tenantId === null ? [{ emailScope }] : [];
  const taken = await tx.user.count({
    where: { email, isDeleted: false, id: { not: id }, OR: [{ tenantId }, ...everywhere] },
  });
  if (taken > 0) throw new ApiError("email_taken", "Another account has this address.");
}

function beginner({ principal }: AuthedContext, userId: string): BegunBy {
  if (principal.apiKeyId !== null) return "machine";
  if (principal.userId === userId.toLowerCase()) return "owner";
  return principal.tenantId === null ? "platform" : "administrator";
}
