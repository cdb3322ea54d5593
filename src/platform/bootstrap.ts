import { recordAudit } from "../audit/record.ts";
import { completeLogin, loginAnswer } from "../auth/login/complete-login.ts";
import type { LoginAnswer } from "../auth/schemas.ts";
import type { Context } from "../context.ts";
import { hashedFor } from "../crypto/password.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { ApiError } from "../errors.ts";
import { findToken, redeemToken } from "../one-time-tokens/redeem.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";
import { insertUser } from "../users/create.ts";
import { assertAcceptablePassword } from "../users/password-policy.ts";
import { hasSuperAdmin, lockBootstrap } from "./announce-bootstrap.ts";
import { recoverSuperAdmin } from "./recover.ts";
import type { BootstrapInput } from "./schemas.ts";
import { hasLiveSuperAdmin, type WayInPayload } from "./way-in.ts";

const PURPOSES = ["bootstrap"] as const;

/**
 * Makes the first super admin, with the token that the server wrote on its console, and logs them in. Afterwards no
 * token is right any more, but for one that an operator made at the console (way-in.ts): with that the super admin whom it
 * is for sets a new password and has no factor any more. @throws ApiError `invalid_one_time_token` whatever is wrong with it, `email_taken`,
 * `overloaded`; ValidationError for a password that the policy refuses, which leaves the token as it is.
 */
export async function bootstrap(ctx: Context, input: BootstrapInput): Promise<LoginAnswer> {
  // Only whoever holds the token makes the server work out a hash.
  const known = await findToken(ctx.db, ctx, PURPOSES, input.token);
  if (!known) throw await refuse(ctx);
  await assertAcceptablePassword(ctx.config, input.password, { ...input, tenant: null });
  const passwordHash = await ctx.passwords.hash(input.password, hashedFor(ctx));

  const outcome = await commit(ctx, async (tx) => {
    await lockBootstrap(tx);
    if (known.userId !== null)
      return recoverSuperAdmin(tx, ctx, { ...input, userId: known.userId, passwordHash });
    const { another = false } = (known.payload as WayInPayload) ?? {};
    if (await (another ? hasLiveSuperAdmin(tx) : hasSuperAdmin(tx))) return null;
    if (!(await redeemToken(tx, ctx, PURPOSES, input.token))) return null;
    const id = await insertSuperAdmin(tx, ctx, input, passwordHash);
    return completeLogin(tx, ctx, { id, tenantId: null, accountId: id }, { methods: ["pwd"] });
  });
  if (!outcome) throw await refuse(ctx);
  return loginAnswer(ctx, outcome);
}

async function insertSuperAdmin(
  tx: Transaction,
  ctx: Context,
  { email, firstName, lastName }: BootstrapInput,
  passwordHash: string,
): Promise<string> {
  const id = newId();
  await insertUser(tx, ctx, {
    id,
    tenantId: null,
    email,
    firstName: firstName ?? null,
    lastName: lastName ?? null,
    passwordHash,
    passwordOrigin: "own",
    // Whoever reads the server's console says which address is theirs: no mail could make that surer.
    emailVerifiedAt: new Date(),
    roleIds: [SYSTEM_ROLES.super_admin],
    createdBy: id,
  });
  const entry = { resourceType: "user", resourceId: id, tenantId: null };
  await recordAudit(tx, ctx, { action: "platform.bootstrapped", ...entry }, id);
  return id;
}

async function refuse(ctx: Context): Promise<ApiError> {
  await commit(ctx, (tx) =>
    recordAudit(tx, ctx, {
      action: "platform.bootstrap_failed",
      resourceType: "user",
      tenantId: null,
      outcome: "failure",
    }),
  );
  return new ApiError(
    "invalid_one_time_token",
    "The token is wrong, used or expired. The server writes a new one when it starts, while there is no super admin; later an operator makes one at the console.",
  );
}
