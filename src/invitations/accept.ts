import { poolOfPerson } from "../accounts/pool.ts";
import { recordAudit } from "../audit/record.ts";
import { addressHolder } from "../auth/address/taken.ts";
import { tokenAnswer } from "../auth/answer.ts";
import { completeLogin } from "../auth/login/complete-login.ts";
import type { TokenAnswer } from "../auth/schemas.ts";
import type { Context } from "../context.ts";
import { hashedFor } from "../crypto/password.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { ApiError } from "../errors.ts";
import { readSettings } from "../tenant-settings/settings.ts";
import { insertUser } from "../users/create.ts";
import { assertAcceptablePassword } from "../users/password-policy.ts";
import { findAdded } from "./added.ts";
import { findInvitation, invalidInvitation, takeInvitation } from "./open.ts";
import { endProvisional } from "./provisional.ts";
import type { AcceptInvitationInput, InvitationPreview, InvitationTokenInput } from "./schemas.ts";

/** What a link offers, for whoever holds it. @throws ApiError `invalid_one_time_token` */
export async function inspectInvitation(
  ctx: Context,
  { token }: InvitationTokenInput,
): Promise<InvitationPreview> {
  const found = (await findInvitation(ctx.db, token)) ?? (await findAdded(ctx.db, token));
  if (!found) throw invalidInvitation();
  return {
    tenant: { name: found.tenant.name },
    email: found.email,
    expiresAt: found.expiresAt.toISOString(),
  };
}

/**
 * Makes the account of somebody who was invited, and logs them in. The link proves the address: it went nowhere else.
 * @throws ApiError `invalid_one_time_token`, `email_taken` (an account is there: log in and join), `overloaded`;
 * ValidationError.
 */
export async function acceptInvitation(
  ctx: Context,
  { token, password, ...input }: AcceptInvitationInput,
): Promise<TokenAnswer> {
  const found = await findInvitation(ctx.db, token);
  if (!found) throw invalidInvitation();
  const { email, tenant, tenantId } = found;
  const names = { firstName: input.firstName ?? null, lastName: input.lastName ?? null };
  const poolId = poolOfPerson(ctx, { tenantId, settings: readSettings(tenant.settings) });
  if (await addressHolder(ctx.db, poolId, email)) throw logInToAccept();
  await assertAcceptablePassword(ctx.config, password, { email, ...names, tenant });
  // Before the transaction: a connection must not wait for the queue of hashes.
  const passwordHash = await ctx.passwords.hash(password, hashedFor(ctx, found));

  const outcome = await commit(ctx, async (tx) => {
    const id = newId();
    const invitation = await takeInvitation(tx, ctx, found, { id });
    if (!invitation) return null;
    const { roles, inviterId } = invitation;
    const roleIds = roles.map((role) => role.id);
    const emailVerifiedAt = new Date();
    await endProvisional(tx, ctx, { tenantId, email, personId: id });
    await insertUser(
      tx,
      ctx,
      {
        id,
        tenantId,
        email,
        ...names,
        passwordHash,
        passwordOrigin: "own",
        emailVerifiedAt,
        roleIds,
        createdBy: inviterId,
      },
      { hasSeat: true, poolId },
    );
    await recordAudit(
      tx,
      ctx,
      {
        action: "invitation.accepted",
        resourceType: "invitation",
        resourceId: invitation.id,
        tenantId,
        details: { userId: id, roles: roles.map((role) => role.name) },
      },
      id,
    );
    return completeLogin(tx, ctx, { id, tenantId, accountId: id }, { methods: ["pwd"] });
  });
  if (!outcome) throw invalidInvitation();
  if (!("session" in outcome))
    throw new Error("an account that is new has one tenant and one factor");
  return tokenAnswer(ctx, outcome.user, outcome.session);
}

/** To the holder of the link, so to the owner of the address: they know whether they have an account. */
function logInToAccept(): ApiError {
  return new ApiError("email_taken", "Log in to accept the invitation: POST /v1/invitations/join.");
}
