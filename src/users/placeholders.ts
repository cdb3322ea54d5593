/**
 * What a tenant may say of an address where one address is one account in the whole installation (EMAIL_SCOPE=global).
 * Anybody may own a tenant, so its word proves nothing: neither that the address is theirs, nor whose the password is that
 * it sets. And no answer may tell it who has an account elsewhere. A user whom it makes with an address that has an
 * account already is a placeholder: to the tenant a user like any other, but nobody logs in as one and no mail goes to one, for
 * the address means the account that was there first. In the database its email_scope is its tenant, where that of an
 * account is NULL. With EMAIL_SCOPE=tenant a tenant has addresses of its own, and nothing of this applies.
 */
import { type PasswordOrigin, Prisma } from "../../generated/prisma/client.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext, Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { violatesUnique } from "../db/failures.ts";
import { LIVE_ACCOUNT_SQL } from "../db/live.ts";
import { touchedBy } from "../db/touch.ts";
import { ApiError } from "../errors.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { revokeApiKeysOf } from "./revoke-api-keys.ts";

/** Whether what the caller says of an address is a fact: that of a platform account, or of a tenant with its own ones. */
export function isBelieved({ principal, config }: AuthedContext): boolean {
  return principal.tenantId === null || config.emailScope === "tenant";
}

/** Whose a password is that the caller sets for somebody else. */
export function originOfGiven({ principal }: AuthedContext): PasswordOrigin {
  return principal.tenantId === null ? "vouched" : "tenant";
}

/** Whether a password that somebody else gave is taken for the person's: on the word of those whose word counts. */
export function isVouchedFor(
  ctx: Pick<Context, "config">,
  tenantId: string | null,
  origin: PasswordOrigin,
): boolean {
  return origin === "vouched" || (origin === "tenant" && emailScopeOf(ctx, tenantId) !== null);
}

/** The `emailScope` of a tenant's account: in which its address is unique. */
export function emailScopeOf(
  { config }: Pick<Context, "config">,
  tenantId: string | null,
): string | null {
  return config.emailScope === "tenant" ? tenantId : null;
}

/**
 * Whether nobody but the tenant has said whose the address is, as SQL. What strangers do with such an address stands in
 * no log that the tenant reads: of a placeholder there would be nothing, and that would tell it from an account.
 */
export const IS_HEARSAY_SQL = `(users.tenant_id IS NOT NULL AND users.email_scope IS NULL
  AND users.email_verified_at IS NULL AND users.password_origin <> 'own')`;

/** As IS_HEARSAY_SQL. */
export function isHearsay(user: {
  tenantId: string | null;
  emailScope: string | null;
  emailVerifiedAt: Date | null;
  passwordOrigin: PasswordOrigin;
}): boolean {
  return (
    user.tenantId !== null &&
    user.emailScope === null &&
    user.emailVerifiedAt === null &&
    user.passwordOrigin !== "own"
  );
}

/**
 * Gives a placeholder its address, if nobody has it by now; else it stays one. For users who come back as placeholders:
 * an UPDATE cannot leave a conflict out, as an INSERT can. Both ends take as many statements.
 * @throws ApiError `email_taken`, to a platform account: it sees who has the address.
 */
export async function settlePlaceholder(
  tx: Transaction,
  ctx: AuthedContext,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<void> {
  if (tenantId === null || emailScopeOf(ctx, tenantId) !== null) return;
  await tx.$executeRaw`SAVEPOINT placeholder`;
  try {
    await tx.user.update({
      where: { id, tenantId },
      data: { emailScope: null },
      select: { id: true },
    });
  } catch (err) {
    if (!violatesUnique(err, "users_live_email")) throw err;
    if (isBelieved(ctx)) throw emailTaken(err);
    await tx.$executeRaw`ROLLBACK TO SAVEPOINT placeholder`;
    return;
  }
  await tx.$executeRaw`RELEASE SAVEPOINT placeholder`;
}

/**
 * Locks the placeholder with an address in a tenant, if there is one, and answers its id. To be called before the grants of the
 * tenant are locked (roles/held.ts), whoever will end it afterwards.
 */
export async function lockPlaceholder(
  tx: Transaction,
  { tenantId, email }: { tenantId: string; email: string },
): Promise<string | null> {
  const [placeholder] = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM users
    WHERE tenant_id = ${tenantId}::uuid AND email = ${email} AND email_scope = tenant_id AND NOT is_deleted
    FOR UPDATE`;
  return placeholder?.id ?? null;
}

/**
 * Whether an account keeps an address that nobody can prove there: it never was, and no mail and no log-in gets through to a
 * user or tenant that is not active. A stranger could so keep a hundred thousand people out of the installation.
 */
export function isBarred(
  ctx: Pick<Context, "config">,
  account: { tenantId: string | null; verified: boolean; active: boolean },
): boolean {
  const { tenantId, verified, active } = account;
  return tenantId !== null && emailScopeOf(ctx, tenantId) === null && !verified && !active;
}

/** Makes a placeholder of an account that is barred, for somebody who comes with a proof of the address. */
export async function freeBarred(
  tx: Transaction,
  ctx: Pick<Context, "config">,
  email: string,
): Promise<void> {
  if (ctx.config.emailScope === "tenant") return;
  await tx.$executeRaw`
    UPDATE users SET email_scope = users.tenant_id FROM tenants
    WHERE tenants.id = users.tenant_id AND users.email = ${email} AND users.email_scope IS NULL
      AND NOT users.is_deleted AND users.email_verified_at IS NULL
      AND NOT ${Prisma.raw(LIVE_ACCOUNT_SQL)}`;
}

/**
 * Ends the placeholder with an address in a tenant, now that the person comes there themselves.
 * @param personId who comes: the audit log names them as the one who did it.
 */
export async function endPlaceholder(
  tx: Transaction,
  ctx: Context,
  { tenantId, email, personId }: { tenantId: string; email: string; personId: string },
): Promise<void> {
  if (emailScopeOf(ctx, tenantId) !== null) return;
  const id = await lockPlaceholder(tx, { tenantId, email });
  if (id === null) return;
  const deletedAt = new Date();
  await tx.user.update({
    where: { id, tenantId },
    data: {
      isDeleted: true,
      deletedAt,
      pendingEmail: null,
      ...touchedBy(personId, deletedAt),
    },
    select: { id: true },
  });
  await revokeApiKeysOf(tx, ctx, { id, tenantId });
  await revokeSessions(tx, ctx, { userId: id, tenantId }, "user_deleted");
  await recordAudit(
    tx,
    ctx,
    {
      action: "user.deleted",
      resourceType: "user",
      resourceId: id,
      tenantId,
      details: { reason: "joined_in_person" },
    },
    personId,
  );
}

export function emailTaken(cause?: unknown): ApiError {
  return new ApiError("email_taken", undefined, { cause });
}
