import type { Context } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import { commit } from "../../db/commit.ts";
import { newId } from "../../db/id.ts";
import { ApiError } from "../../errors.ts";
import { assertAcceptablePassword } from "../../users/password-policy.ts";
import { sendVerification } from "../address/verify-email.ts";
import { tokenAnswer } from "../answer.ts";
import type { ChallengeAnswer } from "../mails/schemas.ts";
import type { TokenAnswer } from "../schemas.ts";
import { beginRegistration } from "./complete-registration.ts";
import { insertRegistration } from "./insert-registration.ts";
import type { RegisterInput } from "./schemas.ts";

/**
 * Makes a tenant and its owner, and logs the owner in. With EMAIL_VERIFICATION=required it only sends a mail, and the
 * answer is the same for an address that has an account.
 * @throws ApiError `registration_closed`, `slug_taken`, `email_taken`, `validation_failed`, `overloaded`.
 */
export async function register(
  ctx: Context,
  input: RegisterInput,
): Promise<TokenAnswer | ChallengeAnswer> {
  if (ctx.config.registration === "closed") throw new ApiError("registration_closed");
  await assertAcceptablePassword(ctx.config, input.password, input);
  const { email, tenant } = input;
  const registration = {
    email,
    tenant,
    firstName: input.firstName ?? null,
    lastName: input.lastName ?? null,
    passwordHash: await ctx.passwords.hash(input.password, hashedFor(ctx)),
  };
  if (ctx.config.emailVerification === "required") return beginRegistration(ctx, registration);

  const { user, session } = await commit(ctx, async (tx) => {
    const account = { tenantId: newId(), userId: newId(), emailVerifiedAt: null };
    const made = await insertRegistration(tx, ctx, { ...registration, ...account });
    await sendVerification(tx, ctx, made.user, made.session.sessionId);
    return made;
  });
  return tokenAnswer(ctx, user, session);
}
