import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { newId } from "../db/id.ts";
import { ApiError } from "../errors.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";
import { startSession } from "../sessions/start.ts";
import { insertTenant } from "../tenants/create.ts";
import { insertUser } from "../users/create.ts";
import { assertAcceptablePassword } from "../users/password-policy.ts";
import { tokenAnswer } from "./answer.ts";
import type { RegisterInput, TokenAnswer } from "./schemas.ts";

/**
 * Makes a tenant and its owner, and logs the owner in.
 * @throws ApiError `registration_closed`, `slug_taken`, `email_taken`, `validation_failed`, `overloaded`.
 */
export async function register(ctx: Context, input: RegisterInput): Promise<TokenAnswer> {
  if (ctx.config.registration === "closed") {
    throw new ApiError(
      "registration_closed",
      "New tenants are made by the operator of this installation.",
    );
  }
  await assertAcceptablePassword(ctx.config, input.password, input);
  const passwordHash = await ctx.passwords.hash(input.password);

  const tenantId = newId();
  const userId = newId();
  const { user, session } = await ctx.db.$transaction(async (tx) => {
    await insertTenant(tx, { id: tenantId, ...input.tenant, createdBy: userId });
    const user = await insertUser(tx, ctx, {
      id: userId,
      tenantId,
      email: input.email,
      firstName: input.firstName ?? null,
      lastName: input.lastName ?? null,
      passwordHash,
      roleIds: [SYSTEM_ROLES.owner],
      createdBy: userId,
    });
    const session = await startSession(tx, ctx, user, ["pwd"]);
    await recordAudit(
      tx,
      ctx,
      { action: "tenant.created", resourceType: "tenant", resourceId: tenantId, tenantId },
      userId,
    );
    await recordAudit(
      tx,
      ctx,
      { action: "auth.registered", resourceType: "user", resourceId: userId, tenantId },
      userId,
    );
    return { user, session };
  });
  return tokenAnswer(ctx, user, session);
}
